"""One loss for the score maps of several resolutions of one network."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxseg.losses.protocol import Loss
from jaxseg.numerics import safe_ratio, widen
from jaxseg.targets import is_hard


def deep_supervision(
    loss: Loss, weights: Sequence[float] | None = None
) -> Callable[..., Array]:
    """The weighted mean of `loss` over score maps from fine to coarse.

    The result takes a sequence of logits ``[B, height, width, ..., C]`` in the place of
    one, each a whole number of times coarser than the labels along each axis, and all
    other arguments as `loss` does. Labels follow: of class ids the one at the middle of
    a coarse pixel, of soft targets the mean over its pixels that count; a coarse pixel
    counts where its label comes from one that does.

    Example:
      >>> fine, coarse = jnp.zeros((1, 4, 4, 2)), jnp.zeros((1, 2, 2, 2))
      >>> labels = jnp.ones((1, 4, 4), int)
      >>> loss = deep_supervision(cross_entropy_loss)
      >>> print(f"{loss([fine, coarse], labels):.4f}")
      0.6931

    Args:
      loss: of one score map.
      weights: one per map, >= 0; None halves them from map to map. Only their ratios
        matter.

    Returns:
      A function of (logits, labels, ...) to a scalar.

    Raises (the function):
      ValueError: no map, another number of weights, or a size that does not divide.

    Source: Lee 2015 (deeply-supervised nets); the halving as in Isensee 2021.
    """

    def mean_loss(
        logits: Sequence[Array],
        labels: Array,
        *,
        where: Array | None = None,
        **options: Any,
    ) -> Array:
        factors = [0.5**i for i in range(len(logits))] if weights is None else weights
        if not logits or len(factors) != len(logits):
            raise ValueError(
                f"deep supervision got {len(logits)} score maps and {len(factors)} "
                "weights: one weight for each of at least one map"
            )
        terms = []
        for factor, scores in zip(factors, logits, strict=True):
            pixels = scores.shape[:-1]
            mask = jnp.ones(pixels_of(labels), bool) if where is None else where
            coarse, mask = coarsen(labels, mask, pixels)
            term = loss(scores, coarse, where=mask, **options)
            terms.append(factor * term)
        return sum(terms[1:], terms[0]) / sum(factors)

    return mean_loss


def pixels_of(labels: Array) -> tuple[int, ...]:
    """Shape of the pixels of class ids ``[...]`` or targets ``[..., C]``."""
    return labels.shape if is_hard(labels) else labels.shape[:-1]


def coarsen(labels: Array, where: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Labels and mask at the resolution `shape`, see `deep_supervision`.

    Args:
      labels: ``[...]`` class ids or ``[..., C]`` targets.
      where: ``[...]`` bool.
      shape: of the coarse pixels; each axis divides that of `where`.
    """
    steps = _steps(where.shape, shape)
    if is_hard(labels):
        middles = tuple(slice(step // 2, None, step) for step in steps)
        return labels[middles], where[middles]
    blocks = [size for pair in zip(shape, steps, strict=True) for size in pair]
    inner = tuple(range(1, 2 * len(shape), 2))
    kept = jnp.where(where[..., None], widen(labels), 0)
    total = jnp.sum(kept.reshape(*blocks, labels.shape[-1]), axis=inner)
    count = jnp.sum(where.reshape(blocks), axis=inner, dtype=total.dtype)
    return safe_ratio(total, count[..., None], 0), count > 0


def _steps(fine: tuple[int, ...], coarse: tuple[int, ...]) -> list[int]:
    if len(fine) != len(coarse) or any(
        f % c for f, c in zip(fine, coarse, strict=True)
    ):
        raise ValueError(
            f"a score map of pixels {coarse} is not a whole number of times coarser "
            f"than labels of pixels {fine}"
        )
    return [f // c for f, c in zip(fine, coarse, strict=True)]
