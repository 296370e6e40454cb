"""G07-G09: the Dice loss of Eq. (5) as a loss, with and without a lesion to find."""

import functools
import itertools
from collections.abc import Sequence
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jax import Array

from jaxseg import links
from jaxseg.losses import dice_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples, samples, symbolic
from theory.engines.enumeration import for_each
from theory.galdran import SOURCE

Values = Sequence[Fraction]
GRID = [Fraction(n, 4) for n in range(5)]


def printed(truth: Values, predicted: Values) -> Fraction:
    """Eq. (5), 1 - 2 <y, p> / (<y, y> + <p, p>); 0/0 is not defined."""
    pairs = list(zip(truth, predicted, strict=True))
    return 1 - 2 * sum(y * p for y, p in pairs) / Fraction(
        sum(y * y for y in truth) + sum(p * p for p in predicted)
    )


def _loss_of_probs(predicted: Array, truth: Array) -> Array:
    """Jaxseg's squared Dice loss of foreground probabilities ``[N]``."""
    return dice_loss(
        predicted[:, None], truth[:, None], squared=True, link=links.identity
    )


_slopes = jax.jit(jax.vmap(jax.value_and_grad(_loss_of_probs), in_axes=(0, None)))

# G07

G07 = Claim(
    id="G07",
    source=SOURCE,
    where="Before Eq. (5)",
    statement=(
        "The loss (5) takes a binary truth and a continuous prediction, is "
        "differentiable, and decreases as the prediction improves."
    ),
    assumes="Improvement: some p_i get closer to their y_i, none further away.",
    verdict=Verdict.CORRECTED,
    correction=(
        "For y not 0 it is differentiable on all of [0, 1]^N and never rises; it falls "
        "strictly once the improved prediction has <y, p> > 0. While nothing is hit "
        "false positives may vanish and the loss stays 1. For y = 0 see G08: it is "
        "constant, and at p = 0 undefined."
    ),
    counterexample="y = (1, 0): p = (0, 1) and the better (0, 1/2) both have loss 1.",
    proof=(
        "The slope is -2 (y_i - D p_i) / (<y, y> + <p, p>): for y_i = 0 it is 2 D p_i "
        "/ (...) >= 0, for y_i = 1 it is < 0 unless D = p_i = 1."
    ),
    values={
        "loss_at_(1,0)_(0,1/2)": 1.0,
        "loss_at_(1,0)_(1/2,1/2)": 1 / 3,
        "loss_at_(1,0)_(1/2,0)": 1 / 5,
    },
)


def _moves():
    """Truth, prediction, pixel: a pixel that can get closer to its label by 1/4."""
    for size in (1, 2, 3):
        for truth in itertools.product((0, 1), repeat=size):
            for predicted in itertools.product(GRID, repeat=size):
                for at in range(size):
                    if any(truth) and predicted[at] != truth[at]:
                        yield truth, predicted, at


@G07.check("exact")
@G07.twin("strictly everywhere", strictly=True)
@for_each(_moves)
def never_rises(truth, predicted, at, *, strictly: bool = False) -> Fraction:
    """A pixel that gets closer never raises (5); it lowers it if something is hit.

    Strictly means also where neither before nor after anything is.
    """
    closer = list(predicted)
    closer[at] += Fraction(1 if truth[at] else -1, 4)
    fall = printed(truth, predicted) - printed(truth, closer)
    hit = any(y * p for y, p in zip(truth, closer, strict=True))
    return fall - Fraction(1, 10**9) if hit or strictly else -abs(fall)


@G07.check("slope of the loss")
@G07.twin("p squared in the slope", exponent=2)
def slope_of_loss(*, exponent: int = 1) -> Evidence:
    """Jaxseg's slope is -2 (y - D p) / (<y, y> + <p, p>), for any truth but none."""
    predicted = np.random.default_rng(7).uniform(size=(300, 6))
    truth = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    values, slopes = _slopes(jnp.array(predicted), jnp.array(truth))
    total = 2 + (predicted**2).sum(axis=1, keepdims=True)
    dice = 1 - np.asarray(values)[:, None]
    by_hand = -2 * (truth - dice * predicted**exponent) / total
    slack = -np.abs(np.asarray(slopes) - by_hand).max(axis=1)
    return samples.worst_draw(slack, {"predicted": predicted}, tolerance=1e-12)


# G08

