"""M03, M04: cross-entropy of the worst pixels, by a threshold and by a share."""

import functools
import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg import links
from jaxseg.losses import cross_entropy_loss, topk_loss, topk_threshold_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import examples, residuals, samples
from theory.engines.enumeration import for_each
from theory.ma import SOURCE

M03 = Claim(
    id="M03",
    source=SOURCE,
    where="Section 2.1.2, Eq. (3)",
    statement=(
        "The threshold variant of the TopK loss, the mean cross-entropy of the pixels "
        "with s < t, t in (0, 1], focuses on hard samples."
    ),
    assumes=(
        "Precisely: pixels with s >= t, and they alone, have no slope, and the loss is "
        "at least the mean over all pixels."
    ),
    verdict=Verdict.CORRECTED,
    correction=(
        "Where no pixel has s < t, as at a perfect prediction under every t, (3) reads "
        "0/0; it needs a value, and 0 is the one that makes the truth a minimiser. It "
        "then focuses on hard pixels as said, but is not continuous, and it rises when "
        "a pixel that is easier than the mean of the hard ones gets better and passes "
        "t. At t = 1 it is cross-entropy only while no pixel has s = 1 exactly."
    ),
    counterexample=(
        "Two pixels, t = 1/2. s = (1/2, 1/2): 0/0. s = (1/4, 2^-1.5) has the loss 1.75 "
        "log 2; the better s = (1/4, 1/2) has 2 log 2."
    ),
    proof=(
        "Costs -log s of the kept exceed -log t, those of the dropped do not, so the "
        "mean of the kept is at least the mean of all. The selection has no slope, and "
        "the mean of the kept has slope in the kept alone. When a pixel of cost -log t "
        "leaves k kept ones of mean m, the mean rises by (m + log t) / (k - 1)."
    ),
    values={
        "mean_bits_before_crossing": 1.75,
        "mean_bits_after_crossing": 2.0,
        "value_where_none_is_hard": 0.0,
    },
)

Costs = Sequence[Fraction | int]  # -log2 of the probability of each pixel's own class


def mean_of_hard(costs: Costs, limit: Fraction) -> Fraction:
    """Eq. (3): mean cost of the pixels of cost > limit; 0 where there is none."""
    hard = [cost for cost in costs if cost > limit]
    return Fraction(sum(hard), len(hard)) if hard else Fraction(0)


def _loss_of_costs(loss: Any, costs: Sequence[float], **options: Any) -> float:
    """`loss` in units of log 2, of foreground pixels with p = 2^-cost."""
    probs = jnp.exp2(-jnp.array(costs, float))[:, None]
    labels = jnp.ones(len(costs), int)
    value = loss(probs, labels, link=links.identity, **options)
    return float(value) / math.log(2)


@M03.check("mean of the kept")
@M03.twin("easy ones kept", reverse=True)
@for_each(
    lambda: (
        (costs, limit)
        for pixels in (1, 2, 3, 4)
        for costs in itertools.product([Fraction(k) for k in range(4)], repeat=pixels)
        for limit in [Fraction(k, 2) for k in range(-1, 6)]
    )
)
def keeps_the_hard(costs: Costs, limit: Fraction, *, reverse: bool = False) -> Fraction:
    """The mean over the kept is at least that over all: none kept is below one left."""
    sign = -1 if reverse else 1
    if max(costs) <= limit:  # no hard pixel, 0/0
        return Fraction(0)
    return sign * (mean_of_hard(costs, limit) - Fraction(sum(costs), len(costs)))


@M03.check("slopes")
@M03.twin("all pixels learn", every=True)
def only_the_hard_learn(*, every: bool = False) -> Evidence:
    """A pixel's scores have a slope if and only if its probability is below t."""
    logits, labels = residuals.images(3, seed=3)
    limit = 0.5

    def of_one(logits: Array, labels: Array) -> Array:
        return topk_threshold_loss(logits, labels, threshold=limit)

    slopes = np.asarray(jax.jit(jax.vmap(jax.grad(of_one)))(logits, labels))
    probs = np.asarray(jax.nn.softmax(logits))
    own = np.take_along_axis(probs, np.asarray(labels)[..., None], -1)[..., 0]
    learns = np.abs(slopes).max(-1) > 0
    wanted = np.ones_like(learns) if every else own < limit
    slack = -np.any(learns != wanted, axis=-1).astype(float)
    case = {"logits": logits, "labels": labels}
    return samples.worst_draw(slack, case, tolerance=0.0)


