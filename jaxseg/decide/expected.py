"""Masks with the largest expected Dice or Jaccard of one image, and what they score."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxseg.decide import on_host, traced
from jaxseg.decide.on_host import Index
from jaxseg.decide.probabilities import checked
from jaxseg.metrics.empty import EmptyRule, check_rules
from jaxseg.numerics import is_numpy


def expected_dice_mask(probs: ArrayLike, *, empty: EmptyRule = "one") -> Any:
    """The mask of the largest expected Dice of one image.

    Pixels are foreground independently of each other, each with its own probability;
    the expectation is over all ground truths that they may have. It is exact: the mask
    is one of the most probable pixels, and the expected Dice of each number of them is
    summed up by `jaxseg.decide.exponentials`. It holds every pixel of probability above
    1/2, and of masks that are equally good the one of the fewest pixels.

    Args:
      probs: ``[...]`` foreground probabilities of one image of any size and rank; map
        over images. Those of JAX may be traced by jit and vmap.
      empty: what no pixel in mask and truth scores. "one" is 1: the empty mask is worth
        the probability that there is no foreground, and wins where that exceeds the
        best of all others. "nan" leaves images without foreground out, as an average
        over lesions does: no mask is empty then unless all probabilities are 0.

    Returns:
      ``[...]`` bool; empty where all probabilities are 0, and for no pixels. NumPy's
      arrays are worked on in float64 and give NumPy's: no mask is better by more than
      1e-12. JAX's are in float32, or float64 if they are: by more than 1e-5.

    Raises:
      ValueError: a probability is nan or outside of [0, 1]. Where it is traced and
        cannot be refused it makes the mask empty.

    Example:
      >>> probs = np.array([0.6, 0.4, 0.4, 0.1])
      >>> expected_dice_mask(probs).tolist()
      [True, True, True, False]

    Source: Dai 2023, RankSEG, JMLR 24(224), for masks as rankings; Ye 2012, Optimizing
    F-measure, ICML, for sums in O(d^2). Departs: sums of exponentials, O(d log d).
    """
    return _best_mask(probs, "dice", empty)


def expected_jaccard_mask(probs: ArrayLike, *, empty: EmptyRule = "one") -> Any:
    """The mask of the largest expected Jaccard index of one image.

    Args:
      probs: as of `expected_dice_mask`.
      empty: as of `expected_dice_mask`.

    Returns:
      ``[...]`` bool, likewise.

    Raises:
      ValueError: a probability is nan or outside of [0, 1].

    Example:
      >>> expected_jaccard_mask(np.array([0.9, 0.45, 0.3, 0.1])).tolist()
      [True, True, False, False]

    Source: Dai 2023, as `expected_dice_mask`.
    """
    return _best_mask(probs, "jaccard", empty)


def expected_dice(mask: Any, probs: ArrayLike, *, empty: EmptyRule = "one") -> Any:
    """The expected Dice of any mask of one image.

    Args:
      mask: ``[...]`` bool.
      probs: ``[...]`` foreground probabilities of independent pixels.
      empty: "one": no pixel in mask and truth scores 1. "nan" leaves truths without
        foreground out: the expectation given that there is some, nan if there is none.

    Returns:
      Scalar in [0, 1]; float64 of NumPy's arrays.

    Raises:
      ValueError: the shapes disagree, a probability is nan or outside of [0, 1].

    Example:
      >>> round(float(expected_dice(np.array([True, False]), np.array([0.5, 0.5]))), 4)
      0.4167
    """
    return _score(mask, probs, "dice", empty)


def expected_jaccard(mask: Any, probs: ArrayLike, *, empty: EmptyRule = "one") -> Any:
    """The expected Jaccard index of any mask of one image, as `expected_dice`.

    Example:
      >>> probs = np.array([0.5, 0.5])
      >>> round(float(expected_jaccard(np.array([True, False]), probs)), 4)
      0.375
    """
    return _score(mask, probs, "jaccard", empty)


def best_of_image(
    probs: np.ndarray, index: Index, empty: EmptyRule = "one"
) -> tuple[np.ndarray, float]:
    """The best mask of NumPy's probabilities and what it is expected to score.

    Under "nan" that is nan where no pixel can be foreground.
    """
    check_rules(empty)
    values = checked(probs).astype(np.float64)
    falling = np.sort(values, axis=None)[::-1]
    size, score, none = 0, 0.0, 1.0
    if falling.size and falling[0] > 0:
        size, score = on_host.best_size(falling, index)
        none = np.exp(on_host.log_of_none(falling))
    if empty == "nan":
        some = -np.expm1(on_host.log_of_none(falling)) if falling.size else 0.0
        return largest(values, falling, size), score / some if some else np.nan
    if none >= score:
        size, score = 0, float(none)
    return largest(values, falling, size), score


def largest(values: Any, falling: Any, size: Any) -> Any:
    """Mask of the `size` largest values; of equal ones, the first.

    Args:
      values: ``[...]``.
      falling: ``[d]`` the same, sorted.
      size: how many.
    """
    xp = np if is_numpy(values) else jnp
    if not values.size:
        return xp.zeros(values.shape, bool)
    least = falling[xp.clip(xp.asarray(size) - 1, 0, values.size - 1)]
    above, level = values > least, (values == least).reshape(-1)
    wanted = size - above.sum()
    first = (xp.cumsum(level) <= wanted) & level
    return (above | first.reshape(values.shape)) & (size > 0)


def _best_mask(probs: ArrayLike, index: Index, empty: EmptyRule) -> Any:
    check_rules(empty)
    values = checked(probs)
    if is_numpy(values):
        return best_of_image(values, index, empty)[0]
    if not values.size:
        return jnp.zeros(values.shape, bool)
    falling = jnp.sort(values, axis=None)[::-1]
    scores = traced.size_scores(falling, index)
    best = jnp.max(scores)
    size = 1 + jnp.argmax(scores)
    rejected = best <= 0
    if empty == "one":
        rejected |= jnp.exp(jnp.sum(jnp.log1p(-falling))) >= best
    return largest(values, falling, jnp.where(rejected | jnp.isnan(best), 0, size))


def _score(mask: Any, probs: ArrayLike, index: Index, empty: EmptyRule) -> Any:
    check_rules(empty)
    values = checked(probs)
    if np.shape(mask) != values.shape:
        raise ValueError(
            f"mask must have the shape {values.shape} of probs, not {np.shape(mask)}"
        )
    if is_numpy(values):
        return _score_on_host(np.asarray(mask, bool), values, index, empty)
    flat, inside = values.reshape(-1), jnp.asarray(mask, bool).reshape(-1)
    log_none = jnp.sum(jnp.log1p(-flat))
    alone: Array = jnp.exp(log_none) if empty == "one" else jnp.zeros((), flat.dtype)
    if flat.size:
        overlap = traced.mask_score(inside, flat, index)
        alone = jnp.where(inside.any(), overlap, alone)
    return alone if empty == "one" else alone / -jnp.expm1(log_none)


def _score_on_host(
    mask: np.ndarray, probs: np.ndarray, index: Index, empty: EmptyRule
) -> np.float64:
    values = probs.astype(np.float64)
    log_none = on_host.log_of_none(values)
    score = np.exp(log_none) if empty == "one" else 0.0
    if mask.any():
        score = on_host.mask_score(values[mask], values[~mask], index)
    if empty == "nan":
        some = -np.expm1(log_none)
        score = score / some if some else np.nan
    return np.float64(score)
