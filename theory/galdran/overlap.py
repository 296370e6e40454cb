"""G04-G06, G13: the Dice score of two masks as sets and as counts."""

import dataclasses
import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from jaxseg import counts
from jaxseg.counts import SoftCounts
from jaxseg.metrics.challenge import challenge_result, challenge_scores
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples
from theory.engines.enumeration import for_each
from theory.galdran import SOURCE

Pair = tuple[int, int, int]


def pairs(pixels: int = 5) -> Iterator[Pair]:
    """(first mask, second mask, pixels): all pairs of sets of bits."""
    for size in range(1, pixels + 1):
        for first, second in itertools.product(range(2**size), repeat=2):
            yield first, second, size


def _named(case: Pair) -> dict[str, str]:
    first, second, size = case
    return {"first": f"{first:0{size}b}", "second": f"{second:0{size}b}"}


def counts_of_pair(case: Pair) -> SoftCounts:
    """Exact counts of a pair; the first is the truth."""
    truth, found, size = case
    both = (truth & found).bit_count()
    return enumeration.exact_counts(
        both, found.bit_count() - both, truth.bit_count() - both, size
    )


# G04

G04 = Claim(
    id="G04",
    source=SOURCE,
    where="Eq. (3) and the text after it",
    statement=(
        "If X and Y overlap perfectly DSC = 1; when the overlap decreases |X n Y| "
        "diminishes while |X| + |Y| is preserved, reducing the score."
    ),
    assumes=(
        "X and Y not both empty, where (3) is 0/0. |X| + |Y| preserved is a "
        "hypothesis: it holds for masks that move, not for those that grow or shrink. "
        "Perfect is X = Y."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "2 t / s falls in t for fixed s; it is 1 just if t = |X| = |Y|. With sizes "
        "that change less overlap can score more: t = 2 of s = 12 has 1/3, t = 1 of s "
        "= 3 has 2/3."
    ),
    values={"two_common_of_12": 1 / 3, "one_common_of_3": 2 / 3},
)


@G04.check("less overlap")
@G04.twin("any sizes", fixed=False)
def less_overlap(*, fixed: bool = True) -> Evidence:
    """One common pixel less lowers DSC, for sizes kept; not `fixed`: for any sizes."""

    def slack(case: tuple[Pair, Pair]) -> Fraction:
        scores = (counts.dice_index(counts_of_pair(pair)) for pair in case)
        more, less = map(Fraction, scores)
        return more - less - Fraction(1, 10**9)

    def cases():
        listed = [p for p in pairs(3) if p[2] == 3 and (p[0] or p[1])]
        for more, less in itertools.product(listed, repeat=2):
            sizes = [[m.bit_count() for m in pair[:2]] for pair in (more, less)]
            overlaps = [(pair[0] & pair[1]).bit_count() for pair in (more, less)]
            if overlaps[0] > overlaps[1] and (sizes[0] == sizes[1] or not fixed):
                yield more, less

    return enumeration.worst_case(
        cases(),
        slack,
        describe=lambda case: {"more": _named(case[0]), "less": _named(case[1])},
    )


@G04.check("perfect overlap")
@G04.twin("0/0 = 0", empty=0)
def perfect(*, empty: Any = 1) -> Evidence:
    """DSC = 1 just for equal masks; the empty pair by the rule for 0/0."""

    def slack(case: Pair) -> Fraction:
        score = Fraction(counts.dice_index(counts_of_pair(case), empty=empty))
        if case[0] == case[1]:
            return -abs(1 - score)
        return 1 - score - Fraction(1, 10**9)

    return enumeration.worst_case(pairs(), slack, describe=_named)


# G05

G05 = Claim(
    id="G05",
    source=SOURCE,
    where="Before Eq. (4)",
    statement="|y u y^| = 2 TP + FP + FN, the union being {i: y_i = 1 or y^_i = 1}.",
    assumes="Hard masks.",
    verdict=Verdict.FAILS,
    counterexample="y = y^ = {one pixel}: the union has 1 pixel, 2 TP + FP + FN = 2.",
    correction=(
        "|y u y^| = TP + FP + FN; |y| + |y^| = 2 TP + FP + FN, which is what (4) uses, "
        "so (4) stands. The printed equality is true just where TP = 0."
    ),
    proof="A common pixel is in the union once and in the two sizes twice.",
    values={"union_of_one_common_pixel": 1.0, "printed_of_one_common_pixel": 2.0},
)


@G05.check("all pairs")
@G05.twin("as printed", factor=2)
def union(*, factor: int = 1) -> Evidence:
    """|X u Y| = TP + FP + FN and |X| + |Y| = 2 TP + FP + FN, on all pairs.

    `factor` of TP in the union; 2 as printed.
    """

    def slack(case: Pair) -> Fraction:
        truth, found, _ = case
        masks = counts_of_pair(case)
        errors = masks.false_positives + masks.false_negatives
        gaps = (
            (truth | found).bit_count() - (factor * masks.intersection + errors),
            truth.bit_count() + found.bit_count() - (2 * masks.intersection + errors),
        )
        return -Fraction(max(map(abs, gaps)))

    return enumeration.worst_case(pairs(), slack, describe=_named)


