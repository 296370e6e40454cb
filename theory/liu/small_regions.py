"""L10, L17: which regions Dice and cross-entropy favour by their size."""

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg.counts import SoftCounts, dice_index
from jaxseg.losses import cross_entropy_loss, log_dice_loss, region_cross_entropy_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples, samples
from theory.engines.enumeration import for_all, for_each
from theory.liu import SOURCE
from theory.liu.bias import minimum

Posterior = tuple[Fraction, ...]

# L10

L10 = Claim(
    id="L10",
    source=SOURCE,
    where="Abstract; Sections 1, 2.3, 2.6 and 4",
    statement="Dice has an intrinsic bias preferring very small regions.",
    assumes=(
        "Every class occurs. A preference is read as where a term, or the whole loss "
        "under uncertainty, is smallest."
    ),
    verdict=Verdict.DEPENDS,
    readings={
        "the label-marginal term DB of all classes": (
            "Fails: it is smallest where a largest class takes all pixels (L06). Only "
            "with a background that is the majority is that an empty foreground."
        ),
        "the term DB1 of the foreground alone": (
            "Holds, for every y_1 > 0: smallest at p_1 = 0."
        ),
        "the whole Dice loss of the foreground, labels uncertain": (
            "Fails, rather the other way round: its best mask has all the pixels that "
            "are more likely foreground than not (threshold D*/2 <= 1/2, N05), so is "
            "no smaller than that of cross-entropy."
        ),
        "the whole log-Dice loss of all classes, one prediction for all pixels": (
            "Holds in the sense that c_k / y_k is the larger the smaller y_k: rare "
            "classes get more than their share, where cross-entropy gives each its own."
        ),
    },
    counterexample=(
        "Foreground 9/10 of the pixels: exp DB is 19/10 * 1/10 at all foreground, 9/10 "
        "* 11/10 at all background. All pixels foreground with probability 2/5: "
        "predicting all has Dice 4/5 / (7/5) = 4/7, none 0; cross-entropy's p = 2/5 "
        "gives none."
    ),
    proof=(
        "L06 and (21) for the terms. N05 for the third. Fourth: sum_k log(2 y_k c_k / "
        "(c_k + y_k)) is concave in c; where its slopes y_k / (c_k (c_k + y_k)) are "
        "all mu, r_k = c_k / y_k solves r (r + 1) = 1 / (mu y_k), which falls in y_k."
    ),
    values=lambda: {
        "db_all_foreground_of_9/10": minimum((0.9, 0.1), 0),
        "db_all_background_of_9/10": minimum((0.9, 0.1), 1),
        "dice_of_all_at_2/5": 4 / 7,
        # 8 c^2 + 3.8 c = 1.9
        "constant_share_of_class_of_1/10": float(constant_shares((0.9, 0.1))[1]),
    },
)


@L10.check("bias of all classes")
@L10.twin("smallest class", smallest=True)
@for_each(
    lambda: itertools.chain.from_iterable(
        enumeration.simplex_grid(classes, parts) for classes, parts in ((2, 30), (4, 9))
    )
)
def multi_class_bias(actual: Posterior, *, smallest: bool = False) -> Fraction:
    """The vertex at which exp DB is least is that of a largest class, exactly.

    With `smallest` the claim is that of a smallest.
    """
    at = [
        math.prod(y + (k == j) for k, y in enumerate(actual))
        for j in range(len(actual))
    ]
    target = min(actual) if smallest else max(actual)
    return Fraction(min(at) - at[actual.index(target)])


@L10.check("bias of the foreground")
@L10.twin("least at 1e-6", favoured=Fraction(1, 10**6))
@for_all(
    predicted=[Fraction(n, 40) for n in range(41)],
    actual=[Fraction(n, 40) for n in range(41)],
)
def foreground_bias(
    predicted: Fraction, actual: Fraction, *, favoured: Fraction = Fraction(0)
) -> Fraction:
    """Exp DB1 = p_1 + y_1 is least at p_1 = 0, whatever y_1."""
    return (predicted + actual) - (favoured + actual)


def pooled_dice(mask: Sequence[int], posterior: Posterior) -> Fraction:
    """Dice of the expected counts of a mask where pixel i is foreground with eta_i."""
    overlap = sum(
        (eta for m, eta in zip(mask, posterior, strict=True) if m), Fraction(0)
    )
    counts = SoftCounts.of_sets(
        overlap, sum(mask) - overlap, sum(posterior) - overlap, len(mask)
    )
    return Fraction(dice_index(counts))


def best_masks(posterior: Posterior) -> list[tuple[int, ...]]:
    """All masks of largest `pooled_dice`."""
    masks = list(itertools.product((0, 1), repeat=len(posterior)))
    scores = [pooled_dice(mask, posterior) for mask in masks]
    return [m for m, s in zip(masks, scores, strict=True) if s == max(scores)]


@L10.check("whole loss, uncertain labels")
@L10.twin("inside the likely mask", sign=-1)
@for_each(
    lambda: (
        posterior
        for size in (1, 2, 3)
        for posterior in itertools.combinations_with_replacement(
            [Fraction(n, 10) for n in range(11)], size
        )
        if sum(posterior) > 0
    )
)
def whole_loss(posterior: Posterior, *, sign: int = 1) -> Fraction:
    """Under uncertainty each mask best for Dice covers the one with eta > 1/2."""
    likely = [eta > Fraction(1, 2) for eta in posterior]
    return min(
        Fraction(sign * (m - sure))
        for mask in best_masks(posterior)
        for m, sure in zip(mask, likely, strict=True)
    )


