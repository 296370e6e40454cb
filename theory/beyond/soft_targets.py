"""N32: overlap with soft targets by sums of minima: a metric for Jaccard."""

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction

import jax.numpy as jnp
import numpy as np

from jaxseg import links
from jaxseg.counts import SoftCounts, dice_index, jaccard_index
from jaxseg.losses import dice_loss, jaccard_loss
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict
from theory.engines import samples
from theory.engines.enumeration import for_each

Soft = Sequence[Fraction]

N32 = Claim(
    id="N32",
    source=SOURCE,
    where="on Wang 2023, arXiv:2302.05666 and arXiv:2303.16296",
    statement=(
        "With the overlap sum min(p, t) the Jaccard loss is (|p - t|_1) / sum max(p, "
        "t), a metric on [0, 1]^d, and the Dice loss |p - t|_1 / |p + t|_1, which is "
        "at most 3/2 times the sum over a detour, and no less in general. Where t is "
        "hard both are the usual ones with sum p t, and so is the form with the norms, "
        "(|p + t|_1 - |p - t|_1) / (|p + t|_1 + |p - t|_1) for J."
    ),
    assumes=(
        "Two empty vectors have the loss 0. With sum p t in place of the minima p = t "
        "is not best for a soft t. The losses here use the minima."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "min = (p + t - |p - t|) / 2 and max = (p + t + |p - t|) / 2 in each pixel. At "
        "t in {0, 1} min(p, t) = p t. Write each p as the mean of the masks p > u, u "
        "uniform on [0, 1]: sums of minima and maxima are measures of an intersection "
        "and a union, and the Jaccard distance of sets is a metric, for every measure; "
        "for Dice N16 has 3/2."
    ),
    values={
        "jaccard_loss_of_1/2_and_1": 1 / 2,
        "dice_loss_of_1/2_and_1": 1 / 3,
        "product_jaccard_loss_of_1/2_and_1/2": 1 - (1 / 4) / (3 / 4),
    },
)

GRID = (Fraction(0), Fraction(1, 3), Fraction(1))
VECTORS = (*itertools.product(GRID, repeat=2), (Fraction(1, 2), Fraction(1, 2)))


def minima(p: Soft, t: Soft) -> SoftCounts:
    """Counts with the overlap sum min(p, t)."""
    overlap = sum(map(min, p, t), Fraction(0))
    return SoftCounts.of_sets(overlap, sum(p) - overlap, sum(t) - overlap, len(p))


def products(p: Soft, t: Soft) -> SoftCounts:
    """Counts with the overlap sum p t."""
    overlap = sum((a * b for a, b in zip(p, t, strict=True)), Fraction(0))
    return SoftCounts.of_sets(overlap, sum(p) - overlap, sum(t) - overlap, len(p))


def distance(p: Soft, t: Soft, index: Callable, count: Callable = minima) -> Fraction:
    """One minus the index."""
    return 1 - Fraction(index(count(p, t)))


@N32.check("metric")
@N32.twin("Dice, without 3/2", index=dice_index)
@N32.twin("with sum p t", count=products)
@for_each(lambda: itertools.product(VECTORS, repeat=3))
def is_a_metric(
    p: Soft,
    q: Soft,
    t: Soft,
    *,
    index: Callable = jaccard_index,
    count: Callable = minima,
) -> Fraction:
    """0 at equal vectors alone, symmetric, no detour is shorter."""
    direct = distance(p, t, index, count)
    apart = direct - Fraction(1, 10**9) if p != t else -abs(direct)
    same = -abs(direct - distance(t, p, index, count))
    detour = distance(p, q, index, count) + distance(q, t, index, count)
    return min(apart, same, detour - direct)


@N32.check("Dice, up to 3/2")
@N32.twin("Dice, up to 3/2 less 1e-6", constant=Fraction(3, 2) - Fraction(1, 10**6))
@for_each(lambda: itertools.product(VECTORS, repeat=3))
def nearly_a_metric(
    p: Soft, q: Soft, t: Soft, *, constant: Fraction = Fraction(3, 2)
) -> Fraction:
    """The Dice loss is at most 3/2 of the sum over a detour."""
    detour = distance(p, q, dice_index) + distance(q, t, dice_index)
    return constant * detour - distance(p, t, dice_index)


@N32.check("three forms")
@N32.twin("sum p t at soft targets", hard=False)
@for_each(lambda: itertools.product(VECTORS, repeat=2))
def forms_agree(p: Soft, t: Soft, *, hard: bool = True) -> Fraction:
    """By norms, by minima, and, where t is hard, by products."""
    apart = sum((abs(a - b) for a, b in zip(p, t, strict=True)), Fraction(0))
    total = sum(p) + sum(t)
    if not total:
        return -abs(distance(p, t, jaccard_index))
    jaccard, dice = (
        Fraction(index(minima(p, t))) for index in (jaccard_index, dice_index)
    )
    gaps = [jaccard - (total - apart) / (total + apart), dice - (1 - apart / total)]
    if not hard or set(t) <= {0, 1}:
        gaps.append(jaccard - Fraction(jaccard_index(products(p, t))))
        gaps.append(dice - Fraction(dice_index(products(p, t))))
    return -max(map(abs, gaps))


@N32.check("losses")
@N32.twin("losses with sum p t", count=products)
def losses_are_the_distances(*, count: Callable = minima) -> Evidence:
    """jaccard_loss and dice_loss of one class at soft targets are these distances."""
    gaps, tried = [], []
    for p, t in itertools.product(VECTORS[1:], repeat=2):
        probs, targets = (jnp.array([[float(x)] for x in v]) for v in (p, t))
        pairs = ((jaccard_loss, jaccard_index), (dice_loss, dice_index))
        gaps.append(
            max(
                abs(
                    float(loss(probs, targets, link=links.identity))
                    - float(distance(p, t, index, count))
                )
                for loss, index in pairs
            )
        )
        tried.append([list(map(float, p)), list(map(float, t))])
    case = {"p_and_t": np.array(tried)}
    return samples.worst_draw(-np.array(gaps), case, tolerance=1e-12)
