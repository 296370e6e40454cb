"""What a loss does without foreground, and what it says to a confident mistake."""

import numpy as np

from jaxseg import links
from jaxseg.links import Link
from theory.cards import subject
from theory.cards.finding import CardAnswer
from theory.cards.subject import Subject

SHARES = 0.3, 0.7
"""Foreground probabilities of all pixels of an image without foreground."""
MARGIN = 20.0
ALIVE = 1e-4


def _predicting(share: float, link: Link) -> np.ndarray:
    logit = np.full((*subject.GRID, 1), np.log(share / (1 - share)))
    if link is links.sigmoid:
        return logit
    return np.concatenate([-logit / 2, logit / 2], axis=-1)


def _has_no_foreground(examined: Subject, link: Link) -> CardAnswer:
    scores = np.stack([_predicting(share, link) for share in SHARES])
    labels = np.zeros((len(SHARES), *subject.GRID), int)
    values, slopes = examined.slopes(scores, labels, link)
    pushes = np.abs(slopes).sum(axis=(1, 2, 3))
    numbers = {
        f"{what} at {share}": float(found)
        for what, entries in (("value", values), ("gradient", pushes))
        for share, found in zip(SHARES, entries, strict=True)
    }
    if np.all(pushes < 1e-9):
        answer = "no gradient"
    else:
        down = slopes[..., -1].sum(axis=(1, 2)) > 0
        answer = "lowers the prediction" if np.all(down) else "does not lower it always"
    return CardAnswer(
        answer=answer, numbers=numbers, method="enumeration", cases=len(SHARES)
    )


def empty_alone(examined: Subject) -> CardAnswer:
    """No foreground, and foreground the only class, under a sigmoid."""
    return _has_no_foreground(examined, links.sigmoid)


def empty_with_background(examined: Subject) -> CardAnswer:
    """No foreground, two classes under a softmax."""
    return _has_no_foreground(examined, links.softmax)


def saturation(examined: Subject) -> CardAnswer:
    """The slope in the score of a foreground pixel that is surely called background.

    Of an object of two pixels, one of them found; and with both missed.
    """
    truth = np.zeros(subject.GRID, int)
    truth[0, :2] = 1
    one_found = truth.copy()
    one_found[0, 1] = 0
    predicted = np.stack([one_found, np.zeros_like(truth)])
    scores = subject.scores_of(predicted, MARGIN)
    _, slopes = examined.slopes(scores, np.stack([truth] * 2))
    one, whole = (float(-slopes[i, 0, 1, 1]) for i in range(2))
    return CardAnswer(
        answer=f"{_word(one)}; object missed: {_word(whole)}",
        numbers={"one of two missed": one, "both missed": whole},
        method="enumeration",
        cases=2,
        witness={"truth": truth},
    )


def _word(push: float) -> str:
    if abs(push) < ALIVE:
        return "vanishes"
    return "pushes up" if push > 0 else "pushes down"
