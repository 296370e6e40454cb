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
from jax import Array

from jaxseg.models.group_norm import GroupNorm


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


def batch_norm(
    features: Array,
    *,
    train: bool = False,
    frozen: bool = False,
    axis_name: str | None = None,
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
      axis_name: mapped axis whose batches count as one; None normalises each device's
        images by themselves.
      epsilon: added to the variance.
    """
    return nn.BatchNorm(
        use_running_average=frozen or not train,
        momentum=0.9,
        epsilon=epsilon,
        use_fast_variance=False,
        axis_name=axis_name,
        dtype=features.dtype,
    )(features)


frozen_batch_norm: Norm = functools.partial(batch_norm, frozen=True)
"""Batch normalisation by statistics that training leaves as they are."""


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
        "none": no_norm,
    }
)
"""By the name on the command line."""


class Normed(nn.Module):
    """A normalisation under a name of its own, as weights of others know it."""

    norm: Norm

    @nn.compact
    def __call__(self, features: Array, *, train: bool) -> Array:
        """Features of the same shape."""
        return self.norm(features, train=train)
