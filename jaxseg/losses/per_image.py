"""From a loss over one pool of pixels to the mean of the losses of single images."""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg.losses.protocol import Loss
from jaxseg.numerics import pool, safe_ratio
from jaxseg.targets import as_where

PIXEL_ARRAYS = ("pixel_weights", "signed_distance", "distance")
"""Options that hold a number per pixel where they are arrays."""


def per_image(loss: Loss) -> Loss:
    """The mean over the first axis of `loss` of each image alone (sample Dice).

    An image without a pixel that counts is as if it were not there; with `axis_name`
    the mean is over the images of all devices. Of the other arguments the arrays of
    `PIXEL_ARRAYS`, such as distance maps, are split by image too; the rest passes
    through.
    """

    @functools.wraps(loss)
    def mean_loss(
        logits: Array,
        labels: Array,
        *,
        where: Array | None = None,
        axis_name: str | None = None,
        **options: Any,
    ) -> Array:
        split = {
            name: options.pop(name)
            for name in PIXEL_ARRAYS
            if isinstance(options.get(name), jax.Array | np.ndarray)
        }

        def of_one(logits, labels, where, split):
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
