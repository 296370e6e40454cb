"""Whether a loss is convex in the probabilities, and how fast its gradient turns."""

import numpy as np

from jaxseg import links
from theory.cards import subject
from theory.cards.finding import CardAnswer
from theory.cards.subject import Subject
from theory.engines.climb import Cases, climb

STARTS = 1024
ROUNDS = 20
TOLERANCE = 1e-9
NEAR = 1e-4
HALVINGS = 44
STEEP = 1e6
"""A gradient that turns this fast between two points jumps, or has no bound."""


def _probs(scores: np.ndarray) -> np.ndarray:
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def convexity(examined: Subject) -> CardAnswer:
    """Whether the middle of two predictions ever costs more than they do on average.

    In the probabilities p; ascent on the excess from random pairs of predictions, half
    of them near the truth, where many a loss that looks convex is not. If the images of
    2 x 3 pixels show nothing, larger ones are tried, of 4 x 8, with small objects and
    one prediction for all pixels of a class. A yes means that nothing was found.
    """
    cases = 0
    for pairs in (_near_pairs, _regional_pairs):
        excess, pair = _worst_middle(examined, pairs())
        cases += STARTS * ROUNDS
        if excess > TOLERANCE:
            return CardAnswer(
                answer="no",
                numbers={"excess of the middle": excess},
                method="search",
                cases=cases,
                witness=pair,
            )
    return CardAnswer(answer="yes", method="search", cases=cases)


def _near_pairs() -> Cases:
    first, labels = subject.draws(STARTS, seed=4)
    second, _ = subject.draws(STARTS, seed=5)
    near = slice(STARTS // 2)
    first[near] = subject.near_truth(labels[near], seed=16)
    second[near] = subject.near_truth(labels[near], seed=17)
    return {"first": first, "second": second, "labels": labels}


def _regional_pairs() -> Cases:
    rng = np.random.default_rng(18)
    pixels = subject.WIDE[0] * subject.WIDE[1]
    sizes = 1 + (pixels - 1) * rng.random((STARTS, 1)) ** 3
    labels = (np.arange(pixels) < sizes).astype(int).reshape(STARTS, *subject.WIDE)

    def scores() -> np.ndarray:
        of_class = rng.uniform(-4, 12, size=(STARTS, 2))
        return np.stack(
            [
                subject.scores_of(mask, 1.0) * margins[mask][..., None]
                for mask, margins in zip(labels, of_class, strict=True)
            ]
        )

    return {"first": scores(), "second": scores(), "labels": labels}


def _worst_middle(
    examined: Subject, pairs: Cases
) -> tuple[float, dict[str, np.ndarray]]:
    def excess(cases: Cases) -> np.ndarray:
        p, q = _probs(cases["first"]), _probs(cases["second"])

        def value(probs: np.ndarray) -> np.ndarray:
            return examined.values(probs, cases["labels"], links.identity)

        return value((p + q) / 2) - (value(p) + value(q)) / 2

    values, cases = climb(
        excess,
        pairs,
        moving=("first", "second"),
        rounds=ROUNDS,
    )
    best = int(np.argmax(values))
    pair = {
        "first": _probs(cases["first"][best]),
        "second": _probs(cases["second"][best]),
        "labels": cases["labels"][best],
    }
    return float(values[best]), pair


def gradient_lipschitz(examined: Subject) -> CardAnswer:
    """The largest change of the gradient per change of the scores.

    First pairs of predictions are halved toward where the gradient changes most, which
    ends at a jump if there is one. Where there is none the largest curvature is climbed
    to; that is a lower bound of the constant, and where the search saw no more.
    """
    jump, case = _steepest_turn(examined)
    if jump > STEEP:
        return CardAnswer(
            answer="unbounded: the gradient jumps",
            numbers={"jump": case.pop("jump")},
            method="search",
            cases=STARTS * HALVINGS,
            witness=case,
        )
    values, cases = _curvature(examined)
    best = int(np.argmax(values))
    return CardAnswer(
        answer="bounded",
        numbers={"constant": float(values[best])},
        method="search",
        cases=STARTS * (HALVINGS + 120),
        witness={"scores": cases["scores"][best], "labels": cases["labels"][best]},
    )


def _norm(x: np.ndarray) -> np.ndarray:
    return np.sqrt(np.sum(x**2, axis=tuple(range(1, x.ndim))))


def _steepest_turn(examined: Subject) -> tuple[float, dict]:
    first, labels = subject.draws(STARTS, seed=6)
    second, _ = subject.draws(STARTS, seed=7)
    _, at_first = examined.slopes(first, labels)
    _, at_second = examined.slopes(second, labels)
    for _ in range(HALVINGS):
        middle = (first + second) / 2
        _, at_middle = examined.slopes(middle, labels)
        left = _norm(at_middle - at_first) >= _norm(at_second - at_middle)
        left = left.reshape(-1, 1, 1, 1)
        first = np.where(left, first, middle)
        at_first = np.where(left, at_first, at_middle)
        second = np.where(left, middle, second)
        at_second = np.where(left, at_middle, at_second)
    jumps = _norm(at_second - at_first)
    distance = np.maximum(_norm(second - first), 1e-300)
    # a change that rounding can make is no jump
    ratios = np.where(jumps > 1e-6, jumps / distance, 0)
    worst = int(np.argmax(ratios))
    case = {"scores": first[worst], "labels": labels[worst], "jump": jumps[worst]}
    return float(ratios[worst]), case


def _curvature(examined: Subject) -> tuple[np.ndarray, Cases]:
    scores, labels = subject.draws(STARTS, seed=8)
    rng = np.random.default_rng(9)
    direction = rng.standard_normal(scores.shape)

    def turn(cases: Cases) -> np.ndarray:
        return _norm(_change(examined, cases))

    found = {"scores": scores, "labels": labels, "direction": direction}
    values = np.zeros(STARTS)
    for number in range(3):
        for _ in range(6):  # power iteration to the steepest direction
            found["direction"] = _change(examined, found)
        values, found = climb(turn, found, moving=("scores",), rounds=20, seed=number)
        found["scores"] = _kept_small(found["scores"])
    for _ in range(6):
        found["direction"] = _change(examined, found)
    return np.maximum(values, turn(found)), found


def _kept_small(scores: np.ndarray) -> np.ndarray:
    """Scores less what all classes of a pixel share, which a softmax ignores."""
    return scores - scores.mean(axis=-1, keepdims=True)


def _change(examined: Subject, cases: Cases) -> np.ndarray:
    """The Hessian times the unit direction, by a central difference."""
    size = np.maximum(_norm(cases["direction"]), 1e-300).reshape(-1, 1, 1, 1)
    step = NEAR * cases["direction"] / size
    _, up = examined.slopes(cases["scores"] + step, cases["labels"])
    _, down = examined.slopes(cases["scores"] - step, cases["labels"])
    return (up - down) / (2 * NEAR)
