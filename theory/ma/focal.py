"""M05: the focal loss."""

import itertools
import math
from fractions import Fraction
from typing import Any

import sympy
from jax import Array

from jaxseg.losses import (
    cross_entropy_loss,
    focal_loss,
)
from theory.claim import Claim, Evidence, Verdict
from theory.engines import interval, residuals, symbolic
from theory.engines.enumeration import for_each
from theory.ma import SOURCE

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
    values={
        "factor_at_s_0.9_gamma_2": 0.01,
        "factor_at_s_0.1_gamma_2": 0.81,
        "slope_ratio_at_s_0.1_gamma_2": 0.9 * (0.9 - 0.2 * math.log(0.1)),
        "slope_ratio_at_s_0.9_gamma_2": 0.1 * (0.1 - 1.8 * math.log(0.9)),
    },
)


@M05.check("gamma = 0")
@M05.twin("gamma = 1e-6", gamma=1e-6)
def focal_at_zero(*, gamma: float = 0.0) -> Evidence:
    """With gamma = 0 it is cross-entropy, value and gradient."""

    def residual(logits: Array, labels: Array) -> Array:
        return focal_loss(logits, labels, gamma=gamma) - cross_entropy_loss(
            logits, labels
        )

    return residuals.vanishing(residual, *residuals.images(3, seed=5))


@M05.check("factor")
@M05.twin("sign flipped", sign=1)
@for_each(
    lambda: (
        (low, high, gamma)
        for (low, high), gamma in itertools.product(
            itertools.combinations([Fraction(i, 20) for i in range(21)], 2),
            (1, 2, 3, 5),
        )
    )
)
def focal_factor(
    low: Fraction, high: Fraction, gamma: int, *, sign: int = -1
) -> Fraction:
    """(1 - s)^gamma is at most 1 and falls as s grows: exact for whole gamma."""
    first, second = (1 + sign * low) ** gamma, (1 + sign * high) ** gamma
    return min(1 - first, first - second)


@M05.check("slope of hard examples")
@M05.twin("up to s = 1/2", up_to=0.5)
def hard_slopes(*, up_to: float = 0.29) -> Evidence:
    """Slope in the logit over cross-entropy's, gamma = 2, exceeds 1 for small s.

    The ratio is (1 - s) (1 - s - 2 s log s); certified on [1e-6, `up_to`].
    """

    def excess(s: Any) -> Any:
        return (1 - s) * (1 - s - 2 * s * s.log()) - 1

    return interval.certify_nonnegative(excess, ((1e-6, up_to),))


@M05.check("slope")
@M05.twin("another power", power=1)
def focal_slope(*, power: int = 0) -> Evidence:
    """The derivative in the logit behind it: (1 - s)^g (g s log s + s - 1)."""
    s, gamma = sympy.symbols("s gamma", positive=True)
    loss = -((1 - s) ** gamma) * sympy.log(s)
    slope = sympy.diff(loss, s) * s * (1 - s)
    shape = (1 - s) ** (gamma + power) * (gamma * s * sympy.log(s) + s - 1)
    at = {gamma: 2, s: s / (1 + s)}  # inside of (0, 1)
    return symbolic.identity(slope.subs(at), shape.subs(at))
