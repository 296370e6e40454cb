"""Losses of single lesions: each connected component of the truth counts alike.

The components of a class are those of its mask in the ground truth, where t is above
one half; pixels that touch along an axis are of one. A masked pixel belongs to none.
Each class is taken against the rest, and the background is a class like any other:
``class_weights=(0, 1)`` leaves it out. Sums over components are one pass over the
pixels, however many they are; what costs more is to find them. They depend on the
labels alone, so that `component_maps` and `region_maps` can make them beforehand.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.components import first_pixels, nearest_components
from jaxseg.counts import SoftCounts, dice_index
from jaxseg.distance import Spacing
from jaxseg.links import Link, softmax
from jaxseg.losses.images import check_rank, image_loss, mean_of_devices
from jaxseg.losses.maps import planes_of_masks
from jaxseg.losses.pixel import class_costs
from jaxseg.numerics import (
    number_like,
    safe_ratio,
    soft_minimum,
    weighted_mean,
)
from jaxseg.targets import as_class_weights, as_pixels, as_targets, is_hard


@image_loss
def blob_loss(
    logits: Array,
    labels: Array,
    *,
    main: ArrayLike = 2.0,
    blob: ArrayLike = 1.0,
    components: Array | None = None,
    spatial: int | None = None,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Dice of one image, plus the mean Dice of its components, each without the rest.

    .. math:: \frac1C \sum_c \Big( \alpha \, Dice_c + \beta \frac1{K_c}
        \sum_{k=1}^{K_c} Dice_c(\Omega \setminus \bigcup_{l \ne k} B_{cl}) \Big)

    B are the components: for each of them the others are left out of the image, so that
    what is predicted outside of all is an error for each. The soft edges of soft labels
    are outside of all too. Smallest at p = t, also for soft t.

    Example:
      >>> truth = [1, 1, 1, 1, 0, 1]  # two lesions, of which the small one is missed
      >>> missed = jnp.array([9.0, 9.0, 9.0, 9.0, -9.0, -9.0])[:, None]
      >>> dice = dice_loss(missed, truth, link=links.sigmoid)
      >>> both = blob_loss(missed, truth, main=0.0, link=links.sigmoid)
      >>> print(f"{dice:.2f} {both:.2f}")
      0.11 0.50

    Args:
      logits: ``[..., C]`` scores of one image; of a batch with `spatial`.
      main: weight alpha of the image's Dice loss, >= 0; may be traced.
      blob: weight beta of the mean over components, >= 0; may be traced.
      components: ``[..., C]`` of `component_maps`; None finds them each time.
      spatial: how many axes an image has; more leading axes are images, over whose
        losses the mean is taken. None for one image of up to two axes.
      axis_name: mapped axis; the mean over the images of its devices, each whole on
        one.

    Returns:
      Scalar in [0, alpha + beta], float32 or wider; without a component the second term
      is 0, and a class that is predicted all the same costs alpha with zero gradient.

    Raises:
      ValueError: nobody says whether more than two axes are one image, or components
        have another shape than logits.

    Source: Kofler 2022, arXiv:2205.08209, with Dice as the loss of the image and of a
    blob and its weights 2 and 1. Released code does not remove the other blobs but sets
    their scores to 0, a probability of one half where a sigmoid follows, and takes the
    mean over the images that have a blob.
    """
    del spatial  # image_loss has split the batch
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    if components is None:
        components = _maps(_places, targets, where)
    _require_shape(components, scores, "components")
    probs = link(scores)
    shared = soft_minimum(probs, targets, tie=targets)
    counts = _counts_by(components, shared, probs, targets, where)
    outside = jax.tree.map(lambda x: x[-1:], counts)
    alone = jax.tree.map(lambda x: x[:-1], counts)
    whole = jax.tree.map(lambda x: jnp.sum(x, axis=0), counts)
    of_image = 1 - dice_index(whole)
    of_blobs = 1 - dice_index(jax.tree.map(jnp.add, alone, outside))
    of_blobs = _mean_over(of_blobs, alone.pixels > 0)
    main, blob = (number_like(x, scores) for x in (main, blob))
    losses = main * of_image + blob * of_blobs
    loss = weighted_mean(losses, as_class_weights(class_weights, losses))
    return mean_of_devices(loss, where, axis_name)


