"""L20, L22: the label-marginal terms of two classes as curves over p_1, Fig. 2."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jax import Array

from jaxseg import links
from jaxseg.losses import marginal_kl_loss, marginal_l1_loss
from jaxseg.losses.marginal import (
    Marginals,
    dice_bias_penalty,
    kl_penalty,
    l1_penalty,
)
from theory.claim import Claim, Evidence, Verdict
from theory.engines import examples, interval, samples, symbolic
from theory.liu import SOURCE

FOREGROUND = 0.1
"""y_1 of Fig. 2."""


def _marginals(share: Any) -> Marginals:
    share = jnp.asarray(share)
    predicted = jnp.stack([share, 1 - share], axis=-1)
    actual = jnp.array([FOREGROUND, 1 - FOREGROUND])
    return Marginals.of_proportions(
        predicted, jnp.broadcast_to(actual, predicted.shape)
    )


CURVES: dict[str, Callable[[Any], Array]] = {
    "DB": lambda share: dice_bias_penalty(_marginals(share)).sum(-1),
    "DB1": lambda share: dice_bias_penalty(_marginals(share))[..., 0],
    "KL": lambda share: kl_penalty(_marginals(share)).sum(-1),
    "L1": lambda share: l1_penalty(_marginals(share)).sum(-1),
}
"""jaxseg's terms as functions of p_1."""

FORMULAS: dict[str, Callable[[Any], Any]] = {
    "DB": lambda p: np.log((p + 0.1) * (1.9 - p)),
    "DB1": lambda p: np.log(p + 0.1),
    "KL": lambda p: 0.1 * np.log(0.1 / p) + 0.9 * np.log(0.9 / (1 - p)),
    "L1": lambda p: 2 * abs(p - 0.1),
}
"""The same by hand."""


# L20

L20 = Claim(
    id="L20",
    source=SOURCE,
    where="Section 2.6 and caption of Fig. 2",
    statement=(
        "Near p_1 = 0 the first and second derivatives of D_KL are unbounded, those of "
        "L1 bounded and constant, so L1 has better gradient dynamics there."
    ),
    assumes=(
        "Two classes; derivatives in p_1 with p_2 = 1 - p_1. L1 = 2 |p_1 - y_1| over "
        "both classes, or |p_1 - y_1| over the foreground alone."
    ),
    verdict=Verdict.DEPENDS,
    readings={
        "derivatives in the proportion p_1, 0 < y_1, p_1 < y_1": (
            "Holds: -y/p + (1-y)/(1-p) and y/p^2 + (1-y)/(1-p)^2 against -2 and 0."
        ),
        "the same with y_1 = 0, no foreground": (
            "Fails: D_KL = -log(1 - p_1), with slope and curvature 1 at 0; L1 there is "
            "2 p_1 and rises."
        ),
        "derivatives in a network's scores, on which p_1 depends": (
            "Reversed. For a common score z, p_1 = sigmoid(z), the slope of D_KL is "
            "p_1 - y_1, bounded and alive; that of L1 is -2 p_1 (1 - p_1), which "
            "vanishes with p_1."
        ),
    },
    proof=(
        "Differentiate; the chain rule through the sigmoid multiplies by p (1 - p), "
        "which cancels the pole of D_KL and takes the slope of L1 to 0."
    ),
    values={
        "slope_of_kl_at_0.01": -0.1 / 0.01 + 0.9 / 0.99,
        "curvature_of_kl_at_0.01": 0.1 / 0.01**2 + 0.9 / 0.99**2,
        "score_slope_of_kl_at_p_0.01": 0.01 - 0.1,
        "score_slope_of_l1_at_p_0.01": -2 * 0.01 * 0.99,
    },
)


@L20.check("algebra")
@L20.twin("slope of KL y/p", first=1)
@L20.twin("slope of L1 -1", l1=-1)
def derivatives(*, first: int = -1, l1: int = -2) -> Evidence:
    """D KL = -y/p + (1-y)/(1-p), d2 KL = y/p^2 + (1-y)/(1-p)^2; of L1 -2 and 0."""
    p, y = sympy.symbols("p y", positive=True)
    kl = y * sympy.log(y / p) + (1 - y) * sympy.log((1 - y) / (1 - p))
    below = 2 * (y - p)
    return symbolic.identities(
        [
            (sympy.diff(kl, p), first * y / p + (1 - y) / (1 - p)),
            (sympy.diff(kl, p, 2), y / p**2 + (1 - y) / (1 - p) ** 2),
            (sympy.diff(below, p), sympy.Integer(l1)),
            (sympy.diff(below, p, 2), sympy.Integer(0)),
        ]
    )


@L20.check("by autodiff")
@L20.twin("y_1 = 0.1 + 1e-6", foreground=FOREGROUND + 1e-6)
def derivatives_of_terms(*, foreground: float = FOREGROUND) -> Evidence:
    """The same two derivatives of jaxseg's own terms, forward over forward."""
    shares = np.linspace(0.001, 0.099, 99)
    y, p = foreground, shares
    expected = {
        "KL": (-y / p + (1 - y) / (1 - p), y / p**2 + (1 - y) / (1 - p) ** 2),
        "L1": (np.full(p.shape, -2.0), np.zeros(p.shape)),
    }
    slack = np.full(shares.shape, np.inf)
    for name, orders in expected.items():
        function = CURVES[name]
        for by_hand in orders:
            function = jax.jacfwd(function)
            gap = np.abs(np.asarray(jax.jit(jax.vmap(function))(shares)) - by_hand)
            slack = np.minimum(slack, -gap / np.maximum(1, np.abs(by_hand)))
    return samples.worst_draw(slack, {"share": shares}, tolerance=1e-10)


