"""M13: the generalised Dice loss."""

import itertools
from collections.abc import Sequence
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import generalized_dice_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples, samples
from theory.ma import SOURCE

Confusion = tuple[tuple[int, ...], ...]  # pixels by true class, then by predicted class


def confusions(pixels: int) -> list[Confusion]:
    """All confusion matrices of two classes that both occur, of so many pixels."""
    return [
        ((a, b), (c, pixels - a - b - c))
        for a, b, c in itertools.product(range(pixels + 1), repeat=3)
        if a + b + c <= pixels and 0 < a + b < pixels
    ]


def class_counts(matrix: Confusion) -> list[SoftCounts]:
    """Counts of each class of a confusion matrix."""
    pixels = sum(map(sum, matrix))
    found = []
    for k, row in enumerate(matrix):
        false = sum(other[k] for other in matrix) - row[k]
        found.append(enumeration.exact_counts(row[k], false, sum(row) - row[k], pixels))
    return found


def score(classes: Sequence[SoftCounts], power: int = 2) -> Fraction:
    """Generalised Dice with weights 1 / size^power; (15) has power 2."""
    weights = [1 / Fraction(c.actual) ** power for c in classes]
    pairs = list(zip(weights, classes, strict=True))
    top = sum(w * c.intersection for w, c in pairs)
    return Fraction(2 * top / sum(w * (c.predicted + c.actual) for w, c in pairs))


def _stacked(matrices: Sequence[Confusion]) -> SoftCounts:
    """Counts ``[N, C]`` in floats."""
    every = [class_counts(matrix) for matrix in matrices]
    fields = (
        [[float(getattr(c, name)) for c in classes] for classes in every]
        for name in ("intersection", "false_positives", "false_negatives", "pixels")
    )
    return SoftCounts.of_sets(*map(jnp.array, fields))


# M13

M13 = Claim(
    id="M13",
    source=SOURCE,
    where="Section 2.2.6, Eq. (15)",
    statement=(
        "In the generalised Dice loss the weight of each class is inversely "
        "proportional to the label frequency: w_c = 1 / (sum_i g_i^c)^2."
    ),
    assumes="Every class occurs; the weight of an absent one is 1/0.",
    verdict=Verdict.CORRECTED,
    correction=(
        "The printed weights are inversely proportional to the square of the label "
        "frequency. Inverse proportion would give every class the same share of the "
        "sums at the truth, 1/C. With the squares class c has the share (1 / n_c) / "
        "sum_k (1 / n_k): the smallest classes decide, and the loss is no more "
        "invariant to sizes than the plain sums are."
    ),
    counterexample=(
        "Classes of 1 and 99 pixels: weights 1 and 1/9801, not 1 and 1/99. The small "
        "class has 99% of the sums at the truth. One pixel of the large class taken "
        "for the small takes the score from 1 to 0.67, at accuracy 0.99."
    ),
    proof=(
        "At the truth class c adds 2 w_c n_c to both sums: 2 / n_c. jaxseg gives an "
        "absent class the largest weight of those present, so that its false pixels "
        "cost; as printed its term is infinite or 0 times infinity."
    ),
    values=lambda: {
        "share_of_1_beside_99": 0.99,
        "weight_of_99_over_1": 1 / 9801,
        "score_at_one_false_of_the_small": float(
            score(class_counts(((1, 0), (1, 98))))
        ),
    },
)


@M13.check("weights")
@M13.twin("inverse proportion", power=1)
def weights_of_jaxseg(*, power: int = 2) -> Evidence:
    """The score is (15) with inverse squares, on all two-class matrices."""
    matrices = confusions(8)
    found = jax.vmap(lambda c: counts.generalized_dice_index(c, None))(
        _stacked(matrices)
    )
    hand = np.array([float(score(class_counts(m), power)) for m in matrices])
    case = {"true by predicted": np.array(matrices)}
    return samples.worst_draw(-np.abs(found - hand), case, tolerance=1e-14)


@M13.check("shares")
@M13.twin("equal shares", power=1)
def shares_at_truth(*, power: int = 2) -> Evidence:
    """At the truth class c has the share (1 / n_c) / sum_k 1 / n_k of both sums."""

    def slack(sizes: tuple[int, ...]) -> Fraction:
        parts = [Fraction(2 * n, n**power) for n in sizes]
        inverse = [Fraction(1, n) for n in sizes]
        return -max(
            abs(part / sum(parts) - share / sum(inverse))
            for part, share in zip(parts, inverse, strict=True)
        )

    sizes = itertools.product(range(1, 20), repeat=2)
    return enumeration.worst_case(sizes, slack, describe=lambda n: {"sizes": n})


@M13.check("by hand")
@M13.twin("half for the small class", small=Fraction(1, 2))
def classes_by_hand(*, small: Fraction = Fraction(99, 100)) -> Evidence:
    """Classes of 1 and 99 pixels: shares at the truth, and the products n w."""
    weights = [Fraction(1), Fraction(1, 99**2)]
    parts = [Fraction(1), Fraction(1, 99)]
    found = {
        "share of the small class": parts[0] / sum(parts),
        "n w of the large over the small": 99 * weights[1] / weights[0],
        "one of the large class taken for the small": score(
            class_counts(((1, 0), (1, 98)))
        ),
        "one of one taken for the other, n large": score(
            class_counts(((49, 1), (0, 50)))
        ),
    }
    hand = {
        "share of the small class": small,
        "n w of the large over the small": Fraction(1, 99),
        # 2 (1 + 98/99^2) / (1 + 2 + (99 + 98) / 99^2)
        "one of the large class taken for the small": Fraction(
            2 * (99**2 + 98), 3 * 99**2 + 197
        ),
        # equal sizes: the accuracy
        "one of one taken for the other, n large": Fraction(99, 100),
    }
    return examples.agree(found, hand)


@M13.check("losses by hand")
@M13.twin("inverse proportion, losses", lost=Fraction(2, 7))
def loss_by_hand(*, lost: Fraction = Fraction(5, 16)) -> Evidence:
    """The loss of two certain predictions by hand, of classes of 1 and 3 pixels.

    One of the three taken for the one: weights 1 and 1/9, 2 (1 + 2/9) / (1 + 2 + 5/9) =
    11/16. One of two taken for the other of two: the accuracy, 3/4.
    """

    def loss(found: list[int], truth: list[int]) -> float:
        scores = jnp.eye(2)[jnp.array(found)]
        return float(
            generalized_dice_loss(scores, jnp.array(truth), link=links.identity)
        )

    found = {
        "one of three": loss([0, 0, 1, 1], [0, 1, 1, 1]),
        "one of two": loss([0, 0, 0, 1], [0, 0, 1, 1]),
        "truth": loss([0, 1, 1, 1], [0, 1, 1, 1]),
    }
    hand = {"one of three": float(lost), "one of two": 0.25, "truth": 0.0}
    return examples.agree(found, hand, tolerance=1e-14)
