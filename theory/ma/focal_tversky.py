"""M14: the focal Tversky loss."""

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax.numpy as jnp
import sympy
from jax import Array

from jaxseg import links
from jaxseg.losses import (
    focal_tversky_loss,
    tversky_loss,
)
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples, symbolic
from theory.ma import SOURCE

M14 = Claim(
    id="M14",
    source=SOURCE,
    where="Section 2.2.7, Eq. (16)",
    statement=(
        "The focal Tversky loss L^(1/gamma), gamma in [1, 3], focuses on hard cases "
        "with low probabilities."
    ),
    assumes=(
        "L in [0, 1] is the Tversky loss. To focus on hard cases means: the greater L, "
        "the more its slope counts, as in the focal loss, whose factor (1 - s)^gamma "
        "grows as s falls."
    ),
    verdict=Verdict.FAILS,
    correction=(
        "L^(1/gamma) focuses on hard cases if and only if gamma < 1; on [1, 3] it is "
        "the Tversky loss at gamma = 1, and focuses on the nearly perfect cases above. "
        "The power L^gamma with gamma > 1 would do as said."
    ),
    counterexample=(
        "gamma = 2, the slope of the loss in L is 1 / (2 root L): 5 at L = 0.01 and "
        "5/9 at L = 0.81. The easy case counts nine times as much as the hard one, and "
        "the hard one less than under the plain Tversky loss."
    ),
    proof=(
        "The derivative (1 / gamma) L^(1/gamma - 1) falls in L for gamma > 1, to 1 / "
        "gamma at L = 1, and has no bound as L tends to 0, the truth. It exceeds 1, "
        "the slope of the Tversky loss, for L < gamma^(-gamma / (gamma - 1)) alone. "
        "The values say the same: L^(1/gamma) / L is larger for smaller L."
    ),
    values=lambda: {
        "slope_at_loss_0.01_gamma_2": root_slope(0.01, 2),
        "slope_at_loss_0.81_gamma_2": root_slope(0.81, 2),
        "slope_at_loss_1_gamma_4/3": root_slope(1.0, 4 / 3),
        "crossing_at_gamma_2": 2.0**-2,
        "crossing_at_gamma_4/3": (4 / 3) ** -4,
        "crossing_at_gamma_3": 3.0**-1.5,
    },
)


def root_slope(loss: Any, gamma: Any) -> Any:
    """Derivative of L^(1/gamma) in L."""
    return loss ** (1 / gamma - 1) / gamma


@M14.check("slope falls")
@M14.twin("power for root", power=-1)
def hard_cases_learn_less(*, power: int = 1) -> Evidence:
    """For gamma = 2 the slope 1 / (2 root L) falls as L grows, exact on squares.

    With `power` -1 the exponent 1/gamma is turned into gamma.
    """

    def slope(root: Fraction) -> Fraction:
        return Fraction(1, 2) / root if power == 1 else 2 * root**2

    def slack(case: tuple[Fraction, Fraction]) -> Fraction:
        easy, hard = case
        return slope(easy) - slope(hard)

    roots = [Fraction(i, 30) for i in range(1, 31)]
    return enumeration.worst_case(
        itertools.combinations(roots, 2),
        slack,
        describe=lambda case: {"easy": case[0] ** 2, "hard": case[1] ** 2},
    )


@M14.check("crossing")
@M14.twin("crossing shifted", shift=1)
def crossing(*, shift: int = 0) -> Evidence:
    """The slope is that of the Tversky loss at L = gamma^(-gamma / (gamma - 1))."""
    loss = sympy.symbols("L", positive=True)
    pairs = []
    for gamma in (sympy.Rational(4, 3), sympy.Integer(2), sympy.Integer(3)):
        at = gamma ** (-gamma / (gamma - 1)) + shift
        slope = sympy.diff(loss ** (1 / gamma), loss).subs(loss, at)
        pairs.append((slope, sympy.Integer(1)))
    return symbolic.identities(pairs)


def foreground(probability: Array) -> tuple[Array, Array]:
    """One pixel of the class, predicted with this probability: T = p under alpha 0."""
    return jnp.reshape(probability, (1, 1)), jnp.ones(1, int)


@M14.check("losses")
@M14.twin("equal slopes", ratio=1.0)
def focal_tversky_slopes(*, ratio: float = 9.0) -> Evidence:
    """The loss's slopes at L = 0.01 and L = 0.81, gamma = 2: 5 and 5/9.

    One foreground pixel, alpha = beta = 1, so that L = 1 - p.
    """
    weights = {"alpha": 1.0, "beta": 1.0, "link": links.identity}

    def slope(loss: Callable[..., Array], wrong: float, **options: Any) -> float:
        step = 1e-6
        high, low = (
            float(loss(*foreground(jnp.array(1 - wrong - s)), **weights, **options))
            for s in (step, -step)
        )
        return (high - low) / (2 * step)

    easy, hard = (slope(focal_tversky_loss, x, gamma=2.0) for x in (0.01, 0.81))
    plain = slope(tversky_loss, 0.01)
    found = {"easy": easy, "hard": hard, "easy / hard": easy / hard, "plain": plain}
    hand = {"easy": 5.0, "hard": 5 / 9, "easy / hard": ratio, "plain": 1.0}
    return examples.agree(found, hand, tolerance=1e-5)


@M14.check("losses by hand")
@M14.twin("alpha and beta exchanged", exchanged=True)
def focal_tversky_by_hand(*, exchanged: bool = False) -> Evidence:
    """Two true pixels, one found, and three false ones: TP 1, FN 1, FP 3.

    With alpha = 1/4 and beta = 9/4 T = 1 / (1 + 3/4 + 9/4) = 1/4, exchanged it is
    1 / (1 + 27/4 + 1/4) = 1/8. The loss is 1 - T to the power 1/gamma.
    """
    labels = jnp.array([1, 1, 0, 0, 0])
    probs = jnp.array([1.0, 0.0, 1.0, 1.0, 1.0])[:, None]

    def loss(gamma: float) -> float:
        return float(
            focal_tversky_loss(
                probs, labels, alpha=0.25, beta=2.25, gamma=gamma, link=links.identity
            )
        )

    lost = 7 / 8 if exchanged else 3 / 4
    found = {"gamma 1": loss(1.0), "gamma 2": loss(2.0), "gamma 1/2": loss(0.5)}
    hand = {"gamma 1": lost, "gamma 2": lost**0.5, "gamma 1/2": lost**2}
    return examples.agree(found, hand, tolerance=1e-14)
