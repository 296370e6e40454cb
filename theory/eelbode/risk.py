"""E01, E16, E25, E26: risks as expectations, and bounds between Dice and Jaccard."""

import functools
import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import dice_loss, jaccard_loss, per_image
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.engines import samples, symbolic
from theory.engines.enumeration import for_all, for_each, over_masks

TIGHTER = Fraction(1, 10**6)

# E01

E01 = Claim(
    id="E01",
    source=SOURCE,
    where="Eq. (1) and the text after it",
    statement="(1/n) sum l(f(x_i), y_i) = E_{P_n}[l(x, y)].",
    assumes=(
        "The sample, printed as a set, is a sequence: an example that occurs twice "
        "counts twice. The loss is of one image; a Dice loss of a pooled batch is no "
        "mean over its images and not of this form."
    ),
    verdict=Verdict.HOLDS,
    proof="P_n is the mean of the point masses at (x_i, y_i); expectation is linear.",
    values={
        "mean_of_losses_0_0_1": 1 / 3,
        "as_a_set_of_losses_0_1": 1 / 2,
    },
)


def distribution(sample: Sequence[int]) -> dict[int, Fraction]:
    """P_n: each distinct element with its share of the sample."""
    share = Fraction(1, len(sample))
    return {x: sample.count(x) * share for x in set(sample)}


def distinct_elements(sample: Sequence[int]) -> dict[int, Fraction]:
    """False: each distinct element counts once."""
    distinct = set(sample)
    return {x: Fraction(1, len(distinct)) for x in distinct}


LOSSES = (Fraction(0), Fraction(1, 3), Fraction(1))


@E01.check("all samples")
@E01.twin("sample as a set", law=distinct_elements)
@for_all(sample=[s for n in range(1, 6) for s in itertools.product(range(3), repeat=n)])
def mean_is_expectation(
    sample: Sequence[int],
    *,
    law: Callable[[Sequence[int]], dict[int, Fraction]] = distribution,
) -> Fraction:
    """The mean of losses is the expectation under P_n, for all samples up to five."""
    mean = sum((LOSSES[x] for x in sample), Fraction(0)) / len(sample)
    return -abs(mean - sum(weight * LOSSES[x] for x, weight in law(sample).items()))


@E01.check("losses of images")
@E01.twin("pooled batch", pooled=True)
def risk_of_images(*, pooled: bool = False) -> Evidence:
    """The mean over images of jaxseg's Dice loss is that of `per_image`.

    With `pooled` the loss of all pixels as one image is tried in its place.
    """
    draws, images, pixels = 200, 3, 6
    score_key, label_key = jax.random.split(jax.random.key(25))
    logits = samples.draw_logits(score_key, draws, images, pixels, 1)
    labels = jax.random.randint(label_key, (draws, images, pixels), 0, 2)
    of_one = functools.partial(dice_loss, link=links.sigmoid)
    of_all = of_one if pooled else per_image(of_one)

    def slack(logits, labels):
        mean = jnp.mean(jax.vmap(of_one)(logits, labels))
        return -jnp.abs(of_all(logits, labels) - mean)

    worst = jax.jit(jax.vmap(slack))(logits, labels)
    case = {"logits": logits, "labels": labels}
    return samples.worst_draw(worst, case, tolerance=1e-14)


# E16

E16 = Claim(
    id="E16",
    source=SOURCE,
    where="Defs. II.1, II.2 and the text after them",
    statement="Both notions of approximation are symmetric in S and S~.",
    assumes="eps >= 0, so that 1 + eps > 0; the signs of S and S~ do not matter.",
    verdict=Verdict.HOLDS,
    proof=(
        "|S - S~| = |S~ - S|. S~ / (1 + eps) <= S is S~ <= S (1 + eps), and S <= S~ (1 "
        "+ eps) is S / (1 + eps) <= S~: the two inequalities change places. The usual "
        "relative error |S - S~| <= eps S~ is not symmetric: S = 1/2, S~ = 1, eps = "
        "1/2."
    ),
    values={"least_relative_error_of_1/2_and_1": 1.0},
)


GRID = tuple(Fraction(k, 6) for k in range(7))
ERRORS = tuple(map(Fraction, ("0", "1/5", "1/2", "1", "3")))
Holds = Callable[[Fraction, Fraction, Fraction], bool]


def absolute_within(s: Fraction, t: Fraction, error: Fraction) -> bool:
    """Eq. (15)."""
    return abs(s - t) <= error


def relative_within(s: Fraction, t: Fraction, error: Fraction) -> bool:
    """Eq. (16)."""
    return t / (1 + error) <= s <= t * (1 + error)


def usual_relative_within(s: Fraction, t: Fraction, error: Fraction) -> bool:
    """False: the usual relative error |s - t| <= error * t."""
    return abs(s - t) <= error * t


@E16.check("grid")
@E16.twin("usual relative error", notions=(usual_relative_within,))
@for_all(s=(*GRID, Fraction(-1, 2)), t=(*GRID, Fraction(-1, 2)), error=ERRORS)
def symmetric(
    s: Fraction,
    t: Fraction,
    error: Fraction,
    *,
    notions: Sequence[Holds] = (absolute_within, relative_within),
) -> Fraction:
    """Each notion says the same of (S, S~) and of (S~, S), also of negative values."""
    return Fraction(
        -any(notion(s, t, error) != notion(t, s, error) for notion in notions)
    )


