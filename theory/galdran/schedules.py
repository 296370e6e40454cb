"""G11, G12: the weights of soft and of hard fine-tuning, epoch by epoch."""

import functools
from collections.abc import Sequence
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import links
from jaxseg.losses import cross_entropy_loss, dice_loss, recipes, switch
from theory.claim import Claim, Evidence, Verdict
from theory.engines import examples, samples
from theory.engines.enumeration import for_all, for_each
from theory.galdran import SOURCE

SIZES = range(1, 201)
"""Numbers of epochs N."""


def epochs_to(last: int) -> Sequence[int]:
    """Epochs 0, 1, ..., `last`."""
    return range(last + 1)


# G11

G11 = Claim(
    id="G11",
    source=SOURCE,
    where="Eq. (7)",
    statement=(
        "Soft fine-tuning starts with full weight on BCE and ends with weight on Dice "
        "alone, linear in between: (N - n)/N BCE + n/N Dice."
    ),
    assumes=(
        "Epochs n = 0, 1, ..., N as printed, so N + 1 of them, N >= 1; N = 0 is 0/0."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "Weights (1, 0) at n = 0 and (0, 1) at n = N. Of N epochs numbered 0 to N - 1 "
        "the last still has 1/N on BCE: Dice alone is approached, not reached. Weights "
        "of losses are not shares of the gradient, which differ in scale."
    ),
    values={"bce_weight_in_last_of_40_epochs_from_0": 1 / 40, "middle": 0.5},
)


@G11.check("ends")
@G11.twin("N epochs from 0", last=-1)
@for_all(size=SIZES)
def end_weights(size: int, *, last: int = 0) -> Fraction:
    """(7) starts at weights (1, 0) and ends at (0, 1); the last epoch is N + `last`."""
    weights = [(Fraction(size - n, size), Fraction(n, size)) for n in (0, size + last)]
    first, final = weights
    return -max(abs(first[0] - 1), abs(first[1]), abs(final[0]), abs(final[1] - 1))


@G11.check("in between")
@G11.twin("weights add up to 1 + 1e-6", total=1 + Fraction(1, 10**6))
@for_each(lambda: ((size, n) for size in SIZES[:50] for n in epochs_to(size)))
def convex(size: int, n: int, *, total: Fraction = Fraction(1)) -> Fraction:
    """Weights are at least 0, add up to 1 and change by 1/N from epoch to epoch."""
    ce, dice = Fraction(size - n, size), Fraction(n, size)
    return min(ce, dice, -abs(ce + dice - total))


_LOGITS = np.array([[0.5], [-1.0], [2.0], [0.1]])
_TRUTH = np.array([[1.0], [0.0], [0.0], [1.0]])


def _soft():
    return _check_epochs(recipes.ce_to_dice_linear())


def _hard():
    return _check_epochs(recipes.ce_to_dice_hard())


def _check_epochs(loss):
    """The loss of an image at each progress; cross-entropy and squared Dice alone."""

    @jax.jit
    def run(progress):
        logits, truth = jnp.array(_LOGITS), jnp.array(_TRUTH)

        def of_image(now):
            return loss(now)(logits[None], truth[None], link=links.sigmoid)

        squared = functools.partial(dice_loss, squared=True)
        alone = [
            f(logits, truth, link=links.sigmoid) for f in (cross_entropy_loss, squared)
        ]
        return jax.vmap(of_image)(progress), jnp.stack(alone)

    return run


@G11.check("schedules of the library")
@G11.twin("one epoch late", late=1)
def library_schedules(*, late: int = 0) -> Evidence:
    """Jaxseg's schedules give (7) at progress n / N, here N = 8 and n = 0, ..., 8.

    `late` counts epochs from there.
    """
    epochs = np.arange(9)
    values, (ce, dice) = map(np.asarray, _soft()(jnp.array(epochs / 8)))
    weights = (epochs + late) / 8
    slack = -np.abs(values - (1 - weights) * ce - weights * dice)
    return samples.worst_draw(slack, {"epoch": epochs}, tolerance=1e-12)


# G12

