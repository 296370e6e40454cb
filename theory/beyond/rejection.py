"""N26: when to predict no lesion at all, under the challenge's score."""

import itertools
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from jaxseg.counts import SoftCounts, dice_index
from jaxseg.metrics.challenge import challenge_scores
from theory.beyond import SOURCE
from theory.beyond.expected_overlap import UNCERTAIN, Mask, Truths, expected_index
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples

N26 = Claim(
    id="N26",
    source=SOURCE,
    where="on Galdran 2022, 3.1",
    statement=(
        "Under the challenge's score (G13) the best prediction is the empty one just "
        "if P(empty) > Dbar/(1 + Dbar), Dbar the best expected DSC given a lesion."
    ),
    assumes=(
        "Score of one image, its truth random. At equality both are best. Dbar is over "
        "masks that hold a pixel."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "The empty mask scores P(empty), any other (1 - P(empty)) times its expected "
        "DSC given a lesion, so the best of them (1 - P(empty)) Dbar, with the same "
        "mask for every P(empty). The threshold rises with Dbar from 0 to 1/2: a model "
        "that segments lesions with Dbar = 0.8 should reject above 4/9, not above 1/2, "
        "and the worse it segments the sooner."
    ),
    values={
        "threshold_at_dice_0.8": 4 / 9,
        "threshold_at_dice_1": 1 / 2,
        "threshold_at_dice_2/3": 2 / 5,
    },
)

EMPTY: Mask = (0, 0, 0)


def challenge(mask: Mask, truths: Truths) -> Fraction:
    """Expected score of a mask, exact: Dice with 1 for both empty."""
    return expected_index(mask, truths, dice_index)


def mix_empty(truths: Truths, empty: Fraction) -> Truths:
    """The same lesions, but no lesion with probability `empty`."""
    lesions = {y: w for y, w in truths.items() if any(y)}
    total = sum(lesions.values())
    scaled = {y: w / total * (1 - empty) for y, w in lesions.items()}
    return scaled | {EMPTY: empty}


def best_given_lesion(truths: Truths) -> Fraction:
    """Dbar: the best expected Dice given that there is a lesion."""
    lesions = mix_empty(truths, Fraction(0))
    masks = itertools.product((0, 1), repeat=3)
    return max(challenge(mask, lesions) for mask in masks if any(mask))


def _cases() -> Iterator[tuple[Truths, Fraction]]:
    for truths in UNCERTAIN:
        for n in range(31):
            yield truths, Fraction(n, 30)
        limit = best_given_lesion(truths) / (1 + best_given_lesion(truths))
        for shift in (-1, 0, 1):
            yield truths, limit + Fraction(shift, 10**7)


@N26.check("rule, exact")
@N26.twin("threshold 1/2", threshold=lambda _: Fraction(1, 2))
@N26.twin(
    "threshold less by 1e-6",
    threshold=lambda dice: dice / (1 + dice) - Fraction(1, 10**6),
)
def rule(*, threshold=lambda dice: dice / (1 + dice)) -> Evidence:
    """The empty mask wins strictly above the threshold, loses below, ties on it.

    All masks of three pixels, for a range of P(empty) that holds the threshold.
    """

    def slack(case: tuple[Truths, Fraction]) -> Fraction:
        truths, empty = case
        now = mix_empty(truths, empty)
        rest = max(
            challenge(mask, now)
            for mask in itertools.product((0, 1), repeat=3)
            if any(mask)
        )
        lead = challenge(EMPTY, now) - rest
        limit = threshold(best_given_lesion(truths))
        if empty == limit:
            return -abs(lead)
        return (lead if empty > limit else -lead) - Fraction(1, 10**12)

    return enumeration.worst_case(
        _cases(),
        slack,
        describe=lambda case: {"truths": str(dict(case[0])), "empty": case[1]},
    )


@N26.check("same lesion mask")
@N26.twin("empty among them", all_masks=True)
def same_mask(*, all_masks: bool = False) -> Evidence:
    """Which lesion mask is best does not depend on P(empty) < 1.

    With `all_masks` the empty one may be the best as well.
    """

    def winners(truths: Truths) -> set[Mask]:
        masks = itertools.product((0, 1), repeat=3)
        scores = {m: challenge(m, truths) for m in masks if any(m) or all_masks}
        return {m for m, s in scores.items() if s == max(scores.values())}

    def slack(case: tuple[Truths, Fraction]) -> Fraction:
        truths, empty = case
        fixed = winners(mix_empty(truths, Fraction(0)))
        return Fraction(0 if winners(mix_empty(truths, empty)) == fixed else -1)

    cases = (case for case in _cases() if case[1] < 1)
    return enumeration.worst_case(
        cases, slack, describe=lambda case: {"empty": case[1]}
    )


@N26.check("challenge scores")
@N26.twin("both empty score 0", empty_score=0.0)
def library_scores(*, empty_score: float = 1.0) -> Evidence:
    """Jaxseg's challenge scores, averaged: 40% empty, else one of two single pixels.

    Dbar = 2/3 for both pixels, so the threshold is 2/5: empty 2/5, both 3/5 * 2/3.
    """
    truths = [(0, 0)] * 4 + [(1, 0)] * 3 + [(0, 1)] * 3
    found = {}
    for name, mask in {"empty": (0, 0), "both": (1, 1), "first": (1, 0)}.items():
        scores = [float(challenge_scores(_counts(mask, y))) for y in truths]
        found[name] = float(np.mean(scores))
    expected_scores = {"empty": 0.4 * empty_score, "both": 0.4, "first": 0.3}
    return examples.agree(found, expected_scores, tolerance=1e-12)


def _counts(mask: tuple[int, int], truth: tuple[int, int]) -> SoftCounts:
    found, true = np.array(mask, bool), np.array(truth, bool)
    sides = ((~found, ~true), (found, true))
    hits, wrong, missed = (
        np.array([operation(a, b).sum() for a, b in sides], float)
        for operation in (
            np.logical_and,
            lambda a, b: a & ~b,
            lambda a, b: ~a & b,
        )
    )
    return SoftCounts.of_sets(hits, wrong, missed, np.asarray(2.0))
