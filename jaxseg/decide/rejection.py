"""When to predict no lesion at all, or to leave an image to a reader."""

from typing import Any

import numpy as np


def empty_is_best(empty_probability: Any, lesion_score: Any) -> Any:
    """Whether the empty mask has the largest expected score, both empty scoring 1.

    The probability that an image has no lesion is mostly known better than by a product
    over pixels, as from a classifier of images. The empty mask is best just if it
    exceeds D / (1 + D), where D is the best expected score given that there is a
    lesion: the worse a model segments, the sooner it should reject.

    Args:
      empty_probability: that there is no lesion, in [0, 1], of any shape.
      lesion_score: D in [0, 1], such as ``expected_dice(mask, probs, empty="nan")`` of
        ``mask = expected_dice_mask(probs, empty="nan")``.

    Returns:
      Bool; at equality, where both are best, False.

    Example:
      >>> empty_is_best(0.45, 0.8), empty_is_best(0.44, 0.8)  # the threshold is 4/9
      (True, False)

    Source: theory N26.
    """
    found = empty_probability > lesion_score / (1 + lesion_score)
    return bool(found) if isinstance(found, np.bool_) else found