G08 = Claim(
    id="G08",
    source=SOURCE,
    where="After Eq. (5)",
    statement=(
        "If y = 0 the loss (5) is always maximal, 1, regardless of the prediction; as "
        "p tends to 0 its denominator does, which can be numerically unstable."
    ),
    assumes="No smoothing.",
    verdict=Verdict.CORRECTED,
    correction=(
        "It is 1 for every p but p = 0, where (5) is 0/0. Its slope is 0 wherever it "
        "is defined, so such an image teaches nothing, however close p is to 0; the "
        "denominator does tend to 0, but the exact slope, -4 <y, p> p_i / (...)^2 in "
        "size, is 0 with its numerator. A value of 0 at p = 0, as the rule 0/0 = 1 for "
        "the index gives, is a jump that no gradient sees."
    ),
    counterexample="y = 0, p = 0: (5) reads 1 - 0/0.",
    proof="<y, p> = 0, so the fraction is 0 / <p, p>.",
    values={"loss": 1.0, "slope": 0.0, "loss_at_p=0_by_rule": 0.0},
)


@G08.check("exact")
@G08.twin("p = 0 as well", empty=True)
@G08.twin("1 - 1e-6", value=1 - Fraction(1, 10**6))
def always_one(*, value: Fraction = Fraction(1), empty: bool = False) -> Evidence:
    """(5) with y = 0 is 1 for every p but 0; `empty` has 0 too, by the rule 0/0 = 1."""

    def slack(predicted: Values) -> Fraction:
        if not any(predicted):
            return -value  # Dice 1, loss 0
        return -abs(printed([Fraction(0)] * len(predicted), predicted) - value)

    cases = (
        predicted
        for size in (1, 2, 3)
        for predicted in itertools.product(GRID, repeat=size)
        if any(predicted) or empty
    )
    return enumeration.worst_case(
        cases, slack, describe=lambda p: {"predicted": list(p)}
    )


@G08.check("value and slope of the loss")
@G08.twin("one per million foreground", foreground=1e-6)
def no_slope(*, foreground: float = 0.0) -> Evidence:
    """Jaxseg's loss is 1 with zero slope however small p, down to 10^-12."""
    scale = 10.0 ** -np.arange(13)[:, None]
    predicted = scale * np.array([[0.9, 0.5, 0.1, 0.2, 0.3, 0.7]])
    truth = np.full(6, foreground)
    values, slopes = map(np.asarray, _slopes(jnp.array(predicted), jnp.array(truth)))
    slack = -np.maximum(np.abs(values - 1), np.abs(slopes).max(axis=1))
    return samples.worst_draw(slack, {"predicted": predicted}, tolerance=0.0)


@G08.check("p = 0")
@G08.twin("1 at p = 0", loss=1.0)
def jump_at_zero(*, loss: float = 0.0) -> Evidence:
    """At p = 0 exactly jaxseg's rule makes it 0, without slope: a jump of 1."""
    value, slopes = _slopes(jnp.zeros((1, 6)), jnp.zeros(6))
    found = {"value": float(value[0]), "slope": float(np.abs(slopes).max())}
    return examples.agree(found, {"value": loss, "slope": 0.0})


# G09

G09 = Claim(
    id="G09",
    source=SOURCE,
    where="Implied by the text after Eq. (5)",
    statement=(
        "QUESTION. What does each common smoothing do to value and gradient of the "
        "Dice loss on an empty ground truth?"
    ),
    assumes=(
        "y = 0, eps > 0, S the sum of p (or of p^2: then d S / d p_i = 2 p_i, not 1). "
        "The loss is 1 - (2 <y, p> + a eps) / (S + sum y + b eps)."
    ),
    verdict=Verdict.DEPENDS,
    readings={
        "none, a = b = 0": "1, slope 0; 0/0 at S = 0 (G08).",
        "eps in the denominator alone": (
            "1 and slope 0 for every p, at S = 0 too: no 0/0, and nothing learned; the "
            "perfect prediction costs 1."
        ),
        "eps in numerator and denominator": (
            "S / (S + eps), from 0 at S = 0 up; slope in S eps / (S + eps)^2, at most "
            "1/eps, at S = 0. In a score it has the factor p (1 - p). Small eps: next "
            "to a step, with slope about eps / S^2 wherever S is not small."
        ),
        "eps in the numerator alone": (
            "1 - eps / S: unbounded below as S tends to 0, slope eps / S^2."
        ),
        "0/0 counts as Dice 1, no eps": "1 but 0 at S = 0, slope 0: a jump.",
        "such images left out": "0 with slope 0.",
    },
    proof=(
        "With y = 0 the numerator is a eps. In both, a lesion's loss falls by eps (1 - "
        "D) / (V + eps), V = sum y + sum p: the price for a gradient without lesion is "
        "a bias that is the larger the smaller the lesion."
    ),
    values={
        # 100 pixels at p = 1/2
        "value_eps_1_at_S_50": 50 / 51,
        "slope_in_S_eps_1_at_S_50": 1 / 51**2,
        "slope_in_S_eps_1e-5_at_S_50": 1e-5 / (50 + 1e-5) ** 2,
        "slope_in_S_eps_1e-5_at_S_0": 1e5,
    },
)


