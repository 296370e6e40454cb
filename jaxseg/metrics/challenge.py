"""The score of the diabetic foot ulcer challenge, and which images are rejected."""

import dataclasses
from typing import Any

import jax

from jaxseg.counts import SoftCounts, dice_index
from jaxseg.metrics.means import jsonable
from jaxseg.numerics import safe_ratio

EMPTY_RULE = "challenge"
"""An image without lesion scores 1 if none is predicted and 0 if one is; an image with
a lesion scores 0 if none is predicted: Galdran 2022, section 3.1."""


def lesion_counts(counts: SoftCounts) -> SoftCounts:
    """Counts of the lesion, which is all but class 0.

    Args:
      counts: ``[..., C]`` of hard masks of which each pixel has one class.

    Returns:
      ``[...]``: foreground classes count as one.
    """
    counts = dataclasses.replace(counts, pixels=counts.pixels[..., None])
    background = jax.tree.map(lambda x: x[..., 0], counts)
    return SoftCounts.of_sets(
        background.true_negatives,
        background.false_negatives,
        background.false_positives,
        background.pixels,
    )


def challenge_scores(counts: SoftCounts) -> Any:
    """Dice of the lesion in each case, ``[...]`` of counts ``[..., C]``; 1 for 0/0."""
    return dice_index(lesion_counts(counts), empty=1)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class ChallengeResult:
    """Means over images, as Galdran 2022 reports them in tables 2 and 4.

    Attributes:
      score: mean challenge score of all images, in [0, 1]; nan of none.
      rejected: share of all images with an empty prediction, "% rejected" over 100: the
        paper sets it beside the share of images that are lesion-free.
      rejected_lesion_free: share of the images without lesion that are rejected, the
        more the better; nan if there are none.
      rejected_lesions: share of the images with a lesion that are rejected, the fewer
        the better; nan if there are none.
      images: how many there are.
      lesion_free: how many of them hold no lesion.
      empty_rule: "challenge", see `EMPTY_RULE`.
    """

    score: Any
    rejected: Any
    rejected_lesion_free: Any
    rejected_lesions: Any
    images: Any
    lesion_free: Any
    empty_rule: str = dataclasses.field(default=EMPTY_RULE, metadata={"static": True})

    def to_json(self) -> dict[str, Any]:
        """As plain numbers, None for nan."""
        row = dataclasses.asdict(self)
        return {k: v if isinstance(v, str) else jsonable(v) for k, v in row.items()}


def challenge_result(counts: SoftCounts) -> ChallengeResult:
    """What N images add up to, from counts ``[N, C]`` and pixels ``[N]``; jit-able."""
    lesions = lesion_counts(counts)
    rejected, free = lesions.predicted == 0, lesions.actual == 0
    images = free.shape[0]

    def share(part: Any, whole: Any) -> Any:
        return safe_ratio((part & whole).sum(), whole.sum(), float("nan"))

    every = free | ~free
    return ChallengeResult(
        score=safe_ratio(challenge_scores(counts).sum(), every.sum(), float("nan")),
        rejected=share(rejected, every),
        rejected_lesion_free=share(rejected, free),
        rejected_lesions=share(rejected, ~free),
        images=images,
        lesion_free=free.sum(),
    )
