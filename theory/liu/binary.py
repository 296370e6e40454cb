"""L18, L19: the split of log-Dice and of cross-entropy in the binary case."""

import itertools
import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jax import Array

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import dice_bias_loss, log_dice_loss, region_cross_entropy_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import examples, samples, symbolic
from theory.engines.enumeration import for_each
from theory.liu import SOURCE

# L18

L18 = Claim(
    id="L18",
    source=SOURCE,
    where="Appendix B, Eqs. (19)-(21)",
    statement=(
        "-log Dice_1 =c DF1 + DB1 with DB1 = log(sum_i p_i1 + |region 1|) =c log(p_1 + "
        "y_1), and CE = CE1 + CE2."
    ),
    assumes=(
        "Hard labels, both regions non-empty ((19) and (21) need the foreground "
        "alone). The constants may depend on the labels and the number of pixels: they "
        "differ from image to image."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "Dice_1 = 2 S / (P + Y) with S = Y m_1, m_1 the mean of p over the foreground: "
        "minus the log is DF1 + log(P + Y) - log(2 Y), and log(P + Y) = log(p_1 + y_1) "
        "+ log N. (20) is Table 1's CE written out for two classes."
    ),
    values={
        "constant_at_y_1_of_1/10": -math.log(0.2),
        # one foreground pixel of two, p = 1/2: Dice = 1/2, DF1 = log 2
        "db1_of_two_pixels_at_1/2": math.log(1),
        "log_dice_of_two_pixels_at_1/2": math.log(2),
    },
)


@L18.check("algebra")
@L18.twin("without the 2, algebra", factor=1)
def split_in_algebra(*, factor: int = 2) -> Evidence:
    """Exp of (19) and of (21), as rational functions of the counts."""
    tp, fp, fn, pixels = sympy.symbols("tp fp fn pixels", positive=True)
    region = SoftCounts.of_sets(tp, fp, fn, pixels)
    matched = counts.sensitivity_index(region)
    bias = region.predicted + region.actual
    share = region.predicted / pixels + region.actual / pixels
    dice = counts.dice_index(region)
    return symbolic.identities(
        [
            (dice, factor * region.actual * matched / bias),
            (bias, pixels * share),
        ]
    )