@M03.check("by hand")
@M03.twin("1 where none is hard", rule=1.0)
@M03.twin("no rise", jump=0.0)
def threshold_by_hand(*, rule: float = 0.0, jump: float = 1 / 4) -> Evidence:
    """With t = 1/2, costs in bits: nothing is kept; a pixel leaves and the loss rises.

    Costs (2, 1.5) have mean 1.75; better at the second pixel, (2, 1), leaves 2. t = 1
    keeps all but those of p = 1: (2, 0) has 2, where cross-entropy has 1.
    """
    of = functools.partial(_loss_of_costs, topk_threshold_loss)
    found = {
        "all easy": of([1.0, 0.5], threshold=0.5),
        "perfect": of([0.0, 0.0], threshold=1.0),
        "before": of([2.0, 1.5], threshold=0.5),
        "after less before": of([2.0, 1.0], threshold=0.5)
        - of([2.0, 1.5], threshold=0.5),
        "t=1 with a certain pixel": of([2.0, 0.0], threshold=1.0),
        "t=1 without one": of([2.0, 1.0], threshold=1.0),
    }
    hand = {
        "all easy": rule,
        "perfect": rule,
        "before": 7 / 4,
        "after less before": jump,
        "t=1 with a certain pixel": 2.0,
        "t=1 without one": 3 / 2,
    }
    return examples.agree(found, hand, tolerance=1e-12)


# M04

M04 = Claim(
    id="M04",
    source=SOURCE,
    where="Section 2.1.2, Eq. (4)",
    statement=(
        "The TopK loss is the sum of the cross-entropy over the k% worst pixels, times "
        "1 / N."
    ),
    assumes=(
        "k N / 100 is whole (else the last pixel counts in part), and worst means of "
        "largest cross-entropy. Pixels that tie for the last place make K ambiguous "
        "and the gradient with it, but not the value."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "The sum over the worst is the largest sum over any set of that size, so the "
        "loss is a maximum of smooth functions: continuous, convex in the pixels' "
        "losses, smallest at s = g. With 1 / N it lies between k CE and CE, grows in k "
        "by ever less, and is CE at 100%. It is k times the mean over the kept, which "
        "is at least CE and falls in k: that is what released code computes, and with "
        "it k changes nothing about the size of the gradient."
    ),
    values=lambda: {
        "bits_3_2_1_0_at_25%": float(share_of_worst([3, 2, 1, 0], 1)),
        "bits_3_2_1_0_at_50%": float(share_of_worst([3, 2, 1, 0], 2)),
        "bits_3_2_1_0_at_100%": float(share_of_worst([3, 2, 1, 0], 4)),
        "ratio_of_released_to_printed_at_10%": 10.0,
    },
)


def share_of_worst(costs: Costs, kept: int) -> Fraction:
    """Eq. (4) with |K| = kept: the largest sum over so many pixels, over N."""
    return Fraction(sum(sorted(costs, reverse=True)[:kept]), len(costs))


@M04.check("between k CE and CE")
@M04.twin("divided by |K|", by_kept=True)
@for_each(
    lambda: (
        c
        for n in (1, 2, 3, 4, 5)
        for c in itertools.product([Fraction(k) for k in range(4)], repeat=n)
    )
)
def loss_is_between(costs: Costs, *, by_kept: bool = False) -> Fraction:
    """The loss is in [k CE, CE] and concave in k; `by_kept` divides by |K|."""
    pixels = len(costs)
    mean = Fraction(sum(costs), pixels)
    values = [share_of_worst(costs, k) for k in range(pixels + 1)]
    if by_kept:
        values = [v * pixels / max(k, 1) for k, v in enumerate(values)]
    steps = [b - a for a, b in itertools.pairwise(values)]
    falls = [a - b for a, b in itertools.pairwise(steps)]
    lower = [v - mean * k / pixels for k, v in enumerate(values)]
    return min(*steps, *falls, *lower, mean - max(values), Fraction(0))


@M04.check("all subsets")
@M04.twin("scaled by 1 + 1e-6", scale=1.000001)
def worst_of_all_subsets(*, scale: float = 1.0) -> Evidence:
    """The loss is the largest over all K of that size of its sum over N: brute force.

    Ties, too: which of the tied pixels K takes does not change the value.
    """
    rng = np.random.default_rng(4)
    costs = np.repeat(rng.integers(0, 4, (12, 5)).astype(float), 3, axis=0)
    kept = np.tile([1, 2, 5], 12)

    def of_one(costs: Array, fraction: Array) -> Array:
        probs, labels = jnp.exp2(-costs)[:, None], jnp.ones(5, int)
        return topk_loss(probs, labels, link=links.identity, fraction=fraction)

    found = jax.jit(jax.vmap(of_one))(costs, kept / 5) / math.log(2)
    hand = [
        scale * max(map(sum, itertools.combinations(row, k))) / 5
        for row, k in zip(costs.tolist(), kept.tolist(), strict=True)
    ]
    slack = -np.abs(np.asarray(found) - hand)
    return samples.worst_draw(slack, {"costs": costs, "kept": kept}, tolerance=1e-12)


@M04.check("all pixels")
@M04.twin("half of the pixels", fraction=0.5)
def whole_is_cross_entropy(*, fraction: float = 1.0) -> Evidence:
    """With 100% of the pixels it is cross-entropy, value and gradient."""

    def residual(logits: Array, labels: Array) -> Array:
        worst = topk_loss(logits, labels, fraction=fraction)
        return worst - cross_entropy_loss(logits, labels)

    return residuals.vanishing(residual, *residuals.images(3, seed=4))
