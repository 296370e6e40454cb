"""The boundary loss as its authors released it: github.com/LIVIAETS/boundary-loss."""

import jax.numpy as jnp
from jax import Array


def level_set(inside: Array, outside: Array) -> Array:
    """The released signed distance: one less deep inside than the distance itself.

    Printed (Ma 2021, after eq. (19)): -D inside. With voxels that are not cubes the one
    is not a voxel, and the border is not at 0. An absent class has phi = 0 everywhere.
    The loss itself is the mean of phi p over pixels and the classes chosen, that of
    `jaxseg.losses.as_released.ma.boundary_loss`.

    Args:
      inside: distance of each pixel of the object to the rest, else 0.
      outside: distance of each other pixel to the object, else 0.
    """
    return outside - jnp.where(inside > 0, inside - 1, 0)
