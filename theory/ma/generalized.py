"""M13, M17-M20: generalised Dice and its penalty."""

import functools
import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jax import Array

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import generalized_dice_loss, penalized_generalized_dice_loss
from theory.claim import Check, Claim, Evidence, Verdict
from theory.engines import enumeration, examples, residuals, samples, symbolic
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


def _named(matrix: Confusion) -> dict[str, Any]:
    return {"true by predicted": matrix}


def _stacked(matrices: Sequence[Confusion]) -> SoftCounts:
    """Counts ``[N, C]`` in floats."""
    every = [class_counts(matrix) for matrix in matrices]
    fields = (
        [[float(getattr(c, name)) for c in classes] for classes in every]
        for name in ("intersection", "false_positives", "false_negatives", "pixels")
    )
    return SoftCounts.of_sets(*map(jnp.array, fields))


# M13


def weights_of_jaxseg(*, power: int = 2) -> Evidence:
    """The score is (15) with inverse squares, on all two-class matrices."""
    matrices = confusions(8)
    found = jax.vmap(lambda c: counts.generalized_dice_index(c, None))(
        _stacked(matrices)
    )
    hand = np.array([float(score(class_counts(m), power)) for m in matrices])
    case = {"true by predicted": np.array(matrices)}
    return samples.worst_draw(-np.abs(found - hand), case, tolerance=1e-14)


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
    checks=(
        Check("weights", weights_of_jaxseg),
        Check("shares", shares_at_truth),
        Check("by hand", classes_by_hand),
        Check("losses by hand", loss_by_hand),
    ),
    twins=(
        Check(
            "inverse proportion, losses",
            # weights 1 and 1/3: 2 (1 + 2/3) / (1 + 2 + 5/3) = 5/7
            functools.partial(loss_by_hand, lost=Fraction(2, 7)),
        ),
        Check("inverse proportion", functools.partial(weights_of_jaxseg, power=1)),
        Check("equal shares", functools.partial(shares_at_truth, power=1)),
        Check(
            "half for the small class",
            functools.partial(classes_by_hand, small=Fraction(1, 2)),
        ),
    ),
    values={
        "share_of_1_beside_99": 0.99,
        "weight_of_99_over_1": 1 / 9801,
        "score_at_one_false_of_the_small": float(
            score(class_counts(((1, 0), (1, 98))))
        ),
    },
)

# Eq. (18). A is sum w TP, B is sum w (|G| + |S|), M is sum w (FP + FN) = B - 2 A.


def first_line(a: Any, b: Any, false: Any, missed: Any, k: Any) -> Any:
    """Line 1: 2 A / (B + k sum w FP + k sum w FN)."""
    return 2 * a / (b + k * false + k * missed)


def last_line(a: Any, b: Any, k: Any) -> Any:
    """Line 4: GD / (1 + k (1 - GD)) with GD = 2 A / B."""
    return (2 * a / b) / (1 + k * (1 - 2 * a / b))


def printed_third(a: Any, b: Any, m: Any, k: Any) -> Any:
    """Line 3 as printed: 2 A / (B + k M / B)."""
    return 2 * a / (b + k * m / b)


def corrected_third(a: Any, b: Any, m: Any, k: Any) -> Any:
    """Line 3 divided through by B: (2 A / B) / (1 + k M / B)."""
    return (2 * a / b) / (1 + k * m / b)


def _symbols() -> tuple[Any, ...]:
    """A, B, the weighted sums of FP and of FN, and k: whatever classes and weights."""
    a, false, missed, k = sympy.symbols("A FP FN k", positive=True)
    return a, 2 * a + false + missed, false, missed, k


# M17


def closed_form(*, sign: int = -1) -> Evidence:
    """Line 1 is GD / (1 + k (1 - GD)), whatever classes and weights."""
    a, b, false, missed, k = _symbols()
    closed = (2 * a / b) / (1 + k * (1 + sign * 2 * a / b))
    return symbolic.identity(first_line(a, b, false, missed, k), closed)