def constant_shares(actual: Sequence[float] | np.ndarray) -> np.ndarray:
    """The best one prediction for all pixels: c_k = y_k r_k, r (r + 1) = 1 / (y mu).

    The multiplier mu is found by bisection on sum c = 1.
    """
    y = np.asarray(actual, float)

    def shares(mu: float) -> np.ndarray:
        return y * (np.sqrt(1 + 4 / (mu * y)) - 1) / 2

    low, high = 1e-6, 1e6
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if shares(middle).sum() > 1 else (low, middle)
    return shares(low)


@jax.jit
def _constant_loss(scores: Array, labels: Array) -> tuple[Array, Array]:
    def loss(scores):
        return log_dice_loss(jnp.broadcast_to(scores, (len(labels), 3)), labels)

    return jax.value_and_grad(loss)(scores)


@L10.check("whole loss, no features")
@L10.twin("best at c = y", at_truth=True)
def constant_prediction(*, at_truth: bool = False) -> Evidence:
    """Without features log-Dice is best at those shares: stationary, and no worse.

    With `at_truth` the claim is that it is best at c = y, as cross-entropy is.
    """
    slacks, tried = [], []
    draws = np.random.default_rng(10)
    for sizes in ((17, 2, 1), (10, 6, 4), (14, 3, 3), (7, 7, 6)):
        labels = np.repeat(np.arange(3), sizes)
        actual = np.array(sizes) / 20
        best = np.log(actual if at_truth else constant_shares(actual))
        value, slope = _constant_loss(best, labels)
        worst = -np.abs(slope).max()
        for _ in range(5):
            other = best + draws.normal(size=3)
            worst = min(worst, float(_constant_loss(other, labels)[0] - value))
        slacks.append(worst)
        tried.append(actual)
    return samples.worst_draw(slacks, {"actual": tried}, tolerance=1e-9)


# L17

L17 = Claim(
    id="L17",
    source=SOURCE,
    where="Section 2.6",
    statement=(
        "In CE the terms of large regions completely dominate those of small regions."
    ),
    assumes=(
        "Every class occurs. Weighed by a region's part of the loss and of the sum of "
        "its absolute slopes in the scores, at equal confidence of all pixels."
    ),
    verdict=Verdict.DEPENDS,
    readings={
        "CE of Appendix A.2, the mean over pixels, at equal confidence": (
            "Holds: the parts are y_k, of loss and of slope."
        ),
        "CE of Table 1, a mean in each region": (
            "Fails: every region has the part 1 / K, however small."
        ),
        "the mean over pixels at any confidence": (
            "Fails: the part of a region is y_k times its own mean loss."
        ),
    },
    counterexample=(
        "99 pixels at p = 0.999 and one at p = 0.001: the losses of the regions are 99 "
        "* 0.0010005 = 0.099 and 6.91, and the large region has 1.4 percent of them."
    ),
    proof="Sum over regions: the mean is sum_k y_k CE_k, Table 1's is sum_k CE_k.",
    values={
        "part_of_large_region_learned": 99
        * math.log(0.999)
        / (99 * math.log(0.999) + math.log(0.001)),
    },
)


@jax.jit
def _slopes(logits: Array, labels: Array) -> dict[str, Array]:
    losses = {"mean": cross_entropy_loss, "table": region_cross_entropy_loss}
    return {name: jax.grad(loss)(logits, labels) for name, loss in losses.items()}


@L17.check("equal confidence")
@L17.twin("mean with parts 1/K", by_size=False)
def shares_of_loss(*, by_size: bool = True) -> Evidence:
    """The part of each loss, and of its slope, that the pixels of a region hold.

    All pixels give their class the same probability, 1/3 here. The mean over pixels
    then has parts y_k, Table 1's sum has parts 1 / K.
    """
    labels = jnp.array([0] * 96 + [1] * 3 + [2])
    sizes = np.array([96, 3, 1])
    expected = {"mean": sizes / 100, "table": np.full(3, 1 / 3)}
    if not by_size:
        expected["mean"] = expected["table"]
    found, wanted = {}, {}
    for name, slopes in _slopes(jnp.zeros((100, 3)), labels).items():
        weight = np.abs(np.asarray(slopes)).sum(axis=1)
        for k in range(3):
            part = weight[np.asarray(labels) == k].sum() / weight.sum()
            found[f"{name} {k}"] = part
            wanted[f"{name} {k}"] = expected[name][k]
    return examples.agree(found, wanted, tolerance=1e-12)


@L17.check("unequal confidence")
@L17.twin("always the large region", always=True)
def learned_region_is_small(*, always: bool = False) -> Evidence:
    """A large region that is right holds next to nothing of the mean over pixels.

    99 pixels at p = 1 - 1/1000 and one, of the small region, at p = 1/1000; `always`
    claims that the large region has the larger part.
    """
    large, small = -99 * math.log(0.999), -math.log(0.001)
    logits = jnp.log(jnp.array([[0.999, 0.001]] * 100))
    labels = jnp.array([0] * 99 + [1])
    total = 100 * float(jax.jit(cross_entropy_loss)(logits, labels))
    part = (total - small) / total
    gap = abs(part - large / (large + small))
    slack = part - 1 / 2 if always else min(0.02 - part, 1e-12 - gap)
    return Evidence(slack, 0.0, 1, "samples", {"part_of_large_region": part})
