"""N12, N13: cross-entropy, Dice and Tversky control, or split off, label marginals."""

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jax import Array

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import (
    cross_entropy_loss,
    marginal_kl_loss,
    marginal_l1_loss,
    tversky_loss,
)
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, samples, search, symbolic
from theory.engines.enumeration import over_masks

Image = tuple[tuple[tuple[Fraction, ...], ...], tuple[int, ...]]

# N12

N12 = Claim(
    id="N12",
    source=SOURCE,
    where="on Liu 2022, Sections 2.2 and 2.5",
    statement=(
        "CE_mean >= D_KL(y || p) >= L1(y, p)^2 / 2; L1(y, p) <= sum_k (1 - Dice_k)(y_k "
        "+ p_k); sum_k (y_k + p_k) Dice_k / 2 is the mean probability of the true "
        "class."
    ),
    assumes=(
        "Hard labels; classes may be absent (Dice_k of neither is 1, with weight 0). "
        "CE is the mean over pixels: Table 1's sum of region means is no smaller."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "CE - KL - H(y) >= -H(y) is the estimate of L15. Then Pinsker. Dice_k (y_k + "
        "p_k) is twice the sum of p over region k by N, which is at most 2 min(y_k, "
        "p_k): so (1 - Dice_k)(y_k + p_k) >= |y_k - p_k|, with equality where region "
        "and prediction are nested. Summed over k the hits are the true-class "
        "probabilities. So both CE and Dice control the label marginals."
    ),
    values={
        # y = (1/2, 1/2), p = (3/4, 1/4)
        "kl_at_s_1/4": -math.log(3 / 4) / 2,
        "half_l1_squared_at_s_1/4": 1 / 8,
    },
)


def _images() -> Iterator[Image]:
    """Two or three pixels, two or three classes: all labels, p on a grid."""
    for classes, pixels, parts in ((2, 3, 4), (3, 2, 3)):
        grid = list(enumeration.simplex_grid(classes, parts))
        for labels in itertools.product(range(classes), repeat=pixels):
            for probs in itertools.product(grid, repeat=pixels):
                yield probs, labels


def _named(image: Image) -> dict[str, list]:
    return {"probs": [list(p) for p in image[0]], "labels": list(image[1])}


def counts_of_class(image: Image, k: int) -> SoftCounts:
    """Exact counts of class k."""
    probs, labels = image
    hits = sum((p[k] for p, label in zip(probs, labels, strict=True) if label == k), 0)
    hits = Fraction(hits)
    predicted = sum(p[k] for p in probs)
    return SoftCounts.of_sets(
        hits, predicted - hits, labels.count(k) - hits, len(labels)
    )


@N12.check("L1 by Dice, exact")
@N12.twin("L1 by 1 - 1e-6 of it", factor=1 - Fraction(1, 10**6))
def l1_by_dice(*, factor: Fraction = Fraction(1)) -> Evidence:
    """|y_k - p_k| <= (1 - Dice_k)(y_k + p_k), summed; absent classes included."""

    def slack(image: Image) -> Fraction:
        total = Fraction(0)
        for k in range(len(image[0][0])):
            masks = counts_of_class(image, k)
            loss = 1 - Fraction(counts.dice_index(masks))
            room = loss * (masks.actual + masks.predicted)
            total += factor * room - abs(masks.actual - masks.predicted)
        return total / len(image[1])

    return enumeration.worst_case(_images(), slack, describe=_named)


@N12.check("weighted Dice, exact")
@N12.twin("without the half", twice=1)
def weighted_dice(*, twice: int = 2) -> Evidence:
    """sum_k Dice_k (y_k + p_k) / 2 is the mean probability of the true class."""

    def slack(image: Image) -> Fraction:
        probs, labels = image
        total = Fraction(0)
        for k in range(len(probs[0])):
            masks = counts_of_class(image, k)
            share = masks.actual + masks.predicted
            total += Fraction(counts.dice_index(masks)) * share / twice
        right = sum(p[label] for p, label in zip(probs, labels, strict=True))
        return -abs(total - right) / len(labels)

    return enumeration.worst_case(_images(), slack, describe=_named)


def _gaps(logits: Array, labels: Array) -> Array:
    """CE - KL and KL - L1^2 / 2."""
    kl = marginal_kl_loss(logits, labels, temperature=1.0)
    l1 = marginal_l1_loss(logits, labels, temperature=1.0)
    return jnp.stack([cross_entropy_loss(logits, labels) - kl, kl - l1**2 / 2])


@functools.cache
def _attack() -> search.Found:
    """Descent on either gap, from images of eight pixels and three classes."""
    score_key, label_key = jax.random.split(jax.random.key(12))
    logits = samples.draw_logits(score_key, 32, 8, 3)
    labels = samples.draw_labels(label_key, 32, 8, 3)
    return search.maximise(
        lambda z, y, k: -_gaps(z, y)[k], logits, labels, jnp.arange(32) % 2, steps=150
    )