def closed_form_in_losses(*, k: float = 2.5) -> Evidence:
    """The loss is one minus line 1, value and gradient."""

    def residual(logits: Array, labels: Array) -> Array:
        probs, targets = jax.nn.softmax(logits), jax.nn.one_hot(labels, 3)
        weights = 1 / jnp.square(jnp.sum(targets, axis=0))

        def total(values: Array) -> Array:
            return jnp.sum(weights * jnp.sum(values, axis=0))

        printed = first_line(
            total(targets * probs),
            total(targets + probs),
            total((1 - targets) * probs),
            total(targets * (1 - probs)),
            2.5,
        )
        loss = penalized_generalized_dice_loss(logits, labels, k=k)
        return loss - (1 - printed)

    return residuals.vanishing(residual, *residuals.images(3, seed=17))


def falls_in_k(*, sign: int = 1) -> Evidence:
    """Starts at GD for k = 0, falls in k, and is 0 and 1 where GD is, on a grid."""

    def slack(case: tuple[Fraction, int]) -> Fraction:
        gd, k = case
        now, later = (last_line(gd, Fraction(2), x) for x in (k, k + 1))
        start = last_line(gd, Fraction(2), 0)
        fixed = abs(now - gd) if gd in (0, 1) else Fraction(0)
        return min(sign * (now - later), gd - now, -abs(start - gd), -fixed)

    cases = itertools.product([Fraction(i, 24) for i in range(25)], range(6))
    return enumeration.worst_case(
        cases, slack, describe=lambda case: {"GD": case[0], "k": case[1]}
    )


M17 = Claim(
    id="M17",
    source=SOURCE,
    where="Section 2.2.9, Eq. (18), first and last line",
    statement="pGD = GD / (1 + k (1 - GD)); with k = 0 it is generalised Dice.",
    assumes="k >= 0, at least one pixel of a class with w > 0 in G or S.",
    verdict=Verdict.HOLDS,
    proof=(
        "(1 - g) s + g (1 - s) = g + s - 2 g s, so the penalty is k (B - 2 A) and pGD "
        "= 2 A / (B + k (B - 2 A)); divide by B. Any weights will do. pGD grows with "
        "GD, falls in k, and keeps 0 and 1; its slope in GD is (1 + k) / (1 + k (1 - "
        "GD))^2, 1 / (1 + k) at GD = 0 and 1 + k at GD = 1."
    ),
    checks=(
        Check("algebra", closed_form),
        Check("losses", closed_form_in_losses),
        Check("in k", falls_in_k),
    ),
    twins=(
        Check("1 + GD below", functools.partial(closed_form, sign=1)),
        Check("k more by 1e-6", functools.partial(closed_form_in_losses, k=2.500001)),
        Check("grows in k", functools.partial(falls_in_k, sign=-1)),
    ),
    values={
        "pgd_at_gd_1/2_k_2.5": 0.5 / 2.25,
        "pgd_at_gd_0.9_k_2.5": 0.9 / 1.25,
        "slope_at_gd_1_k_2.5": 3.5,
        "slope_at_gd_0_k_2.5": 1 / 3.5,
    },
)

# M18


def lines_agree(*, third: Callable = corrected_third) -> Evidence:
    """Lines 1, 2, 3 and 4 are equal, with line 3 divided through."""
    a, b, false, missed, k = _symbols()
    second = 2 * a / (b + k * (b - 2 * a))
    first = first_line(a, b, false, missed, k)
    others = (second, third(a, b, b - 2 * a, k), last_line(a, b, k))
    return symbolic.identities([(first, other) for other in others])


def one_missed_pixel(*, third: Fraction = Fraction(2, 3)) -> Evidence:
    """One class, w = 1, two of three pixels found, k = 5: A = 2, B = 5, M = 1.

    Lines 1, 2 and 4: 4 / (5 + 5) = 2/5. Line 3 as printed: 4 / (5 + 1) = 2/3.
    """
    a, b, k = Fraction(2), Fraction(5), Fraction(5)
    found = {
        "line 1": first_line(a, b, 0, Fraction(1), k),
        "line 4": last_line(a, b, k),
        "line 3": printed_third(a, b, Fraction(1), k),
        "line 3 corrected": corrected_third(a, b, Fraction(1), k),
    }
    two_fifths = Fraction(2, 5)
    hand = {"line 1": two_fifths, "line 4": two_fifths, "line 3": third}
    return examples.agree(found, {**hand, "line 3 corrected": two_fifths})