@L20.check("growth, exact")
@L20.twin("no foreground", actual=Fraction(0))
def limits(*, actual: Fraction = Fraction(1, 10)) -> Evidence:
    """At p_1 = 10^-n both derivatives of KL exceed 10^(n-2) in size, exactly.

    False for y_1 = 0, where they tend to 1.
    """

    def slack(n: int) -> Fraction:
        p = Fraction(1, 10**n)
        first = -actual / p + (1 - actual) / (1 - p)
        second = actual / p**2 + (1 - actual) / (1 - p) ** 2
        return min(abs(first), second) - Fraction(10 ** (n - 2))

    sizes = range(2, 40)
    worst = min(sizes, key=slack)
    witness = {"p": f"10^-{worst}", "actual": actual}
    return Evidence(slack(worst), 0.0, len(sizes), "enumeration", witness)


@jax.jit
def _score_slopes(score: Array) -> dict[str, Array]:
    targets = jnp.array([[1.0]] + [[0.0]] * 9)

    def slope(loss):
        def value(z):
            scores = jnp.full(targets.shape, z)
            return loss(scores, targets, link=links.sigmoid, temperature=1.0)

        return jax.grad(value)(score)

    return {"KL": slope(marginal_kl_loss), "L1": slope(marginal_l1_loss)}


@L20.check("in scores")
@L20.twin("L1 alive in scores", l1_dies=False)
def slopes_in_scores(*, l1_dies: bool = True) -> Evidence:
    """Slopes in a common score z of all pixels, p_1 = sigmoid(z), at z = -20.

    KL's is p - y, about -y; that of |p - y| is -p (1 - p), about 0: reversed order.
    """
    p = 1 / (1 + math.exp(20))
    expected = {"KL": p - 0.1, "L1": -p * (1 - p) if l1_dies else -1.0}
    found = {name: float(slope) for name, slope in _score_slopes(-20.0).items()}
    return examples.agree(found, expected, tolerance=1e-10)


# L22

L22 = Claim(
    id="L22",
    source=SOURCE,
    where="Fig. 2",
    statement=(
        "Curves of DB, DB1, D_KL and L1 over p_1 for y_1 = 0.1: the biases of Dice "
        "pull to p_1 = 0, the regularisers to p_1 = y_1."
    ),
    assumes="Two classes, 0 < p_1 < 1; L1 and D_KL over both classes.",
    verdict=Verdict.HOLDS,
    proof=(
        "DB = log((p + 0.1)(1.9 - p)) rises from log 0.19 to 0 at p = 0.9 and falls to "
        "log 0.99 at 1: the pull to 0 ends at 0.9, beyond which it is to 1, a local "
        "minimum. DB1 = log(p + 0.1) rises from log 0.1 to log 1.1. D_KL and L1 = 2 |p "
        "- 0.1| vanish at 0.1 alone; at p = 0 L1 is 0.2 and D_KL infinite."
    ),
    values=lambda: {
        f"{name}_at_{share}": float(formula(share))
        for name, formula in FORMULAS.items()
        for share in (0.01, 0.1, 0.5, 0.9)
    },
)


@L22.check("formulas")
@L22.twin("y_1 = 0.1 + 1e-6", foreground=0.1 + 1e-6)
def curves(*, foreground: float = FOREGROUND) -> Evidence:
    """Jaxseg's terms at y_1 = 0.1 against the formulas, over a grid of p_1."""
    shares = np.linspace(0.001, 0.999, 999)
    slack = np.full(shares.shape, np.inf)
    for name, curve in CURVES.items():
        shifted = shares + (foreground - FOREGROUND)
        gap = np.abs(np.asarray(curve(shares)) - FORMULAS[name](shifted))
        slack = np.minimum(slack, -gap)
    return samples.worst_draw(slack, {"share": shares}, tolerance=1e-12)


@L22.check("extremes")
@L22.twin("DB largest at 1/2", largest_db=0.5)
def extremes(*, largest_db: float = 0.9) -> Evidence:
    """DB smallest at 0, largest at 0.9; DB1 smallest at 0; KL and L1 at 0.1."""
    shares = np.linspace(0, 1, 1001)[1:-1]
    values = {name: np.asarray(curve(shares)) for name, curve in CURVES.items()}
    found = {f"least {name}": shares[np.argmin(v)] for name, v in values.items()}
    found["largest DB"] = shares[np.argmax(values["DB"])]
    expected = {"least DB": 0.001, "least DB1": 0.001, "least KL": 0.1}
    expected |= {"least L1": 0.1, "largest DB": largest_db}
    return examples.agree(found, expected, tolerance=1e-9)


@L22.check("range of DB, certified")
@L22.twin("DB below log(1 - 1e-6)", at=Fraction(1, 10**6))
def highest_bias(*, at: Fraction = Fraction(0)) -> Evidence:
    """Certified: on all of [0, 1] DB is between its value at 0 and 0, that at 0.9."""

    def room(p: Any) -> Any:
        inside = (p + Fraction(1, 10)) * (Fraction(19, 10) - p)
        return (inside - Fraction(19, 100)) * (1 - at - inside + Fraction(1, 10**9))

    return interval.certify_nonnegative(room, ((0.0, 1.0),))
