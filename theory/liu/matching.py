"""L03-L05: the ground-truth matching term DF of log-Dice against cross-entropy."""

import functools
import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg import counts, links
from jaxseg.losses import cross_entropy_loss, region_cross_entropy_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import examples, samples, search
from theory.engines.enumeration import for_all, for_each
from theory.liu import SOURCE

Region = tuple[Fraction, ...]

LABELS = (0, 0, 0, 0, 1, 1, 2, 2, 2)
"""Nine pixels, regions of four, two and three."""


def matching_term(probs: Array, labels: Array) -> Array:
    """DF: minus the sum over regions of the log of the mean of p."""
    targets = jax.nn.one_hot(labels, probs.shape[-1], dtype=probs.dtype)
    found = counts.soft_counts(probs, targets)
    return -jnp.sum(jnp.log(counts.sensitivity_index(found)))


def table_cross_entropy(probs: Array, labels: Array) -> Array:
    """CE of Table 1, the sum over regions of the mean in each."""
    return region_cross_entropy_loss(probs, labels, link=links.identity)


def mean_cross_entropy(probs: Array, labels: Array) -> Array:
    """CE of Appendix A.2, the mean over pixels."""
    return cross_entropy_loss(probs, labels, link=links.identity)


def mean(values: Sequence[Fraction]) -> Fraction:
    """Arithmetic mean, exact."""
    return Fraction(sum(values), len(values))


def regions(*, parts: int = 5, pixels: int = 4, start: int = 0):
    """The probabilities of the true class in one region, on a grid of [0, 1]."""
    grid = [Fraction(n, parts) for n in range(start, parts + 1)]
    for size in range(1, pixels + 1):
        yield from itertools.combinations_with_replacement(grid, size)


# L03

L03 = Claim(
    id="L03",
    source=SOURCE,
    where="Section 2.2, after Eq. (1); Appendix B",
    statement="DF <= CE, by Jensen's inequality and the convexity of -log.",
    assumes=(
        "Hard labels, every region non-empty (for an empty one DF is the log of 0/0). "
        "Where p = 0 somewhere CE is infinite and the bound is void."
    ),
    verdict=Verdict.DEPENDS,
    readings={
        "CE of Table 1 (and CE1 of Appendix B), a mean in each region": (
            "Holds, with equality just where p_ik is constant within each region."
        ),
        "CE of Appendix A.2, the mean over pixels": (
            "Fails from two classes on, since its regions weigh y_k < 1; what holds is "
            "sum_k y_k DF_k <= CE, so DF <= CE / min y_k."
        ),
    },
    counterexample=(
        "Mean over pixels: two pixels, one of each class, p = 1/2 everywhere. DF = 2 "
        "log 2, CE = log 2."
    ),
    proof=(
        "In region k the mean of -log p is at least -log of the mean of p, strictly "
        "unless p is constant; summed over k that is the claim. Exponentiated it is "
        "the inequality of the geometric and the arithmetic mean."
    ),
    values={
        "df_two_pixels_at_half": 2 * math.log(2),
        "mean_ce_two_pixels_at_half": math.log(2),
        "gap_at_1/2_1/4": math.log(3 / 8) - (math.log(1 / 2) + math.log(1 / 4)) / 2,
    },
)


@L03.check("arithmetic and geometric mean")
@L03.twin("geometric mean larger by 1e-6", excess=1 + Fraction(1, 10**6))
@for_each(regions)
def jensen(region: Region, *, excess: Fraction = Fraction(1)) -> Fraction:
    """exp(-CE) <= exp(-DF) in a region, that is: geometric <= arithmetic mean."""
    return mean(region) ** len(region) - excess * math.prod(region)


@L03.check("equality")
@L03.twin("strict everywhere", also=True)
@for_each(regions)
def strict(region: Region, *, also: bool = False) -> Fraction:
    """Equality only for a constant p; `also` claims it without that exception."""
    gap = mean(region) ** len(region) - math.prod(region)
    if len(set(region)) == 1 and not also:
        return -abs(gap)
    return gap - Fraction(1, 10**9)


@functools.cache
def _attack(pixel_mean: bool):
    labels = jnp.array(LABELS)
    cross_entropy = mean_cross_entropy if pixel_mean else table_cross_entropy

    def objective(scores: Array) -> Array:
        probs = jax.nn.softmax(scores)
        return matching_term(probs, labels) - cross_entropy(probs, labels)

    starts = samples.draw_logits(jax.random.key(3), 32, len(LABELS), 3)
    return search.maximise(objective, starts, steps=100, learning_rate=0.3)


