"""N05, N06: masks that are best for indices of expected counts, and at what cost not.

A population is a list of equally many pixels with posteriors eta; the counts of a
prediction p are those to expect: TP = sum eta p, FP = sum (1 - eta) p and so on.
"""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jax import Array

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import dice_loss
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, samples, symbolic
from theory.engines.enumeration import for_all, for_each

Values = tuple[Fraction, ...]
HALF = Fraction(1, 2)


def expected_counts(predicted: Sequence[Any], posterior: Sequence[Any]) -> SoftCounts:
    """Counts of a prediction, exact for fractions."""
    pairs = list(zip(predicted, posterior, strict=True))
    return SoftCounts.of_sets(
        sum((p * eta for p, eta in pairs), Fraction(0)),
        sum((p * (1 - eta) for p, eta in pairs), Fraction(0)),
        sum(((1 - p) * eta for p, eta in pairs), Fraction(0)),
        len(pairs),
    )


def posteriors(*, parts: int = 6, pixels: int = 3) -> Iterator[Values]:
    """Populations on a grid, not all zero."""
    grid = [Fraction(n, parts) for n in range(parts + 1)]
    for size in range(1, pixels + 1):
        for eta in itertools.combinations_with_replacement(grid, size):
            if any(eta):
                yield eta


def witness(eta: Values) -> dict[str, list[Fraction]]:
    """A posterior, as a witness."""
    return {"posterior": list(eta)}


Index = Callable[[SoftCounts], Any]
Threshold = Callable[[Fraction], Fraction]


def tversky(alpha: Fraction, beta: Fraction) -> tuple[Index, Threshold]:
    """An index and its claimed threshold, a T* / (1 - (1 - a - b) T*)."""
    index = functools.partial(counts.tversky_index, alpha=alpha, beta=beta)
    return index, lambda best: alpha * best / (1 - (1 - alpha - beta) * best)


RULES: dict[str, tuple[Index, Threshold]] = {
    "dice": (counts.dice_index, lambda best: best / 2),
    "jaccard": (counts.jaccard_index, lambda best: best / (1 + best)),
    "f_2": (
        functools.partial(counts.f_beta_index, beta=Fraction(2)),
        lambda best: best / 5,
    ),
    "tversky_1/5_3": tversky(Fraction(1, 5), Fraction(3)),
    "tversky_2_1/10": tversky(Fraction(2), Fraction(1, 10)),
}


@functools.cache
def best(name: str, eta: Values) -> tuple[Fraction, tuple[tuple[int, ...], ...]]:
    """Largest index over all masks, and the masks that reach it."""
    index = RULES[name][0]
    scores = {
        mask: Fraction(index(expected_counts(mask, eta)))
        for mask in itertools.product((0, 1), repeat=len(eta))
    }
    top = max(scores.values())
    return top, tuple(mask for mask, score in scores.items() if score == top)


def _cases() -> Iterator[tuple[str, Values]]:
    return itertools.product(RULES, posteriors())


def _case(case: tuple[str, Values]) -> dict:
    return {"index": case[0], **witness(case[1])}


# N05

N05 = Claim(
    id="N05",
    source=SOURCE,
    where="on Eelbode 2020, II-A",
    statement=(
        "The best prediction for the Dice index of a population thresholds the "
        "posterior at D*/2 <= 1/2, D* the best value; for Jaccard at J*/(1 + J*) = "
        "D*/2, for Tversky at a T*/(1 - (1 - a - b) T*), for F_b at F*/(1 + b^2). No "
        "soft prediction does better. Cross-entropy with foreground weight 1 - D*/2 "
        "(background D*/2), cut at 1/2, gives the same mask."
    ),
    assumes=(
        "The index of expected counts, not the expected index of images (N07). sum eta "
        "> 0; a >= 0, b > 0. Pixels with eta at the threshold may have any p."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "T = N/M with N = sum eta p and M = sum [(1 - a - b) eta + a] p + b eta, both "
        "affine in p, M > 0. p is best just if it maximises N - T* M, which is linear: "
        "p = 1 where eta - T* ((1 - a - b) eta + a) > 0, 0 where < 0. That is eta > a "
        "T*/(1 - (1 - a - b) T*), as 1 - (1 - a - b) T* > 0. Dice has a = b = 1/2, "
        "F_b a = 1/(1 + b^2) = 1 - b. J = D/(2 - D) rises with D, so has the same "
        "masks. The weighted minimiser exceeds 1/2 just if gamma eta > (1 - gamma)(1 - "
        "eta), that is eta > 1 - gamma."
    ),
    values=lambda: {
        # eta = 1/2 and 1/4: one pixel has D = 1 / (3/4 + 1), both 3/2 / (3/4 + 2)
        "best_dice_at_1/2_1/4": float(best("dice", (Fraction(1, 4), HALF))[0]),
        "threshold_at_1/2_1/4": float(best("dice", (Fraction(1, 4), HALF))[0]) / 2,
        "best_jaccard_at_1/2_1/4": float(best("jaccard", (Fraction(1, 4), HALF))[0]),
        "best_dice_at_2/5": float(best("dice", (Fraction(2, 5),))[0]),
    },
)


