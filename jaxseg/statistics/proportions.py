"""The difference of two shares of the same cases, by Newcombe's interval."""

import math

import numpy as np
import scipy

from jaxseg.statistics.estimates import LEVEL, Estimate


def share_difference(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Difference of two shares of the same cases, with an interval of honest width.

    Where two methods agree on all of a few cases, a bootstrap of the differences has no
    spread at all; this interval keeps the width that so few cases call for.

    Example:
      >>> first, second = np.array([1, 1, 1, 0], bool), np.array([1, 0, 0, 0], bool)
      >>> found = share_difference(first, second)
      >>> print(f"{found.value:.2f} +- {found.below:.2f}")
      0.50 +- 0.20

    Args:
      first: ``[N]`` bool, whether it is so for each case.
      second: ``[N]`` bool, of the same cases.

    Raises:
      ValueError: the shapes disagree.

    Source: Newcombe 1998, Statist. Med. 17:2635, method 10.
    """
    if np.shape(first) != np.shape(second) or np.ndim(first) != 1:
        shapes = f"{np.shape(first)} and {np.shape(second)}"
        raise ValueError(f"answers of shapes {shapes}, wanted [N] twice")
    one, two = np.asarray(first, bool), np.asarray(second, bool)
    count = len(one)
    if not count:
        return Estimate.of_interval(math.nan, -1.0, 1.0, 0)
    share, other = float(one.mean()), float(two.mean())
    below, above = _wilson(int(one.sum()), count)
    other_below, other_above = _wilson(int(two.sum()), count)
    phi = _correlation(one, two)

    def reach(a: float, b: float) -> float:
        return math.sqrt(max(a**2 - 2 * phi * a * b + b**2, 0.0))

    mean = share - other
    return Estimate.of_interval(
        mean,
        mean - reach(share - below, other_above - other),
        mean + reach(above - share, other - other_below),
        count,
    )


def _wilson(hits: int, count: int) -> tuple[float, float]:
    found = scipy.stats.binomtest(hits, count).proportion_ci(1 - LEVEL, method="wilson")
    return float(found.low), float(found.high)


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Phi of the two by two table, its numerator cut by half a case if positive."""
    margins = [np.sum(first), np.sum(~first), np.sum(second), np.sum(~second)]
    product = math.prod(int(x) for x in margins)
    if product == 0:
        return 0.0
    agree = int(np.sum(first & second)) * int(np.sum(~first & ~second))
    differ = int(np.sum(first & ~second)) * int(np.sum(~first & second))
    top = float(agree - differ)
    if top > 0:
        top = max(top - len(first) / 2, 0.0)
    return top / math.sqrt(product)