@L03.check("ascent on the losses")
@L03.twin("mean over pixels", pixel_mean=True)
@L03.twin("lower by 1e-6", shift=1e-6)
def never_above(*, pixel_mean: bool = False, shift: float = 0.0) -> Evidence:
    """Ascent on DF - CE of jaxseg's losses: it gets to 0 and no further."""
    found = _attack(pixel_mean)
    value, at = found.best()
    witness = {"scores": at, "excess": value}
    return Evidence(-value - shift, 1e-12, found.starts, "search", witness)


# L04

L04 = Claim(
    id="L04",
    source=SOURCE,
    where="Section 2.2; Appendix B",
    statement=(
        "DF and CE decrease in each p_ik with i in region k, and reach their global "
        "minimum when, and only when, all of those are 1."
    ),
    assumes=(
        "The p_ik of the true classes are free in [0, 1]. A slope exists where it is "
        "finite: DF where a region's sum is positive, CE where p_ik > 0."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "The slopes are -1 / sum p for DF and -1 / (|region| p_ik) for CE (over N "
        "instead of |region| for the mean over pixels), both negative; so every p_ik < "
        "1 can be improved on, and at 1 both are 0. DF has one slope for all pixels of "
        "a region, bounded while the region's sum is, CE one for each pixel, unbounded "
        "at 0: DF is constant along moves within a region that keep its sum, CE is "
        "strictly convex. Of scores, whose softmax never is 1, the minimum is an "
        "infimum."
    ),
    values={
        "slope_of_df_at_1/2_1/4": -1 / (1 / 2 + 1 / 4),
        "slope_of_ce_at_1/2_of_2": -1 / (2 * 1 / 2),
        "slope_of_ce_at_1/4_of_2": -1 / (2 * 1 / 4),
    },
)


@L04.check("slopes")
@L04.twin("slopes with the sign flipped", sign=-1)
def slopes(*, sign: int = 1) -> Evidence:
    """dDF/dp = -1 / sum p and dCE/dp = -1 / (|region| p): negative, by autodiff."""
    labels = jnp.array(LABELS)
    probs = jax.nn.softmax(samples.draw_logits(jax.random.key(4), 200, len(LABELS), 3))
    targets = jax.nn.one_hot(labels, 3, dtype=probs.dtype)
    probs, targets = np.asarray(probs), np.asarray(targets)
    sizes = targets.sum(axis=0)
    totals = (probs * targets).sum(axis=1, keepdims=True)
    by_hand = np.stack([-targets / totals, -targets / (sizes * probs)])

    @jax.jit
    @jax.vmap
    def both(probs):
        df = jax.grad(matching_term)(probs, labels)
        return df, jax.grad(table_cross_entropy)(probs, labels)

    found = np.stack(both(probs))
    error = np.abs(found - sign * by_hand) / np.maximum(1, np.abs(by_hand))
    descent = np.where(targets > 0, -found, np.inf)
    slack = np.minimum(-error.max(axis=(2, 3)), descent.min(axis=(2, 3))).min(axis=0)
    return samples.worst_draw(slack, {"probs": probs}, tolerance=1e-10)


@L04.check("curvatures")
@L04.twin("DF curved along moves", along=1e-3)
@L04.twin("CE with the curvature of DF", ce_as_df=True)
def curvatures(*, along: float = 0.0, ce_as_df: bool = False) -> Evidence:
    """Hessians by autodiff: DF's has one direction a region, CE's is diagonal.

    DF: 1 / (sum p)^2 for every pair of pixels of a region, so 0 along a move that keeps
    the sum (`along` claims more); CE: 1 / (|region| p^2) for a pixel with itself.
    """
    labels = jnp.array(LABELS)
    probs = jax.nn.softmax(samples.draw_logits(jax.random.key(5), 40, len(LABELS), 3))
    own = jnp.take_along_axis(probs, labels[None, :, None], axis=-1)[..., 0]

    @jax.jit
    @jax.vmap
    def both(probs, own):
        def at(term):
            chosen = jax.nn.one_hot(labels, 3, dtype=bool)
            return jax.hessian(
                lambda p: term(jnp.where(chosen, p[:, None], probs), labels)
            )(own)

        return at(matching_term), at(table_cross_entropy)

    found = [np.asarray(hessian) for hessian in both(probs, own)]
    own = np.asarray(own)
    same = np.asarray(LABELS)[:, None] == np.asarray(LABELS)
    totals = own @ same
    df = same / totals[:, :, None] ** 2
    ce = np.eye(len(LABELS)) / (same.sum(1) * own**2)[:, :, None]
    expected = (df + along * np.eye(len(LABELS)), df if ce_as_df else ce)
    slack = np.min(
        [
            -np.abs(a - b).max((1, 2)) / np.maximum(1, np.abs(b).max((1, 2)))
            for a, b in zip(found, expected, strict=True)
        ],
        axis=0,
    )
    return samples.worst_draw(slack, {"probs": np.asarray(probs)}, tolerance=1e-10)


