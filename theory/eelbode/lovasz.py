"""E15: the Lovász extension of the Jaccard loss."""

import functools
import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import counts, links
from jaxseg.losses import lovasz_loss
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.eelbode.submodularity import dice, jaccard, loss_of_mistakes
from theory.engines import enumeration, masks, samples

E15 = Claim(
    id="E15",
    source=SOURCE,
    where="II-A, after Eq. (13)",
    statement=(
        "The Lovasz extension of the Jaccard loss is the loss at binary predictions, "
        "convex, tight and differentiable almost everywhere."
    ),
    assumes=(
        "As a function of the errors |y - yt| in [0, 1]^d, and so of yt, for binary y. "
        "Tight: the largest convex function that is at most the loss at the vertices."
    ),
    verdict=Verdict.HOLDS,
    readings={
        "As a function of the probabilities": "Holds, for every y.",
        "As a function of the scores, after the softmax": (
            "Not convex: one foreground pixel has the loss 1 - sigmoid(z), concave for "
            "z < 0. Differentiable almost everywhere and tight at the limits it stays."
        ),
    },
    proof=(
        "The loss is submodular in the set of wrong pixels (E13), so by Edmonds the "
        "extension is the maximum over all orders of linear functions, each at most "
        "the loss at every set; and the errors are a mixture of the nested sets of "
        "their falling order, at which it is the loss. It is linear where no two "
        "errors are equal, all but a null set. For the Dice loss, which is not "
        "submodular, the same formula is not convex."
    ),
    values={
        "at_errors_1/2_1/4_of_two_true_pixels": 0.5 * 0.5 + 0.25 * 0.5,
        "slope_of_false_pixel_beside_one_true": 0.5,
    },
)

PIXELS = 4
Errors = tuple[Fraction, ...]


@E15.check("vertices")
@E15.twin("vertices of Dice", index=counts.dice_index)
def vertices(*, index=counts.jaccard_index) -> Evidence:
    """On all pairs of binary masks jaxseg's Lovász loss is 1 - J."""
    loss = functools.partial(lovasz_loss, classes="all", link=links.identity)
    return masks.agrees_on_all_masks(
        loss, lambda c: 1 - Fraction(index(c)), pixels=PIXELS
    )


def _cases() -> list[tuple[int, Errors]]:
    """How many pixels of y come first, and errors with many ties."""
    levels = [Fraction(k, 3) for k in range(4)]
    grid = list(itertools.product(levels, repeat=PIXELS))
    return [(actual, errors) for actual in range(PIXELS + 1) for errors in grid[::3]]


def _loss(index: Callable, actual: int) -> Callable[[frozenset[int]], Fraction]:
    """1 - index as a function of the set of wrong pixels, y the first `actual`."""
    by_size = functools.cache(loss_of_mistakes(index, actual))

    def loss(wrong: frozenset[int]) -> Fraction:
        missed = sum(i < actual for i in wrong)
        return by_size(missed, len(wrong) - missed)

    return loss


def _growth(loss: Callable, order: Sequence[int]) -> dict[int, Fraction]:
    """What each pixel adds as the pixels join the set in this order."""
    found = {}
    for k, i in enumerate(order):
        found[i] = loss(frozenset(order[: k + 1])) - loss(frozenset(order[:k]))
    return found


def _extension(loss: Callable, errors: Errors) -> Fraction:
    order = sorted(range(PIXELS), key=lambda i: -errors[i])
    growth = _growth(loss, order)
    return sum((growth[i] * errors[i] for i in growth), Fraction(0))


@E15.check("maximum of linear functions")
@E15.twin("maximum, for Dice", index=dice)
def maximum_of_linear(*, index: Callable = jaccard) -> Evidence:
    """It is the largest over all orders of a function linear in the errors: convex."""

    def slack(case: tuple[int, Errors]) -> Fraction:
        actual, errors = case
        weights = tables[actual]
        values = [
            sum(w * e for w, e in zip(row, errors, strict=True)) for row in weights
        ]
        return -abs(max(values) - _extension(losses[actual], errors))

    losses = {k: _loss(index, k) for k in range(PIXELS + 1)}
    orders = list(itertools.permutations(range(PIXELS)))
    tables = {}
    for actual, loss in losses.items():
        growths = [_growth(loss, order) for order in orders]
        tables[actual] = {tuple(g[i] for i in range(PIXELS)) for g in growths}
    return enumeration.worst_case(
        _cases(), slack, describe=lambda c: {"actual": c[0], "errors": list(c[1])}
    )