@G05.check("excess")
@G05.twin("no excess", per_hit=0)
def excess(*, per_hit: int = 1) -> Evidence:
    """The printed count exceeds the union by TP: right for disjoint masks alone."""

    def slack(case: Pair) -> Fraction:
        truth, found, _ = case
        masks = counts_of_pair(case)
        printed = 2 * masks.intersection + masks.false_positives + masks.false_negatives
        over = printed - (truth | found).bit_count()
        return -abs(over - per_hit * masks.intersection)

    return enumeration.worst_case(pairs(), slack, describe=_named)


# G06

G06 = Claim(
    id="G06",
    source=SOURCE,
    where="Eq. (4)",
    statement="DSC = 2 |y n y^| / (|y| + |y^|) = 2 TP / (2 TP + FP + FN) ignores TN.",
    assumes="Not both masks empty; where both are, 0/0, and TN is all there is.",
    verdict=Verdict.HOLDS,
    proof="|y| = TP + FN and |y^| = TP + FP; neither holds a true negative.",
    values={"tp_1_fp_1_fn_1": 1 / 2, "tp_3_fp_1_fn_1": 3 / 4},
)


@G06.check("sets and counts")
@G06.twin("Jaccard's one TP", hits=1)
def sets_are_counts(*, hits: int = 2) -> Evidence:
    """(3) of sets = (4) of counts, on all pairs but the empty ones."""

    def slack(case: Pair) -> Fraction:
        truth, found, _ = case
        masks = counts_of_pair(case)
        errors = masks.false_positives + masks.false_negatives
        right = Fraction(hits * masks.intersection, hits * masks.intersection + errors)
        sets = Fraction(
            2 * (truth & found).bit_count(), truth.bit_count() + found.bit_count()
        )
        return -max(abs(sets - right), abs(Fraction(counts.dice_index(masks)) - right))

    cases = (case for case in pairs() if case[0] or case[1])
    return enumeration.worst_case(cases, slack, describe=_named)


@G06.check("more background")
@G06.twin("Hamming", index=counts.hamming_index)
@G06.twin("kappa", index=counts.kappa_index)
@for_each(lambda: enumeration.confusion_counts(10))
def ignores_background(triple: Pair, *, index: Any = None) -> Fraction:
    """A score does not change when pixels are added that are in neither mask.

    Empty pairs included, by the rule for 0/0; Dice unless another `index` is given.
    """
    index = index or counts.dice_index
    size = sum(triple)
    first, second = (
        Fraction(index(enumeration.exact_counts(*triple, size + more)))
        for more in (1, 1000)
    )
    return -abs(first - second)


# G13

G13 = Claim(
    id="G13",
    source=SOURCE,
    where="Section 3.1",
    statement=(
        "The score is 0 if a lesion is predicted where there is none, or none where "
        "there is one, and 1 if there is none and none is predicted."
    ),
    assumes=(
        "A definition. Hard masks; any pixel makes a lesion, so one false pixel takes "
        "a lesion-free image from 1 to 0."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "With one mask empty TP = 0 and (4) is 0 by itself; with both it is 0/0 and "
        "the rule says 1. So the convention is (4) and one value. No value makes (4) "
        "continuous there: with an empty truth it is 0 for every prediction but one."
    ),
    values={"five_images": 0.5, "both_empty": 1.0, "one_empty": 0.0},
)


def _image(tp: int, fp: int, fn: int, pixels: int = 8) -> SoftCounts:
    """Counts ``[2]`` of background and lesion."""
    tn = pixels - tp - fp - fn
    lesion = (tp, fp, fn), (tn, fn, fp)
    hits, wrong, missed = np.array(lesion[::-1], float).T
    return SoftCounts.of_sets(hits, wrong, missed, np.asarray(float(pixels)))


@G13.check("all masks")
@G13.twin("0 for both empty", both=0.0)
@G13.twin("1e-6 for one empty", one=1e-6)
def convention(*, both: float = 1.0, one: float = 0.0) -> Evidence:
    """The challenge's score on all masks of eight pixels: four rules, one formula."""

    def slack(triple: Pair) -> Fraction:
        tp, fp, fn = triple
        found, truth = tp + fp > 0, tp + fn > 0
        if found and truth:
            wanted = 2 * tp / (2 * tp + fp + fn)
        else:
            wanted = one if found or truth else both
        return -Fraction(abs(float(challenge_scores(_image(*triple))) - wanted))

    found = enumeration.worst_case(
        enumeration.confusion_counts(8), slack, describe=lambda t: {"tp_fp_fn": t}
    )
    return dataclasses.replace(found, tolerance=1e-15)


@G13.check("five images")
@G13.twin("0 in the mean", empty_pair=0.0)
def mean_of_images(*, empty_pair: float = 1.0) -> Evidence:
    """Five images by hand: right, half right, rejected lesion, false alarm, both empty.

    Scores 1, 1/2, 0, 0, 1; two of five rejected.
    """
    triples = [(2, 0, 0), (1, 1, 1), (0, 0, 2), (0, 2, 0), (0, 0, 0)]
    images = [_image(*triple) for triple in triples]
    stacked = SoftCounts(
        **{
            name: np.stack([getattr(image, name) for image in images])
            for name in SoftCounts.__dataclass_fields__
        }
    )
    result = challenge_result(stacked)
    found = {name: float(getattr(result, name)) for name in ("score", "rejected")}
    found["false_alarms"] = 1 - float(result.rejected_lesion_free)
    expected = {"score": (1 + 1 / 2 + empty_pair) / 5, "rejected": 2 / 5}
    expected["false_alarms"] = 1 / 2
    return examples.agree(found, expected, tolerance=1e-12)
