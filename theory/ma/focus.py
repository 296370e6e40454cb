"""M05, M14, M32: losses with an exponent, and which examples it makes them learn."""

import functools
import itertools
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
    focal_loss,
    focal_tversky_loss,
    log_dice_loss,
    tversky_loss,
)
from theory.claim import Check, Claim, Evidence, Verdict
from theory.engines import enumeration, examples, interval, residuals, symbolic
from theory.ma import SOURCE

# M05, focal loss


def focal_at_zero(*, gamma: float = 0.0) -> Evidence:
    """With gamma = 0 it is cross-entropy, value and gradient."""

    def residual(logits: Array, labels: Array) -> Array:
        return focal_loss(logits, labels, gamma=gamma) - cross_entropy_loss(
            logits, labels
        )

    return residuals.vanishing(residual, *residuals.images(3, seed=5))


def focal_factor(*, sign: int = -1) -> Evidence:
    """(1 - s)^gamma is at most 1 and falls as s grows: exact for whole gamma."""

    def slack(case: tuple[Fraction, Fraction, int]) -> Fraction:
        low, high, gamma = case
        first, second = (1 + sign * low) ** gamma, (1 + sign * high) ** gamma
        return min(1 - first, first - second)

    grid = [Fraction(i, 20) for i in range(21)]
    cases = itertools.product(itertools.combinations(grid, 2), (1, 2, 3, 5))
    return enumeration.worst_case(
        ((low, high, gamma) for (low, high), gamma in cases),
        slack,
        describe=lambda case: dict(zip(("s", "higher s", "gamma"), case, strict=True)),
    )


def hard_slopes(*, up_to: float = 0.29) -> Evidence:
    """Slope in the logit over cross-entropy's, gamma = 2, exceeds 1 for small s.

    The ratio is (1 - s) (1 - s - 2 s log s); certified on [1e-6, `up_to`].
    """

    def excess(s: Any) -> Any:
        return (1 - s) * (1 - s - 2 * s * s.log()) - 1

    return interval.certify_nonnegative(excess, ((1e-6, up_to),))


def focal_slope(*, power: int = 0) -> Evidence:
    """The derivative in the logit behind it: (1 - s)^g (g s log s + s - 1)."""
    s, gamma = sympy.symbols("s gamma", positive=True)
    loss = -((1 - s) ** gamma) * sympy.log(s)
    slope = sympy.diff(loss, s) * s * (1 - s)
    shape = (1 - s) ** (gamma + power) * (gamma * s * sympy.log(s) + s - 1)
    at = {gamma: 2, s: s / (1 + s)}  # inside of (0, 1)
    return symbolic.identity(slope.subs(at), shape.subs(at))


M05 = Claim(
    id="M05",
    source=SOURCE,
    where="Section 2.1.3, Eq. (5)",
    statement=(
        "The focal loss with gamma = 0 is cross-entropy; with gamma > 0 it reduces the "
        "loss assigned to well-classified examples."
    ),
    assumes="gamma >= 0, hard labels, 0^0 = 1 where gamma = 0 and s = 1.",
    verdict=Verdict.HOLDS,
    proof=(
        "The factor (1 - s)^gamma is 1 for gamma = 0; for gamma > 0 it falls from 1 at "
        "s = 0 to 0 at s = 1. All examples lose, the well-classified the largest part. "
        "The slope in the logit is (1 - s)^gamma (1 - gamma s log s / (1 - s)) times "
        "cross-entropy's: for gamma = 2 more than cross-entropy's up to s = 0.298, so "
        "hard examples learn more than before, not just relatively. For soft labels s "
        "= g is no minimiser."
    ),
    checks=(
        Check("gamma = 0", focal_at_zero),
        Check("factor", focal_factor),
        Check("slope of hard examples", hard_slopes),
        Check("slope", focal_slope),
    ),
    twins=(
        Check("gamma = 1e-6", functools.partial(focal_at_zero, gamma=1e-6)),
        Check("sign flipped", functools.partial(focal_factor, sign=1)),
        Check("up to s = 1/2", functools.partial(hard_slopes, up_to=0.5)),
        Check("another power", functools.partial(focal_slope, power=1)),
    ),
    values={
        "factor_at_s_0.9_gamma_2": 0.01,
        "factor_at_s_0.1_gamma_2": 0.81,
        "slope_ratio_at_s_0.1_gamma_2": 0.9 * (0.9 - 0.2 * math.log(0.1)),
        "slope_ratio_at_s_0.9_gamma_2": 0.1 * (0.1 - 1.8 * math.log(0.9)),
    },
)

# M14, focal Tversky loss


def root_slope(loss: Any, gamma: Any) -> Any:
    """Derivative of L^(1/gamma) in L."""
    return loss ** (1 / gamma - 1) / gamma


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
    checks=(
        Check("slope falls", hard_cases_learn_less),
        Check("crossing", crossing),
        Check("losses", focal_tversky_slopes),
        Check("losses by hand", focal_tversky_by_hand),
    ),
    twins=(
        Check(
            "alpha and beta exchanged",
            functools.partial(focal_tversky_by_hand, exchanged=True),
        ),
        Check("power for root", functools.partial(hard_cases_learn_less, power=-1)),
        Check("crossing shifted", functools.partial(crossing, shift=1)),
        Check("equal slopes", functools.partial(focal_tversky_slopes, ratio=1.0)),
    ),
    values={
        "slope_at_loss_0.01_gamma_2": root_slope(0.01, 2),
        "slope_at_loss_0.81_gamma_2": root_slope(0.81, 2),
        "slope_at_loss_1_gamma_4/3": root_slope(1.0, 4 / 3),
        "crossing_at_gamma_2": 2.0**-2,
        "crossing_at_gamma_4/3": (4 / 3) ** -4,
        "crossing_at_gamma_3": 3.0**-1.5,
    },
)

# M32, exponential logarithmic loss


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
    return min(found, key=lambda evidence: evidence.slack)


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
    checks=(
        Check("gamma = 1", reduces_at_one),
        Check("gamma >= 1", steepest_where_wrong),
        Check("gamma < 1, least slope", least_slope),
        Check("gamma = 1/2, losses", slopes_by_hand),
    ),
    twins=(
        Check("gamma = 1 + 1e-6", functools.partial(reduces_at_one, gamma=1 + 1e-6)),
        Check("gamma = 0.3", functools.partial(steepest_where_wrong, gammas=("3/10",))),
        Check(
            "least slope at exp(-gamma)",
            functools.partial(least_slope, gamma_of=lambda gamma: -2 * gamma),
        ),
        Check("the better the flatter", functools.partial(slopes_by_hand, steeper=0.0)),
    ),
    values={
        "least_slope_at_dice_gamma_0.3": math.exp(-0.7),
        "slope_at_dice_1/2_gamma_1/2": 1 / math.sqrt(math.log(2)),
        "slope_at_dice_0.99_gamma_1/2": 0.5 / 0.99 / math.sqrt(-math.log(0.99)),
        "slope_at_dice_1/2_gamma_1": 2.0,
    },
)
