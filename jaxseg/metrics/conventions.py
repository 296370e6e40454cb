"""What a class in neither mask scores: every convention, beside each other.

Two papers with the same masks and other conventions print other means, and may rank
two methods the other way round: where images without a class are many, a mean is mostly
made of what these score.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxseg.counts import SoftCounts, dice_index, jaccard_index
from jaxseg.metrics.means import DefinedMean, defined_mean

CONVENTIONS: Mapping[str, str] = {
    "one": "a class in neither mask scores 1, one in a single mask 0",
    "nan": "a class in neither mask is left out, one in a single mask scores 0",
    "zero": "a class in neither mask scores 0, as one in a single mask",
    "truth": "a class that the truth does not hold is left out, invented or not",
}
"""Of an index by image and class: "one" and "nan" are the house's rules."""

_INDICES = {"dice": dice_index, "jaccard": jaccard_index}


def convention_scores(
    counts: SoftCounts, index: str = "dice", *, known: Any = None
) -> dict[str, np.ndarray]:
    """``[N]`` mean over the foreground classes of each image, by convention.

    Args:
      counts: ``[N, C]`` of hard masks, NumPy's.
      index: "dice" or "jaccard".
      known: ``[N, C]`` or ``[C]`` bool, False where nothing is known; None: all is.

    Returns:
      nan for an image without a class that counts.

    Example:
      >>> import jax
      >>> from jaxseg.metrics.overlap import mask_counts
      >>> truth = np.array([[0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]])
      >>> found = np.array([[0, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 1]])
      >>> images = [mask_counts(p, t, 2) for p, t in zip(found, truth)]
      >>> counts = jax.tree.map(lambda *x: np.stack(x), *images)
      >>> for name, scores in convention_scores(counts).items():
      ...     print(name, scores.round(2).tolist())
      one [0.8, 1.0, 0.0]
      nan [0.8, nan, 0.0]
      zero [0.8, 0.0, 0.0]
      truth [0.8, nan, nan]
    """
    defined = np.asarray(_INDICES[index](counts, empty=np.nan), np.float64)
    neither = (counts.actual == 0) & (counts.predicted == 0)
    shown = True if known is None else known
    made = {
        "one": np.where(neither, 1.0, defined),
        "nan": defined,
        "zero": np.where(neither, 0.0, defined),
        "truth": np.where(counts.actual > 0, defined, np.nan),
    }
    return {
        name: np.asarray(
            defined_mean(np.where(shown, scores, np.nan)[:, 1:], axis=1).mean
        )
        for name, scores in made.items()
    }


def convention_means(scores: Mapping[str, np.ndarray]) -> dict[str, DefinedMean]:
    """The mean over images of each convention, and how many count.

    Example:
      >>> means = convention_means({"nan": np.array([0.8, np.nan, 0.0])})
      >>> float(means["nan"].mean), int(means["nan"].counted)
      (0.4, 2)
    """
    return {name: defined_mean(values) for name, values in scores.items()}
