"""Means that skip what is undefined, and say how much they did not skip."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg.numerics import is_numpy, safe_ratio


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class DefinedMean:
    """A mean over the values that are defined.

    Attributes:
      mean: of those; nan of none, never 0.
      counted: how many they are.
    """

    mean: Any
    counted: Any

    def to_json(self) -> dict[str, Any]:
        """As plain lists and numbers, None for nan."""
        return {
            "mean": jsonable(self.mean),
            "counted": np.asarray(self.counted).tolist(),
        }


def defined_mean(values: Any, axis: int = 0) -> DefinedMean:
    """Mean along `axis` of what is not nan; NumPy's arrays or JAX's, jit-able."""
    xp = np if is_numpy(values) else jnp
    defined = ~xp.isnan(values)
    total = xp.where(defined, values, 0).sum(axis)
    counted = defined.sum(axis)
    return DefinedMean(mean=safe_ratio(total, counted, float("nan")), counted=counted)


def jsonable(values: Any) -> Any:
    """Numbers as Python's own, arrays as lists, nan as None."""
    values = np.asarray(values)
    if not np.issubdtype(values.dtype, np.floating):
        return values.tolist()
    return np.where(np.isnan(values), np.array(None), values).tolist()
