"""The best mask of a population: a threshold, half of the best Dice.

The index of expected counts, of one image or of several pooled, is largest for a
threshold on the probabilities, and the index of the best mask tells which (the theory's
claim N05): half of the best Dice, J / (1 + J) of the best Jaccard.
"""

import dataclasses

import numpy as np

from jaxseg.counts import SoftCounts, tversky_index


@dataclasses.dataclass(frozen=True)
class BestMask:
    """The mask that probabilities say is best for an index.

    Attributes:
      threshold: probabilities above it are foreground, in [0, 1]; those at it may be
        either.
      index: of the expected counts of that mask, in [0, 1].
      pixels: foreground pixels of it.
    """

    threshold: float
    index: float
    pixels: int


def best_mask(probs: np.ndarray, *, alpha: float = 0.5, beta: float = 0.5) -> BestMask:
    """The threshold whose mask has the largest Tversky index of expected counts.

    Pixels are independent of each other here, with the given probability of being
    foreground; the index is that of the expected counts of all of them. It is found by
    trying every number of most probable pixels.

    Args:
      probs: ``[...]`` probabilities of foreground; one image, or several pooled.
      alpha: weight of false positives, >= 0; (1/2, 1/2) is Dice, (1, 1) Jaccard.
      beta: weight of false negatives, > 0.

    Returns:
      Where all probabilities are 0: threshold 0, index 1, no pixels. Elsewhere the mask
      is never empty, however small they are: an index of counts has no reward for it.

    Example:
      >>> best_mask(np.array([0.25, 0.5])).pixels  # 2 (1/2) / (1 + 3/4) is 4/7
      1

    Source: Lipton 2014 (F1) and Dembczynski 2011; theory N05 for the general form.
    """
    values = np.sort(np.asarray(probs, np.float64), axis=None)[::-1]
    whole = values.sum()
    if whole == 0:
        return BestMask(0.0, 1.0, 0)
    hits = np.cumsum(values)
    number = np.arange(1, values.size + 1)
    counts = SoftCounts.of_sets(hits, number - hits, whole - hits, values.size)
    indices = np.asarray(tversky_index(counts, alpha=alpha, beta=beta))
    best = int(np.argmax(indices))
    top = float(indices[best])
    return BestMask(alpha * top / (1 - (1 - alpha - beta) * top), top, best + 1)