@L04.check("minimum")
@L04.twin("minimum from 4/5 on", lowered=Fraction(4, 5))
@for_each(regions)
def only_at_one(region: Region, *, lowered: Fraction = Fraction(1)) -> Fraction:
    """exp(-DF) and exp(-CE) reach 1 where all p are 1 and stay below elsewhere."""
    largest = max(mean(region), math.prod(region))
    if min(region) >= lowered:
        return Fraction(-abs(largest - 1))
    return 1 - largest - Fraction(1, 10**9)


# L05

L05 = Claim(
    id="L05",
    source=SOURCE,
    where="Section 2.2",
    statement="Minimising CE can be viewed as a proxy for minimising DF.",
    assumes="One region; CE is the mean of -log p in it, as in Table 1.",
    verdict=Verdict.DEPENDS,
    readings={
        "a CE that tends to 0 takes DF to 0, and both have one minimiser": (
            "Holds, as 0 <= DF <= CE (L03, L04)."
        ),
        "of two predictions, that of lower CE has lower DF": "Fails.",
        "under constraints both have the same minimiser": (
            "Fails; and a network with shared parameters is a constraint."
        ),
        "a small DF makes CE small, so that the bound can be turned round": (
            "Fails: one certain error of n pixels has CE infinite, DF = -log(1 - 1/n)."
        ),
    },
    counterexample=(
        "Two pixels of one region: p = (1/2, 1/2) has product 1/4 and mean 1/2, p = "
        "(1, 1/5) has product 1/5 and mean 3/5: the first has the lower CE, the second "
        "the lower DF. If the region can only be (q, 1 - q^2), DF is smallest at q = "
        "1/2, CE at q = 1 / sqrt 3."
    ),
    proof=(
        "Arithmetic. For the curve, DF is least where q + 1 - q^2 is largest and CE "
        "where q - q^3 is."
    ),
    values={
        "df_minimiser_on_curve": 1 / 2,
        "ce_minimiser_on_curve": 1 / math.sqrt(3),
        "df_with_one_error_of_100": -math.log(0.99),
    },
)


AHEAD, BEHIND = (Fraction(1, 2),) * 2, (Fraction(1), Fraction(1, 5))
"""Two predictions of a region of two pixels: CE prefers the first, DF the second."""


@L05.check("common goal")
@L05.twin("twice as fast", slower=2)
@for_each(lambda: regions(start=1))
def common_goal(region: Region, *, slower: int = 1) -> Fraction:
    """1 - mean p <= 1 - product of p: as CE tends to 0, so does DF.

    A `slower` of 2 asks for twice the distance.
    """
    return Fraction(1 - math.prod(region)) - slower * (1 - mean(region))


@L05.check("orders differ")
@L05.twin("order kept for (1, 1/4)", second=(Fraction(1), Fraction(1, 4)))
def orders_differ(*, second: Region = BEHIND) -> Evidence:
    """Exact witness: lower cross-entropy with higher DF."""
    lower_ce = math.prod(AHEAD) - math.prod(second)
    higher_df = mean(second) - mean(AHEAD)
    slack = min(lower_ce, higher_df) - Fraction(1, 10**9)
    witness = {"first": list(AHEAD), "second": list(second)}
    return Evidence(slack, 0.0, 1, "enumeration", witness)


@L05.check("minimisers differ")
@L05.twin("one minimiser", ce=1 / 2)
def minimisers_differ(*, df: float = 1 / 2, ce: float = 1 / math.sqrt(3)) -> Evidence:
    """Where the region can only be (q, 1 - q^2): the best q of DF and of CE."""
    grid = np.linspace(0.01, 0.99, 9801)
    probs = np.stack([grid, 1 - grid**2])
    found = {
        "df": grid[np.argmax(probs.mean(axis=0))],
        "ce": grid[np.argmax(np.log(probs).mean(axis=0))],
    }
    return examples.agree(found, {"df": df, "ce": ce}, tolerance=1e-4)


@L05.check("no reverse bound")
@L05.twin("DF below 1/200 with 100 pixels", bound=Fraction(1, 200))
@for_all(size=(2, 10, 100))
def no_reverse(size: int, *, bound: Fraction = Fraction(1, 50)) -> Fraction:
    """One pixel of n at p = 0: exp(-CE) = 0 while exp(-DF) = 1 - 1/n gets close to 1.

    False as a claim that DF is no less than some `bound` wherever CE is infinite.
    """
    region = (Fraction(0),) + (Fraction(1),) * (size - 1)
    lost = 1 - mean(region)
    close = bound - lost if size == 100 else Fraction(1)
    return min(close, -abs(Fraction(math.prod(region))))
