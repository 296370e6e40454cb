"""How sharp a trained network's loss is: the outer eigenvalues of its Hessian.

Lanczos' method of SciPy on products of the Hessian with vectors, so that no matrix is
ever stored; likewise for the Gauss-Newton part, which leaves the curvature of the
network itself out and is what is left where the network fits its data.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree
from scipy.sparse.linalg import LinearOperator, eigsh

from jaxseg.data.batch import Batch, counted_pixels, unit_images
from jaxseg.training.step import Objective

Tree = Any
Product = Callable[[Array], Array]
"""A vector ``[N]`` to the product of a symmetric matrix with it."""

TOLERANCE: Any = 1e-3
"""Relative error of an eigenvalue; weights are float32."""


def hessian_product(loss: Callable[[Array], Array], weights: Array) -> Product:
    """Products with the Hessian of `loss` at `weights` ``[N]``.

    Reverse over reverse, which convolutions with rules of their own allow.
    """
    slope = jax.grad(loss)
    return lambda way: jax.grad(lambda x: jnp.sum(slope(x) * way))(weights)


def gauss_newton_product(
    network: Callable[[Array], Array], loss: Callable[[Array], Array], weights: Array
) -> Product:
    """Products with J^T H J, J the network's Jacobian and H the Hessian in its scores.

    Non-negative where the loss is convex in the scores, as cross-entropy is.
    """
    scores, pull = jax.vjp(network, weights)

    def product(way: Array) -> Array:
        # The pull is linear: its transpose is J, also of rules that know reverse alone.
        _, push = jax.vjp(lambda slope: pull(slope)[0], jnp.zeros_like(scores))
        return pull(hessian_product(loss, scores)(push(way)[0]))[0]

    return product


class _Products(LinearOperator):
    """A product as SciPy takes it."""

    def __init__(self, product: Product, size: int) -> None:
        super().__init__(np.float64, (size, size))
        self._product = jax.jit(product)

    def _matvec(self, x: np.ndarray) -> np.ndarray:
        way = jnp.asarray(x.ravel(), jnp.float32)
        return np.asarray(self._product(way), np.float64)


def outer_eigenvalues(product: Product, size: int, count: int) -> np.ndarray:
    """The `count` eigenvalues of largest size, from the largest down.

    Raises:
      scipy.sparse.linalg.ArpackNoConvergence: too many are too close to each other.
    """
    operator = _Products(product, size)
    start = np.random.default_rng(0).standard_normal(size)
    found = eigsh(
        operator, k=count, which="LM", v0=start, tol=TOLERANCE,
        return_eigenvectors=False,
    )  # fmt: skip
    return np.sort(found)[::-1]


@dataclasses.dataclass(frozen=True)
class Spectrum:
    """Outer eigenvalues at a trained network, each from the largest down.

    Attributes:
      hessian: ``[K]`` of the loss in the weights.
      gauss_newton: ``[K]`` of its Gauss-Newton part.
    """

    hessian: np.ndarray
    gauss_newton: np.ndarray


def compute_spectrum(
    objective: Objective, variables: Tree, batch: Batch, *, count: int
) -> Spectrum:
    """Of the loss at the end of a run, without augmentation, over one batch."""
    images = objective.prepare(unit_images(batch))
    ids, where = jnp.asarray(batch.labels).astype(jnp.int32), counted_pixels(batch)
    loss_at_end = objective.loss_at(1.0)
    weights, unravel = ravel_pytree(variables["params"])

    def network(weights: Array) -> Array:
        return objective.apply({**variables, "params": unravel(weights)}, images)

    def loss(scores: Array) -> Array:
        return loss_at_end(scores, ids, where=where)

    products = (
        hessian_product(lambda weights: loss(network(weights)), weights),
        gauss_newton_product(network, loss, weights),
    )
    count = min(count, weights.size - 1)
    return Spectrum(*(outer_eigenvalues(p, weights.size, count) for p in products))
