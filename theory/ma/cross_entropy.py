"""M01, M02: cross-entropy as a divergence, and its class weights."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import sympy
from jax import Array

from jaxseg.losses import (
    cross_entropy_loss,
    inverse_frequency_weights,
    region_cross_entropy_loss,
)
from theory.claim import Claim, Evidence, Verdict, worst_of
from theory.engines import interval, residuals, symbolic
from theory.engines.enumeration import for_all
from theory.ma import SOURCE

# M01

M01 = Claim(
    id="M01",
    source=SOURCE,
    where="Section 2.1.1, first display",
    statement=(
        "D_KL(P|Q) = H(P, Q) - H(P), so minimising the divergence over Q is minimising "
        "the cross-entropy."
    ),
    assumes=(
        "P is fixed and both are distributions over the same outcomes; 0 log 0 = 0, "
        "and where Q is 0 but P is not both sides are infinite. Q may be confined to "
        "what a network can say."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "log(p / q) = log p - log q. H(P) does not contain Q, so both functions of Q "
        "differ by a constant and have the same slopes and minimisers; unconfined, Q = "
        "P alone, where the cross-entropy is H(P), not 0 unless P is hard. With the "
        "arguments of the divergence exchanged it is false: D_KL(Q|P) differs from the "
        "cross-entropy by H(Q), which depends on Q."
    ),
    values=lambda: {
        "least_cross_entropy_at_1/2": _fair(0.5),
        "least_cross_entropy_at_1/4": _fair(0.25),
        "least_cross_entropy_at_hard_labels": 0.0,
    },
)


@M01.check("algebra")
@M01.twin("H(P) added", sign=1)
def divergence_algebra(*, sign: int = -1) -> Evidence:
    """D(P|Q) = H(P, Q) - H(P) for three outcomes, and their slopes in Q agree."""
    p = sympy.symbols("p1:4", positive=True)
    q = sympy.symbols("q1:4", positive=True)
    pairs = list(zip(p, q, strict=True))
    divergence = sum(a * sympy.log(a / b) for a, b in pairs)
    cross = -sum(a * sympy.log(b) for a, b in pairs)
    entropy = -sum(a * sympy.log(a) for a in p)
    right = cross + sign * entropy
    slopes = [(sympy.diff(divergence, b), sympy.diff(cross, b)) for b in q]
    whole = (sympy.expand_log(divergence), sympy.expand_log(right))
    return symbolic.identities([whole, *slopes])


@M01.check("certified minimum")
@M01.twin("minimum more by 1e-6", less=1e-6)
def gibbs(*, less: float = 0.0) -> Evidence:
    """H(P, Q) - H(P) >= 0 for two outcomes, several P and all Q, certified."""

    def room(share: float) -> Callable[..., Any]:
        entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)

        def excess(q: Any) -> Any:
            cross = -share * q.log() - (1 - share) * (1 - q).log()
            return cross - entropy - less

        return excess

    box = ((1e-6, 1 - 1e-6),)
    found = [
        interval.certify_nonnegative(room(share), box, tolerance=1e-9)
        for share in (0.5, 0.25, 0.01)
    ]
    return worst_of(found)


@M01.check("losses")
@M01.twin("D(Q|P) for D(P|Q)", reverse=True)
def soft_targets_add_entropy(*, reverse: bool = False) -> Evidence:
    """The loss minus the mean entropy of soft targets is the mean divergence."""
    scores, labels = residuals.images(3, seed=1)
    targets = jax.nn.softmax(scores[::-1] / 10) * 0.9 + jax.nn.one_hot(labels, 3) * 0.1

    def residual(logits: Array, targets: Array) -> Array:
        logs, log_targets = jax.nn.log_softmax(logits), jnp.log(targets)
        weight = jnp.exp(logs) if reverse else targets
        gap = logs - log_targets if reverse else log_targets - logs
        divergence = jnp.mean(jnp.sum(weight * gap, axis=-1))
        entropy = -jnp.mean(jnp.sum(targets * log_targets, axis=-1))
        return cross_entropy_loss(logits, targets) - entropy - divergence

    return residuals.vanishing(residual, scores, targets)


def _fair(share: float) -> float:
    return -share * math.log(share) - (1 - share) * math.log(1 - share)


# M02

M02 = Claim(
    id="M02",
    source=SOURCE,
    where="Eqs. (1), (2) and the text after them",
    statement=(
        "Weighted cross-entropy with w_c = 1 is cross-entropy; w_c is set to the "
        "reciprocal of the class frequency."
    ),
    assumes=(
        "Every class occurs, else its reciprocal frequency is 1/0 (jaxseg takes weight "
        "0, which no pixel of the image uses). The sum is divided by N, as printed, "
        "not by the sum of the weights."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "With w = 1 the formulas are the same. With w_c = N / n_c, frequencies of the "
        "image itself, the factor (1 / N) w_c is 1 / n_c: (2) is the sum over classes "
        "of the mean over each region, Liu's Table 1, and its pixels weigh C on "
        "average. With two classes and posterior x of foreground of frequency f it is "
        "minimised at odds (x / f) / ((1 - x) / (1 - f)), so the decision at 1/2 is "
        "the posterior's at f, not at 1/2: rare classes are over-segmented by design."
    ),
    values={
        "decision_threshold_at_frequency_1/100": 0.01,
        "minimiser_at_posterior_1/2_frequency_1/100": 0.99,
        "foreground_weight_at_frequency_1/577": 577.0,
    },
)


@M02.check("unit weights")
@M02.twin("weights 1 + 1e-6", weight=1 + 1e-6)
def unit_weights(*, weight: float = 1.0) -> Evidence:
    """WCE with all weights 1 is CE, value and gradient."""

    def residual(logits: Array, labels: Array) -> Array:
        weights = jnp.full(3, weight)
        weighted = cross_entropy_loss(logits, labels, class_weights=weights)
        return weighted - cross_entropy_loss(logits, labels)

    return residuals.vanishing(residual, *residuals.images(3, seed=2))


@M02.check("reciprocal weights")
@M02.twin("inverse squares", power=2)
@M02.twin("scaled by 1 + 1e-6", scale=1.000001)
def reciprocal_weights(*, power: int = 1, scale: float = 1.0) -> Evidence:
    """WCE with w = N / n_c is the sum over classes of the mean in each region."""

    def residual(logits: Array, labels: Array) -> Array:
        sizes = jnp.sum(jax.nn.one_hot(labels, 3), axis=0)
        weights = scale * inverse_frequency_weights(sizes) ** power
        weighted = cross_entropy_loss(logits, labels, class_weights=weights)
        return weighted - region_cross_entropy_loss(logits, labels)

    return residuals.vanishing(residual, *residuals.images(3, seed=2))


@M02.check("minimiser")
@M02.twin("weights exchanged", swapped=True)
def minimiser(*, swapped: bool = False) -> Evidence:
    """For a pixel of posterior x, w1 x log q + w0 (1 - x) log(1 - q) is stationary."""
    x, q, f = sympy.symbols("x q f", positive=True)
    first, other = (1 / (1 - f), 1 / f) if swapped else (1 / f, 1 / (1 - f))
    gain = x * sympy.log(q) / f + (1 - x) * sympy.log(1 - q) / (1 - f)
    best = first * x / (first * x + other * (1 - x))
    return symbolic.identity(sympy.diff(gain, q).subs(q, best), sympy.Integer(0))


@M02.check("threshold")
@M02.twin("threshold 1/2", at=lambda _: Fraction(1, 2))
@for_all(
    posterior=[Fraction(i, 40) for i in range(1, 40)],
    share=[Fraction(i, 40) for i in range(1, 40)],
)
def threshold(
    posterior: Fraction,
    share: Fraction,
    *,
    at: Callable[[Fraction], Fraction] = lambda share: share,
) -> Fraction:
    """The minimiser passes 1/2 where the posterior passes the class's frequency."""
    odds = posterior / share - (1 - posterior) / (1 - share)  # q/(1-q) - 1, scaled
    agrees = (odds > 0) == (posterior > at(share))
    return Fraction(0 if agrees else -1)