@N05.check("thresholds")
@N05.twin("threshold 1/2", fixed=HALF)
@for_each(_cases)
def best_mask_is_a_cut(
    name: str, eta: Values, *, fixed: Fraction | None = None
) -> Fraction:
    """All pixels of a best mask have eta >= the threshold, all others eta <= it.

    `fixed` puts one threshold in the place of all.
    """
    top, masks = best(name, eta)
    limit = RULES[name][1](top) if fixed is None else fixed
    return min(
        (x - limit) if m else (limit - x)
        for mask in masks
        for m, x in zip(mask, eta, strict=True)
    )


@N05.check("soft predictions")
@N05.twin("soft worse by 1e-6", by=Fraction(1, 10**6))
def soft_no_better(*, by: Fraction = Fraction(0)) -> Evidence:
    """No prediction with entries in {0, 1/3, 2/3, 1} exceeds the best mask."""
    levels = [Fraction(n, 3) for n in range(4)]

    def slack(case: tuple[str, Values]) -> Fraction:
        name, eta = case
        index = RULES[name][0]
        found = max(
            Fraction(index(expected_counts(p, eta)))
            for p in itertools.product(levels, repeat=len(eta))
        )
        return best(name, eta)[0] - by - found

    cases = itertools.product(RULES, posteriors(parts=4))
    return enumeration.worst_case(cases, slack, describe=_case)


@N05.check("Dice and Jaccard")
@N05.twin("D*/3", factor=3)
def thresholds_meet(*, factor: int = 2) -> Evidence:
    """Dice and Jaccard have the same best masks and J*/(1 + J*) = D*/2 <= 1/2."""

    def slack(eta: Values) -> Fraction:
        (dice, masks), (jaccard, others) = best("dice", eta), best("jaccard", eta)
        same = Fraction(0 if masks == others else -1)
        gap = abs(jaccard / (1 + jaccard) - dice / factor)
        return min(same, -gap, HALF - dice / 2)

    return enumeration.worst_case(posteriors(), slack, describe=witness)


@N05.check("weighted cross-entropy")
@N05.twin("weight D*/2", weight=lambda dice: dice / 2)
def weighted_cross_entropy(
    *, weight: Threshold = lambda dice: 1 - dice / 2
) -> Evidence:
    """The minimiser of gamma eta log p + (1 - gamma)(1 - eta) log(1 - p), cut at 1/2.

    It is p = gamma eta / (gamma eta + (1 - gamma)(1 - eta)); where it is not 1/2 its
    mask is that of Dice.
    """

    def slack(eta: Values) -> Fraction:
        top, masks = best("dice", eta)
        gamma = weight(top)
        slacks = [Fraction(0)]
        for at, x in enumerate(eta):
            hit, miss = gamma * x, (1 - gamma) * (1 - x)
            if hit != miss:
                slacks += [-Fraction(abs(mask[at] - (hit > miss))) for mask in masks]
        return min(slacks)

    return enumeration.worst_case(posteriors(), slack, describe=witness)


@jax.jit
@functools.partial(jax.vmap, in_axes=(0, None))
def _pull(scores: Array, truth: Array) -> tuple[Array, Array]:
    """Dice loss and its slope in the score of each group, labels ``[groups, 5]``."""

    def loss(scores):
        spread = jnp.broadcast_to(scores[:, None], truth.shape)[..., None]
        return dice_loss(spread, truth[..., None], link=links.sigmoid)

    return jax.value_and_grad(loss)(scores)


@N05.check("slope of the loss")
@N05.twin("pull to eta > D", half=1.0)
def pull_of_loss(*, half: float = 2.0) -> Evidence:
    """Jaxseg's slope in a group's score has the sign of D/2 - eta; groups of five."""
    hits = np.array([1, 2, 3, 5])
    truth = (np.arange(5)[None, :] < hits[:, None]).astype(float)
    scores = np.random.default_rng(5).normal(size=(200, 4))
    values, slopes = map(np.asarray, _pull(jnp.array(scores), jnp.array(truth)))
    away = (1 - values[:, None]) / half - hits / 5
    slack = (slopes * np.sign(away)).min(axis=1)
    return samples.worst_draw(slack, {"scores": scores}, tolerance=1e-12)


