"""N14, N20: overlap indices in rates, and between bounds for a number of mistakes."""

import math
from fractions import Fraction

import sympy

from jaxseg import counts
from jaxseg.counts import SoftCounts
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, symbolic
from theory.engines.enumeration import over_masks

N14 = Claim(
    id="N14",
    source=SOURCE,
    where="on Eelbode 2020, Eqs. (2)-(6)",
    statement=(
        "1/T_ab = 1 + a (1/P - 1) + b (1/R - 1); 1/J = 1/P + 1/R - 1; min(P, R) <= D "
        "<= sqrt(PR); H_gamma = gamma TPR + (1 - gamma) TNR."
    ),
    assumes=(
        "P precision, R = TPR recall. The first two where TP > 0; the third with P or "
        "R 1 where it is 0/0; the last where 0 < |y| < d."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "1/P - 1 = FP / TP and 1/R - 1 = FN / TP. D is the harmonic mean of P and R, "
        "at most their geometric mean and at least the smaller; both are equalities "
        "where P = R. With TP = 0 and one mask empty min(P, R) = 0 = D."
    ),
    values={
        "jaccard_at_p_1/2_r_1": 0.5,
        "dice_at_p_1/2_r_1": 2 / 3,
        "geometric_mean_at_p_1/2_r_1": math.sqrt(0.5),
    },
)

WEIGHTS = tuple(
    (Fraction(a), Fraction(b)) for a, b in (("1/2", "1/2"), ("3", "1/7"), ("1", "1"))
)
GAMMAS = tuple(map(Fraction, ("0", "1/3", "1/2", "1")))


@N14.check("algebra")
@N14.twin("2 for 1", constant=2)
def inverse_rates(*, constant: int = 1) -> Evidence:
    """1/T = 1 + alpha (1/P - 1) + beta (1/R - 1), and 1/J likewise."""
    tp, fp, fn, alpha, beta = sympy.symbols("tp fp fn alpha beta", positive=True)
    masks = SoftCounts.of_sets(tp, fp, fn, 1)
    precision = 1 / counts.precision_index(masks)
    recall = 1 / counts.sensitivity_index(masks)
    tversky = counts.tversky_index(masks, alpha=alpha, beta=beta)
    mixed = 1 + alpha * (precision - constant) + beta * (recall - constant)
    return symbolic.identities(
        [
            (1 / tversky, mixed),
            (1 / counts.jaccard_index(masks), precision + recall - constant),
        ]
    )


@N14.check("all masks")
@N14.twin("without overlap", least=0)
def exact_rates(*, least: int = 1) -> Evidence:
    """The same on all hard masks with TP >= `least`."""

    def slack(masks: SoftCounts) -> Fraction:
        precision = Fraction(counts.precision_index(masks))
        recall = Fraction(counts.sensitivity_index(masks))
        gaps = []
        for alpha, beta in WEIGHTS:
            index = Fraction(counts.tversky_index(masks, alpha=alpha, beta=beta))
            # cleared of fractions, so that it can be asked where TP = 0
            left = precision * recall
            right = index * (
                left
                + alpha * recall * (1 - precision)
                + beta * precision * (1 - recall)
            )
            gaps.append(abs(left - right) if left else Fraction(index != 1))
        return -max(gaps)

    return enumeration.over_counts(
        slack, pixels=12, only=lambda masks: masks.intersection >= least
    )


@N14.check("means")
@N14.twin("strictly", strict=True)
@over_masks(pixels=16)
def dice_is_between_means(masks: SoftCounts, *, strict: bool = False) -> Fraction:
    """min(P, R) <= D <= sqrt(P R), squared, on all hard masks, empty ones too."""
    precision = Fraction(counts.precision_index(masks))
    recall = Fraction(counts.sensitivity_index(masks))
    dice = Fraction(counts.dice_index(masks))
    room = min(dice - min(precision, recall), precision * recall - dice**2)
    return room - Fraction(strict, 10**9)


@N14.check("weighted Hamming")
@N14.twin("gamma on the background", swap=True)
@over_masks(pixels=12, only=lambda masks: 0 < masks.actual < masks.pixels)
def mean_of_rates(masks: SoftCounts, *, swap: bool = False) -> Fraction:
    """H_gamma = gamma TPR + (1 - gamma) TNR as Eq. (5) has it, 0 < |y| < d."""
    gaps = []
    for gamma in GAMMAS:
        weight = 1 - gamma if swap else gamma
        missed = masks.false_negatives / masks.actual
        false = masks.false_positives / (masks.pixels - masks.actual)
        printed = 1 - weight * missed - (1 - weight) * false
        index = counts.weighted_hamming_index(masks, gamma=gamma)
        gaps.append(abs(index - printed))
    return -Fraction(max(gaps))


# N20

N20 = Claim(
    id="N20",
    source=SOURCE,
    where="on Eelbode 2020, IV-C",
    statement=(
        "At a fixed |y|, e wrong pixels give e / (2 |y| + e) <= 1 - D <= e / (2 |y| - "
        "e), e <= |y|."
    ),
    assumes=(
        "|y| > 0. The lower bound needs e pixels outside of y to be reached, and holds "
        "for every e. For |y| < e < 2 |y| the upper bound holds but exceeds 1; the "
        "largest 1 - D is then 1, with all of y missed."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "1 - D = (FP + FN) / (2 |y| + FP - FN), and FP - FN is between -e and e: false "
        "positives cost less than missed pixels."
    ),
    values={
        "lower_at_10_true_2_wrong": 2 / 22,
        "upper_at_10_true_2_wrong": 2 / 18,
    },
)


@N20.check("all masks")
@N20.twin("less by 1e-6", less=Fraction(1, 10**6))
def mistakes_bound_dice(*, less: Fraction = Fraction(0)) -> Evidence:
    """E / (2n + e) <= 1 - D <= e / (2n - e) - less, for e <= n = |y|."""

    def slack(masks: SoftCounts) -> Fraction:
        wrong = masks.false_positives + masks.false_negatives
        actual = masks.actual
        loss = 1 - Fraction(counts.dice_index(masks))
        return min(
            loss - wrong / (2 * actual + wrong),
            wrong / (2 * actual - wrong) - less - loss,
        )

    def few(masks: SoftCounts) -> bool:
        wrong = masks.false_positives + masks.false_negatives
        return masks.actual > 0 and wrong <= masks.actual

    return enumeration.over_counts(slack, pixels=18, only=few)


@N20.check("reached")
@N20.twin("e = |y| + 1", beyond=1)
@N20.twin("ends exchanged", swap=True)
def ends_reached(*, swap: bool = False, beyond: int = 0) -> Evidence:
    """Least and largest 1 - D for e <= n + `beyond` are the two bounds."""

    def slack(case: tuple[int, int]) -> Fraction:
        actual, wrong = case
        losses = [
            1
            - Fraction(
                counts.dice_index(
                    enumeration.exact_counts(actual - fn, wrong - fn, fn, 40)
                )
            )
            for fn in range(min(actual, wrong) + 1)
        ]
        low, high = min(losses), max(losses)
        if swap:
            low, high = high, low
        return -max(
            abs(low - Fraction(wrong, 2 * actual + wrong)),
            abs(high - Fraction(wrong, 2 * actual - wrong)),
        )

    cases = [(n, e) for n in range(2, 9) for e in range(1, n + 1 + beyond)]
    return enumeration.worst_case(
        cases, slack, describe=lambda c: {"actual": c[0], "wrong": c[1]}
    )
