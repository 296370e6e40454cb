"""A penalty on classes that touch where they never do, such as organs apart."""

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.links import Link, softmax
from jaxseg.losses.boxes import box_sums
from jaxseg.losses.images import image_loss, mean_of_devices
from jaxseg.numerics import keep, pooled_count, safe_ratio
from jaxseg.targets import as_class_weights, as_pixels


@image_loss
def adjacency_loss(
    logits: Array,
    labels: Array,
    *,
    allowed: ArrayLike | None = None,
    spatial: int | None = None,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""How much each two classes touch in a prediction that must not touch.

    .. math:: \sum_{c \ne d} (1 - A_{cd}) \frac1N \sum_i p_{ic} \frac1{|B|}
        \sum_{j \in B(i)} p_{jd}

    B is the box of 3 x 3 x ... pixels around a pixel, itself included, and A is 1 where
    two classes may touch. It says nothing of where classes are: a term beside another
    loss. Soft labels have the classes above one half, and p = t is no minimiser then.

    Example:
      >>> apart, labels = jnp.zeros((3, 3), bool), jnp.array([0, 0, 1, 1, 2, 2])
      >>> touching = 9.0 * jnp.eye(3)[jnp.array([0, 0, 1, 2, 0, 0])]  # 2 beside 0
      >>> print(f"{adjacency_loss(touching, labels):.3f}")
      0.111
      >>> print(f"{adjacency_loss(touching, labels, allowed=~apart):.3f}")
      0.000

    Args:
      logits: ``[..., C]`` scores of one image; of a batch with `spatial`.
      allowed: ``[C, C]`` which classes may touch (``[2, 2]``, background first, for
        C = 1), such as those that do in any image of a training set; the diagonal does
        not matter. None allows those that touch in the labels of the image.
      spatial: how many axes an image has; more leading axes are images, over whose
        losses the mean is taken. None for one image of up to two axes.
      class_weights: ``[C]``; two classes weigh the product of theirs.
      axis_name: mapped axis; the mean over the images of its devices, each whole on
        one.

    Returns:
      Scalar in [0, 1], float32 or wider; 0 where no pixel counts.

    Raises:
      ValueError: nobody says whether more than two axes are one image, or allowed has
        another shape.

    Source: Ganaye 2018 and 2019 (NonAdjLoss), which Ma 2021, section 2.5, names; with
    the box of 3 x 3 of released code, which is filled up with zeros at the border and
    counts the pixel itself, and no weight that is tuned while a network trains.
    """
    del spatial  # image_loss has split the batch
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    weights = as_class_weights(class_weights, logits)
    weights = jnp.ones(scores.shape[-1]) if weights is None else weights
    weights = weights.astype(scores.dtype)
    probs = link(scores)
    if scores.shape[-1] == 1:
        probs = jnp.concatenate([1 - probs, probs], axis=-1)
        targets = jnp.concatenate([1 - targets, targets], axis=-1)
        weights = jnp.concatenate([jnp.ones_like(weights), weights])
    classes = probs.shape[-1]
    if allowed is None:
        inside = lax.stop_gradient(targets > 0.5).astype(probs.dtype)
        touch = contacts(keep(inside, where)) > 0
        unknown = jnp.where(jnp.any(jnp.isnan(targets)), jnp.nan, 0)
    else:
        touch, unknown = jnp.asarray(allowed).astype(bool), jnp.zeros(())
        if touch.shape != (classes, classes):
            raise ValueError(
                f"allowed has the shape ({classes}, {classes}) of pairs of classes, "
                f"not {touch.shape}"
            )
    banned = jnp.where(touch | jnp.eye(classes, dtype=bool), 0, 1).astype(probs.dtype)
    banned = banned * weights[:, None] * weights[None]
    total = jnp.sum(banned * contacts(keep(probs, where)))
    loss = safe_ratio(total, pooled_count(scores, where, None), 0)
    loss = loss + unknown.astype(loss.dtype)
    return mean_of_devices(loss, where, axis_name)


def contacts(shares: Array) -> Array:
    """Sums over pixels of one class's share times the mean of the other's around it.

    Args:
      shares: ``[*size, C]``, 0 where a pixel does not count.

    Returns:
      ``[C, C]``, symmetric.

    Example:
      >>> (3 * contacts(jnp.eye(3)[jnp.array([0, 0, 1, 2])])).round().tolist()
      [[4.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
    """
    around = box_sums(shares) / 3 ** (shares.ndim - 1)
    classes = shares.shape[-1]
    rows, near = (x.reshape(-1, classes) for x in (shares, around))
    return jnp.matmul(rows.T, near, precision=lax.Precision.HIGHEST)
