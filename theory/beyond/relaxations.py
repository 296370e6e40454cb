"""N03: three extensions of the Jaccard loss from hard to soft predictions, in order."""

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg import links
from jaxseg.counts import SoftCounts, jaccard_index
from jaxseg.losses import jaccard_loss, lovasz_loss
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples, search
from theory.ma.lovasz import extension, loss_of_mistakes

N03 = Claim(
    id="N03",
    source=SOURCE,
    where="on Eelbode 2020, II-A, and Ma 2021, Section 2.2.4",
    statement=(
        "Lovász-Jaccard <= expected Jaccard loss under independent rounding <= soft "
        "Jaccard loss (L1), with equality on the vertices; the supremum of soft minus "
        "Lovász is 1."
    ),
    assumes=(
        "Hard labels, one class, errors e = |g - p|; independent rounding makes pixel "
        "i wrong with probability e_i. G empty: the loss of a set of mistakes is 1 "
        "unless empty."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "The set loss is submodular, M10, so its Lovász extension is its convex "
        "closure: below the mean over every random set with these inclusion "
        "probabilities. Under independent rounding misses and false pixels are "
        "independent, so the mean is 1 - (g - E a) E[1 / (g + b)], and by Jensen E[1 / "
        "(g + b)] >= 1 / (g + E b): the soft loss. With all errors e = root g / (root "
        "d + root g) soft minus Lovász is (root d - root g) / (root d + root g) = "
        "tanh(log(d / g) / 4), the largest that ascent finds for d pixels and |G| = g "
        ">= 1; it tends to 1 with d / g at the rate 2 root(g / d). With G empty it is "
        "1 - max p. 1 is never reached: a soft loss of 1 needs p = 0 on all of G, "
        "where the Lovász loss is 1, too, or G empty and max p > 0."
    ),
    values=lambda: {
        "largest_gap_at_4_pixels_1_of_class": largest_gap(4, 1),
        "largest_gap_at_100_pixels_1_of_class": largest_gap(100, 1),
        "largest_gap_at_10000_pixels_1_of_class": largest_gap(10_000, 1),
        "largest_gap_at_2_pixels_1_of_class": largest_gap(2, 1),
    },
)

Errors = Sequence[Fraction]
Truth = Sequence[int]


def multilinear(errors: Errors, truth: Truth) -> Fraction:
    """Expected loss where each pixel is wrong by itself with these probabilities."""
    total = Fraction(0)
    for wrong in itertools.product((0, 1), repeat=len(truth)):
        chances = (e if w else 1 - e for e, w in zip(errors, wrong, strict=True))
        missed = sum(w * t for w, t in zip(wrong, truth, strict=True))
        loss = loss_of_mistakes(sum(truth), missed, sum(wrong) - missed)
        total += math.prod(chances, start=Fraction(1)) * loss
    return total


def soft(errors: Errors, truth: Truth) -> Fraction:
    """The soft Jaccard loss of the predictions that have these errors."""
    pairs = list(zip(errors, truth, strict=True))
    missed = sum((e for e, t in pairs if t), Fraction(0))
    false = sum((e for e, t in pairs if not t), Fraction(0))
    size = Fraction(sum(truth))
    masks = SoftCounts.of_sets(size - missed, false, missed, len(truth))
    return 1 - Fraction(jaccard_index(masks))


def _problems(pixels: int, parts: int):
    levels = [Fraction(i, parts) for i in range(parts + 1)]
    for size in range(pixels + 1):
        truth = (1,) * size + (0,) * (pixels - size)
        for errors in itertools.product(levels, repeat=pixels):
            yield errors, truth


def _named(case: tuple[Errors, Truth]) -> dict[str, Any]:
    return {"errors": case[0], "truth": case[1]}


@N03.check("order")
@N03.twin("soft before multilinear", chain=(extension, soft, multilinear))
def relaxations_are_ordered(
    *, chain: tuple[Callable, ...] = (extension, multilinear, soft)
) -> Evidence:
    """Lovász <= multilinear <= soft on a grid, and all equal on the vertices."""

    def slack(case: tuple[Errors, Truth]) -> Fraction:
        values = [function(*case) for function in chain]
        rises = [b - a for a, b in itertools.pairwise(values)]
        if set(case[0]) <= {0, 1}:
            return -max(map(abs, rises))
        return min(rises)

    cases = itertools.chain(_problems(3, 4), _problems(4, 2))
    return enumeration.worst_case(cases, slack, describe=_named)


def largest_gap(pixels: int, size: int) -> float:
    """(root d - root g) / (root d + root g): all errors equal root g / that sum."""
    return (math.sqrt(pixels) - math.sqrt(size)) / (math.sqrt(pixels) + math.sqrt(size))


@N03.check("equal errors")
@N03.twin("gap more by 1e-6", more=Fraction(1, 10**6))
def equal_errors(*, more: Fraction = Fraction(0)) -> Evidence:
    """Where d and g are squares the stated gap is reached by equal errors, exactly."""

    def slack(case: tuple[int, int]) -> Fraction:
        root_d, root_g = case
        error = Fraction(root_g, root_d + root_g)
        truth = (1,) * root_g**2 + (0,) * (root_d**2 - root_g**2)
        errors = (error,) * len(truth)
        gap = soft(errors, truth) - extension(errors, truth)
        return -abs(gap - Fraction(root_d - root_g, root_d + root_g) - more)

    cases = [(d, g) for d in range(1, 8) for g in range(d + 1)]
    cases = [case for case in cases if case[1] > 0]
    names = ("root of d", "root of g")
    return enumeration.worst_case(
        cases, slack, describe=lambda c: dict(zip(names, c, strict=True))
    )


@N03.check("losses")
@N03.twin("gap less by 1e-3, losses", less=1e-3)
def ascent_finds_the_gap(*, less: float = 0.0) -> Evidence:
    """Ascent on the losses comes to the stated gap for d = 5, g = 1, and not past."""
    pixels, size = 5, 1
    labels = (jnp.arange(pixels) < size).astype(int)

    def gap(logits: Array) -> Array:
        jaccard = jaccard_loss(logits, labels, link=links.sigmoid)
        return jaccard - lovasz_loss(logits, labels, link=links.sigmoid)

    starts = jax.random.normal(jax.random.key(3), (64, pixels, 1))
    found = search.maximise(gap, starts, steps=300)
    value, logits = found.best()
    stated = largest_gap(pixels, size) - less
    slack = min(stated - value, value - (stated - 1e-4))
    witness = {"value": value, "logits": logits, "labels": np.asarray(labels)}
    return Evidence(slack, 1e-12, found.starts, "search", witness)


@N03.check("G empty")
@N03.twin("rounding as Lovász", rounded=Fraction(1, 2))
def absent_class(*, rounded: Fraction = Fraction(3, 4)) -> Evidence:
    """G empty, two pixels of p = 1/2: 1/2, 3/4 and 1."""
    half, truth = (Fraction(1, 2),) * 2, (0, 0)
    found = {
        "Lovász": extension(half, truth),
        "rounded": multilinear(half, truth),
        "soft": soft(half, truth),
    }
    hand = {"Lovász": Fraction(1, 2), "rounded": rounded, "soft": Fraction(1)}
    return examples.agree(found, hand)