@E15.check("tight")
@E15.twin("tight, for Dice", index=dice)
def tight(*, index: Callable = jaccard) -> Evidence:
    """It is the convex closure: its linear pieces are nowhere above the set function.

    The errors are a mixture of the sets of the falling order, and the mixture of their
    losses is the extension: no convex function below the losses is larger.
    """

    def slack(case: tuple[int, tuple[int, ...]]) -> Fraction:
        actual, order = case
        loss = losses[actual]
        growth = _growth(loss, order)
        return min(
            loss(wrong) - sum((growth[i] for i in wrong), Fraction(0))
            for wrong in subsets
        )

    losses = {k: _loss(index, k) for k in range(PIXELS + 1)}
    subsets = [
        frozenset(chosen)
        for size in range(PIXELS + 1)
        for chosen in itertools.combinations(range(PIXELS), size)
    ]
    cases = itertools.product(losses, itertools.permutations(range(PIXELS)))
    return enumeration.worst_case(
        cases, slack, describe=lambda c: {"actual": c[0], "order": list(c[1])}
    )


@E15.check("gradient without ties")
@E15.twin("gradient at ties", tied=True)
def gradient(*, tied: bool = False) -> Evidence:
    """The library's value and gradient are those of the exact linear piece.

    At errors without ties; with `tied` all errors are equal, and the pieces of two
    orders are compared there, which must then differ.
    """
    rng = np.random.default_rng(15)
    cases = []
    for actual in range(1, PIXELS + 1):
        for _ in range(8):
            ranks = rng.permutation(PIXELS)
            errors = np.full(PIXELS, 0.5) if tied else (ranks + 1) / (PIXELS + 2)
            cases.append((actual, errors))
    labels = np.array([np.arange(PIXELS) < actual for actual, _ in cases]).astype(int)
    errors = np.array([errors for _, errors in cases])
    probs = jnp.asarray(np.abs(labels - errors))[..., None]
    loss = functools.partial(lovasz_loss, link=links.identity)
    values, slopes = jax.jit(jax.vmap(jax.value_and_grad(loss)))(probs, labels)
    slopes = np.asarray(slopes)[..., 0] * np.where(labels == 1, -1, 1)
    worst = []
    for (actual, given), value, slope in zip(cases, values, slopes, strict=True):
        order = sorted(range(PIXELS), key=lambda i, given=given: (-given[i], -i))
        growth = _growth(_loss(jaccard, actual), order)
        piece = np.array([float(growth[i]) for i in range(PIXELS)])
        worst.append(-max(abs(value - piece @ given), np.abs(slope - piece).max()))
    case = {"labels": labels, "errors": errors}
    return samples.worst_draw(worst, case, tolerance=1e-14, method="enumeration")


@E15.check("convex in probabilities")
@E15.twin("convex in scores", of_scores=True)
def convex(*, of_scores: bool = False) -> Evidence:
    """At the middle of two predictions the loss is at most the mean; through jaxseg.

    With `of_scores` the two are scores and the middle is taken before the sigmoid.
    """
    draws, pixels = 2000, 6
    first_key, second_key, label_key = jax.random.split(jax.random.key(15), 3)
    first = samples.draw_logits(first_key, draws, pixels, 1)
    second = samples.draw_logits(second_key, draws, pixels, 1)
    labels = jax.random.randint(label_key, (draws, pixels), 0, 2)
    link = links.sigmoid if of_scores else links.identity
    if not of_scores:
        first, second = links.sigmoid(first), links.sigmoid(second)

    def slack(first, second, labels):
        loss = functools.partial(lovasz_loss, labels=labels, classes="all", link=link)
        ends_and_middle = jnp.stack([first, second, (first + second) / 2])
        return jnp.array([0.5, 0.5, -1.0]) @ jax.vmap(loss)(ends_and_middle)

    worst = jax.jit(jax.vmap(slack))(first, second, labels)
    case = {"first": first, "second": second, "labels": labels}
    return samples.worst_draw(worst, case, tolerance=1e-14)
