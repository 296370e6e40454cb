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
from theory.claim import Check, Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.engines import enumeration, samples, symbolic

TIGHTER = Fraction(1, 10**6)

# E01


def distribution(sample: Sequence[int]) -> dict[int, Fraction]:
    """P_n: each distinct element with its share of the sample."""
    share = Fraction(1, len(sample))
    return {x: sample.count(x) * share for x in set(sample)}


def as_a_set(sample: Sequence[int]) -> dict[int, Fraction]:
    """False: each distinct element counts once."""
    distinct = set(sample)
    return {x: Fraction(1, len(distinct)) for x in distinct}


LOSSES = (Fraction(0), Fraction(1, 3), Fraction(1))


def mean_is_expectation(
    *, law: Callable[[Sequence[int]], dict[int, Fraction]] = distribution
) -> Evidence:
    """The mean of losses is the expectation under P_n, for all samples up to five."""

    def slack(sample: Sequence[int]) -> Fraction:
        mean = sum((LOSSES[x] for x in sample), Fraction(0)) / len(sample)
        return -abs(mean - sum(weight * LOSSES[x] for x, weight in law(sample).items()))

    cases = [s for n in range(1, 6) for s in itertools.product(range(3), repeat=n)]
    return enumeration.worst_case(cases, slack, describe=lambda s: {"sample": list(s)})


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
    checks=(
        Check("all samples", mean_is_expectation),
        Check("losses of images", risk_of_images),
    ),
    twins=(
        Check("sample as a set", functools.partial(mean_is_expectation, law=as_a_set)),
        Check("pooled batch", functools.partial(risk_of_images, pooled=True)),
    ),
    values={
        "mean_of_losses_0_0_1": 1 / 3,
        "as_a_set_of_losses_0_1": 1 / 2,
    },
)

# E16

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


def symmetric(
    *, notions: Sequence[Holds] = (absolute_within, relative_within)
) -> Evidence:
    """Each notion says the same of (S, S~) and of (S~, S), also of negative values."""

    def slack(case: tuple[Fraction, Fraction, Fraction]) -> Fraction:
        s, t, error = case
        return Fraction(
            -any(notion(s, t, error) != notion(t, s, error) for notion in notions)
        )

    values = (*GRID, Fraction(-1, 2))
    return enumeration.worst_case(
        itertools.product(values, values, ERRORS),
        slack,
        describe=lambda c: dict(zip(("s", "s_tilde", "error"), c, strict=True)),
    )


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
    checks=(Check("grid", symmetric),),
    twins=(
        Check(
            "usual relative error",
            functools.partial(symmetric, notions=(usual_relative_within,)),
        ),
    ),
    values={"least_relative_error_of_1/2_and_1": 1.0},
)

# E25


def jaccard_loss_is_larger(*, less: Fraction = Fraction(0)) -> Evidence:
    """1 - D <= 1 - J - less on all hard masks, equal only where D is 0 or 1."""

    def slack(masks: SoftCounts) -> Fraction:
        dice = Fraction(counts.dice_index(masks))
        gap = dice - Fraction(counts.jaccard_index(masks)) - less
        return gap if dice in (0, 1) else gap - Fraction(1, 10**9)

    return enumeration.over_counts(slack, pixels=20)


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


def risks_ordered(*, less: float = 0.0) -> Evidence:
    """The same of mean soft losses."""
    dice, jaccard = _risks(jax.random.key(26), 1000, 4)
    case = {"dice_risk": dice, "jaccard_risk": jaccard}
    return samples.worst_draw(jaccard - dice - less, case, tolerance=1e-14)


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
    checks=(
        Check("all masks", jaccard_loss_is_larger),
        Check("risks of soft losses", risks_ordered),
    ),
    twins=(
        Check(
            "less by 1e-6",
            functools.partial(jaccard_loss_is_larger, less=TIGHTER),
        ),
        Check("risks, less by 1/5", functools.partial(risks_ordered, less=0.2)),
    ),
    values={"dice_loss_at_1/2": 0.5, "jaccard_loss_there": 2 / 3},
)

# E26


def phi(loss: Any) -> Any:
    """2 x / (1 + x): the Jaccard loss where the Dice loss is x."""
    return 2 * loss / (1 + loss)


def phi_of_dice_loss(*, factor: int = 2) -> Evidence:
    """1 - J = phi(1 - D) on all hard masks."""

    def slack(masks: SoftCounts) -> Fraction:
        dice = 1 - Fraction(counts.dice_index(masks))
        return -abs(1 - Fraction(counts.jaccard_index(masks)) - factor * phi(dice) / 2)

    return enumeration.over_counts(slack, pixels=20)


def increasing_and_concave(*, sign: int = 1) -> Evidence:
    """Phi' = 2 / (1 + x)^2 > 0 > phi'' = -4 / (1 + x)^3."""
    x = sympy.symbols("x", positive=True)
    first, second = sympy.diff(phi(x), x), sympy.diff(phi(x), x, 2)
    return symbolic.identities(
        [(first, sign * 2 / (1 + x) ** 2), (second, -sign * 4 / (1 + x) ** 3)]
    )


def jensen(*, less: Fraction = Fraction(0)) -> Evidence:
    """E[1 - J] <= phi(E[1 - D]) - less for all means of three on a grid."""
    levels = [Fraction(k, 12) for k in range(13)]

    def slack(sample: Sequence[Fraction]) -> Fraction:
        mean = sum(sample, Fraction(0)) / 3
        return phi(mean) - less - sum(map(phi, sample), Fraction(0)) / 3

    return enumeration.worst_case(
        itertools.combinations_with_replacement(levels, 3),
        slack,
        describe=lambda s: {"dice_losses": list(s)},
    )


def risks_bounded(*, less: float = 0.0) -> Evidence:
    """The same of mean soft losses."""
    dice, jaccard = _risks(jax.random.key(28), 1000, 4)
    case = {"dice_risk": dice, "jaccard_risk": jaccard}
    return samples.worst_draw(phi(dice) - less - jaccard, case, tolerance=1e-14)


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
    checks=(
        Check("phi on all masks", phi_of_dice_loss),
        Check("increasing and concave", increasing_and_concave),
        Check("means of three", jensen),
        Check("risks of soft losses", risks_bounded),
    ),
    twins=(
        Check("phi = x / (1 + x)", functools.partial(phi_of_dice_loss, factor=1)),
        Check("convex", functools.partial(increasing_and_concave, sign=-1)),
        Check("less by 1e-6", functools.partial(jensen, less=TIGHTER)),
        Check("risks, less by 1/5", functools.partial(risks_bounded, less=0.2)),
    ),
    values={
        "bound_at_losses_0_1": 2 / 3,
        "jaccard_risk_at_losses_0_1": 1 / 2,
    },
)
