"""The library's distance losses against exact sums, for M06, M22-M24, M26, M28-M30.

Each check asks jaxseg's own function on every mask, or pair of masks, of a tiny grid.
"""

import functools
import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg import distance, links
from jaxseg.losses import boundary, pixel, region
from theory.claim import Evidence, worst_of
from theory.engines import examples, grids, images, samples
from theory.engines.grids import Mask
from theory.engines.images import Soft

SHAPES = (2, 3), (5,)
LEVELS = Fraction(0), Fraction(1, 3), Fraction(1)


@functools.cache
def sizes(mask: Mask, shape: tuple[int, ...]) -> list[Fraction]:
    """D_G in the order of the grid."""
    grid = grids.pixels(*shape)
    distances = grids.boundary_distances(mask, grid)
    return [distances[p] for p in grid]


def mismatch(mask: Mask, soft: Soft, shape: tuple[int, ...]) -> list[Fraction]:
    """|s - g| in the order of the grid."""
    truth = images.hard(mask, shape)
    return [abs(s - g) for s, g in zip(soft, truth, strict=True)]


def _dot(first: Soft, second: Soft) -> Fraction:
    return sum((a * b for a, b in zip(first, second, strict=True)), Fraction(0))


def boundary_loss(probs: Array, labels: Array) -> Array:
    """The library's boundary loss of probabilities, as a sum over pixels."""
    value = boundary.boundary_loss(probs, labels, link=links.identity)
    return value * labels.size


def hausdorff_loss(probs: Array, labels: Array, *, alpha: float = 2.0) -> Array:
    """The library's Hausdorff loss of probabilities."""
    return boundary.hausdorff_loss(probs, labels, alpha=alpha, link=links.identity)


def signed_maps(*, sign: int = -1, shift: float = 0.0) -> Evidence:
    """`signed_distance` is D_G outside and `sign` (D_G - `shift`) inside, all G."""
    found = []
    for shape in SHAPES:
        masks = images.with_boundary(*shape)
        inside = np.array([images.hard(m, shape) for m in masks]).astype(bool)
        plain = np.array([sizes(m, shape) for m in masks]).astype(float)
        expected = np.where(inside, sign * (plain - shift), plain)
        truths = inside.reshape(-1, *shape)
        maps = jax.jit(jax.vmap(distance.signed_distance))(jnp.asarray(truths))
        gaps = np.abs(np.asarray(maps).reshape(expected.shape) - expected).max(-1)
        case = {"truth": truths, "map": maps}
        found.append(
            samples.worst_draw(-gaps, case, tolerance=1e-12, method="enumeration")
        )
    return worst_of(found)


def loss_is_mismatch(
    *, constant: Callable[[Fraction], Fraction] = lambda over_object: over_object
) -> Evidence:
    """The loss is the sum of D over the mismatch - that of D over G, soft s too."""

    def exact(shape: tuple[int, ...], mask: Mask, soft: Soft) -> Fraction:
        plain = sizes(mask, shape)
        wrong = _dot(plain, mismatch(mask, soft, shape))
        return wrong - constant(_dot(plain, images.hard(mask, shape)))

    found = []
    for shape in SHAPES:
        pixels = len(grids.pixels(*shape))
        levels = LEVELS if pixels < 6 else LEVELS[::2]
        cases = itertools.product(
            images.with_boundary(*shape), itertools.product(levels, repeat=pixels)
        )
        sums = functools.partial(exact, shape)
        found.append(images.agree_on(boundary_loss, sums, cases, shape=shape))
    return worst_of(found)


def slopes_are_the_map(*, factor: float = 1.0) -> Evidence:
    """The slope of the loss in s is phi: negative inside, positive outside."""
    shape = (2, 3)
    masks = images.with_boundary(*shape)
    truths = np.array([images.hard(m, shape) for m in masks]).astype(int)
    expected = np.array([sizes(m, shape) for m in masks]).astype(float)
    expected = factor * np.where(truths == 1, -expected, expected)
    labels = jnp.asarray(truths.reshape(-1, *shape))
    probs = jnp.full((*labels.shape, 1), 0.3)
    slopes = jax.jit(jax.vmap(jax.grad(boundary_loss)))(probs, labels)
    gaps = np.abs(np.asarray(slopes).reshape(expected.shape) - expected).max(-1)
    case = {"truth": labels, "slope": slopes}
    return samples.worst_draw(-gaps, case, tolerance=1e-12, method="enumeration")


