"""Ground truth with more to it than one class a pixel: regions, and parts of it alone.

Regions are sets of classes that may overlap, such as the whole tumour and its core:
each is a yes/no question under a sigmoid. A partly annotated image is one whose
ground truth leaves some classes out: nobody looked for them, and where they are the
labels say background.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg import links
from jaxseg.losses.protocol import Loss
from jaxseg.numerics import pool, safe_ratio, widen
from jaxseg.targets import as_class_weights, region_targets

NEVER = -1e4
"""Score of a class that is not asked for: its softmax is 0 exactly."""


def merged_background(logits: Array, annotated: Array) -> Array:
    r"""Scores in which classes that nobody looked for belong to the background.

    .. math:: s'_0 = \log \sum_{c = 0 \text{ or not annotated}} e^{s_c}

    so that the softmax of the result gives the background the probability of "none of
    the annotated classes", and a class that is not annotated exactly 0. How the
    probability of the background divides among these classes changes nothing.

    Example:
      >>> logits = jnp.zeros((1, 1, 3))
      >>> merged = merged_background(logits, jnp.array([[True, True, False]]))
      >>> print(jax.nn.softmax(merged)[0, 0].round(4))
      [0.6667 0.3333 0.    ]

    Args:
      logits: ``[B, ..., C]`` scores of exclusive classes, 0 the background.
      annotated: ``[B, C]`` bool, False for classes that an image's labels leave out;
        that of class 0 is not looked at.

    Returns:
      Scores of the shape of `logits`, float32 or wider.

    Raises:
      ValueError: the shapes disagree.

    Source: the marginal loss of Shi 2021 (arXiv:2007.03868), for cross-entropy the
    target adaptive loss of Fang 2020 (arXiv:2001.00208); Shi's exclusion loss is not
    part of it.
    """
    scores = widen(logits)
    asked = _by_image(annotated, logits)
    classes = jnp.arange(logits.shape[-1]).reshape((1,) * (logits.ndim - 1) + (-1,))
    rest = (classes == 0) | ~asked
    background = jax.nn.logsumexp(
        jnp.where(rest, scores, -jnp.inf), axis=-1, keepdims=True
    )
    others = jnp.where(rest, jnp.asarray(NEVER, scores.dtype), scores)
    return jnp.where(classes == 0, background, others)


def partly_annotated(loss: Loss) -> Callable[..., Array]:
    """`loss` for images of which some leave classes out of their ground truth.

    The result takes one more argument, ``annotated`` ``[B, C]`` bool. Classes that an
    image leaves out count as its background, see `merged_background`; a class that no
    image of the pool has annotated is left out of means over classes. Where all are
    annotated it is `loss`.

    Example:
      >>> from jaxseg.losses import cross_entropy_loss
      >>> scores, ids = jnp.log(jnp.array([[[0.5, 0.2, 0.3]]])), jnp.array([[0]])
      >>> loss = partly_annotated(cross_entropy_loss)
      >>> value = loss(scores, ids, annotated=jnp.array([[True, True, False]]))
      >>> bool(abs(value + jnp.log(0.5 + 0.3)) < 1e-6)
      True

    Args:
      loss: of exclusive classes, by `links.softmax`.

    Returns:
      A function of (logits ``[B, ..., C]``, labels, annotated=...) and what `loss`
      takes to a scalar.
    """

    @functools.wraps(loss)
    def of_annotated(
        logits: Array,
        labels: Array,
        *,
        annotated: Array | None = None,
        class_weights: ArrayLike | None = None,
        axis_name: str | None = None,
        **options: Any,
    ) -> Array:
        if annotated is None:
            return loss(
                logits,
                labels,
                class_weights=class_weights,
                axis_name=axis_name,
                **options,
            )
        scores = merged_background(logits, annotated)
        known = _known(annotated, axis_name).at[0].set(True)
        weights = as_class_weights(class_weights, scores)
        known = known.astype(scores.dtype)
        weights = known if weights is None else weights * known
        return loss(
            scores, labels, class_weights=weights, axis_name=axis_name, **options
        )

    return of_annotated


def per_region(loss: Loss, regions: Sequence[Sequence[int]]) -> Callable[..., Array]:
    """The mean over regions of `loss` of each as a yes/no question under a sigmoid.

    The result takes scores ``[B, ..., R]`` and the labels of the classes that regions
    are made of. Its ``class_weights`` ``[R]`` are the weights of the mean, and its
    ``annotated`` ``[B, R]`` bool tells which regions an image's labels know of: of a
    region the pixels of other images do not count, and one that no image knows is left
    out of the mean. With `dice_loss` it is the mean Dice of the regions, and with
    `cross_entropy_loss` the mean of their binary cross-entropies, as in nnU-Net.

    Example:
      >>> from jaxseg.losses import dice_loss
      >>> ids = jnp.array([[0, 1, 2, 2]])
      >>> loss = per_region(dice_loss, [(1, 2), (2,)])  # whole and core
      >>> scores = jnp.array([[[-99.0, -99], [99, -99], [99, 99], [99, -99]]])
      >>> round(float(loss(scores, ids)), 4)
      0.1667

    Args:
      loss: that takes one class under `links.sigmoid`.
      regions: ids of the classes of each region.
    """
    members = tuple(map(tuple, regions))

    @functools.wraps(loss)
    def mean_loss(
        logits: Array,
        labels: Array,
        *,
        annotated: Array | None = None,
        class_weights: ArrayLike | None = None,
        where: Array | None = None,
        axis_name: str | None = None,
        **options: Any,
    ) -> Array:
        if logits.shape[-1] != len(members):
            raise ValueError(
                f"logits {logits.shape} have one score for each of the {len(members)} "
                "regions"
            )
        targets = region_targets(labels, members)
        counted = jnp.ones(logits.shape[:-1], bool) if where is None else where
        counted = jnp.broadcast_to(counted[..., None], logits.shape)
        weights = as_class_weights(class_weights, logits)
        if weights is None:
            weights = jnp.ones(len(members), widen(logits).dtype)
        if annotated is not None:
            counted &= _by_image(annotated, logits)
            weights = weights * _known(annotated, axis_name).astype(weights.dtype)

        def of_region(scores: Array, share: Array, where: Array) -> Array:
            return loss(
                scores[..., None],
                share[..., None],
                link=links.sigmoid,
                where=where,
                axis_name=axis_name,
                **options,
            )

        losses = jax.vmap(of_region, in_axes=-1)(logits, targets, counted)
        return safe_ratio(jnp.sum(weights * losses), jnp.sum(weights), 0)

    return mean_loss


def _by_image(annotated: Array, logits: Array) -> Array:
    """``[B, C]`` bool against scores ``[B, ..., C]``."""
    annotated = jnp.asarray(annotated)
    wanted = (logits.shape[0], logits.shape[-1])
    if annotated.shape != wanted or annotated.dtype != jnp.bool_ or logits.ndim < 2:
        raise ValueError(
            f"annotated is a bool array {wanted}, images and classes of logits "
            f"{logits.shape}, not {annotated.dtype} {annotated.shape}"
        )
    middle = (1,) * (logits.ndim - 2)
    return annotated.reshape(wanted[0], *middle, wanted[1])


def _known(annotated: Array, axis_name: str | None) -> Array:
    """``[C]`` bool: whether some image of the pool has a class annotated."""
    return pool(jnp.sum(jnp.asarray(annotated), axis=0), axis_name) > 0
