"""E38: do mean Dice and mean Jaccard rank two methods alike?"""

import itertools
from collections.abc import Mapping, Sequence
from fractions import Fraction

from jaxseg import counts
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.engines import enumeration

E38 = Claim(
    id="E38",
    source=SOURCE,
    where="IV-B-1",
    statement=(
        "If a loss l_A performs better than l_B in terms of Dice, it performs better "
        "in terms of the Jaccard index, and vice versa."
    ),
    assumes="Performance is the mean score over images, as in the tables.",
    verdict=Verdict.FAILS,
    correction=(
        "It holds for a single image (or pooled counts), where J is an increasing "
        "function of D. For means m_A > m_B of D it holds if m_A / (2 - m_A) >= m_B, "
        "as mean J lies between m / (2 - m) and m."
    ),
    counterexample=(
        "Two images each. A is perfect on one and misses the other: D and J are 1, 0. "
        "B has TP = 2, FP = 3 on both: D = 4/7, J = 2/5. B has the better mean D, 4/7 "
        "> 1/2, and the worse mean J, 2/5 < 1/2. The paper's tables have cases too: on "
        "IS17, L1 has the better Dice than L2 (0.362, 0.358) and the worse Jaccard "
        "(0.244, 0.245), and so has sDice beside Lovasz (0.362, 0.357; 0.244, 0.245)."
    ),
    proof=(
        "J = D / (2 - D) is convex in D, so a mean of J rewards spread that a mean of "
        "D does not see; equal means of D can differ by up to 3 - 2 sqrt 2 in mean J."
    ),
    values={
        "mean_dice_A": 0.5,
        "mean_dice_B": 4 / 7,
        "mean_jaccard_A": 0.5,
        "mean_jaccard_B": 0.4,
    },
)

Counts = tuple[int, int, int]  # TP, FP, FN of one image

ONE_PERFECT: tuple[Counts, ...] = ((2, 0, 0), (0, 3, 2))
BOTH_FAIR: tuple[Counts, ...] = ((2, 3, 0), (2, 3, 0))
"""Mean D 1/2 against 4/7, mean J 1/2 against 2/5."""

PRINTED: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "Table I, IS17": {"L1": (362, 244), "L2": (358, 245)},
    "Table II, IS17": {
        "sDice": (362, 244),
        "sJaccard": (363, 246),
        "Lovasz": (357, 245),
    },
    "Table II, BR18": {
        "sDice": (870, 780),
        "sJaccard": (868, 780),
        "Lovasz": (871, 784),
    },
}
"""Mean Dice and mean Jaccard as printed, in thousandths."""


def mean(index, images: Sequence[Counts]) -> Fraction:
    """Mean of an index over images of ten pixels."""
    values = (index(enumeration.exact_counts(*image, 10)) for image in images)
    return sum(map(Fraction, values), Fraction(0)) / len(images)


@E38.check("two images")
@E38.twin("two equal spreads", first=((2, 3, 0), (2, 2, 0)))
def disagree(
    *,
    first: Sequence[Counts] = ONE_PERFECT,
    second: Sequence[Counts] = BOTH_FAIR,
) -> Evidence:
    """The first has the smaller mean D and the larger mean J."""
    dice = [mean(counts.dice_index, images) for images in (first, second)]
    jaccard = [mean(counts.jaccard_index, images) for images in (first, second)]
    slack = min(dice[1] - dice[0], jaccard[0] - jaccard[1]) - Fraction(1, 10**9)
    witness = {"dice": dice, "jaccard": jaccard}
    return Evidence(slack, 0.0, 1, "enumeration", witness)


@E38.check("printed tables")
@E38.twin("in every table", tables=tuple(PRINTED))
def printed_tables(
    *, tables: Sequence[str] = ("Table I, IS17", "Table II, IS17")
) -> Evidence:
    """Each of these printed tables has two losses that the two scores rank apart."""

    def slack(name: str) -> Fraction:
        rows = PRINTED[name].values()
        gaps = [
            min(a[0] - b[0], b[1] - a[1]) for a, b in itertools.permutations(rows, 2)
        ]
        return Fraction(max(gaps) - 1)

    return enumeration.worst_case(tables, slack, describe=lambda t: {"table": t})


@E38.check("one image")
@E38.twin("over two images", images=2)
def one_image_agrees(*, images: int = 1) -> Evidence:
    """Over so many images (all of 3 pixels), D and J order any two methods alike."""
    triples = list(enumeration.confusion_counts(3))
    scores = {
        triple: tuple(
            Fraction(index(enumeration.exact_counts(*triple, 3)))
            for index in (counts.dice_index, counts.jaccard_index)
        )
        for triple in triples
    }
    methods = {
        tuple(sum(values, Fraction(0)) / images for values in zip(*found, strict=True))
        for found in itertools.combinations_with_replacement(
            sorted(set(scores.values())), images
        )
    }

    def slack(case: tuple[tuple[Fraction, ...], ...]) -> Fraction:
        (a, b), (c, d) = case
        return Fraction(-((a > c) != (b > d)))

    return enumeration.worst_case(
        itertools.permutations(sorted(methods), 2),
        slack,
        describe=lambda c: {"first": list(c[0]), "second": list(c[1])},
    )


@E38.check("margin")
@E38.twin("any margin", needed="more")
def safe_margin(*, needed: str = "bound") -> Evidence:
    """If m / (2 - m) >= m' for the mean D of two methods, mean J orders them so.

    With `needed` "more" the larger mean D alone is asked for.
    """
    levels = [Fraction(k, 6) for k in range(7)]
    triples = list(itertools.combinations_with_replacement(levels, 3))

    def means(values: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
        jaccard = sum((v / (2 - v) for v in values), Fraction(0)) / 3
        return sum(values, Fraction(0)) / 3, jaccard

    found = list(map(means, triples))

    def applies(case) -> bool:
        (m, _), (other, _) = case
        return m / (2 - m) >= other if needed == "bound" else m > other

    cases = filter(applies, itertools.permutations(found, 2))
    return enumeration.worst_case(
        cases,
        lambda case: case[0][1] - case[1][1],
        describe=lambda c: {"first": list(c[0]), "second": list(c[1])},
    )
