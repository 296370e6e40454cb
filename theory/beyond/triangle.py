"""N16: how far symmetric Tversky distances are from being metrics."""

import itertools
from collections.abc import Callable
from fractions import Fraction

import sympy

from jaxseg import counts
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, symbolic
from theory.engines.enumeration import for_all

N16 = Claim(
    id="N16",
    source=SOURCE,
    where="on Eelbode 2020, Eq. (6)",
    statement=(
        "1 - T_aa satisfies d(A, C) <= K (d(A, B) + d(B, C)) with the exact constant K "
        "= max(1, (1 + 1/a) / 2): a metric if and only if a >= 1 (Jaccard); 3/2 for "
        "Dice."
    ),
    assumes=(
        "a > 0; all finite sets, two pixels suffice for K; d = 0 for two empty sets."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "1 - T_aa = g(j) with g(j) = a j / (1 + (a - 1) j) and j the Jaccard distance, "
        "a metric. For a >= 1 g is concave and increasing with g(0) = 0, which keeps a "
        "metric. For a < 1 g is convex, so of all j1 + j2 >= j the sum g(j1) + g(j2) "
        "is least at j1 = j2 = j / 2, and g(j) / (2 g(j / 2)) rises with j to (1 + a) "
        "/ (2a) at j = 1: reached by A = {1}, B = {1, 2}, C = {2}."
    ),
    values={
        "constant_of_dice": 1.5,
        "constant_of_jaccard": 1.0,
        "constant_at_1/10": 5.5,
        "constant_at_2": 1.0,
    },
)

PIXELS = 4
WEIGHTS = tuple(map(Fraction, ("1/10", "1/2", "9/10", "1", "2", "7")))
TIGHTER = Fraction(1, 10**6)


def constant(weight: Fraction) -> Fraction:
    """max(1, (1 + 1/a) / 2)."""
    return max(Fraction(1), (1 + 1 / weight) / 2)


def _distances(weight: Fraction) -> list[list[Fraction]]:
    """1 - T_aa of all pairs of subsets of `PIXELS` pixels, as bit masks."""

    def one(a: int, b: int) -> Fraction:
        sizes = (a & b).bit_count(), (a & ~b).bit_count(), (b & ~a).bit_count()
        masks = enumeration.exact_counts(*sizes, PIXELS)
        return 1 - Fraction(counts.tversky_index(masks, alpha=weight, beta=weight))

    sets = range(2**PIXELS)
    return [[one(a, b) for b in sets] for a in sets]


@N16.check("all triples")
@N16.twin("K less by 1e-6", less=TIGHTER)
@N16.twin("a metric always", bound=lambda _: Fraction(1))
def relaxed_triangle(
    *,
    bound: Callable[[Fraction], Fraction] = constant,
    less: Fraction = Fraction(0),
) -> Evidence:
    """d(A, C) <= K (d(A, B) + d(B, C)) for all subsets of four pixels."""
    tables = {weight: _distances(weight) for weight in WEIGHTS}

    def slack(case: tuple[Fraction, int, int, int]) -> Fraction:
        weight, a, b, c = case
        d = tables[weight]
        return (bound(weight) - less) * (d[a][b] + d[b][c]) - d[a][c]

    sets = range(2**PIXELS)
    cases = (
        (weight, a, b, c)
        for weight in WEIGHTS
        for a, c in itertools.combinations(sets, 2)
        for b in sets
    )
    names = ("weight", "a", "b", "c")
    return enumeration.worst_case(
        cases, slack, describe=lambda case: dict(zip(names, case, strict=True))
    )


@N16.check("reached")
@N16.twin("reached less 1e-6", less=TIGHTER)
@for_all(weight=WEIGHTS)
def ratio_is_reached(weight: Fraction, *, less: Fraction = Fraction(0)) -> Fraction:
    """{1}, {1, 2}, {2} have the ratio (1 + 1/a) / 2, and B = A the ratio 1."""
    d = _distances(weight)
    ratios = d[1][2] / (d[1][3] + d[3][2]), d[1][2] / (d[1][1] + d[1][2])
    return -abs(max(ratios) - constant(weight) + less)


@N16.check("algebra")
@N16.twin("curvature squared", power=2)
def function_of_jaccard(*, power: int = 3) -> Evidence:
    """1 - T_aa = a j / (1 + (a - 1) j) of the Jaccard distance j, and its curvature."""
    tp, wrong, a, j = sympy.symbols("tp wrong a j", positive=True)
    distance = a * wrong / (tp + a * wrong)
    share = wrong / (tp + wrong)
    transform = a * j / (1 + (a - 1) * j)
    curvature = -2 * a * (a - 1) / (1 + (a - 1) * j) ** power
    half = transform.subs(j, j / 2)
    ratio = (1 + (a - 1) * j / 2) / (1 + (a - 1) * j)
    return symbolic.identities(
        [
            (distance, transform.subs(j, share)),
            (sympy.diff(transform, j, 2), curvature),
            (transform / (2 * half), ratio),
        ]
    )
