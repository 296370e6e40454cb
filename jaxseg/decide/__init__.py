"""From probabilities to masks: the best ones for a score, and what they may expect.

A network gives probabilities, a score wants masks. The most probable class is best for
accuracy; for the Dice or Jaccard of an image the best mask is larger, and can be found
exactly (`expected_dice_mask`, `expected_jaccard_mask`) where pixels are taken to be
independent. All of this is as good as the probabilities are: calibrate them first,
``jaxseg calibrate``.
"""

from jaxseg.decide.classes import ClassDecision, expected_class_ids
from jaxseg.decide.cuts import BestMask, best_mask
from jaxseg.decide.expected import (
    expected_dice,
    expected_dice_mask,
    expected_jaccard,
    expected_jaccard_mask,
)
from jaxseg.decide.fast import fast_dice_mask, fast_jaccard_mask
from jaxseg.decide.rejection import empty_is_best

__all__ = [
    "BestMask",
    "ClassDecision",
    "best_mask",
    "empty_is_best",
    "expected_class_ids",
    "expected_dice",
    "expected_dice_mask",
    "expected_jaccard",
    "expected_jaccard_mask",
    "fast_dice_mask",
    "fast_jaccard_mask",
]