G12 = Claim(
    id="G12",
    source=SOURCE,
    where="Eq. (8)",
    statement=(
        "Hard fine-tuning uses BCE at epoch n < 0.9 N and Dice otherwise, that is only "
        "in the last 10% of the training."
    ),
    assumes="A model trains over N epochs; their numbering is not printed.",
    verdict=Verdict.DEPENDS,
    readings={
        "epochs 0 to N - 1, N a multiple of 10": "Holds: N/10 epochs.",
        "epochs 0 to N - 1, other N": (
            "Fails: floor(N/10) epochs are fewer than a tenth, for N < 10 none: pure "
            "BCE."
        ),
        "epochs 1 to N": "Fails: floor(N/10) + 1 of N, more than a tenth.",
        "epochs 0 to N, as for (7)": (
            "Fails: floor(N/10) + 1 of N + 1, more than a tenth for N not 9 mod 10."
        ),
    },
    counterexample=(
        "N = 10: of epochs 1 to 10 two, 9 and 10, are Dice's. N = 9 from 0: 8 < 8.1, "
        "so none is."
    ),
    proof="Count the n with 10 n >= 9 N.",
    values={"dice_epochs_of_40_from_0": 4.0, "dice_epochs_of_9_from_0": 0.0},
)


def dice_epochs(epochs: Sequence[int], size: int) -> int:
    """How many of the epochs (8) gives to Dice: n >= 0.9 N, exactly."""
    return sum(10 * n >= 9 * size for n in epochs)


NUMBERINGS = {
    "0 to N - 1": (lambda size: range(size), lambda size: size // 10),
    "1 to N": (lambda size: range(1, size + 1), lambda size: size // 10 + 1),
    "0 to N": (lambda size: range(size + 1), lambda size: size // 10 + 1),
}
"""Epochs, and how many of them are Dice's by hand."""


@G12.check("count")
@G12.twin("one more", more=1)
@for_each(lambda: ((name, size) for name in NUMBERINGS for size in SIZES))
def epochs_of_dice(name: str, size: int, *, more: int = 0) -> Fraction:
    """floor(N / 10) of N epochs from 0; one more if they are counted up to N."""
    epochs, by_hand = NUMBERINGS[name]
    return -Fraction(abs(dice_epochs(epochs(size), size) - by_hand(size) - more))


@G12.check("a tenth")
@G12.twin("every N", every=True)
@G12.twin("epochs 1 to N", numbering="1 to N")
@G12.twin("epochs 0 to N", numbering="0 to N")
@for_all(size=SIZES)
def exactly_a_tenth(
    size: int, *, numbering: str = "0 to N - 1", every: bool = False
) -> Fraction:
    """One tenth just where N is a multiple of 10 and epochs are 0 to N - 1."""
    epochs = NUMBERINGS[numbering][0](size)
    share = Fraction(dice_epochs(epochs, size), len(epochs))
    if size % 10 == 0 or every:
        return -abs(share - Fraction(1, 10))
    return abs(share - Fraction(1, 10)) - Fraction(1, 10**9)


@G12.check("switch in floats")
@G12.twin("one epoch early", early=1)
def switch_is_exact(*, early: int = 0) -> Evidence:
    """Jaxseg's switch at float32 progress n / N makes the exact choice, N = 10 to 200.

    0.9 N is no float: n = 9 of 10 must be Dice's. `early` moves the exact choice.
    """
    pairs = np.array([(n, size) for size in range(10, 201, 10) for n in range(size)])
    progress = (pairs[:, 0] / pairs[:, 1]).astype(np.float32)
    found = np.asarray(switch(0.0, 1.0)(jnp.array(progress)))
    exact = 10 * (pairs[:, 0] + early) >= 9 * pairs[:, 1]
    slack = -np.abs(found - exact)
    return samples.worst_draw(slack, {"epoch_of": pairs}, tolerance=0.0)


@G12.check("losses")
@G12.twin("late at 0.9", late=True)
def losses_switch(*, late: bool = False) -> Evidence:
    """The two-stage loss is cross-entropy below progress 0.9 and Dice from there."""
    stages = (0.0, 0.89, 0.9, 1.0)
    values, (ce, dice) = map(np.asarray, _hard()(jnp.array(stages)))
    found = {str(at): value for at, value in zip(stages, values, strict=True)}
    expected = {"0.0": ce, "0.89": ce, "0.9": ce if late else dice, "1.0": dice}
    return examples.agree(found, expected, tolerance=1e-12)
