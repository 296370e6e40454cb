"""L01: the log-Dice loss is a matching term plus a label-marginal bias."""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import sympy
from jax import Array

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import dice_bias_loss, log_dice_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import samples, search, symbolic
from theory.liu import SOURCE

L01 = Claim(
    id="L01",
    source=SOURCE,
    where="Eq. (1)",
    statement="-sum_k log Dice_k =c DF + DB.",
    assumes=(
        "Hard labels with every region non-empty, which is not printed: for an absent "
        "class DF is the log of 0 / 0 and Dice_k = 0 whatever the prediction. =c "
        "allows an additive constant and a non-negative factor."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "Let m_k be the mean of p over region k. Its sum is |O_k| m_k, so Dice_k = 2 "
        "|O_k| m_k / (|O| (p_k + y_k)) = m_k 2 y_k / (p_k + y_k). Minus the log, "
        "summed over k, is DF + DB - sum_k log(2 y_k): the last sum depends on the "
        "labels alone, and is the constant. jaxseg's loss is the mean over classes, "
        "1/K times that."
    ),
    values={
        "constant_at_1/2_1/2": 0.0,
        "constant_at_3/4_1/4": -math.log(3 / 4),
        "constant_at_1/3_1/3_1/3": -3 * math.log(2 / 3),
    },
)


def matching_term(logits: Array, labels: Array) -> Array:
    """DF: minus the sum over classes of the log of the mean of p in the region.

    An absent class adds 0, by the rule 0/0 = 1 of the index.
    """
    targets = jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
    found = counts.soft_counts(links.softmax(logits), targets)
    return -jnp.sum(jnp.log(counts.sensitivity_index(found)))


def constant(labels: Array, classes: int, factor: float = 2.0) -> Array:
    """-sum_k log(2 y_k) over the classes that occur: what (1) leaves out."""
    shares = jnp.mean(jax.nn.one_hot(labels, classes, dtype=float), axis=0)
    return -jnp.sum(jnp.log(jnp.where(shares > 0, factor * shares, 1)))


def residual(
    logits: Array, labels: Array, *, factor: float = 2.0, sign: int = 1
) -> Array:
    """-sum log Dice - (DF + DB - sum log(2 y)); the loss is a mean, so C times it."""
    classes = logits.shape[-1]
    left = classes * log_dice_loss(logits, labels)
    bias = sign * dice_bias_loss(logits, labels)
    return (
        left - matching_term(logits, labels) - bias - constant(labels, classes, factor)
    )


@L01.check("losses and gradients")
@L01.twin("an absent class", absent=True)
@L01.twin("DB with the sign flipped", sign=-1)
def losses_split(*, absent: bool = False, **change: Any) -> Evidence:
    """Value and gradient in the scores, on random images of three classes."""
    draws, pixels, classes = 1000, 12, 3
    score_key, label_key = jax.random.split(jax.random.key(1))
    logits = samples.draw_logits(score_key, draws, pixels, classes)
    labels = samples.draw_labels(label_key, draws, pixels, classes)
    if absent:
        labels = jnp.minimum(labels, classes - 2)

    def slack(logits, labels):
        of_scores = functools.partial(residual, labels=labels, **change)
        error, slopes = jax.value_and_grad(of_scores)(logits)
        return -jnp.maximum(jnp.abs(error), jnp.max(jnp.abs(slopes)))

    worst = jax.jit(jax.vmap(slack))(logits, labels)
    case = {"logits": logits, "labels": labels}
    return samples.worst_draw(worst, case, tolerance=1e-10)


@L01.check("ascent")
@L01.twin("constant without its 2, ascent", factor=1.0)
def ascent_finds_no_residual(**change: Any) -> Evidence:
    """Ascent on the size of the residual, in the scores and their scale."""
    starts, pixels, classes = 128, 9, 3
    score_key, label_key = jax.random.split(jax.random.key(2))
    logits = samples.draw_logits(score_key, starts, pixels, classes)
    labels = samples.draw_labels(label_key, starts, pixels, classes)

    def objective(logits, labels):
        return jnp.abs(residual(logits, labels, **change))

    found = search.maximise(objective, logits, labels, steps=150, learning_rate=0.3)
    value, at = found.best()
    return Evidence(-value, 1e-10, found.starts, "search", {"logits": at})


@L01.check("algebra")
@L01.twin("constant without its 2, algebra", factor=1)
def split_in_algebra(*, factor: int = 2) -> Evidence:
    """Exp of both sides for two and three classes: products of rational functions."""
    pairs = []
    for classes in (2, 3):
        pixels = sympy.symbols("pixels", positive=True)
        left, right = sympy.Integer(1), sympy.Integer(1)
        for k in range(classes):
            tp, fp, fn = sympy.symbols(f"tp{k} fp{k} fn{k}", positive=True)
            region = SoftCounts.of_sets(tp, fp, fn, pixels)
            actual, predicted = region.actual / pixels, region.predicted / pixels
            left *= counts.dice_index(region)
            matched = counts.sensitivity_index(region)
            right *= matched * factor * actual / (predicted + actual)
        pairs.append((left, right))
    return symbolic.identities(pairs)
