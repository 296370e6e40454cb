"""Class ids with a large expected Dice or Jaccard: masks that must not overlap."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from jaxseg.decide.expected import best_of_image, expected_dice, expected_jaccard
from jaxseg.decide.on_host import Index
from jaxseg.decide.probabilities import checked
from jaxseg.metrics.empty import EmptyRule

ROUNDS = 10


@dataclasses.dataclass(frozen=True)
class ClassDecision:
    """Class ids and what they are expected to score.

    Attributes:
      ids: ``[...]`` uint8.
      score: mean over foreground classes of the expected index.
      bound: of the best masks that might overlap: no ids score more.
    """

    ids: np.ndarray
    score: float
    bound: float


def expected_class_ids(
    probs: np.ndarray, *, index: Index = "dice", empty: EmptyRule = "one"
) -> ClassDecision:
    """Class ids of one image with a large expected index, mean of foreground classes.

    Each class has a best mask of its own, see `jaxseg.decide.expected_dice_mask`. Where
    these do not overlap they are best together: score and bound are equal. Else each
    pixel goes to the class to whose index it adds most, as long as that raises the
    exact score, beginning from the most probable classes and from the best masks; the
    result is never worse than the most probable classes, and the bound tells how far
    from the best it is at most.

    Args:
      probs: ``[..., C]`` probabilities of each pixel, class 0 background, C >= 2.
      index: "dice" or "jaccard".
      empty: what a class scores that is in neither mask nor truth, see
        `jaxseg.decide.expected_dice_mask`.

    Raises:
      ValueError: a probability is nan or outside of [0, 1].

    Example:
      >>> probs = np.array([[0.4, 0.5, 0.1], [0.2, 0.1, 0.7], [0.9, 0.05, 0.05]])
      >>> expected_class_ids(probs).ids.tolist()
      [1, 2, 0]
    """
    values = checked(np.asarray(probs)).astype(np.float64)
    flat = values.reshape(-1, values.shape[-1])
    planes = [np.ascontiguousarray(plane) for plane in flat.T[1:]]
    masks, scores = zip(*(best_of_image(p, index, empty) for p in planes), strict=True)
    bound = _mean(np.array(scores))
    owners = np.sum(masks, axis=0)
    best = np.argmax(masks, axis=0) + (owners > 0)
    if (owners > 1).any():
        ids = [flat.argmax(-1), np.where(owners > 1, 1 + flat[:, 1:].argmax(-1), best)]
        found = [_climb(planes, start, index, empty) for start in ids]
        score, best = max(found, key=lambda both: both[0])
    else:
        score = bound
    return ClassDecision(
        best.astype(np.uint8).reshape(values.shape[:-1]), float(score), float(bound)
    )


def _climb(
    planes: list[np.ndarray], ids: np.ndarray, index: Index, empty: EmptyRule
) -> tuple[float, np.ndarray]:
    """Gives pixels to the classes that gain most, while the exact score rises."""
    score = _score(planes, ids, index, empty)
    for _ in range(ROUNDS):
        gains = np.stack(list(_gains(planes, ids, index)))
        better = np.where(gains.max(0) > 0, 1 + gains.argmax(0), 0)
        raised = _score(planes, better, index, empty)
        if not raised > score:
            break
        score, ids = raised, better
    return score, ids


def _score(
    planes: list[np.ndarray], ids: np.ndarray, index: Index, empty: EmptyRule
) -> float:
    expected = expected_dice if index == "dice" else expected_jaccard
    return _mean(
        np.array(
            [expected(ids == c, p, empty=empty) for c, p in enumerate(planes, start=1)]
        )
    )


def _mean(scores: np.ndarray) -> float:
    """Over the classes that have a score."""
    defined = scores[~np.isnan(scores)]
    return float(defined.mean()) if defined.size else float("nan")


def _gains(
    planes: list[np.ndarray], ids: np.ndarray, index: Index
) -> Iterator[np.ndarray]:
    """What a pixel adds to the index of expected counts of each class, ``[d]``."""
    for kind, probs in enumerate(planes, start=1):
        inside = ids == kind
        hits, size, total = probs[inside].sum(), inside.sum(), probs.sum()
        if index == "dice":
            whole = size + total + 1
            yield (2 * probs - 2 * hits / whole) / (whole + 1)
        else:
            whole = size + total - hits
            share = hits / whole if whole else 0.0
            yield (probs - share * (1 - probs)) / (whole + 1)
