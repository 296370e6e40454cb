"""N11: cross-entropy plus Dice is best between the posterior and Dice's mask."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jax import Array

from jaxseg import links
from jaxseg.losses import cross_entropy_loss, dice_loss
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict
from theory.engines import samples, search, symbolic

N11 = Claim(
    id="N11",
    source=SOURCE,
    where="on Galdran 2022, Eq. (6), and Ma 2021, Eq. (22)",
    statement=(
        "A minimiser p of l CE + soft Dice loss over all predictions, of expected "
        "counts, has sign(p_i - eta_i) = sign(eta_i - D/2)."
    ),
    assumes="l > 0, D the soft Dice at p; CE is the sum or mean over pixels.",
    verdict=Verdict.CORRECTED,
    correction=(
        "For 0 < eta_i < 1. Where eta_i is 0 or 1 so is p_i, and the left side is 0. "
        "It holds at every stationary point, and p - eta = p (1 - p)(2 eta - D)/(l (Y "
        "+ P)) with CE summed: pixels are pushed away from D/2, the more the smaller l."
    ),
    counterexample=(
        "Two pixels, eta = 0 and 1, p = (x, 1): the loss -l log(1 - x) + 1 - 2/(2 + x) "
        "is least at x = 0 = eta, although eta - D/2 = -1/2."
    ),
    proof=(
        "For 0 < eta < 1 CE is infinite at p = 0 and 1, so p is inside and the slope "
        "vanishes: l (p - eta)/(p (1 - p)) = (2 eta - D)/(Y + P)."
    ),
    values={
        # 1 / (1 - x) - ... at x = 0: 1 + 2 / 4
        "slope_at_boundary_example": 1.5,
        # one pixel, eta = 1/2, D = 2/3 at p = 1: beyond it the pull is 2 eta - D = 1/3
        "pull_at_eta_1/2_dice_2/3": 1 / 3,
    },
)

PIXELS = 5
"""Pixels of a group, which share one score."""


@N11.check("algebra")
@N11.twin("eta - D, algebra", half=1)
def stationary_in_algebra(*, half: int = 2) -> Evidence:
    """Two groups: the slope in p_1 is l (p - eta)/(p (1 - p)) - (2 eta - D)/(Y + P)."""
    p, q, eta, other, weight = sympy.symbols("p q eta other weight", positive=True)
    cross_entropy = -eta * sympy.log(p) - (1 - eta) * sympy.log(1 - p)
    dice = 2 * (eta * p + other * q) / (eta + other + p + q)
    slope = sympy.diff(weight * cross_entropy - dice, p)
    by_hand = weight * (p - eta) / (p * (1 - p))
    by_hand -= (half * eta - dice) / (eta + other + p + q)
    return symbolic.identity(slope, by_hand)


def _loss(scores: Array, hits: Array, weight: Array) -> tuple[Array, Array]:
    """`weight` times cross-entropy plus the Dice loss of grouped scores, and Dice."""
    truth = (jnp.arange(PIXELS)[None] < hits[:, None]).astype(scores.dtype)
    spread = jnp.broadcast_to(scores[:, None], truth.shape)[..., None]
    dice = dice_loss(spread, truth[..., None], link=links.sigmoid)
    return weight * cross_entropy_loss(
        spread, truth[..., None], link=links.sigmoid
    ) + dice, dice


@functools.cache
def minima():
    """Hits of three groups, weights, and where descent ends: scores and Dice."""
    rng = np.random.default_rng(11)
    hits = rng.integers(1, PIXELS, size=(48, 3)).astype(float)
    weights = jnp.array(10 ** rng.uniform(-1, 0.5, size=48))
    starts = jnp.array(rng.normal(size=(48, 3)))
    found = search.maximise(
        lambda z, h, w: -_loss(z, h, w)[0], starts, hits, weights, steps=800
    )
    scores = found.parameters
    _, dice = jax.vmap(_loss)(jnp.array(scores), jnp.array(hits), weights)
    return (
        hits / PIXELS,
        np.asarray(weights),
        1 / (1 + np.exp(-scores)),
        1 - np.asarray(dice),
    )


@N11.check("minima of the losses")
@N11.twin("eta - D", half=1.0)
def signs(*, half: float = 2.0) -> Evidence:
    """P - eta and eta - D/2 have one sign in every group, wherever descent ends."""
    eta, weights, p, dice = minima()
    away = np.sign(eta - dice[:, None] / half)
    slack = (away * (p - eta)).min(axis=1)
    case = {"eta": eta, "weight": weights, "p": p, "dice": dice}
    return samples.worst_draw(slack, case, tolerance=1e-5, method="search")


@N11.check("size of the shift")
@N11.twin("shift twice as large", factor=2.0)
def size_of_shift(*, factor: float = 1.0) -> Evidence:
    """There p - eta = p (1 - p) (2 eta - D) / (l (mean eta + mean p))."""
    eta, weights, p, dice = minima()
    total = (eta + p).mean(axis=1, keepdims=True)
    by_hand = p * (1 - p) * (2 * eta - dice[:, None]) / total / weights[:, None]
    slack = -np.abs(p - eta - factor * by_hand).max(axis=1)
    case = {"eta": eta, "weight": weights, "p": p}
    return samples.worst_draw(slack, case, tolerance=1e-4, method="search")


@N11.check("boundary")
@N11.twin("eta = 0 as well", always=True)
def empty_prediction_is_best(*, always: bool = False) -> Evidence:
    """Eta = 0: cross-entropy's slope at p = 0 is l, Dice's D/(Y + P): p = 0 is best.

    The loss rises from p = 0 on, for D/2 > 0: p - eta = 0 there though eta - D/2 < 0.
    `always` claims the signs there as well, that is p < 0.
    """
    p = np.linspace(0, 0.99, 100)
    # one group with eta = 0, one of the same size with p = eta = 1
    loss = -np.log(1 - p) - 2 / (2 + p)
    rises = np.diff(loss).min()
    best = p[np.argmin(loss)]
    slack = -best - 1e-9 if always else min(rises, -abs(best))
    return Evidence(float(slack), 0.0, 100, "samples", {"best_p": best})