@N12.check("chain, descent")
@N12.twin("more by 0.01", shift=0.01)
@N12.twin("chain reversed", sign=-1.0)
def chain(*, sign: float = 1.0, shift: float = 0.0) -> Evidence:
    """CE >= KL >= L1^2 / 2, one or the other attacked by descent from each start."""
    found = _attack()
    slack = sign * (-found.values - shift)
    case = {"scores": found.parameters}
    return samples.worst_draw(slack, case, tolerance=1e-10, method="search")


@N12.check("Pinsker")
@N12.twin("KL by 3/4 L1^2", factor=3)
def pinsker_in_algebra(*, factor: int = 2) -> Evidence:
    """Two classes: KL - `factor` (y - p)^2 falls up to p = y and rises after it.

    Its slope in p is (p - y) (1 - 2 p)^2 / (p (1 - p)), and it is 0 at p = y. So KL >=
    L1^2 / 2 for two classes; more classes grouped into p_k > y_k and the rest keep
    their L1 and do not raise the KL.
    """
    y, p = sympy.symbols("y p", positive=True)
    kl = y * sympy.log(y / p) + (1 - y) * sympy.log((1 - y) / (1 - p))
    gap = kl - factor * (y - p) ** 2
    slope = (p - y) * (1 - 2 * p) ** 2 / (p * (1 - p))
    return symbolic.identities([(sympy.diff(gap, p), slope)])


@N12.check("Pinsker is sharp")
@N12.twin("L1^2 (1/2 + 1e-6)", factor=0.5 + 1e-6)
def pinsker_is_sharp(*, factor: float = 0.5) -> Evidence:
    """Two classes, y = (1/2, 1/2), p = (1/2 + s, 1/2 - s): KL >= `factor` L1^2.

    KL = -log(1 - 4 s^2) / 2 and L1 = 2 s; the ratio tends to 1/2 as s does to 0.
    """
    s = 2.0 ** -np.arange(2, 14)
    kl = -np.log1p(-4 * s**2) / 2
    slack = kl / (2 * s) ** 2 - factor
    return samples.worst_draw(slack, {"s": s}, tolerance=1e-9)


# N13

N13 = Claim(
    id="N13",
    source=SOURCE,
    where="extends Liu 2022, Eq. (1)",
    statement=(
        "Liu's Eq. (1) generalises to every Tversky index with alpha + beta = 1: -log "
        "T_k = DF_k + log(alpha p_k + beta y_k) - log y_k, with Proposition 1 "
        "unchanged. For Jaccard there is no such split, but 0 <= log D - log J <= log "
        "2."
    ),
    assumes=(
        "Hard labels, y_k > 0, TP > 0. A split is a function of TP and y plus one of "
        "p_k and y. Proposition 1 for alpha > 0: with alpha = 0 the bias is constant. "
        "beta = 0 is allowed, as minus infinity."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "TP + alpha (P - TP) + beta (Y - TP) = (1 - alpha - beta) TP + alpha P + beta "
        "Y. With alpha + beta = 1 the first term drops out. sum_k log(alpha p_k + beta "
        "y_k) is concave, and at the vertex of class j it is a constant plus log(1 + "
        "alpha/(beta y_j)), least for the largest y_j. Otherwise the log has mixed "
        "derivatives in TP and P unless alpha = 0. D/J = 2 - D (E17): log 2 is "
        "approached as D tends to 0, not reached."
    ),
    values={
        # y = (3/5, 2/5), alpha = 1/10, at the vertex of the first class
        "bias_alpha_1/10": math.log(0.1 + 0.9 * 0.6) + math.log(0.9 * 0.4),
        "log_dice_less_log_jaccard_at_1/2": math.log(3 / 2),
    },
)


Shares = Sequence[Fraction]
ALPHAS = (Fraction(1, 10), Fraction(1, 2), Fraction(9, 10))


@N13.check("algebra")
@N13.twin("alpha + beta > 1", beta_too=False)
def split_in_algebra(*, beta_too: bool = True) -> Evidence:
    """T = m y / (alpha p + beta y), m the mean of p in the region, beta = 1 - alpha."""
    tp, fp, fn, alpha, pixels = sympy.symbols("tp fp fn alpha pixels", positive=True)
    masks = SoftCounts.of_sets(tp, fp, fn, pixels)
    beta = 1 - alpha if beta_too else sympy.Integer(1)
    index = counts.tversky_index(masks, alpha=alpha, beta=beta)
    matched = counts.sensitivity_index(masks)
    bias = alpha * masks.predicted + beta * masks.actual
    return symbolic.identity(index, matched * masks.actual / bias)


