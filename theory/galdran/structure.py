"""G10, G14: sums over pixels against ratios over images, and what that calibrates."""

import functools
import itertools
import math
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg import links
from jaxseg.counts import dice_index, hamming_index
from jaxseg.losses import cross_entropy_loss, dice_loss
from theory.claim import Claim, Evidence, Verdict, worst_of
from theory.engines import enumeration, examples, interval, samples
from theory.engines.enumeration import for_each
from theory.galdran import SOURCE
from theory.galdran.overlap import counts_of_pair
from theory.liu.small_regions import best_masks

# G10

G10 = Claim(
    id="G10",
    source=SOURCE,
    where="After Eq. (5)",
    statement=(
        "The Dice loss is not defined at the pixel level but at the image level, the "
        "cross-entropy loss at the pixel level."
    ),
    assumes=(
        "Defined at the pixel level: a sum over pixels of functions of that pixel's "
        "prediction and label, up to factors that depend on the number of pixels."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "(2) is such a sum. A sum over pixels has no mixed second derivatives or "
        "differences; Dice has: one true pixel found and two false ones cost -1/6 "
        "less together than apart. So the Dice loss of a batch depends on what is "
        "pooled, the cross-entropy of images of one size does not."
    ),
    values={"dice_coupling_of_two_false_pixels": -1 / 6},
)


@jax.jit
@functools.partial(jax.vmap, in_axes=(0, None))
def _couplings(scores: Array, truth: Array) -> dict[str, Array]:
    """Largest mixed second derivative of two pixels' scores, of each loss."""

    def coupling(loss):
        hessian = jax.hessian(
            lambda z: loss(z[:, None], truth[:, None], link=links.sigmoid)
        )
        off = hessian(scores) * (1 - jnp.eye(scores.size))
        return jnp.max(jnp.abs(off))

    return {"ce": coupling(cross_entropy_loss), "dice": coupling(dice_loss)}


@G10.check("cross-entropy")
@G10.twin("Dice is a sum", loss="dice")
def mixed_derivatives(*, loss: str = "ce", coupled: bool = False) -> Evidence:
    """Of cross-entropy all vanish; of Dice, `coupled`, some do not."""
    scores = np.random.default_rng(10).normal(size=(50, 5))
    truth = jnp.array([1.0, 1.0, 0.0, 0.0, 0.0])
    found = np.asarray(_couplings(jnp.array(scores), truth)[loss])
    slack = found - 1e-4 if coupled else -found
    return samples.worst_draw(slack, {"scores": scores}, tolerance=1e-12)


@G10.check("Dice")
@G10.twin("cross-entropy couples", loss="ce")
def dice_couples(*, loss: str = "dice") -> Evidence:
    """Mixed derivatives of Dice are not 0, at any of the draws."""
    return mixed_derivatives(loss=loss, coupled=True)


@G10.check("by hand")
@G10.twin("no coupling", wanted=Fraction(0))
def four_corners(*, wanted: Fraction = Fraction(-1, 6)) -> Evidence:
    """D(both) - D(first) - D(second) + D(none) of two errors, by hand, and Hamming's.

    Truth: one pixel of three. Errors: the two false pixels. A sum over pixels has 0;
    Dice has 2/4 - 2/3 - 2/3 + 1 = 1/6 as a score, so -1/6 as a loss.
    """

    def corner(index: Any) -> Fraction:
        values = {
            extra: Fraction(index(counts_of_pair((0b001, 0b001 | extra, 3))))
            for extra in (0, 0b010, 0b100, 0b110)
        }
        return -(values[0b110] - values[0b010] - values[0b100] + values[0])

    found = {"dice": corner(dice_index), "hamming": corner(hamming_index)}
    return examples.agree(found, {"dice": wanted, "hamming": Fraction(0)})


@G10.check("halves of an image")
@G10.twin("Dice of halves", index=dice_index)
@for_each(lambda: itertools.product(list(enumeration.confusion_counts(2)), repeat=2))
def halves(case, *, index: Any = hamming_index) -> Fraction:
    """The score of an image is the mean of those of its halves, for Hamming.

    All pairs of masks of two pixels in each half.
    """
    left, right = (enumeration.exact_counts(tp, fp, fn, 2) for tp, fp, fn in case)
    parts = Fraction(index(left)) + Fraction(index(right))
    return -abs(Fraction(index(left + right)) - parts / 2)


# G14

