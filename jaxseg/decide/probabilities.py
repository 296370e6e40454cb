"""What counts as a probability."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jaxseg.metrics.calibration import ROUNDING
from jaxseg.numerics import is_numpy, is_traced, widen


def checked(probs: ArrayLike) -> Any:
    """Probabilities in [0, 1], float32 or wider.

    Raises:
      ValueError: one is nan or further outside of [0, 1] than rounding goes. Traced
        ones become nan.
    """
    if is_numpy(probs):
        values = np.asarray(probs)
        values = values.astype(np.result_type(values, np.float32))
        _refuse(values, _is_improper(values))
        return np.clip(values, 0, 1)
    values = widen(probs)
    improper = _is_improper(values)
    if not is_traced(improper):
        _refuse(np.asarray(values), np.asarray(improper))
    return jnp.where(improper, jnp.nan, jnp.clip(values, 0, 1))


def _is_improper(values: Any) -> Any:
    return ~((values >= -ROUNDING) & (values <= 1 + ROUNDING))


def _refuse(values: np.ndarray, improper: np.ndarray) -> None:
    if improper.any():
        raise ValueError(
            f"a probability is in [0, 1], not {values[improper][0]:g}: scores become "
            "probabilities by a softmax or a sigmoid"
        )
