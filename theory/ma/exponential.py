"""M32: the exponential logarithmic loss."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax.numpy as jnp
import sympy
from jax import Array

from jaxseg import links
from jaxseg.losses import (
    cross_entropy_loss,
    exponential_logarithmic_loss,
    log_dice_loss,
)
from theory.claim import Claim, Evidence, Verdict, worst_of
from theory.engines import examples, interval, residuals, symbolic
from theory.ma import SOURCE
from theory.ma.focal_tversky import foreground

M32 = Claim(
    id="M32",
    source=SOURCE,
    where="Section 2.4.2, Eq. (23)",
    statement=(
        "The exponential logarithmic loss, w_Dice E[(-log Dice_c)^gamma] + w_CE "
        "E[w_c (-log s)^gamma], intrinsically focuses more on less accurately "
        "predicted structures; gamma = 1 reduces it to log-Dice plus weighted "
        "cross-entropy."
    ),
    assumes=(
        "The second mean is over pixels, s the probability of a pixel's own class; the "
        "first over classes. To focus means a greater slope in Dice_c where Dice_c is "
        "smaller."
    ),
    verdict=Verdict.DEPENDS,
    readings={
        "gamma = 1": "Holds: the sum of both losses; the slope 1 / D falls in D.",
        "gamma >= 1, focus": (
            "Holds: the slope gamma (-log D)^(gamma - 1) / D falls as D grows."
        ),
        "gamma < 1, such as the 0.3 of the loss's authors, focus": (
            "Fails for D > exp(gamma - 1) = 0.497: there the slope grows with D, "
            "without bound as D tends to 1."
        ),
    },
    counterexample=(
        "gamma = 1/2: the slope of root(-log D) is 1 / (2 D root(-log D)), 1.20 at D = "
        "1/2 and 5.04 at D = 0.99: the more accurate structure learns more."
    ),
    proof=(
        "With x = -log D the slope in D is gamma x^(gamma - 1) e^x, whose logarithm "
        "has derivative 1 + (gamma - 1) / x in x: positive for all x if gamma >= 1, "
        "and else for x > 1 - gamma alone."
    ),
    values={
        "least_slope_at_dice_gamma_0.3": math.exp(-0.7),
        "slope_at_dice_1/2_gamma_1/2": 1 / math.sqrt(math.log(2)),
        "slope_at_dice_0.99_gamma_1/2": 0.5 / 0.99 / math.sqrt(-math.log(0.99)),
        "slope_at_dice_1/2_gamma_1": 2.0,
    },
)


@M32.check("gamma = 1")
@M32.twin("gamma = 1 + 1e-6", gamma=1 + 1e-6)
def reduces_at_one(*, gamma: float = 1.0) -> Evidence:
    """With gamma = 1 w log-Dice plus w' weighted cross-entropy, value and gradient."""
    weights = jnp.array([0.5, 2.0, 1.5])

    def residual(logits: Array, labels: Array) -> Array:
        whole = exponential_logarithmic_loss(
            logits,
            labels,
            gamma_dice=gamma,
            gamma_ce=gamma,
            smooth=0.5,
            class_weights=weights,
        )
        dice = log_dice_loss(logits, labels, smooth=0.5, class_weights=weights)
        cross = cross_entropy_loss(logits, labels, class_weights=weights)
        return whole - 0.8 * dice - 0.2 * cross

    return residuals.vanishing(residual, *residuals.images(3, seed=32))


@M32.check("gamma >= 1")
@M32.twin("gamma = 0.3", gammas=("3/10",))
def steepest_where_wrong(
    *, gammas: tuple[str, ...] = ("1", "3/2", "2", "3")
) -> Evidence:
    """For gamma >= 1 a less accurate structure has the greater slope, certified.

    The log of the slope in D, cost + (gamma - 1) log cost, must not fall as the cost
    -log D grows: its derivative 1 + (gamma - 1) / cost is certified on (0, 8].
    """
    found = []
    for text in gammas:
        gamma = Fraction(text)

        def growth(cost: Any, gamma: Fraction = gamma) -> Any:
            return 1 + (gamma - 1) / cost

        found.append(interval.certify_nonnegative(growth, ((1e-3, 8.0),)))
    return worst_of(found)


@M32.check("gamma < 1, least slope")
@M32.twin("least slope at exp(-gamma)", gamma_of=lambda gamma: -2 * gamma)
def least_slope(
    *, gamma_of: Callable[[Any], Any] = lambda gamma: gamma - 1
) -> Evidence:
    """For gamma < 1 the slope in D is least at D = exp(gamma - 1)."""
    dice = sympy.symbols("D", positive=True)
    pairs = []
    for gamma in (sympy.Rational(3, 10), sympy.Rational(1, 2)):
        slope = -sympy.diff((-sympy.log(dice)) ** gamma, dice)
        growth = sympy.diff(sympy.log(slope), dice)
        at = {dice: sympy.exp(gamma_of(gamma))}
        pairs.append((sympy.simplify(growth.subs(at)), sympy.Integer(0)))
    return symbolic.identities(pairs)


@M32.check("gamma = 1/2, losses")
@M32.twin("the better the flatter", steeper=0.0)
def slopes_by_hand(*, steeper: float = 1.0) -> Evidence:
    """With gamma = 1/2 the loss of Dice alone has the slope 1 / (2 D root(-log D)).

    One foreground pixel of probability p, for D = 2 p / (1 + p).
    """

    def loss(dice: float) -> float:
        prob = jnp.array(dice / (2 - dice))
        options: dict[str, Any] = {
            "dice": 1.0,
            "ce": 0.0,
            "gamma_dice": 0.5,
            "smooth": 0.0,
        }
        logits, labels = foreground(prob)
        return float(
            exponential_logarithmic_loss(logits, labels, link=links.identity, **options)
        )

    def slope(dice: float, step: float = 1e-6) -> float:
        return (loss(dice - step) - loss(dice + step)) / (2 * step)

    def formula(dice: float) -> float:
        return 0.5 / dice / math.sqrt(-math.log(dice))

    found = {"at 1/8": slope(1 / 8), "at 1/2": slope(1 / 2), "at 0.99": slope(0.99)}
    hand = {"at 1/8": formula(1 / 8), "at 1/2": formula(1 / 2)}
    # from D = 1/2 on, the better the steeper
    found["steeper"] = float(found["at 0.99"] > found["at 1/2"])
    return examples.agree(found, {**hand, "steeper": steeper}, tolerance=1e-6)


@M32.check("both powers, by hand")
@M32.twin("root for square", gamma_ce=0.5)
def powers_by_hand(*, gamma_ce: float = 2.0) -> Evidence:
    """Two foreground pixels with p = 1/e and 1/e^4, weights 3/4 and 1/4.

    The costs 1 and 4 have the mean square 17/2; D = 2 (p + q) / (p + q + 2).
    """
    probs = jnp.exp(-jnp.array([1.0, 4.0]))[:, None]
    options: dict[str, Any] = {
        "dice": 0.75,
        "ce": 0.25,
        "gamma_dice": 0.5,
        "smooth": 0.0,
    }
    value = exponential_logarithmic_loss(
        probs, jnp.array([1, 1]), gamma_ce=2.0, link=links.identity, **options
    )
    both = math.exp(-1) + math.exp(-4)
    overlap = math.sqrt(-math.log(2 * both / (both + 2)))
    pixels = (1 + 4**gamma_ce) / 2
    hand = {"loss": 0.75 * overlap + 0.25 * pixels}
    return examples.agree({"loss": float(value)}, hand, tolerance=1e-12)