G14 = Claim(
    id="G14",
    source=SOURCE,
    where="Sections 1, 2.1 and 4",
    statement=(
        "Minimising the soft Dice loss can induce worse calibration than cross-entropy."
    ),
    assumes=(
        "The mathematical core: minimisers over all predictions p(x) of the expected "
        "cross-entropy and of the Dice loss of expected counts, where foreground has "
        "the probability eta(x). What finite training does to a network is not settled "
        "by this: fitted to labels without error both end at p = y."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "Cross-entropy is strictly proper: its excess at p is KL(eta || p) >= 2 (p - "
        "eta)^2, by Pinsker. Soft Dice is best at a mask, eta > D*/2 (N05), with "
        "values 0 and 1 for all eta: a pixel with eta = 3/10 gets the confidence 1 if "
        "it is above D*/2, wrong 7 times of 10. Its predictions are calibrated just "
        "where eta is 0 or 1."
    ),
    values={
        "dice_of_eta_3/10_at_p_3/10": 0.3,
        "dice_of_eta_3/10_at_p_1": 0.6 / 1.3,
        # confidence 1, right 3 times of 10
        "calibration_error_of_dice_at_eta_3/10": 0.7,
    },
)


@G14.check("cross-entropy, certified")
@G14.twin("minimiser off by 1/1000", at=Fraction(1, 1000))
def proper(*, at: Fraction = Fraction(0)) -> Evidence:
    """Certified: CE(eta; p) - CE(eta; eta) >= 2 (p - eta)^2, so eta alone is best.

    `at` shifts the claimed minimiser.
    """
    found = []
    for eta in (Fraction(1, 20), Fraction(3, 10), Fraction(1, 2), Fraction(9, 10)):
        entropy = -sum(float(q) * math.log(q) for q in (eta, 1 - eta))

        def room(p: Any, *, eta=eta, entropy=entropy) -> Any:
            loss = -eta * p.log() - (1 - eta) * (1 - p).log()
            gap = p - eta - at
            return loss - Fraction(entropy) - 2 * gap * gap

        box = ((2.0**-10, 1 - 2.0**-10),)
        found.append(interval.certify_nonnegative(room, box, tolerance=1e-10))
    return worst_of(found)


@G14.check("Dice, exact")
@G14.twin("Dice is best at eta", calibrated=True)
def dice_is_hard(*, calibrated: bool = False) -> Evidence:
    """Population Dice: some hard mask beats every other p on a grid, eta among them.

    Two groups of pixels, with posteriors in 1/8 to 7/8. `calibrated` claims p = eta.
    """
    grid = [Fraction(n, 8) for n in range(1, 8)]
    levels = [Fraction(n, 8) for n in range(9)]

    def slack(posterior) -> Fraction:
        chosen = posterior if calibrated else best_masks(posterior)[0]
        return soft_dice(chosen, posterior) - max(
            soft_dice(p, posterior) for p in itertools.product(levels, repeat=2)
        )

    cases = itertools.combinations_with_replacement(grid, 2)
    return enumeration.worst_case(
        cases, slack, describe=lambda posterior: {"posterior": list(posterior)}
    )


def soft_dice(predicted, posterior) -> Fraction:
    """2 sum eta p / (sum eta + sum p), Eq. (3) of expected soft counts."""
    overlap = sum(e * p for e, p in zip(posterior, predicted, strict=True))
    return 2 * overlap / Fraction(sum(posterior) + sum(predicted))


@jax.jit
def _population_slopes(score: Array) -> dict[str, Array]:
    """Slope in a common score of ten pixels, three of them foreground."""
    truth = jnp.array([[1.0]] * 3 + [[0.0]] * 7)

    def slope(loss):
        return jax.grad(
            lambda z: loss(jnp.full(truth.shape, z), truth, link=links.sigmoid)
        )(score)

    return {"ce": slope(cross_entropy_loss), "dice": slope(dice_loss)}


@G14.check("training signal")
@G14.twin("cross-entropy pulls", rest=1e-6)
def training_signal(*, rest: float = 0.0) -> Evidence:
    """At the calibrated p = 3/10 cross-entropy is at rest, soft Dice still pulls up.

    Ten pixels alike, three of them foreground. Dice is 2 * 0.3 p / (0.3 + p), its slope
    in the score -0.18 / 0.36 * 0.21 = -0.105.
    """
    slopes = {k: float(v) for k, v in _population_slopes(math.log(3 / 7)).items()}
    expected = {"ce": rest, "dice": -0.105}
    return examples.agree(slopes, expected, tolerance=1e-12)