@image_loss
def cc_dice_ce_loss(
    logits: Array,
    labels: Array,
    *,
    dice: ArrayLike = 1.0,
    ce: ArrayLike = 1.0,
    regions: Array | None = None,
    spacing: Spacing | None = None,
    spatial: int | None = None,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Mean over the components of an image of Dice + cross-entropy around each.

    .. math:: \frac1C \sum_c \frac1{K_c} \sum_{k=1}^{K_c}
        \big( w_{Dice} \, Dice_c(V_{ck}) + w_{CE} \, CE(V_{ck}) \big)

    V are the Voronoi regions of the components: the pixels that are nearer to this one
    than to any other, by exact Euclidean distance; where two are equally near, the
    pixel of both that comes first decides. Without a component the region is the image.
    CE is the mean over a region, under `links.softmax` of all classes' terms, else of
    this class's. Smallest at p = t, also for soft t.

    Example:
      >>> truth = [1, 1, 1, 1, 0, 1]  # two lesions, of which the small one is missed
      >>> missed = jnp.array([9.0, 9.0, 9.0, 9.0, -9.0, -9.0])[:, None]
      >>> found = cc_dice_ce_loss(missed, truth, ce=0.0, link=links.sigmoid)
      >>> print(f"{found:.2f}")
      0.50

    Args:
      logits: ``[..., C]`` scores of one image; of a batch with `spatial`.
      dice: weight of the Dice loss, >= 0; may be traced.
      ce: weight of cross-entropy, >= 0; may be traced.
      regions: ``[..., C]`` of `region_maps`; None finds them each time.
      spacing: size of a pixel along each axis of the image, or one number; None is 1.
      spatial: how many axes an image has; more leading axes are images, over whose
        losses the mean is taken. None for one image of up to two axes.
      class_weights: ``[C]`` weights of the mean over classes.
      axis_name: mapped axis; the mean over the images of its devices, each whole on
        one.

    Returns:
      Scalar >= 0, float32 or wider; 0 where no pixel counts.

    Raises:
      ValueError: nobody says whether more than two axes are one image, or regions have
        another shape than logits.

    Source: Bouteille 2025, arXiv:2511.17146, on the regions of Jaus 2024,
    arXiv:2410.18684; several classes one against the rest as in Kundu 2026,
    arXiv:2604.24276. A loss of the whole image beside it is a `weighted_sum`.
    """
    del spatial  # image_loss has split the batch
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    if regions is None:
        regions = _maps(_region_places(spacing), targets, where)
    _require_shape(regions, scores, "regions")
    probs = link(scores)
    shared = soft_minimum(probs, targets, tie=targets)
    counts = _counts_by(regions, shared, probs, targets, where)
    costs = class_costs(scores, targets, jnp.negative, link, None)
    if link.exclusive(scores.shape[-1]):
        costs = jnp.broadcast_to(jnp.sum(costs, -1, keepdims=True), costs.shape)
    totals = _sums_by(regions, costs, where)
    dice, ce = (number_like(x, scores) for x in (dice, ce))
    means = safe_ratio(totals, counts.pixels, 0)
    of_regions = dice * (1 - dice_index(counts)) + ce * means
    losses = _mean_over(of_regions, counts.pixels > 0)
    loss = weighted_mean(losses, as_class_weights(class_weights, losses))
    return mean_of_devices(loss, where, axis_name)


def component_maps(
    labels: Array,
    num_classes: int,
    *,
    spatial: int | None = None,
    where: Array | None = None,
) -> Array:
    """Which component each pixel is of, class by class, for `blob_loss`.

    Example:
      >>> component_maps([1, 1, 0, 0, 1], num_classes=1)[:, 0].tolist()
      [0, 0, 5, 5, 4]

    Args:
      labels: ``[...]`` class ids (with one class its id is 1), or ``[..., C]`` targets.
      num_classes: C.
      spatial: how many axes an image has; more leading axes are images. None for one
        image of up to two axes.
      where: ``[...]`` bool, False for pixels that are of no component.

    Returns:
      ``[..., C]`` int32: the place in its image of the component's first pixel, and the
      number of the image's pixels outside of all.

    Raises:
      ValueError: nobody says whether more than two axes are one image.
    """
    return _maps_of_labels(_places, labels, num_classes, spatial, where, None)


def region_maps(
    labels: Array,
    num_classes: int,
    *,
    spacing: Spacing | None = None,
    spatial: int | None = None,
    where: Array | None = None,
) -> Array:
    """As `component_maps`, of the component nearest to each pixel: `cc_dice_ce_loss`.

    Takes also the size of a pixel along each axis, or one number; None is 1.

    Example:
      >>> region_maps([1, 1, 0, 0, 1], num_classes=1)[:, 0].tolist()
      [0, 0, 0, 4, 4]
    """
    places = _region_places(spacing)
    return _maps_of_labels(places, labels, num_classes, spatial, where, spacing)


def _maps_of_labels(
    places: Callable[..., Array],
    labels: Array,
    num_classes: int,
    spatial: int | None,
    where: Array | None,
    spacing: Spacing | None,
) -> Array:
    labels = jnp.asarray(labels)
    pixels = labels.shape if is_hard(labels) else labels.shape[:-1]
    check_rank(pixels, spatial, spacing)
    targets = as_targets(labels, jnp.zeros((*pixels, num_classes)))

    def of_image(targets: Array, where: Array | None) -> Array:
        return _maps(places, targets, where)

    for _ in pixels[: 0 if spatial is None else -spatial]:
        of_image = jax.vmap(of_image)
    return of_image(targets, None if where is None else jnp.asarray(where))


def _maps(places: Callable[..., Array], targets: Array, where: Array | None) -> Array:
    """Maps ``[..., C]`` of the masks of one image."""
    masks = jnp.moveaxis(lax.stop_gradient(targets) > 0.5, -1, 0)
    return jnp.moveaxis(planes_of_masks(places, masks, where=where), 0, -1)


def _places(
    mask: Array, *, spacing: Spacing | None = None, where: Array | None = None
) -> Array:
    del spacing  # components have none
    return first_pixels(mask if where is None else mask & where)


def _region_places(spacing: Spacing | None) -> Callable[..., Array]:
    def places(mask: Array, *, where: Array | None = None, **_: None) -> Array:
        components = _places(mask, where=where)
        return nearest_components(components, outside=mask.size, spacing=spacing)

    return places


def _require_shape(maps: Array, scores: Array, name: str) -> None:
    if maps.shape != scores.shape:
        raise ValueError(
            f"{name} need the shape {scores.shape} of logits, not {maps.shape}"
        )


def _sums_by(places: Array, values: Array, where: Array | None) -> Array:
    """Sums of ``[..., C]`` values by place, ``[pixels + 1, C]``."""
    classes = values.shape[-1]
    if where is not None:
        values = jnp.where(where[..., None], values, 0)
    values, places = (x.reshape(-1, classes) for x in (values, places))
    sums = jnp.zeros((len(values) + 1, classes), values.dtype)
    which = lax.broadcasted_iota(places.dtype, places.shape, 1)
    return sums.at[places, which].add(values, mode="promise_in_bounds")


def _counts_by(
    places: Array, shared: Array, probs: Array, targets: Array, where: Array | None
) -> SoftCounts:
    """Counts of the pixels of each place, ``[pixels + 1, C]``."""
    ones = jnp.ones_like(probs)
    shared, probs, targets, pixels = (
        _sums_by(places, x, where) for x in (shared, probs, targets, ones)
    )
    return SoftCounts(
        intersection=shared,
        inner=shared,
        predicted=probs,
        actual=targets,
        predicted_squares=probs,
        actual_squares=targets,
        pixels=pixels,
    )


def _mean_over(values: Array, there: Array) -> Array:
    """Mean along the first axis of the values that are there, 0 without any."""
    total = jnp.sum(jnp.where(there, values, 0), axis=0)
    return safe_ratio(total, jnp.sum(there, axis=0, dtype=values.dtype), 0)