@jax.jit
@jax.vmap
def _split_residuals(
    scores: Array, labels: Array
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Value and slopes of what (19) to (21) leave over, constants left in.

    Scores ``[N]`` of the foreground, labels ``[N]`` in {0, 1}.
    """
    truth = labels.astype(scores.dtype)

    def logarithmic(scores):
        masks = counts.soft_counts(links.sigmoid(scores[:, None]), truth[:, None])
        df1 = -jnp.log(counts.sensitivity_index(masks)[0])
        log_dice = log_dice_loss(scores[:, None], truth[:, None], link=links.sigmoid)
        db1 = dice_bias_loss(scores[:, None], truth[:, None], link=links.sigmoid)
        return log_dice - df1 - db1

    def cross_entropy(scores):
        logs, others = jax.nn.log_sigmoid(scores), jax.nn.log_sigmoid(-scores)
        ce1 = -jnp.sum(truth * logs) / jnp.sum(truth)
        ce2 = -jnp.sum((1 - truth) * others) / jnp.sum(1 - truth)
        printed = region_cross_entropy_loss(
            scores[:, None], truth[:, None], link=links.sigmoid
        )
        return printed - ce1 - ce2

    return jax.value_and_grad(logarithmic)(scores), jax.value_and_grad(cross_entropy)(
        scores
    )


@L18.check("losses and gradients")
@L18.twin("without the 2, losses", factor=1.0)
@L18.twin("CE more by 1e-6", shift=1e-6)
def split_of_losses(*, factor: float = 2.0, shift: float = 0.0) -> Evidence:
    """Eq. (19) with the constant -log(2 y_1) and Eq. (20), in value and slope."""
    score_key, label_key = jax.random.split(jax.random.key(18))
    scores = samples.draw_logits(score_key, 400, 9)
    labels = samples.draw_labels(label_key, 400, 9, 2)
    (dice, dice_slope), (ce, ce_slope) = jax.tree.map(
        np.asarray, _split_residuals(scores, labels)
    )
    constant = -np.log(factor * np.mean(np.asarray(labels), axis=1))
    errors = [
        np.abs(dice - constant),
        np.abs(dice_slope).max(axis=1),
        np.abs(ce - shift),
        np.abs(ce_slope).max(axis=1),
    ]
    case = {"scores": scores, "labels": labels}
    return samples.worst_draw(-np.max(errors, axis=0), case, tolerance=1e-9)


# L19

L19 = Claim(
    id="L19",
    source=SOURCE,
    where="Appendix B, after Eq. (21)",
    statement=(
        "DB1 is smallest where the foreground is empty (p_i1 = 0 for all i). DF1 alone "
        "admits the solution that gives all pixels to the foreground."
    ),
    assumes=(
        "Non-empty foreground. Without one DB1 is minus infinity at the empty "
        "prediction and DF1 the log of 0/0."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "DB1 = log(P + Y) rises with each p_i1. DF1 sees the foreground's pixels alone "
        "and is 0 just where they are all at 1, whatever the others are. The sum is "
        "-log Dice_1 and a constant, smallest at p = t alone: each term's own trivial "
        "solution, nothing and everything, is worse."
    ),
    values={
        "db1_empty_at_y_1_of_1/4": math.log(1 / 4),
        "db1_right_at_y_1_of_1/4": math.log(1 / 2),
        "db1_full_at_y_1_of_1/4": math.log(5 / 4),
    },
)


GRID = [Fraction(n, 4) for n in range(5)]


def _images():
    """Soft predictions of up to three pixels on a grid, and labels with foreground."""
    for size in (1, 2, 3):
        for labels in itertools.product((0, 1), repeat=size):
            if any(labels):
                for predicted in itertools.product(GRID, repeat=size):
                    yield predicted, labels


@L19.check("DB1, exact")
@L19.twin("least at 1e-6", least=Fraction(1, 10**6))
@for_each(_images)
def empty_foreground(predicted, labels, *, least: Fraction = Fraction(0)) -> Fraction:
    """Exp DB1 is least where no pixel is predicted, and there alone."""
    excess = sum(predicted) + sum(labels) - (least + sum(labels))
    return excess - Fraction(1, 10**9) if any(predicted) else -abs(excess)


@L19.check("DF1, exact")
@L19.twin("DF1 at p = t alone", unique=True)
@for_each(_images)
def everything(predicted, labels, *, unique: bool = False) -> Fraction:
    """DF1 = 0, its minimum, wherever p covers the foreground, all of the image too.

    With `unique` the claim is that p = t alone reaches it.
    """
    pairs = list(zip(predicted, labels, strict=True))
    matched = Fraction(sum(p * y for p, y in pairs), sum(labels))
    right = all(p == y for p, y in pairs) if unique else all(p >= y for p, y in pairs)
    return -abs(1 - matched) if right else 1 - matched - Fraction(1, 10**9)


@L19.check("both, exact")
@L19.twin("without DB1", bias=False)
@for_each(_images)
def together(predicted, labels, *, bias: bool = True) -> Fraction:
    """exp(-DF1 - DB1), that is Dice up to a factor, is largest at p = t alone."""
    pairs = list(zip(predicted, labels, strict=True))
    masks = SoftCounts.of_sets(
        sum((p * y for p, y in pairs), Fraction(0)),
        sum((p * (1 - y) for p, y in pairs), Fraction(0)),
        sum(((1 - p) * y for p, y in pairs), Fraction(0)),
        len(pairs),
    )
    index = counts.dice_index if bias else counts.sensitivity_index
    loss = 1 - Fraction(index(masks))
    right = list(predicted) == list(labels)
    return -loss if right else loss - Fraction(1, 10**9)


@jax.jit
def _terms(scores: Array, truth: Array) -> tuple[Array, Array]:
    masks = counts.soft_counts(links.sigmoid(scores), truth)
    df1 = -jnp.log(counts.sensitivity_index(masks)[0])
    return df1, dice_bias_loss(scores, truth, link=links.sigmoid)


@L19.check("losses")
@L19.twin("DF1 more by 1e-6", shift=1e-6)
def losses_by_hand(*, shift: float = 0.0) -> Evidence:
    """DF1 and jaxseg's DB1 at nearly empty, right and full predictions, by hand.

    One foreground pixel of four, scores of -40 and 40.
    """
    truth = jnp.array([[1.0], [0.0], [0.0], [0.0]])
    found, expected = {}, {}
    for name, signs, df1, share in (
        ("full", (1, 1, 1, 1), 0.0, 1.0),
        ("right", (1, -1, -1, -1), 0.0, 0.25),
        ("empty", (-1, -1, -1, -1), 40.0, 0.0),
    ):
        scores = 40.0 * jnp.array(signs, float)[:, None]
        found[f"df1 {name}"], found[f"db1 {name}"] = map(float, _terms(scores, truth))
        expected[f"df1 {name}"] = df1 + shift
        expected[f"db1 {name}"] = math.log(share + 0.25)
    return examples.agree(found, expected, tolerance=1e-12)
