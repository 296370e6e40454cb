"""Intensities as a network sees them."""

import jax.numpy as jnp
from jax import Array


def standardize(image: Array) -> Array:
    """`image` ``[..., H, W, C]`` with mean 0 and standard deviation 1 per channel.

    A constant channel becomes 0. Each image is its own reference, so that dark and
    bright images look alike to the network.
    """
    mean = jnp.mean(image, axis=(-3, -2), keepdims=True)
    centred = image - mean
    variance = jnp.mean(jnp.square(centred), axis=(-3, -2), keepdims=True)
    return centred * jnp.where(variance > 1e-12, 1 / jnp.sqrt(variance + 1e-12), 0)
