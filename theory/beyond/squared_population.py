"""N10: what the squared soft Dice loss makes of an uncertain image."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jax import Array

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import dice_loss
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict, worst_of
from theory.engines import interval, samples, symbolic
from theory.engines.enumeration import for_all

N10 = Claim(
    id="N10",
    source=SOURCE,
    where="on Galdran 2022, Eq. (5)",
    statement=(
        "The population minimiser of the squared soft Dice loss is p = c eta with c = "
        "root(sum eta / sum eta^2) >= 1, where no clipping is active."
    ),
    assumes=(
        "Population: numerator and denominator are expectations over pixels of "
        "posterior eta, 2 E[p eta] / (E[eta] + E[p^2]), not the mean over images of "
        "their Dice; eta is not 0 everywhere. No clipping: c max eta <= 1."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "At a given |p| the numerator is largest for p along eta, by Cauchy and "
        "Schwarz, uniquely; along it 2 c E / (S + c^2 E) with S = sum eta, E = sum "
        "eta^2 is largest at c^2 = S / E, with the value 1 / c. As eta^2 <= eta, c >= "
        "1: the loss is not calibrated, it overstates every posterior, and p > 1/2 "
        "where eta > D / 2. Where c max eta > 1 the minimiser is p = min(1, eta / D) "
        "with D the best index, larger than c eta elsewhere, and D < 1 / c."
    ),
    values=lambda: {
        "scale_at_1/4": scale([0.25]),
        "best_index_at_1/4": 1 / scale([0.25]),
        "scale_at_1/2_1/4": scale([0.5, 0.25]),
        "scale_at_1_0": 1.0,
    },
)

Posterior = tuple[Fraction, ...]

EXAMPLES = tuple(
    tuple(map(Fraction, eta))
    for eta in (("1/4",), ("1/2", "1/4"), ("2/5", "3/10", "1/10"), ("7/8", "1/8"))
)
CLIPPED = (tuple(map(Fraction, ("1", "1/2"))),)


def population_dice(probs: Sequence[Any], posterior: Sequence[Any]) -> Any:
    """Squared Dice of infinitely many pixels: 2 E p eta / (E eta + E p^2)."""
    pairs = list(zip(probs, posterior, strict=True))
    inner, size = sum(p * e for p, e in pairs), sum(posterior)
    masks = SoftCounts(
        intersection=inner,
        inner=inner,
        predicted=sum(probs),
        actual=size,
        predicted_squares=sum(p * p for p in probs),
        actual_squares=size,
        pixels=Fraction(len(posterior)),
    )
    return counts.dice_index(masks, squared=True)


def scale(posterior: Sequence[Any]) -> float:
    """The factor c = root(sum eta / sum eta^2)."""
    return math.sqrt(sum(posterior) / sum(e * e for e in posterior))


@N10.check("stationary")
@N10.twin("c squared", power=2)
def stationary(*, power: int = 1) -> Evidence:
    """At p = c eta the slopes vanish and the index is 1 / c, for two kinds of pixel."""
    eta = sympy.symbols("eta1:3", positive=True)
    p = sympy.symbols("p1:3", positive=True)
    c = sympy.sqrt(sum(eta) / sum(e**2 for e in eta)) ** power
    index = population_dice(p, eta)
    at = {x: c * e for x, e in zip(p, eta, strict=True)}
    pairs = [(sympy.diff(index, x).subs(at), sympy.Integer(0)) for x in p]
    return symbolic.identities([*pairs, (index.subs(at), 1 / c)])


@N10.check("certified")
@N10.twin("clipping active", examples=CLIPPED)
@N10.twin("less by 1e-6, certified", less=1e-6)
def supremum_is_certified(
    *, examples: tuple[Posterior, ...] = EXAMPLES, less: float = 0.0
) -> Evidence:
    """The supremum over all p in [0, 1] is 1 / c, for examples with c max eta <= 1."""
    found = []
    for posterior in examples:

        def index(*probs: Any, posterior: Posterior = posterior) -> Any:
            return population_dice(probs, posterior)

        box = ((0.0, 1.0),) * len(posterior)
        enclosed = interval.supremum(index, box, width=1e-7)
        value = 1 / scale(posterior) - less
        slack = min(enclosed.upper - value, value - enclosed.lower)
        witness = {"posterior": posterior, "at": enclosed.at, "upper": enclosed.upper}
        found.append(Evidence(slack, 1e-13, enclosed.boxes, "interval", witness))
    return worst_of(found)


@N10.check("c >= 1")
@N10.twin("c >= 2", least=Fraction(2))
@for_all(
    posterior=[
        (a, b, c)
        for a in [Fraction(i, 6) for i in range(7)]
        for b in [Fraction(i, 6) for i in range(7)]
        for c in [Fraction(i, 6) for i in range(7)]
        if a + b + c
    ]
)
def factor_is_at_least_one(
    posterior: Posterior, *, least: Fraction = Fraction(1)
) -> Fraction:
    """c^2 >= 1, with equality for posteriors in {0, 1} alone."""
    square = sum(posterior) / sum(e * e for e in posterior)
    hard = all(e in (0, 1) for e in posterior)
    room = Fraction(square - least)
    return -abs(room) if hard else room - Fraction(1, 10**6)


@N10.check("losses")
@N10.twin("c more by 1e-6", factor=1.000001)
def loss_by_hand(*, factor: float = 1.0) -> Evidence:
    """The loss on 8 + 8 pixels, of which 4 and 2 are of the class: 1 - 1 / c."""
    labels = jnp.array([1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0])
    posterior = jnp.array([0.5, 0.25])
    c = scale([0.5, 0.25])

    def loss(levels: Array) -> Array:
        probs = jnp.repeat(levels, 8)[:, None]
        return dice_loss(probs, labels, squared=True, link=links.identity)

    value, slopes = jax.value_and_grad(loss)(factor * c * posterior)
    gaps = np.array([value - (1 - 1 / c), *slopes])
    case = {"number": np.arange(3), "gap": gaps}
    return samples.worst_draw(-np.abs(gaps), case, tolerance=1e-12)