M18 = Claim(
    id="M18",
    source=SOURCE,
    where="Section 2.2.9, Eq. (18), third line",
    statement="Every displayed line of (18) equals the next.",
    assumes="k > 0, some mistake, B not 1: else line 3 agrees by accident.",
    verdict=Verdict.FAILS,
    correction=(
        "Line 3 should be (2 A / B) / (1 + k M / B): numerator and denominator of line "
        "2 divided by B = sum_c w_c sum_i (g + s), M = sum_c w_c sum_i (s - 2 s g + "
        "g). Printed is 2 A / (B + k M / B), which divides the penalty alone. Lines 1, "
        "2 and 4 are equal."
    ),
    counterexample=(
        "One class of three pixels, one of them missed, k = 5; with w = 1 A = 2, B = 5 "
        "and M = 1. Lines 1, 2, 4: 4 / 10 = 2/5, whatever w; line 3: 4 / (5 + 5/5) = "
        "2/3. With the printed w = 1/9 line 3 is (4/9) / (5/9 + 1) = 2/7."
    ),
    proof="2 A / (B + k M / B) = 2 A / (B + k M) only if k M = 0 or B = 1.",
    checks=(Check("algebra", lines_agree), Check("by hand", one_missed_pixel)),
    twins=(
        Check("as printed", functools.partial(lines_agree, third=printed_third)),
        Check(
            "line 3 equal",
            functools.partial(one_missed_pixel, third=Fraction(2, 5)),
        ),
    ),
    values={"lines_1_2_4": 0.4, "line_3_as_printed": 2 / 3},
)

# M19


def false_and_missed(*, swapped: bool = False, pixels: int = 5) -> Evidence:
    """Sum (1 - g) s counts what is in S alone, sum g (1 - s) what is in G alone."""

    def slack(case: tuple) -> Fraction:
        truth, found = case
        pairs = list(zip(truth, found, strict=True))
        first = sum((1 - g) * s for g, s in pairs)
        second = sum(g * (1 - s) for g, s in pairs)
        tp = sum(g * s for g, s in pairs)
        masks = SoftCounts.of_sets(tp, sum(found) - tp, sum(truth) - tp, pixels)
        wanted = [masks.false_positives, masks.false_negatives]
        if swapped:
            wanted.reverse()
        return Fraction(-max(abs(first - wanted[0]), abs(second - wanted[1])))

    every = itertools.product((0, 1), repeat=pixels)
    return enumeration.worst_case(
        itertools.product(list(every), repeat=2),
        slack,
        describe=lambda case: {"g": case[0], "s": case[1]},
    )


M19 = Claim(
    id="M19",
    source=SOURCE,
    where="Section 2.2.9, text after Eq. (18)",
    statement=(
        "sum_c w_c sum_i (1 - g) s and sum_c w_c sum_i g (1 - s) are the summations of "
        "false negatives and false positives, respectively."
    ),
    assumes="g = 1 marks the pixels of the class, s = 1 those predicted to be of it.",
    verdict=Verdict.FAILS,
    correction=(
        "The other way round: (1 - g) s is 1 where a pixel is predicted but not of the "
        "class, a false positive; g (1 - s) is a false negative. (18) itself is "
        "unchanged, since both have the factor k."
    ),
    counterexample="One pixel, g = 0, s = 1: a false positive, and (1 - g) s = 1.",
    proof="Truth table of g and s.",
    checks=(Check("all masks", false_and_missed),),
    twins=(Check("as printed", functools.partial(false_and_missed, swapped=True)),),
    values={"first_sum_at_g_0_s_1": 1.0, "second_sum_at_g_0_s_1": 0.0},
)

# M20


