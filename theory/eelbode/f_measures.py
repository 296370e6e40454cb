"""E40: which Tversky index is which F measure."""

from collections.abc import Callable, Mapping
from fractions import Fraction

from jaxseg import counts
from jaxseg.counts import SoftCounts
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.engines import enumeration
from theory.engines.enumeration import for_each, over_masks

E40 = Claim(
    id="E40",
    source=SOURCE,
    where="Supplementary A and Table B.1",
    statement=(
        "Other weights suit other F measures: higher alpha the measures of lower "
        "order, lower alpha F_2."
    ),
    assumes=(
        "alpha weighs false positives and alpha + beta = 1. Suits: T_ab is the "
        "measure. Table B.1 is quoted for BR18, MO17 and WM17 as evidence of training; "
        "on the other data sets the maxima are flatter."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "F_b = (1 + b^2) TP / ((1 + b^2) TP + FP + b^2 FN) is T_ab with alpha = 1 / (1 "
        "+ b^2) and beta = b^2 / (1 + b^2): 4/5 for F_0.5, 1/2 for F_1, 4/13 for "
        "F_1.5, 1/5 for F_2. By N01 it is the only Tversky index at distance 0."
    ),
    values={
        "alpha_of_f0.5": 0.8,
        "alpha_of_f1": 0.5,
        "alpha_of_f1.5": 4 / 13,
        "alpha_of_f2": 0.2,
    },
)

ORDERS = tuple(map(Fraction, ("1/2", "1", "3/2", "2", "5", "1/10")))

COLUMNS = tuple(Fraction(k, 10) for k in range(1, 10))
PRINTED: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "BR18": {
        "1/2": (739, 806, 841, 853, 878, 890, 896, 894, 879),
        "1": (801, 844, 859, 863, 870, 867, 857, 831, 787),
        "3/2": (850, 874, 875, 873, 867, 855, 837, 798, 741),
        "2": (882, 893, 885, 880, 867, 850, 827, 782, 719),
    },
    "MO17": {
        "1/2": (866, 900, 918, 930, 943, 948, 951, 954, 948),
        "1": (907, 928, 936, 941, 944, 942, 938, 932, 902),
        "3/2": (936, 947, 949, 948, 945, 940, 930, 919, 876),
        "2": (954, 959, 957, 953, 946, 939, 926, 913, 862),
    },
    "WM17": {
        "1/2": (498, 592, 659, 690, 724, 742, 761, 759, 720),
        "1": (581, 649, 689, 700, 712, 706, 693, 660, 565),
        "3/2": (657, 700, 718, 713, 711, 692, 660, 615, 501),
        "2": (714, 736, 739, 724, 713, 686, 645, 593, 472),
    },
}
"""Table B.1, alpha = 0.1, ..., 0.9 and beta = 1 - alpha, in thousandths."""


def alpha_of(order: Fraction) -> Fraction:
    """1 / (1 + b^2)."""
    return 1 / (1 + order * order)


def exchanged_weight(order: Fraction) -> Fraction:
    """False: b^2 / (1 + b^2), the weights exchanged."""
    return 1 - alpha_of(order)


@E40.check("index")
@E40.twin("weights exchanged", alpha=exchanged_weight)
@over_masks(pixels=9)
def same_index(
    masks: SoftCounts, *, alpha: Callable[[Fraction], Fraction] = alpha_of
) -> Fraction:
    """F_b is T with that alpha and beta = 1 - alpha, on all hard masks."""
    gaps = []
    for order in ORDERS:
        weight = alpha(order)
        tversky = counts.tversky_index(masks, alpha=weight, beta=1 - weight)
        gaps.append(abs(counts.f_beta_index(masks, beta=order) - tversky))
    return -Fraction(max(gaps))


@E40.check("falls with the order")
@E40.twin("rises instead", alpha=exchanged_weight)
def falls_with_order(*, alpha: Callable[[Fraction], Fraction] = alpha_of) -> Evidence:
    """Alpha falls as the order rises, and is 1/2 at order 1."""
    grid = [Fraction(k, 10) for k in range(1, 60)]

    def slack(k: int) -> Fraction:
        return (
            alpha(grid[k])
            - alpha(grid[k + 1])
            - abs(alpha(Fraction(1)) - Fraction(1, 2))
        )

    return enumeration.worst_case(
        range(len(grid) - 1), slack, describe=lambda k: {"order": grid[k]}
    )


@E40.check("printed table")
@E40.twin("table exact", within=Fraction(0))
@for_each(lambda: [(data, order) for data, rows in PRINTED.items() for order in rows])
def printed_table(
    data: str, order: str, *, within: Fraction = Fraction(1, 10)
) -> Fraction:
    """On these data sets the best printed alpha is as near to 1 / (1 + b^2) as this."""
    row = PRINTED[data][order]
    best = COLUMNS[row.index(max(row))]
    return within - abs(best - alpha_of(Fraction(order)))
