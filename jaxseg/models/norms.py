"""Normalisation between layers, chosen by passing a function.

Group and instance normalisation have no state: the same in training and use, on any
device. Batch normalisation keeps running statistics in the collection ``batch_stats``.
"""

import functools
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax

from jaxseg.models.group_norm import GroupNorm

DEVICES = "devices"
"""The axis that a step is mapped over."""


class Norm(Protocol):
    """Called inside a module's compact method on features ``[B, ..., C]``."""

    def __call__(self, features: Array, /, *, train: bool = False) -> Array:
        """Features of the same shape and dtype."""
        ...


def group_norm(features: Array, *, train: bool = False) -> Array:
    """Mean 0, variance 1 over groups of channels (eight, if that divides) per image."""
    del train
    return GroupNorm(math.gcd(8, features.shape[-1]))(features)


def instance_norm(features: Array, *, train: bool = False) -> Array:
    """Mean 0, variance 1 of each channel of each image."""
    del train
    return GroupNorm(features.shape[-1])(features)


class BatchNorm(nn.BatchNorm):
    """Flax's, with statistics of all images that count, on whatever device they are.

    Attributes:
      synced: whether training takes the statistics of the images of all devices that
        the step is mapped over.
    """

    synced: bool = False

    @nn.compact
    def __call__(
        self,
        x: Array,
        use_running_average: bool | None = None,
        *,
        mask: Array | None = None,
    ) -> Array:
        """``[B, ..., C]`` to the same; `mask` broadcasts and is False for fillers."""
        still = nn.merge_param(
            "use_running_average", self.use_running_average, use_running_average
        )
        if still or not self.synced or self.is_initializing() or not is_mapped():
            return super().__call__(x, use_running_average, mask=mask)
        wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        counted = jnp.broadcast_to(True if mask is None else mask, x.shape)
        axes = tuple(range(x.ndim - 1))

        def mean(values: Array) -> Array:
            total = jnp.sum(jnp.where(counted, values, 0), axes)
            number = jnp.sum(counted, axes, dtype=wide.dtype)
            total, number = lax.psum((total, number), DEVICES)
            return total / jnp.maximum(number, 1)

        middle = mean(wide)
        away = wide - jnp.expand_dims(middle, axes)
        variance = mean(jnp.square(away))
        for name, value in (("mean", middle), ("var", variance)):
            kept = self.variable("batch_stats", name, lambda: value)  # noqa: B023
            old = kept.value
            kept.value = self.momentum * old + (1 - self.momentum) * value
        shape = (x.shape[-1],)
        scale = self.param("scale", self.scale_init, shape, self.param_dtype)
        bias = self.param("bias", self.bias_init, shape, self.param_dtype)
        factor = lax.rsqrt(variance + self.epsilon) * scale
        found = away * jnp.expand_dims(factor, axes) + jnp.expand_dims(bias, axes)
        return found.astype(self.dtype or x.dtype)


def is_mapped() -> bool:
    """Whether what is traced is the work of one of several devices."""
    try:
        lax.axis_index(DEVICES)
    except NameError:
        return False
    return True


def batch_norm(
    features: Array,
    *,
    train: bool = False,
    frozen: bool = False,
    synced: bool = False,
    epsilon: float = 1e-5,
) -> Array:
    """Mean 0, variance 1 of each channel over the batch, or by running statistics.

    Training normalises by the statistics of the batch and moves the running ones a
    tenth of the way to them (the biased variance, where PyTorch moves to the unbiased
    one); use normalises by the running ones.

    Args:
      features: ``[B, ..., C]``.
      train: whether this is training; then ``batch_stats`` must be mutable.
      frozen: the running statistics also in training, unchanged: fine-tuning of a
        pretrained network, any batch size, nothing to share between devices.
      synced: the images of all devices count as one batch; else each device
        normalises its own by themselves.
      epsilon: added to the variance.
    """
    return BatchNorm(
        use_running_average=frozen or not train,
        momentum=0.9,
        epsilon=epsilon,
        use_fast_variance=False,
        synced=synced,
        dtype=features.dtype,
    )(features)


frozen_batch_norm: Norm = functools.partial(batch_norm, frozen=True)
"""Batch normalisation by statistics that training leaves as they are."""

synced_batch_norm: Norm = functools.partial(batch_norm, synced=True)
"""Batch normalisation over the images of all devices."""


def no_norm(features: Array, *, train: bool = False) -> Array:
    """The features as they are."""
    del train
    return features


def with_epsilon(norm: Norm, epsilon: float) -> Norm:
    """Batch normalisation with another epsilon; other kinds as they are."""
    if norm is batch_norm:
        return functools.partial(batch_norm, epsilon=epsilon)
    if isinstance(norm, functools.partial) and norm.func is batch_norm:
        return functools.partial(norm, epsilon=epsilon)
    return norm


NORMS: Mapping[str, Norm] = MappingProxyType(
    {
        "group": group_norm,
        "instance": instance_norm,
        "batch": batch_norm,
        "frozen-batch": frozen_batch_norm,
        "sync-batch": synced_batch_norm,
        "none": no_norm,
    }
)
"""By the name on the command line."""


class NamedNorm(nn.Module):
    """A normalisation under a name of its own, as weights of others know it."""

    norm: Norm

    @nn.compact
    def __call__(self, features: Array, *, train: bool) -> Array:
        """Features of the same shape."""
        return self.norm(features, train=train)
