"""What a score is where a mask is empty: one vocabulary for overlaps and surfaces.

There are two situations, and a rule for each that is carried with every result:

* **Neither mask has a pixel**: there was nothing to find and nothing was found. Under
  `empty="one"` that is right: an overlap is 1, a distance 0, and all of the surface is
  within the tolerance. Under ``"nan"`` means leave the score out.
* **One mask alone has pixels**: something was missed, or invented. That is an error
  under every rule: an overlap is 0, and so is the share of the surface within the
  tolerance. A distance to a surface that is not there has no value of its own and is
  what `missed` says: the diagonal of the image, infinite, or nan, in which case a mean
  of distances leaves out the very objects that were missed, and has to be read beside
  their number.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import jax.numpy as jnp
import numpy as np

from jaxseg.numerics import is_numpy

EmptyRule = Literal["one", "nan"]
"""What a score is where neither mask has a pixel, or a ratio is 0/0 otherwise."""

MissedRule = Literal["diagonal", "infinite", "nan"]
"""What a distance is where one of two masks alone has pixels."""

EMPTY_VALUES: Mapping[str, float] = {"one": 1.0, "nan": np.nan}
MISSED_RULES: tuple[str, ...] = get_args(MissedRule)


def check_rules(empty: str, missed: str = "diagonal") -> None:
    """Raises ValueError if there is no such rule."""
    if empty not in EMPTY_VALUES:
        raise ValueError(f"empty is one of {', '.join(EMPTY_VALUES)}, not {empty!r}")
    if missed not in MISSED_RULES:
        raise ValueError(f"missed is one of {', '.join(MISSED_RULES)}, not {missed!r}")


def resolve_empty_distance(
    value: Any, masks: Any, farthest: Any, *, empty: EmptyRule, missed: MissedRule
) -> Any:
    """`value` if both masks have pixels, else what the rules say.

    Args:
      value: a distance, of any shape; NumPy's or JAX's.
      masks: how many of the two masks have pixels.
      farthest: the image's diagonal.
      empty: the rule where neither has.
      missed: the rule where one has.
    """
    one = {"nan": np.nan, "infinite": np.inf, "diagonal": farthest}[missed]
    return _select_by_masks(value, masks, one, 0.0 if empty == "one" else np.nan)


def resolve_empty_share(value: Any, masks: Any, *, empty: EmptyRule) -> Any:
    """The share of the surface within a tolerance, likewise: 0 where one has."""
    return _select_by_masks(value, masks, 0.0, EMPTY_VALUES[empty])


def _select_by_masks(both: Any, masks: Any, one: Any, neither: Any) -> Any:
    xp = np if is_numpy(both) else jnp
    return xp.where(masks == 2, both, xp.where(masks == 1, one, neither))
