"""What a hard mask may look like, and the counts of two of them."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg.counts import SoftCounts
from jaxseg.numerics import is_numpy, is_traced


def as_mask(mask: Any) -> Any:
    """A mask as a bool array, NumPy's if it is one, else JAX's.

    Args:
      mask: ``[...]`` bool, or known integers 0 and 1.

    Raises:
      ValueError: it holds anything else: probabilities, grey levels such as 255, ids of
        several classes, or numbers that are traced and so cannot be looked at.
    """
    mask = np.asarray(mask) if is_numpy(mask) else jnp.asarray(mask)
    if mask.dtype == bool:
        return mask
    if jnp.issubdtype(mask.dtype, jnp.integer) and not is_traced(mask):
        strange = np.asarray((mask != 0) & (mask != 1))
        if not strange.any():
            return mask == 1
        found = f"{mask.dtype} with the value {np.asarray(mask)[strange][0]}"
    else:
        found = f"{'traced ' if is_traced(mask) else ''}{mask.dtype}"
    raise ValueError(
        f"a mask is bool, or holds 0 and 1 alone, not {found}: say which pixels are "
        "inside, as in mask > 0, mask == 2 or probability > 0.5"
    )


def as_masks(predicted: Any, actual: Any) -> tuple[Any, Any]:
    """Two masks of one image, of one shape, and of JAX if one of them is.

    Raises:
      ValueError: as `as_mask`, or their shapes differ.
    """
    predicted, actual = as_mask(predicted), as_mask(actual)
    check_one_shape(predicted, actual)
    if is_numpy(predicted) and is_numpy(actual):
        return predicted, actual
    return jnp.asarray(predicted), jnp.asarray(actual)


def as_class_ids(ids: Any) -> Any:
    """Class ids, NumPy's or JAX's; bool is classes 0 and 1.

    Raises:
      ValueError: they are not whole numbers, such as probabilities.
    """
    ids = np.asarray(ids) if is_numpy(ids) else jnp.asarray(ids)
    if ids.dtype != bool and not jnp.issubdtype(ids.dtype, jnp.integer):
        raise ValueError(
            f"a mask of classes holds whole numbers, their ids, not {ids.dtype}: take "
            "the class of probabilities by argmax(-1) or a threshold"
        )
    return ids


def check_one_shape(predicted: Any, actual: Any) -> None:
    """Raises ValueError unless both masks have one shape."""
    if predicted.shape != actual.shape:
        raise ValueError(
            "predicted and actual masks have one shape, not "
            f"{predicted.shape} and {actual.shape}"
        )


def counts_of_masks(predicted: Array, actual: Array) -> SoftCounts:
    """Counts of two bool masks, scalars: int32 of JAX's, float64 of NumPy's."""
    dtype = np.float64 if is_numpy(predicted) else jnp.int32
    hits, found, true = (
        mask.sum(dtype=dtype) for mask in (predicted & actual, predicted, actual)
    )
    return SoftCounts.of_sets(hits, found - hits, true - hits, predicted.size)