# N06

N06 = Claim(
    id="N06",
    source=SOURCE,
    where="sharpens Eelbode 2020, end of II-B",
    statement=(
        "The population Dice that calibrated cross-entropy with the threshold 1/2 "
        "loses against the best is less than 2/3, and no smaller bound holds."
    ),
    assumes=(
        "As N05; ties at eta = 1/2 are foreground. If they are background, eta = 1/2 "
        "everywhere has a regret of exactly 2/3."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "The best mask holds that of eta >= 1/2 (N05). Write A, M for the sums of eta "
        "and 1 over the latter, a, m over the rest of the best mask, where a < m/2. "
        "D* - D <= 2 (A + a)/(Y + M + m) - 2 A/(Y + M) <= 2 a/(Y + M + m) <= 2 a/(a + "
        "m) < 2/3, as Y >= A + a. With eta = 1/2 - delta everywhere D = 0 and D* = 2 "
        "eta/(1 + eta): approached as delta tends to 0, at the rate 8/9 delta, and not "
        "reached."
    ),
    values={
        "supremum": 2 / 3,
        "regret_at_2/5": 0.8 / 1.4,
        "regret_at_49/100": 0.98 / 1.49,
    },
)


SUPREMUM = Fraction(2, 3)


def regret(eta: Values) -> Fraction:
    """D* less the Dice of the mask eta >= 1/2, that of calibrated cross-entropy."""
    mask = [int(x >= HALF) for x in eta]
    found = Fraction(counts.dice_index(expected_counts(mask, eta)))
    return best("dice", eta)[0] - found


@N06.check("below 2/3")
@N06.twin("below 2/3 - 1e-6", bound=SUPREMUM - Fraction(1, 10**6))
def regret_below(*, bound: Fraction = SUPREMUM) -> Evidence:
    """Regret < 2/3: on a grid, then next to eta = 1/2 everywhere."""
    near = [(HALF - Fraction(1, 10**n),) for n in range(1, 10)]
    mixed = [one + other for one in posteriors(pixels=1) for other in near]
    cases = itertools.chain(posteriors(parts=10), near, mixed)
    return enumeration.worst_case(
        cases, lambda eta: bound - regret(eta) - Fraction(1, 10**12), describe=witness
    )


@N06.check("algebra")
@N06.twin("2/3 - 1e-6 in the algebra", supremum=SUPREMUM - Fraction(1, 10**6))
def regret_in_algebra(*, supremum: Fraction = SUPREMUM) -> Evidence:
    """The proof's steps as identities; what is taken away in each is not negative.

    The regret is 2 a / (Y + M + m) less 2 A m / ((Y + M)(Y + M + m)), and 2/3 exceeds 2
    a / (a + m) by (2/3)(m - 2 a) / (a + m).
    """
    sure, doubtful, more, most, rest = sympy.symbols("A a m M r", positive=True)
    actual = sure + doubtful + rest
    both = actual + most + more
    lost = 2 * (sure + doubtful) / both - 2 * sure / (actual + most)
    less = 2 * sure * more / ((actual + most) * both)
    bound = sympy.Rational(supremum.numerator, supremum.denominator)
    room = sympy.Rational(2, 3) * (more - 2 * doubtful) / (doubtful + more)
    return symbolic.identities(
        [
            (lost, 2 * doubtful / both - less),
            (bound - 2 * doubtful / (doubtful + more), room),
        ]
    )


@N06.check("rate")
@N06.twin("rate 1", rate=Fraction(1))
@for_all(n=range(2, 12))
def regret_approached(n: int, *, rate: Fraction = Fraction(8, 9)) -> Fraction:
    """At eta = 1/2 - delta everywhere it is 2/3 - 8/9 delta + O(delta^2)."""
    delta = Fraction(1, 10**n)
    missing = SUPREMUM - regret((HALF - delta,))
    return delta - abs(missing / delta - rate)


@N06.check("at 1/2")
@N06.twin("ties are background", strict=False)
def not_reached_at_half(*, strict: bool = True) -> Evidence:
    """At eta = 1/2 itself a threshold that takes ties, eta >= 1/2, has no regret."""
    found = Fraction(counts.dice_index(expected_counts([int(strict)], (HALF,))))
    value = best("dice", (HALF,))[0] - found
    return Evidence(-abs(value), 0.0, 1, "enumeration", {"regret": value})
