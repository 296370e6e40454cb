"""M17, M18: the penalised generalised Dice loss, line by line."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import sympy
from jax import Array

from jaxseg.losses import penalized_generalized_dice_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import examples, residuals, symbolic
from theory.engines.enumeration import for_all
from theory.ma import SOURCE

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


def corrected_line(a: Any, b: Any, m: Any, k: Any) -> Any:
    """Line 3 divided through by B: (2 A / B) / (1 + k M / B)."""
    return (2 * a / b) / (1 + k * m / b)


def symbols() -> tuple[Any, ...]:
    """A, B, the weighted sums of FP and of FN, and k: whatever classes and weights."""
    a, false, missed, k = sympy.symbols("A FP FN k", positive=True)
    return a, 2 * a + false + missed, false, missed, k


# M17

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
    values={
        "pgd_at_gd_1/2_k_2.5": 0.5 / 2.25,
        "pgd_at_gd_0.9_k_2.5": 0.9 / 1.25,
        "slope_at_gd_1_k_2.5": 3.5,
        "slope_at_gd_0_k_2.5": 1 / 3.5,
    },
)


@M17.check("algebra")
@M17.twin("1 + GD below", sign=1)
def closed_form(*, sign: int = -1) -> Evidence:
    """Line 1 is GD / (1 + k (1 - GD)), whatever classes and weights."""
    a, b, false, missed, k = symbols()
    closed = (2 * a / b) / (1 + k * (1 + sign * 2 * a / b))
    return symbolic.identity(first_line(a, b, false, missed, k), closed)


@M17.check("losses")
@M17.twin("k more by 1e-6", k=2.500001)
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


@M17.check("in k")
@M17.twin("grows in k", sign=-1)
@for_all(gd=[Fraction(i, 24) for i in range(25)], k=range(6))
def falls_in_k(gd: Fraction, k: int, *, sign: int = 1) -> Fraction:
    """Starts at GD for k = 0, falls in k, and is 0 and 1 where GD is, on a grid."""
    now, later = (last_line(gd, Fraction(2), x) for x in (k, k + 1))
    start = last_line(gd, Fraction(2), 0)
    fixed = abs(now - gd) if gd in (0, 1) else Fraction(0)
    return min(sign * (now - later), gd - now, -abs(start - gd), -fixed)


# M18

M18 = Claim(
    id="M18",
    source=SOURCE,
    where="Section 2.2.9, Eq. (18), third line",
    statement="Every displayed line of (18) equals the next.",
    assumes=(
        "k > 0, some mistake, B not 1: else line 3 agrees by accident. Line 3 is taken "
        "from a text that a machine read off the page."
    ),
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
    values={"lines_1_2_4": 0.4, "line_3_as_printed": 2 / 3},
)


@M18.check("algebra")
@M18.twin("as printed", third=printed_third)
def lines_agree(*, third: Callable = corrected_line) -> Evidence:
    """Lines 1, 2, 3 and 4 are equal, with line 3 divided through."""
    a, b, false, missed, k = symbols()
    second = 2 * a / (b + k * (b - 2 * a))
    first = first_line(a, b, false, missed, k)
    others = (second, third(a, b, b - 2 * a, k), last_line(a, b, k))
    return symbolic.identities([(first, other) for other in others])


@M18.check("by hand")
@M18.twin("line 3 equal", third=Fraction(2, 5))
def one_missed_pixel(*, third: Fraction = Fraction(2, 3)) -> Evidence:
    """One class, w = 1, two of three pixels found, k = 5: A = 2, B = 5, M = 1.

    Lines 1, 2 and 4: 4 / (5 + 5) = 2/5. Line 3 as printed: 4 / (5 + 1) = 2/3.
    """
    a, b, k = Fraction(2), Fraction(5), Fraction(5)
    found = {
        "line 1": first_line(a, b, 0, Fraction(1), k),
        "line 4": last_line(a, b, k),
        "line 3": printed_third(a, b, Fraction(1), k),
        "line 3 corrected": corrected_line(a, b, Fraction(1), k),
    }
    two_fifths = Fraction(2, 5)
    hand = {"line 1": two_fifths, "line 4": two_fifths, "line 3": third}
    return examples.agree(found, {**hand, "line 3 corrected": two_fifths})