@jax.jit
@functools.partial(jax.vmap, in_axes=(0, None, 0))
def _losses(scores: Array, truth: Array, alpha: Array):
    """-log T of jaxseg's loss, DF and log(alpha p + beta y) - log y, with slopes."""

    def residual(scores):
        loss = tversky_loss(
            scores, truth, alpha=alpha, beta=1 - alpha, link=links.sigmoid
        )
        masks = counts.soft_counts(links.sigmoid(scores), truth)
        df = -jnp.log(counts.sensitivity_index(masks)[0])
        p, y = masks.predicted[0] / masks.pixels, masks.actual[0] / masks.pixels
        return jnp.stack(
            [-jnp.log(1 - loss), df + jnp.log(alpha * p + (1 - alpha) * y), jnp.log(y)]
        )

    return residual(scores), jax.jacrev(residual)(scores)


@N13.check("losses and gradients")
@N13.twin("without log y", constant=0.0)
def split_of_losses(*, constant: float = 1.0) -> Evidence:
    """The same of jaxseg's loss, value and slope, for random alpha."""
    rng = np.random.default_rng(13)
    scores = rng.normal(size=(200, 6, 1))
    alphas = rng.uniform(0.05, 0.95, size=200)
    truth = jnp.array([[1.0], [1.0], [0.0], [0.0], [0.0], [0.0]])
    values, slopes = map(np.asarray, _losses(jnp.array(scores), truth, alphas))
    gaps = np.abs(values[:, 0] - values[:, 1] + constant * values[:, 2])
    steep = np.abs(slopes[:, 0] - slopes[:, 1]).max(axis=(1, 2))
    case = {"scores": scores, "alpha": alphas}
    return samples.worst_draw(-np.maximum(gaps, steep), case, tolerance=1e-12)


@N13.check("Proposition 1, exact")
@N13.twin("smallest class", largest=False)
def proposition(
    *, alphas: Sequence[Fraction] = ALPHAS, largest: bool = True
) -> Evidence:
    """sum_k log(alpha p_k + beta y_k) is least at the vertex of a largest class."""

    def slack(case) -> Fraction:
        alpha, predicted, actual = case

        def exponential(p: Shares) -> Fraction:
            terms = (
                alpha * a + (1 - alpha) * b for a, b in zip(p, actual, strict=True)
            )
            return math.prod(terms, start=Fraction(1))

        at = actual.index(max(actual) if largest else min(actual))
        vertex = [Fraction(k == at) for k in range(len(actual))]
        return exponential(predicted) - exponential(vertex)

    cases = (
        (alpha, predicted, actual)
        for classes, parts in ((2, 10), (3, 6))
        for actual in enumeration.simplex_grid(classes, parts)
        for predicted in enumeration.simplex_grid(classes, parts)
        for alpha in alphas
    )
    return enumeration.worst_case(
        cases,
        slack,
        describe=lambda c: {
            "alpha": c[0],
            "predicted": list(c[1]),
            "actual": list(c[2]),
        },
    )


@N13.check("no split otherwise")
@N13.twin("Jaccard splits", beta=sympy.Integer(1))
def no_split(*, beta: sympy.Expr | None = None) -> Evidence:
    """d2/dTP dP of log((1 - a - b) TP + a P + b Y) = -a (1 - a - b) / (...)^2.

    A function of TP and Y plus one of P and Y has none; it is 0 for a + b = 1 alone.
    `beta` given: claims that there is none.
    """
    tp, p, y, a, b = sympy.symbols("tp p y a b", positive=True)
    b = b if beta is None else beta
    below = (1 - a - b) * tp + a * p + b * y
    mixed = sympy.sympify(sympy.diff(sympy.log(below), tp, p))
    if beta is not None:
        return symbolic.identity(mixed, sympy.Integer(0))
    formula = -a * (1 - a - b) / below**2
    return symbolic.identities(
        [(mixed, formula), (formula.subs(b, 1 - a), sympy.Integer(0))]
    )


@N13.check("log D - log J")
@N13.twin("D / J < 2 - 1e-6", upper=2 - Fraction(1, 10**6))
@over_masks(
    pixels=10**8 + 1,
    only=lambda masks: masks.intersection > 0,
    triples=list(enumeration.confusion_counts(10))
    + [(1, 10**k, 0) for k in range(1, 9)],
)
def jaccard_between(masks: SoftCounts, *, upper: Fraction = Fraction(2)) -> Fraction:
    """1 <= D / J < 2, so that 0 <= log D - log J < log 2, where J > 0."""
    ratio = Fraction(counts.dice_index(masks)) / counts.jaccard_index(masks)
    return min(ratio - 1, upper - ratio - Fraction(1, 10**12))