def symmetric_in_mistakes(*, of_false: int = 1) -> Evidence:
    """At given weights and TP, exchanging FP and FN in every class changes nothing."""
    a, b, false, missed, k = _symbols()
    exchanged = first_line(a, b, missed, of_false * false, k)
    return symbolic.identity(first_line(a, b, false, missed, k), exchanged)


def same_ranking(*, of_false: int = 1, pixels: int = 6) -> Evidence:
    """The pGD orders all predictions as GD does: (rank, value) pairs never disagree.

    With another factor `of_false` on the penalty of false pixels it would not.
    """

    def values(matrix: Confusion, k: int = 2) -> tuple[Fraction, Fraction]:
        classes = class_counts(matrix)
        weights = [1 / Fraction(c.actual) ** 2 for c in classes]
        pairs = list(zip(weights, classes, strict=True))
        a = sum(w * c.intersection for w, c in pairs)
        b = sum(w * (c.predicted + c.actual) for w, c in pairs)
        false = sum(w * c.false_positives for w, c in pairs)
        missed = sum(w * c.false_negatives for w, c in pairs)
        return Fraction(2 * a / b), first_line(a, b, of_false * false, missed, k)

    scored = sorted((values(m), m) for m in confusions(pixels))

    def slack(case: tuple) -> Fraction:
        ((gd, penalized), _), ((next_gd, next_penalized), _) = case
        gap = next_penalized - penalized
        return -abs(gap) if gd == next_gd else gap

    return enumeration.worst_case(
        itertools.pairwise(scored),
        slack,
        describe=lambda case: {"first": case[0][1], "second": case[1][1]},
    )


def same_directions(*, k_of_slope: float = 2.5) -> Evidence:
    """The gradient of the loss is that of GD times (1 + k) / (1 + k (1 - GD))^2."""

    def residual(logits: Array, labels: Array) -> Array:
        gd = 1 - generalized_dice_loss(logits, labels)
        at = jax.lax.stop_gradient(gd)
        k = k_of_slope
        tangent = (1 + k) / (1 + k * (1 - at)) ** 2 * (gd - at)
        pgd = 1 - penalized_generalized_dice_loss(logits, labels, k=2.5)
        return pgd - jax.lax.stop_gradient(pgd) - tangent

    return residuals.vanishing(residual, *residuals.images(3, seed=17))


M20 = Claim(
    id="M20",
    source=SOURCE,
    where="Section 5.2",
    statement=(
        "The penalised generalised Dice loss extends generalised Dice by assigning "
        "different weights to false positives and false negatives."
    ),
    assumes="(18) with its one penalty k >= 0.",
    verdict=Verdict.FAILS,
    correction=(
        "It assigns the same additional weight k to both, as Section 2.2.9 says. pGD "
        "is an increasing function of GD: it ranks all predictions as GD does, has the "
        "same minimisers, and a gradient of the same direction, scaled by (1 + k) / (1 "
        "+ k (1 - GD))^2. What differs is the scale: less for bad predictions and more "
        "for good ones."
    ),
    counterexample=(
        "One class with TP = 2, w = 1: (FP, FN) = (1, 0) and (0, 1) both give pGD = 4 "
        "/ (5 + k). A missed and a false pixel at a given truth differ as in GD, for k "
        "= 0 as for every k."
    ),
    proof="By M17, pGD = GD / (1 + k (1 - GD)), whose slope in GD is positive.",
    checks=(
        Check("symmetric", symmetric_in_mistakes),
        Check("same ranking", same_ranking),
        Check("same directions", same_directions),
    ),
    twins=(
        Check(
            "false pixels twice", functools.partial(symmetric_in_mistakes, of_false=2)
        ),
        Check("ranking, false twice", functools.partial(same_ranking, of_false=3)),
        Check("slope of k = 2", functools.partial(same_directions, k_of_slope=2.0)),
    ),
    values={
        "gradient_scale_at_gd_0_k_2.5": 3.5 / 3.5**2,
        "gradient_scale_at_gd_1_k_2.5": 3.5,
        "gradient_scale_at_gd_1/2_k_2.5": 3.5 / 2.25**2,
    },
)