SMOOTHINGS = {
    "none": (0, 0),
    "denominator alone": (0, 1),
    "both": (1, 1),
    "numerator alone": (1, 0),
}
"""Multiples of eps added to numerator and denominator."""


@G09.check("algebra")
@G09.twin("slope eps / (S + eps)", power=1)
def slopes_in_algebra(*, power: int = 2) -> Evidence:
    """1 - (eps a) / (s + eps b) and its slope in s, for each smoothing."""
    s, eps = sympy.symbols("s eps", positive=True)
    by_hand = {
        "none": (sympy.Integer(1), sympy.Integer(0)),
        "denominator alone": (sympy.Integer(1), sympy.Integer(0)),
        "both": (s / (s + eps), eps / (s + eps) ** power),
        "numerator alone": (1 - eps / s, eps / s**2),
    }
    pairs = []
    for name, (above, below) in SMOOTHINGS.items():
        loss = 1 - above * eps / (s + below * eps)
        value, slope = by_hand[name]
        pairs += [(loss, value), (sympy.diff(loss, s), slope)]
    return symbolic.identities(pairs)


@jax.jit
@functools.partial(jax.vmap, in_axes=(0, 0))
def _smoothed(score: Array, smooth: Array):
    def loss(scores):
        return dice_loss(
            scores, jnp.zeros_like(scores), smooth=smooth, link=links.sigmoid
        )

    value, slopes = jax.value_and_grad(loss)(jnp.full((16, 1), score))
    return value, jnp.max(slopes)


@G09.check("value and slope of the loss")
@G09.twin("slope without p (1 - p)", vanishing=True)
def loss_at_zero(*, vanishing: bool = False) -> Evidence:
    """Jaxseg's `smooth`, in both: value S / (S + eps) and the slope in each score.

    That is eps p (1 - p) / (S + eps)^2, S = 16 p; `vanishing` leaves p (1 - p) out.
    """
    scores, smooths = (
        np.ravel(x) for x in np.meshgrid([-20, -10, -3, 0, 3], [1e-5, 1e-2, 1.0, 10.0])
    )
    values, slopes = map(
        np.asarray, _smoothed(jnp.array(scores, float), jnp.array(smooths))
    )
    p = 1 / (1 + np.exp(-scores))
    inner = 1.0 if vanishing else p * (1 - p)
    gaps = [
        np.abs(values - 16 * p / (16 * p + smooths)),
        np.abs(slopes - smooths * inner / (16 * p + smooths) ** 2),
    ]
    slack = -np.max(gaps, axis=0)
    case = {"score": scores, "smooth": smooths}
    return samples.worst_draw(slack, case, tolerance=1e-12)


@G09.check("bias with a lesion")
@G09.twin("bias larger by 1e-6", allowed=1 + Fraction(1, 10**6))
@for_each(lambda: (t for t in enumeration.confusion_counts(8) if sum(t)))
def bias_elsewhere(
    tp: int, fp: int, fn: int, *, allowed: Fraction = Fraction(1)
) -> Fraction:
    """In both, eps takes eps (1 - D) / (V + eps) off the loss of an image with lesion.

    D is Dice and V the two sizes: next to nothing for a large lesion, all for a small.
    """
    volume = 2 * tp + fp + fn
    eps = Fraction(1, 3)
    dice = Fraction(2 * tp, volume)
    smoothed = (2 * tp + eps) / (volume + eps)
    return -abs(smoothed - dice - allowed * eps * (1 - dice) / (volume + eps))
