"""From probabilities to masks: the most probable class, a threshold, or the best one.

The best mask of a population for an overlap index is a threshold on the probabilities,
and the index of the best mask tells which (the theory's claim N05): half of the best
Dice, J / (1 + J) of the best Jaccard.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from jaxseg.counts import SoftCounts, tversky_index
from jaxseg.data.labels import LabelMap


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


Cut = Callable[[np.ndarray], np.ndarray]
"""Probabilities ``[..., classes]`` to class ids ``[...]`` uint8."""


def cut_of(labels: LabelMap, threshold: float | str | None = None) -> Cut:
    """Probabilities of classes or of regions to masks.

    Args:
      labels: of the run; with regions, each holds where its probability exceeds the
        threshold.
      threshold: of foreground, or of each region; None for the most probable; "dice"
        for what is best for the Dice of an image.
    """
    if labels.regions:
        return lambda probs: labels.of_regions(holds(probs, threshold))
    if threshold is None:
        return most_probable
    if isinstance(threshold, str):
        return best_for_dice
    return lambda probs: above(probs, threshold)


def holds(probs: np.ndarray, threshold: float | str | None = None) -> np.ndarray:
    """Which regions hold, ``[..., regions]`` bool, as `cut_of` takes it."""
    if isinstance(threshold, str):
        return np.stack([_best(probs[..., r]) for r in range(probs.shape[-1])], -1)
    return probs > (0.5 if threshold is None else threshold)


def _best(probs: np.ndarray) -> np.ndarray:
    best = best_mask(probs)
    return (probs >= best.threshold * (1 - 1e-9)) & (best.pixels > 0)


def most_probable(probs: np.ndarray) -> np.ndarray:
    """Mask ``[...]`` uint8 of the most probable class of ``[..., classes]``."""
    return probs.argmax(-1).astype(np.uint8)


def above(probs: np.ndarray, threshold: float) -> np.ndarray:
    """Mask of the most probable foreground class where background is improbable.

    Args:
      probs: ``[..., classes]``, class 0 background.
      threshold: foreground is where 1 - p_0 exceeds it; 1/2 is `most_probable` for two
        classes.

    Returns:
      ``[...]`` uint8 class ids.
    """
    ids = 1 + probs[..., 1:].argmax(-1)
    return np.where(1 - probs[..., 0] > threshold, ids, 0).astype(np.uint8)


def best_for_dice(probs: np.ndarray) -> np.ndarray:
    """Mask of an image by the threshold of each foreground class that is best for Dice.

    With two classes no mask has a higher Dice index of expected counts. With more, a
    pixel above several thresholds goes to the class that exceeds its own by the largest
    factor.

    Args:
      probs: ``[..., classes]``, class 0 background.

    Returns:
      ``[...]`` uint8 class ids.
    """
    best = [best_mask(probs[..., c]) for c in range(1, probs.shape[-1])]
    limits = np.array([one.threshold for one in best])
    scale = np.maximum(limits, np.finfo(np.float64).tiny)
    ratios = probs[..., 1:] / scale
    ids = 1 + ratios.argmax(-1)
    return np.where(ratios.max(-1) >= 1 - 1e-9, ids, 0).astype(np.uint8)