def grown_on_pixels(*, grain: Fraction = Fraction(1)) -> Evidence:
    """G grown by h on a line of pixels of size e: twice the rise is h^2 + e h.

    Twice the integral of D over the mismatch, which tends to h^2 with e. The object and
    the pixel are 1/n wide; `grain` scales the term e h.
    """
    gaps = {}
    for pixels in (4, 8, 16):
        size = Fraction(1, pixels)
        ids = np.zeros(3 * pixels, int)
        ids[:pixels] = 1
        for grown in (pixels // 4, pixels):
            found = np.zeros(3 * pixels)
            found[: pixels + grown] = 1
            rise = _rise(ids, found, float(size)) * float(size)
            h = grown * size
            gaps[f"{pixels} pixels by {h}"] = 2 * rise, h * h + grain * size * h
    values, hand = ({k: v[i] for k, v in gaps.items()} for i in (0, 1))
    return examples.agree(values, hand, tolerance=1e-12)


def _rise(ids: np.ndarray, found: np.ndarray, size: float) -> float:
    """How much the loss of `found` exceeds that of the truth, as a sum over pixels."""
    labels = jnp.asarray(ids)

    def loss(levels: np.ndarray) -> float:
        probs = jnp.asarray(levels, float)[:, None]
        value = boundary.boundary_loss(probs, labels, spacing=size, link=links.identity)
        return float(value) * ids.size

    return loss(found) - loss(ids)


def hausdorff_is_weighed(*, alpha: int = 2, power: int = 2, error: int = 2) -> Evidence:
    """The Hausdorff loss is (1/N) sum |s - g|^`error` (d_G^`power` + d_S^`power`).

    On all pairs of a line's masks, S at full and at two thirds of certainty.
    """
    shape = (5,)

    def exact(mask: Mask, soft: Soft) -> Fraction:
        grid = grids.pixels(*shape)
        inside = frozenset(
            p for p, s in zip(grid, soft, strict=True) if s > Fraction(1, 2)
        )
        weights = [
            d**power + e**power
            for d, e in zip(sizes(mask, shape), sizes(inside, shape), strict=True)
        ]
        errors = [x**error for x in mismatch(mask, soft, shape)]
        return _dot(weights, errors) / len(grid)

    masks = images.with_boundary(*shape)
    cases = [
        (truth, [certainty * x for x in images.hard(found, shape)])
        for truth, found in itertools.product(masks, masks)
        for certainty in (Fraction(1), Fraction(2, 3))
    ]
    loss = functools.partial(hausdorff_loss, alpha=float(alpha))
    return images.agree_on(loss, exact, cases, shape=shape)


def first_power(*, power: int = 1) -> Evidence:
    """With alpha = 1 the Hausdorff loss has d_G^`power` + d_S^`power`."""
    return hausdorff_is_weighed(alpha=1, power=power)


def repairs(*, losses: tuple[Any, ...] | None = None) -> Evidence:
    """Setting one wrong pixel right never raises the library's Dice or boundary loss.

    On all pairs of masks of a line of five with a boundary, before and after.
    """
    shape, losses = (5,), losses or (dice_loss, boundary_loss)
    grid = grids.pixels(*shape)
    masks = images.with_boundary(*shape)
    pairs = [
        (truth, found, found ^ {wrong})
        for truth, found in itertools.product(masks, masks)
        for wrong in sorted(truth ^ found)
        if 0 < len(found ^ {wrong}) < len(grid)
    ]
    labels, before, after = (
        np.array([images.hard(pair[i], shape) for pair in pairs]).astype(float)
        for i in range(3)
    )
    ids = jnp.asarray(labels.astype(int))
    case = {"truth": labels, "before": before, "after": after}
    worst = []
    for loss in losses:
        of_all = jax.jit(jax.vmap(loss))
        fall = of_all(jnp.asarray(before)[..., None], ids) - of_all(
            jnp.asarray(after)[..., None], ids
        )
        worst.append(
            samples.worst_draw(fall, case, tolerance=1e-12, method="enumeration")
        )
    return worst_of(worst)


def dice_loss(probs: Array, labels: Array) -> Array:
    """The library's Dice loss of probabilities of the foreground."""
    return region.dice_loss(probs, labels, link=links.identity)


def distance_weighted(
    loss: Callable[[Mask, Soft], Fraction], *, shape: tuple[int, ...] = (7,)
) -> Evidence:
    """`distance_cross_entropy_loss` with 1 / d is `loss`, in bits, on all masks.

    Args:
      loss: of the mask and the cost of each pixel, -log2 of its own class.
      shape: of the grid.
    """
    costs = [Fraction(c) for c in (1, 0, 2, 5, 1, 3, 4)]
    own = np.exp2(-np.array(costs, float))
    masks = images.with_boundary(*shape)
    labels = np.array([images.hard(m, shape) for m in masks]).astype(int)
    first = np.where(labels == 0, own, 1 - own)
    probs = jnp.asarray(np.stack([first, 1 - first], axis=-1))
    weighted = functools.partial(
        pixel.distance_cross_entropy_loss,
        distance=distance.reciprocal_distance,
        link=links.identity,
    )
    found = np.asarray(jax.jit(jax.vmap(weighted))(probs, jnp.asarray(labels)))
    expected = np.array([float(loss(m, costs)) for m in masks]) * np.log(2)
    case = {"truth": labels, "loss": found, "expected": expected}
    slack = -np.abs(found - expected)
    return samples.worst_draw(slack, case, tolerance=1e-12, method="enumeration")
