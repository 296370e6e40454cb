"""From probabilities to masks: the most probable class, a threshold, or the best one.

What is best and why is `jaxseg.decide`; here it meets the labels of a run.
"""

import functools
from collections.abc import Callable, Mapping

import numpy as np

from jaxseg.data.labels import LabelMap
from jaxseg.decide import best_mask, expected_class_ids, fast_dice_mask
from jaxseg.decide.expected import best_of_image
from jaxseg.metrics.empty import EmptyRule

Cut = Callable[[np.ndarray], np.ndarray]
"""Probabilities ``[..., classes]`` to class ids ``[...]`` uint8."""


Rule = float | str | None
"""How masks are made: a threshold, "dice", a name of `DECISIONS`, or None."""

DECISIONS: Mapping[str, str] = {
    "expected-dice": "the mask of the largest expected Dice",
    "expected-jaccard": "the mask of the largest expected Jaccard",
    "fast-dice": "nearly that of the largest expected Dice, by a sort and a sum",
}


def cut_of(labels: LabelMap, rule: Rule = None, empty: EmptyRule = "one") -> Cut:
    """Probabilities of classes or of regions to masks.

    Args:
      labels: of the run; with regions, each is decided on by itself.
      rule: the threshold of foreground, or of each region; "dice" for that which is
        best for the Dice of an image; a name of `DECISIONS`; None for the most
        probable class, and 1/2 for regions.
      empty: what the empty mask scores where there is nothing, for decisions.
    """
    if labels.regions:
        return lambda probs: labels.of_regions(holds(probs, rule, empty))
    if rule is None:
        return most_probable
    if rule == "fast-dice":
        return fast_ids
    if isinstance(rule, str) and rule in DECISIONS:
        return functools.partial(_decide_ids, rule=rule, empty=empty)
    if isinstance(rule, str):
        return best_for_dice
    return lambda probs: above(probs, rule)


def holds(probs: np.ndarray, rule: Rule = None, empty: EmptyRule = "one") -> np.ndarray:
    """Which regions hold, ``[..., regions]`` bool, as `cut_of` takes it."""
    if rule is None or not isinstance(rule, str):
        return probs > (0.5 if rule is None else rule)
    if rule == "fast-dice":
        one = fast_dice_mask
    elif rule in DECISIONS:
        index = _index_of(rule)
        one = lambda plane: best_of_image(plane, index, empty)[0]  # noqa: E731
    else:
        one = _best
    planes = np.moveaxis(np.asarray(probs), -1, 0)
    return np.stack([one(plane) for plane in planes], -1)


def _index_of(rule: str):
    return "dice" if rule == "expected-dice" else "jaccard"


def _decide_ids(probs: np.ndarray, rule: str, empty: EmptyRule) -> np.ndarray:
    return expected_class_ids(probs, index=_index_of(rule), empty=empty).ids


def fast_ids(probs: np.ndarray) -> np.ndarray:
    """Class ids by `jaxseg.decide.fast_dice_mask` of each foreground class.

    A pixel in several masks goes to the most probable of them.
    """
    kinds = range(1, probs.shape[-1])
    masks = np.stack([fast_dice_mask(probs[..., c]) for c in kinds], -1)
    ids = 1 + np.where(masks, probs[..., 1:], -1).argmax(-1)
    return np.where(masks.any(-1), ids, 0).astype(np.uint8)


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
