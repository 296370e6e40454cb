"""How small and how large a loss gets, and where it is smallest."""

import numpy as np

from theory.cards import subject
from theory.cards.finding import CardAnswer
from theory.cards.subject import CERTAIN, Subject
from theory.engines.climb import Cases, climb

STARTS = 1024
GROWTH = 1.2
"""A loss is unbounded if ten times the scores raise it by this factor again."""
ROUNDING = 1e-9
STRICT = 1e-6


def _hard() -> tuple[np.ndarray, np.ndarray]:
    predicted, actual = subject.pairs()
    return subject.scores_of(predicted, 2 * CERTAIN), actual


def value_range(examined: Subject) -> CardAnswer:
    """Least and largest value under a softmax, for an image with both classes.

    All hard predictions of all masks, then ascent and descent from random scores. A
    loss whose largest value keeps growing with the scores has no bound.
    """
    scores, labels = _hard()
    both = _has_both_classes(labels)
    drawn = subject.draws(STARTS, seed=1)
    starts = {
        "scores": np.concatenate([scores[both], drawn[0]]),
        "labels": np.concatenate([labels[both], drawn[1]]),
    }
    values = examined.values(starts["scores"], starts["labels"])
    ends, witness = {}, {}
    for name, sign in (("low", -1), ("high", 1)):
        order = np.argsort(-sign * values, kind="stable")[:STARTS]
        found, cases = climb(
            lambda c, sign=sign: sign * examined.values(c["scores"], c["labels"]),
            {key: entry[order] for key, entry in starts.items()},
            moving=("scores",),
        )
        best = int(np.argmax(found))
        case = {key: entry[best] for key, entry in cases.items()}
        if grows(examined, case, sign):
            ends[name] = None
        else:
            ends[name] = sign * float(found[best])
        witness[name] = case["labels"]
    words = [
        f"{_tidy(end):.4g}" if end is not None else unbounded
        for end, unbounded in zip(
            ends.values(), ("no lower bound", "no bound"), strict=True
        )
    ]
    numbers = {name: end for name, end in ends.items() if end is not None}
    return CardAnswer(
        answer=" to ".join(words),
        numbers=numbers,
        method="search",
        cases=len(values) + 2 * STARTS * 40,
        witness={f"mask of the {name}": mask for name, mask in witness.items()},
    )


def _tidy(value: float) -> float:
    return round(value, 6) + 0.0


def grows(examined: Subject, case: Cases, sign: int) -> bool:
    """Whether the scores of a case, scaled up, take the loss ever further."""
    scores, labels = case["scores"], case["labels"]
    direction = scores / max(np.abs(scores).max(), 1e-9)
    steep = np.stack([direction * 10.0**k for k in (2, 3, 4)])
    near, far, further = sign * examined.values(steep, np.stack([labels] * 3))
    return bool(near > 0 and far > GROWTH * near and further > GROWTH * far)


def _has_both_classes(labels: np.ndarray) -> np.ndarray:
    count = labels.reshape(len(labels), -1).sum(axis=1)
    return (count > 0) & (count < subject.PIXELS)


def minimisers(examined: Subject) -> CardAnswer:
    """Whether the certain truth is smallest, and nothing else that is certain.

    Descent from random scores, then all hard predictions; images with both classes.
    """
    scores, labels = subject.draws(STARTS, seed=2)

    def excess(cases: Cases) -> np.ndarray:
        truth = examined.values(
            subject.scores_of(cases["labels"], 2 * CERTAIN), cases["labels"]
        )
        return examined.values(cases["scores"], cases["labels"]) - truth

    lower, cases = climb(
        lambda c: -excess(c),
        {"scores": scores, "labels": labels},
        moving=("scores",),
    )
    hard, actual = _hard()
    predicted, _ = subject.pairs()
    both = _has_both_classes(actual)
    gaps = excess({"scores": hard[both], "labels": actual[both]})
    wrong = np.any(predicted != actual, axis=(1, 2))[both]
    count = STARTS * 40 + int(both.sum())
    best = int(np.argmax(lower))
    least = int(np.argmin(np.where(wrong, gaps, np.inf)))
    lowest = min(-float(lower[best]), float(gaps.min()))
    if lowest < -STRICT:
        if -lower[best] < gaps.min():
            case = {name: entry[best] for name, entry in cases.items()}
        else:
            at = int(np.argmin(gaps))
            case = {"scores": hard[both][at], "labels": actual[both][at]}
        return CardAnswer(
            answer="not the truth",
            numbers={"below the truth": -lowest},
            method="search",
            cases=count,
            witness=case,
        )
    if gaps[least] <= STRICT:
        at = np.flatnonzero(both)[least]
        return CardAnswer(
            answer="the truth and other masks",
            method="enumeration",
            cases=count,
            witness={"truth": actual[at], "as good": predicted[at]},
        )
    return CardAnswer(
        answer="the truth alone",
        numbers={"next best mask": float(gaps[least])},
        method="search",
        cases=count,
    )


def soft_truth(examined: Subject) -> CardAnswer:
    """Whether p = t is smallest for soft targets t."""
    rng = np.random.default_rng(3)
    targets = rng.dirichlet((1.0, 1.0), size=(STARTS, *subject.GRID))
    targets = np.clip(targets, 1e-3, None)
    targets /= targets.sum(axis=-1, keepdims=True)
    at_truth = examined.values(np.log(targets), targets)

    def below(cases: Cases) -> np.ndarray:
        found = examined.values(cases["scores"], cases["targets"])
        return cases["truth"] - found

    values, cases = climb(
        below,
        {"scores": np.log(targets), "targets": targets, "truth": at_truth},
        moving=("scores",),
    )
    best = int(np.argmax(values))
    if values[best] <= ROUNDING:
        return CardAnswer(answer="yes", method="search", cases=STARTS * 40)
    return CardAnswer(
        answer="no",
        numbers={"below p = t": float(values[best])},
        method="search",
        cases=STARTS * 40,
        witness={"scores": cases["scores"][best], "targets": cases["targets"][best]},
    )
