"""What may be done to an image without changing its loss."""

import numpy as np

from jaxseg import links
from jaxseg.links import Link
from theory.cards import subject
from theory.cards.finding import CardAnswer
from theory.cards.subject import CERTAIN, Subject

IMAGES = 256
COLUMNS = 12
"""Of background that are added, four times the image, so that shares of it change."""
TOLERANCE = 1e-9


def _compare(
    examined: Subject,
    before: tuple[np.ndarray, np.ndarray],
    after: tuple[np.ndarray, np.ndarray],
    link: Link = links.softmax,
) -> CardAnswer:
    """Yes if the values agree image by image; else the image they differ in most."""
    first = examined.values(*before, link)
    second = examined.values(*after, link)
    gaps = np.abs(second - first) / np.maximum(1, np.abs(first))
    worst = int(np.argmax(gaps))
    if gaps[worst] <= TOLERANCE:
        return CardAnswer(answer="yes", method="samples", cases=len(first))
    return CardAnswer(
        answer="no",
        numbers={"before": float(first[worst]), "after": float(second[worst])},
        method="samples",
        cases=len(first),
        witness={"scores": before[0][worst], "labels": before[1][worst]},
    )


def pixel_order(examined: Subject) -> CardAnswer:
    """The pixels of each image in another order."""
    scores, labels = subject.draws(IMAGES, seed=10)
    rng = np.random.default_rng(11)
    order = np.argsort(rng.random((IMAGES, subject.PIXELS)), axis=1)
    flat = scores.reshape(IMAGES, subject.PIXELS, -1)
    moved = np.take_along_axis(flat, order[..., None], axis=1).reshape(scores.shape)
    ids = np.take_along_axis(labels.reshape(IMAGES, -1), order, axis=1)
    return _compare(examined, (scores, labels), (moved, ids.reshape(labels.shape)))


def class_order(examined: Subject) -> CardAnswer:
    """The two classes exchanged, in scores and labels."""
    scores, labels = subject.draws(IMAGES, seed=12)
    return _compare(examined, (scores, labels), (scores[..., ::-1], 1 - labels))


def scale(examined: Subject) -> CardAnswer:
    """Each pixel two by two times: the same image at twice the size."""
    scores, labels = subject.draws(IMAGES, seed=13)

    def larger(image: np.ndarray) -> np.ndarray:
        return image.repeat(2, axis=1).repeat(2, axis=2)

    return _compare(examined, (scores, labels), (larger(scores), larger(labels)))


def background(examined: Subject) -> CardAnswer:
    """Columns of background added, certainly predicted, under a softmax."""
    scores, labels = subject.draws(IMAGES, seed=14)
    right = np.zeros((IMAGES, subject.GRID[0], COLUMNS), int)
    wider = np.concatenate([scores, subject.scores_of(right, 2 * CERTAIN)], axis=2)
    return _compare(
        examined, (scores, labels), (wider, np.concatenate([labels, right], axis=2))
    )


def background_alone(examined: Subject) -> CardAnswer:
    """The same with foreground as the only class, under a sigmoid."""
    scores, labels = subject.draws(IMAGES, seed=15)
    scores = scores[..., 1:]
    right = np.zeros((IMAGES, subject.GRID[0], COLUMNS), int)
    sure = np.full((*right.shape, 1), -2 * CERTAIN)
    return _compare(
        examined,
        (scores, labels),
        (
            np.concatenate([scores, sure], axis=2),
            np.concatenate([labels, right], axis=2),
        ),
        links.sigmoid,
    )