# E25

E25 = Claim(
    id="E25",
    source=SOURCE,
    where="Eqs. (25), (26)",
    statement="1 - D <= 1 - J for all masks, hence E[1 - D] <= E[1 - J].",
    assumes="Any distribution over images; soft losses of the same counts too.",
    verdict=Verdict.HOLDS,
    proof=(
        "D - J = J (1 - J) / (1 + J) >= 0, zero at J = 0 and J = 1 alone. Expectation "
        "is monotone."
    ),
    values={"dice_loss_at_1/2": 0.5, "jaccard_loss_there": 2 / 3},
)


@E25.check("all masks")
@E25.twin("less by 1e-6", less=TIGHTER)
@over_masks(pixels=20)
def jaccard_loss_is_larger(
    masks: SoftCounts, *, less: Fraction = Fraction(0)
) -> Fraction:
    """1 - D <= 1 - J - less on all hard masks, equal only where D is 0 or 1."""
    dice = Fraction(counts.dice_index(masks))
    gap = dice - Fraction(counts.jaccard_index(masks)) - less
    return gap if dice in (0, 1) else gap - Fraction(1, 10**9)


def _risks(key: Any, draws: int, images: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean Dice and Jaccard losses over soft predictions of several images."""
    score_key, label_key = jax.random.split(key)
    logits = samples.draw_logits(score_key, draws, images, 6, 1)
    labels = jax.random.randint(label_key, (draws, images, 6), 0, 2)

    def risks(logits, labels):
        each = [
            jax.vmap(functools.partial(loss, link=links.sigmoid))(logits, labels)
            for loss in (dice_loss, jaccard_loss)
        ]
        return [jnp.mean(losses) for losses in each]

    dice, jaccard = jax.jit(jax.vmap(risks))(logits, labels)
    return np.asarray(dice), np.asarray(jaccard)


@E25.check("risks of soft losses")
@E25.twin("risks, less by 1/5", less=0.2)
def risks_ordered(*, less: float = 0.0) -> Evidence:
    """The same of mean soft losses."""
    dice, jaccard = _risks(jax.random.key(26), 1000, 4)
    case = {"dice_risk": dice, "jaccard_risk": jaccard}
    return samples.worst_draw(jaccard - dice - less, case, tolerance=1e-14)


# E26

E26 = Claim(
    id="E26",
    source=SOURCE,
    where="Eqs. (27), (28)",
    statement=(
        "With phi(x) = 2x / (1 + x), E[1 - J] = E[phi(1 - D)] <= phi(E[1 - D]), and "
        "phi is monotonic over [0, 1]."
    ),
    assumes="Any distribution over images; N17 says how far apart the sides are.",
    verdict=Verdict.HOLDS,
    proof=(
        "1 - J = 1 - D / (2 - D) = 2 (1 - D) / (2 - D). phi is increasing and strictly "
        "concave, so Jensen's inequality applies, with equality only if all images "
        "have one Dice score."
    ),
    values={
        "bound_at_losses_0_1": 2 / 3,
        "jaccard_risk_at_losses_0_1": 1 / 2,
    },
)


def phi(loss: Any) -> Any:
    """2 x / (1 + x): the Jaccard loss where the Dice loss is x."""
    return 2 * loss / (1 + loss)


@E26.check("phi on all masks")
@E26.twin("phi = x / (1 + x)", factor=1)
@over_masks(pixels=20)
def phi_of_dice_loss(masks: SoftCounts, *, factor: int = 2) -> Fraction:
    """1 - J = phi(1 - D) on all hard masks."""
    dice = 1 - Fraction(counts.dice_index(masks))
    return -abs(1 - Fraction(counts.jaccard_index(masks)) - factor * phi(dice) / 2)


@E26.check("increasing and concave")
@E26.twin("convex", sign=-1)
def increasing_and_concave(*, sign: int = 1) -> Evidence:
    """Phi' = 2 / (1 + x)^2 > 0 > phi'' = -4 / (1 + x)^3."""
    x = sympy.symbols("x", positive=True)
    first, second = sympy.diff(phi(x), x), sympy.diff(phi(x), x, 2)
    return symbolic.identities(
        [(first, sign * 2 / (1 + x) ** 2), (second, -sign * 4 / (1 + x) ** 3)]
    )


@E26.check("means of three")
@E26.twin("less by 1e-6", less=TIGHTER)
@for_each(
    lambda: itertools.combinations_with_replacement(
        [Fraction(k, 12) for k in range(13)], 3
    )
)
def jensen(sample: Sequence[Fraction], *, less: Fraction = Fraction(0)) -> Fraction:
    """E[1 - J] <= phi(E[1 - D]) - less for all means of three on a grid."""
    mean = sum(sample, Fraction(0)) / 3
    return phi(mean) - less - sum(map(phi, sample), Fraction(0)) / 3


@E26.check("risks of soft losses")
@E26.twin("risks, less by 1/5", less=0.2)
def risks_bounded(*, less: float = 0.0) -> Evidence:
    """The same of mean soft losses."""
    dice, jaccard = _risks(jax.random.key(28), 1000, 4)
    case = {"dice_risk": dice, "jaccard_risk": jaccard}
    return samples.worst_draw(phi(dice) - less - jaccard, case, tolerance=1e-14)
