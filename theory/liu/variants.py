"""L11: the logarithmic Dice loss lies above the linear one."""

import math
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import sympy
from jax import Array

from jaxseg.losses import dice_loss, log_dice_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import interval, samples, symbolic
from theory.liu import SOURCE

L11 = Claim(
    id="L11",
    source=SOURCE,
    where="Section 2.4",
    statement=(
        "-log t >= 1 - t for t > 0, so the logarithmic Dice loss is an upper bound of "
        "the linear one; both decrease on [0, 1] with the minimum at t = 1."
    ),
    assumes=(
        "At t = 0 the logarithm is infinite, so (0, 1] for finite values. Every class "
        "occurs: jaxseg's log-Dice leaves an absent class out, at loss 0, where the "
        "linear loss counts 1."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "With u = 1 - t, -log t = u + u^2/2 + u^3/3 + ... for 0 < t <= 1; for t > 1 "
        "the tangent of -log at 1 is below it by convexity. Slopes -1/t and -1. The "
        "gap is u^2/2 to second order at t = 1, the only point of equality, and has "
        "no bound at t = 0."
    ),
    values={
        "gap_at_1/2": math.log(2) - 1 / 2,
        "gap_at_9/10": -math.log(0.9) - 0.1,
        "ratio_at_1/2": 2 * math.log(2),
    },
)

SMALLEST = 2.0**-30


@L11.check("certified")
@L11.twin("by 1e-6 more", shift=1e-6)
@L11.twin("0.51 (1 - t)^2", curve=Fraction(51, 100))
def above(*, curve: Fraction = Fraction(1, 2), shift: float = 0.0) -> Evidence:
    """Certified on [2^-30, 1]: -log t >= (1 - t) + (1 - t)^2 / 2, next to no gap."""

    def room(t: Any) -> Any:
        rest = 1 - t
        return -t.log() - rest - curve * rest * rest - shift

    return interval.certify_nonnegative(room, ((SMALLEST, 1.0),))


@L11.check("decreasing")
@L11.twin("increasing", sign=1)
def decreasing(*, sign: int = -1) -> Evidence:
    """The slopes are -1/t and -1, negative for every t > 0."""
    t = sympy.symbols("t", positive=True)
    return symbolic.identities(
        [
            (sympy.diff(-sympy.log(t), t), sign / t),
            (sympy.diff(1 - t, t), sympy.Integer(-1)),
        ]
    )


@jax.jit
def _excess(logits: Array, labels: Array) -> Array:
    log_loss = jax.vmap(log_dice_loss)(logits, labels)
    return log_loss - jax.vmap(dice_loss)(logits, labels)


@L11.check("losses")
@L11.twin("an absent class", absent=True)
def log_dice_is_above_dice(*, absent: bool = False) -> Evidence:
    """log_dice_loss >= dice_loss on random images in which every class occurs."""
    draws, pixels, classes = 500, 9, 3
    score_key, label_key = jax.random.split(jax.random.key(11))
    logits = samples.draw_logits(score_key, draws, pixels, classes)
    labels = samples.draw_labels(label_key, draws, pixels, classes)
    if absent:
        labels = jnp.minimum(labels, classes - 2)
    slack = _excess(logits, labels)
    case = {"logits": logits, "labels": labels}
    return samples.worst_draw(slack, case, tolerance=1e-12)
