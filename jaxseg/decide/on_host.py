"""The best mask of NumPy arrays in float64: bounds first, then the few sizes left.

Of all masks of k pixels that of the k most probable is best, so that the number of
pixels is all there is to find. The fast score of a size is a lower bound of the
expected one (Jensen) and close to it: by ``1/(a + T) = 1/(a + m) - (T - m)/(a + m)^2 +
(T - m)^2/((a + m)^2 (a + T))`` the expected reciprocal exceeds 1/(a + m) by at most
var T / (a (a + m)^2). Sizes whose upper bound is below the largest lower bound cannot
be best; what is left, mostly a few, is summed up by the nodes of `exponentials`.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from jaxseg.decide.exponentials import Nodes, reciprocal_nodes

Index = Literal["dice", "jaccard"]
FADED = 60.0
"""A node is left out where all that it adds has a factor of exp(-60) or less."""
SMALL = 0.1
"""Up to this p times 1 - exp(-rate), a pixel is one of a sum of powers."""
POWERS = 14
CELLS = 2**17


def best_size(probs: np.ndarray, index: Index) -> tuple[int, float]:
    """The number of most probable pixels with the largest expected index, and that.

    Args:
      probs: ``[d]`` float64 in [0, 1], falling, the first > 0.
      index: whose expectation.

    Returns:
      The size, at least 1 and the smallest of equally good ones, and the expected
      index, to a relative error of 1e-12.
    """
    lower, upper = score_bounds(probs, index)
    kept = np.flatnonzero(upper >= lower.max() * (1 - 1e-12))
    first, last = int(kept[0]), int(kept[-1]) + 1
    scores = _dice_scores if index == "dice" else _jaccard_scores
    found = scores(probs, first, last)
    best = int(np.argmax(found > found.max() * (1 - 1e-14)))
    return first + 1 + best, float(found[best])


def score_bounds(probs: np.ndarray, index: Index) -> tuple[np.ndarray, np.ndarray]:
    """``[d]`` bounds of the expected index of the k most probable pixels, k from 1.

    The lower one is the reciprocal-moment approximation.
    """
    size = np.arange(1, len(probs) + 1)
    hits = np.cumsum(probs)
    if index == "dice":
        total, spread = hits[-1], np.sum(probs * (1 - probs))
        lower = 2 * hits / (size + 1 + total)
        above = 1 / (size + total) + spread / ((size + total) ** 2 * (size + 1))
        return lower, 2 * hits * above
    outside = hits[-1] - hits
    varying = np.cumsum((probs * (1 - probs))[::-1])[::-1]
    spread = np.append(varying[1:], 0)
    lower = hits / (size + outside)
    return lower, lower * (1 + spread / ((size + outside) * size))


def mask_score(inside: np.ndarray, outside: np.ndarray, index: Index) -> float:
    """The expected index of a mask with a pixel, which may be any.

    Args:
      inside: ``[k]`` float64 probabilities of the pixels in the mask, k >= 1.
      outside: ``[d - k]`` those of the others.
      index: whose expectation.
    """
    size, both = len(inside), np.concatenate([inside, outside])
    if index == "dice":
        nodes, fading = _nodes(len(both), size + both.sum())
        logs = _log_products(both, fading) - size * nodes.rates
        hits = _hit_shares(inside, fading, nodes.rates)
        return float(2 * np.sum(nodes.weights * np.exp(logs) * hits))
    nodes, fading = _nodes(len(both), size + outside.sum())
    logs = _log_products(outside, fading) - size * nodes.rates
    return float(inside.sum() * np.sum(nodes.weights * np.exp(logs)))


def log_of_none(probs: np.ndarray) -> float:
    """Log of the probability that no pixel is foreground."""
    with np.errstate(divide="ignore"):
        return float(np.log1p(-probs).sum())


def _dice_scores(probs: np.ndarray, first: int, last: int) -> np.ndarray:
    """Expected Dice of the k most probable pixels for k in (first, last].

    2 sum_q w exp(-s k) prod_i (1 - p_i y) sum_{j <= k} p_j x / (1 - p_j y), with
    x = exp(-s) and y = 1 - x.
    """
    nodes, fading = _nodes(len(probs), first + 1 + probs.sum())
    logs = _log_products(probs, fading)
    before = _hit_shares(probs[:first], fading, nodes.rates)
    sizes, nearby = np.arange(first + 1, last + 1), probs[first:last]
    scores = np.zeros(last - first)
    for part in _parts(len(nodes.rates), len(sizes)):
        rates = nodes.rates[part, None]
        hits = nearby * np.exp(-rates)
        hits = before[part, None] + np.cumsum(hits / ((1 - nearby) + hits), -1)
        terms = np.exp(logs[part, None] - rates * sizes) * hits
        scores += nodes.weights[part] @ terms
    return 2 * scores


def _jaccard_scores(probs: np.ndarray, first: int, last: int) -> np.ndarray:
    """Expected Jaccard: hits sum_q w exp(-s k) prod_{i > k} (1 - p_i y)."""
    beyond, nearby = probs[last:], probs[first:last]
    nodes, fading = _nodes(len(probs), first + 1 + beyond.sum())
    logs = _log_products(beyond, fading)
    sizes = np.arange(first + 1, last + 1)
    means = np.zeros(last - first)
    for part in _parts(len(nodes.rates), len(sizes)):
        with np.errstate(divide="ignore"):
            each = np.log1p(-nearby[1:] * fading[part, None])
        later = np.zeros((len(each), len(sizes)))
        later[:, :-1] = np.cumsum(each[:, ::-1], -1)[:, ::-1]
        later += logs[part, None] - nodes.rates[part, None] * sizes
        means += nodes.weights[part] @ np.exp(later)
    return (probs[:first].sum() + np.cumsum(nearby)) * means


def _parts(nodes: int, sizes: int) -> Iterator[slice]:
    """Some nodes at a time, so that a table of nodes and sizes stays in the cache."""
    step = max(1, CELLS // sizes)
    return (slice(start, start + step) for start in range(0, nodes, step))


def _nodes(pixels: int, least: float) -> tuple[Nodes, np.ndarray]:
    """Nodes for sizes up to 2 `pixels`, and y = 1 - exp(-rate) of each.

    Every term has the factor exp(-rate k) prod(1 - p y) <= exp(-y `least`), so that
    nodes of a large y add nothing.
    """
    nodes = reciprocal_nodes(2 * pixels)
    fading = -np.expm1(-nodes.rates)
    kept = fading * least <= FADED + np.log(pixels)
    rates, weights = nodes.rates[kept], nodes.weights[kept]
    return Nodes(rates, weights, nodes.error), fading[kept]


def _log_products(probs: np.ndarray, fading: np.ndarray) -> np.ndarray:
    """``[Q]`` sum over pixels of log(1 - p y), by powers where p y is small."""
    large = probs * fading[-1] > SMALL
    logs = np.zeros(len(fading))
    for power, total in enumerate(_power_sums(probs[~large], POWERS), start=1):
        logs -= fading**power * (total / power)
    with np.errstate(divide="ignore"):
        return logs + np.log1p(-np.outer(fading, probs[large])).sum(-1)


def _hit_shares(probs: np.ndarray, fading: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """``[Q]`` sum over pixels of p x / (1 - p y)."""
    large = probs * fading[-1] > SMALL
    shares = np.zeros(len(fading))
    for power, total in enumerate(_power_sums(probs[~large], POWERS + 1)):
        shares += fading**power * total
    x, some = np.exp(-rates)[:, None], probs[large]
    return shares * x[:, 0] + (some * x / ((1 - some) + some * x)).sum(-1)


def _power_sums(probs: np.ndarray, powers: int) -> list[float]:
    """Sum of p^m over pixels, m from 1."""
    sums, power = [], np.ones_like(probs)
    for _ in range(powers):
        power = power * probs
        sums.append(float(power.sum()))
    return sums
