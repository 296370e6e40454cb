"""The inputs of the golden vectors: small, and the same number in every float type.

Scores are odd multiples of a power of two with eight bits, no two alike: so a bfloat16
holds them exactly, no two pixels tie, and none is at a kink of a loss.
"""

import dataclasses

import numpy as np

VOID = 255
HUGE = 8192.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Input:
    """Scores ``[B, *size, C]`` and what is true.

    Attributes:
      about: in words.
      scores: ``[B, *size, C]``.
      labels: ids ``[B, *size]``, `VOID` where a pixel is void, or targets ``[..., C]``.
      where: ``[B, *size]`` bool, or None where all pixels count.
      class_weights: ``[C]`` or None.
      link: what makes probabilities of scores.
      smooth: False where gradients are not defined, and have to be finite only.
      common: True if only losses that all libraries have are asked for it.
    """

    about: str
    scores: np.ndarray
    labels: np.ndarray
    where: np.ndarray | None = None
    class_weights: np.ndarray | None = None
    link: str = "softmax"
    smooth: bool = True
    common: bool = False


def _scores(rng, *shape, step=1 / 32):
    odd = 2 * np.arange(-128, 128) + 1
    wanted = int(np.prod(shape))
    middle = odd[np.abs(odd) < max(wanted + 1, 96)]
    return rng.choice(middle, wanted, replace=False).reshape(shape) * step


def _targets(rng, *shape):
    """Random shares of 32 parts, at least one of each class."""
    cuts = np.sort(rng.random((*shape[:-1], shape[-1] - 1)), axis=-1)
    cuts = np.round(cuts * (32 - shape[-1])).astype(int)
    ends = np.concatenate(
        [0 * cuts[..., :1], cuts, 0 * cuts[..., :1] + 32 - shape[-1]], axis=-1
    )
    return (np.diff(ends, axis=-1) + 1) / 32


def inputs() -> dict[str, Input]:
    """All by name."""
    rng = np.random.default_rng(2026)
    plane = _scores(rng, 2, 4, 4, 3)
    ids = rng.integers(0, 3, (2, 4, 4))
    ids[:, 0] = [0, 1, 2, 0]
    where = rng.random((2, 4, 4)) > 0.3
    where[:, 0] = True
    small = _scores(rng, 1, 2, 3, 3)
    two = np.array([[[0, 1, 1], [0, 0, 1]]])
    nothing, alone = np.zeros_like(two), _scores(rng, 1, 2, 3, 1)
    rows = np.array([[[True] * 3, [True, False, False]]])
    pair = np.array([[[0, 1, 1], [2, 0, 1]], [[0, 0, 0], [0, 0, 0]]])
    first = np.array([[[True] * 3] * 2, [[False] * 3] * 2])
    right = HUGE * (2.0 * np.eye(3)[two] - 1)
    return {
        "plane": Input(about="two images", scores=plane, labels=ids),
        "plane-void": Input(
            about="two images of which some pixels are void",
            scores=plane, labels=np.where(where, ids, VOID), where=where,
        ),
        "plane-soft": Input(
            about="two images with soft targets",
            scores=plane, labels=_targets(rng, *plane.shape),
        ),
        "plane-weighted": Input(
            about="two images, the classes weighted",
            scores=plane, labels=ids, class_weights=np.array([0.5, 1.0, 2.0]),
        ),
        "plane-foreground": Input(
            about="two images, the background's class weighing nothing",
            scores=plane, labels=ids, class_weights=np.array([0.0, 1.0, 1.0]),
        ),
        "absent": Input(about="a class occurs nowhere", scores=small, labels=two),
        "void": Input(
            about="a class occurs nowhere, two pixels are void",
            scores=small, labels=np.where(rows, two, VOID), where=rows,
        ),
        "background": Input(
            about="there is nothing but background", scores=small, labels=nothing,
        ),
        "all-void": Input(
            about="all pixels are void",
            scores=small, labels=nothing + VOID, where=nothing > 0,
        ),
        "image-void": Input(
            about="of two images one is void",
            scores=_scores(rng, 2, 2, 3, 3),
            labels=np.where(first, pair, VOID), where=first,
        ),
        "far": Input(
            about="scores up to 48 from zero",
            scores=_scores(rng, 1, 2, 3, 3, step=1 / 8)[..., ::-1] * 4, labels=two,
        ),
        "right": Input(
            about="right and certain, scores 8192 from zero",
            scores=right, labels=two, smooth=False,
        ),
        "binary": Input(
            about="one class beside the background",
            scores=alone, labels=two, link="sigmoid",
        ),
        "binary-void": Input(
            about="one class beside the background, two pixels void",
            scores=alone, labels=np.where(rows, two, VOID), where=rows, link="sigmoid",
        ),
        "binary-empty": Input(
            about="the one class occurs nowhere",
            scores=alone, labels=nothing, link="sigmoid",
        ),
        "volume": Input(
            about="one volume",
            scores=_scores(rng, 1, 2, 3, 4, 3),
            labels=rng.permutation(np.arange(24) % 3).reshape(1, 2, 3, 4),
        ),
        "large": Input(
            about="so many pixels that sums of half precision overflow",
            scores=np.zeros((1, 370, 370, 2)), labels=np.ones((1, 370, 370), int),
            smooth=False, common=True,
        ),
    }  # fmt: skip
