"""Losses of single images: their mean over a batch, and which axes an image has.

A pool of pixels has no shape, and a batch is one more axis of it. A distance or a
skeleton is different: from an array ``[4, 64, 64]`` alone nobody can say whether it is
four images or a volume of four slices, and the wrong guess gives a number that looks
right. So two leading axes are an image, as is one; more have to be explained.
"""

import contextlib
import contextvars
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg.distance import axes_of_spacing
from jaxseg.losses.loss_function import PIXEL_ARRAYS, loss_function
from jaxseg.losses.protocol import Loss
from jaxseg.numerics import pool, safe_ratio
from jaxseg.targets import as_where

SURE_RANK = 2
"""Up to so many axes are taken for those of one image."""

P = ParamSpec("P")

_inside_one_image = contextvars.ContextVar("inside_one_image", default=False)


@contextlib.contextmanager
def one_image() -> Iterator[None]:
    """Says that losses called within are given one image, whatever its rank."""
    token = _inside_one_image.set(True)
    try:
        yield
    finally:
        _inside_one_image.reset(token)


def check_rank(pixels: tuple[int, ...], spatial: int | None, spacing: Any) -> None:
    """Refuses pixels that may be one image or several.

    Args:
      pixels: the shape of the array without its classes.
      spatial: how many axes an image has, None if the caller did not say.
      spacing: of an image, None, one number or one for each axis.

    Raises:
      ValueError: it has more than two axes, and nothing says how many are an image's;
        or it has fewer than are said.
    """
    rank = len(pixels)
    if rank == 0:
        raise ValueError(
            "an image has an axis at least: logits are [..., C], or [B, ..., C] per "
            "image, with axes of pixels before the classes"
        )
    if spatial is not None:
        if not 1 <= spatial <= rank:
            raise ValueError(f"an image of {spatial} axes, but pixels {pixels}")
        return
    sizes = axes_of_spacing(spacing)
    if sizes is not None:
        if sizes < rank:
            raise ValueError(
                f"a spacing for {sizes} axes, but pixels {pixels}: say spatial={sizes} "
                "for a batch of images"
            )
        return
    if rank > SURE_RANK and not _inside_one_image.get():
        raise ValueError(
            f"pixels {pixels} are one image of {rank} axes or a batch of images: say "
            f"spatial={rank} or spatial={rank - 1}, the number of axes of an image, or "
            "take per_image(loss) for a batch"
        )


def per_image(loss: Loss) -> Loss:
    """The mean over the first axis of `loss` of each image alone (sample Dice).

    An image without a pixel that counts is as if it were not there; with `axis_name`
    the mean is over the images of all devices. Of the other arguments the arrays of
    `PIXEL_ARRAYS`, such as distance maps, are split by image too; the rest passes
    through.

    Example:
      >>> logits = [[[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]]]
      >>> labels = [[0, 1], [0, 0]]
      >>> print(f"{dice_loss(logits, labels):.4f}")
      0.2764
      >>> print(f"{per_image(dice_loss)(logits, labels):.4f}")
      0.3864
    """

    @loss_function
    @functools.wraps(loss)
    def mean_loss(
        logits: Array,
        labels: Array,
        *,
        where: Array | None = None,
        axis_name: str | None = None,
        **options: Any,
    ) -> Array:
        if logits.ndim < 2:
            raise ValueError(f"a batch needs logits [B, ..., C], not {logits.shape}")
        split = {
            name: options.pop(name)
            for name in PIXEL_ARRAYS
            if isinstance(options.get(name), Array)
        }

        def of_one(logits, labels, where, split):
            with one_image():
                return loss(logits, labels, where=where, **split, **options)

        if where is not None:
            where = as_where(where, logits)
            counts = jnp.any(where, axis=tuple(range(1, where.ndim)))
        else:
            some = math.prod(logits.shape[1:-1]) > 0
            counts = jnp.full(logits.shape[0], some)
        losses = jax.vmap(of_one)(logits, labels, where, split)
        total = pool(jnp.sum(jnp.where(counts, losses, 0)), axis_name)
        images = pool(jnp.sum(counts, dtype=losses.dtype), axis_name)
        return safe_ratio(total, images, 0)

    return mean_loss


def mean_of_devices(loss: Array, where: Array | None, axis_name: str | None) -> Array:
    """Mean of the losses of one image each over the devices whose image has a pixel."""
    if axis_name is None:
        return loss
    counts = jnp.ones((), bool) if where is None else jnp.any(where)
    total = pool(jnp.where(counts, loss, 0), axis_name)
    return safe_ratio(total, pool(counts.astype(loss.dtype), axis_name), 0)


def image_loss(loss: Callable[P, Array]) -> Callable[P, Array]:
    """Marks a loss of one image, which has an argument `spatial`.

    With it the axes before the last `spatial` are those of a batch, over whose images
    the loss is averaged, see `per_image`. Maps that are given as arrays need no axes.
    """
    one = cast(Loss, loss)

    @functools.wraps(loss)
    def called(logits: Any, labels: Any, **options: Any) -> Array:
        spatial = options.pop("spatial", None)
        logits = jnp.asarray(logits)
        pixels = logits.shape[:-1]
        maps = any(isinstance(options.get(k), np.ndarray | Array) for k in PIXEL_ARRAYS)
        if spatial is not None or not maps:
            check_rank(pixels, spatial, options.get("spacing"))
        if spatial is None or spatial == len(pixels):
            return one(logits, labels, **options)
        batch = len(pixels) - spatial

        def flat(values: Any) -> Array:
            values = jnp.asarray(values)
            return values.reshape(-1, *values.shape[batch:])

        for name in ("where", *PIXEL_ARRAYS):
            if options.get(name) is not None and not callable(options[name]):
                options[name] = flat(options[name])
        return per_image(one)(flat(logits), flat(labels), **options)

    return loss_function(cast(Callable[P, Array], called))
