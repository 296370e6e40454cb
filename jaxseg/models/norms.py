"""Normalisation without state: the same in training and use, on any device."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import flax.linen as nn
from jax import Array

Norm = Callable[[Array], Array]
"""Called inside a module's compact method on ``[B, H, W, C]``."""


def group_norm(features: Array) -> Array:
    """Mean 0, variance 1 over groups of channels (eight, if that divides) per image."""
    groups = math.gcd(8, features.shape[-1])
    return nn.GroupNorm(groups, use_fast_variance=False)(features)


def instance_norm(features: Array) -> Array:
    """Mean 0, variance 1 of each channel of each image."""
    return nn.GroupNorm(None, group_size=1, use_fast_variance=False)(features)


def no_norm(features: Array) -> Array:
    """The features as they are."""
    return features


NORMS: Mapping[str, Norm] = MappingProxyType(
    {"group": group_norm, "instance": instance_norm, "none": no_norm}
)
"""By the name on the command line."""
