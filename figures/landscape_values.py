"""Losses of a trained network around its weights, and between two networks."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg.counts import dice_index, soft_counts
from jaxseg.data.batch import Batch, counted_pixels, unit_images
from jaxseg.errors import UserError
from jaxseg.training.config import RunConfig
from jaxseg.training.sources import batches
from jaxseg.training.step import Objective

Tree = Any
Scores = Callable[[Array], tuple[Array, Array]]
"""Coordinates to the loss and the Dice coefficient of the masks."""


def filter_direction(key: Array, params: Tree) -> Tree:
    """A random direction in which every filter moves in proportion to its size.

    Entries are normal; each filter, a slice of the last axis, is then scaled to the
    norm of the network's own filter. Biases and scales of normalisation do not move.

    Source: Li 2018, arXiv:1712.09913, section 4.
    """
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(key, len(leaves))

    def one(key: Array, leaf: Array) -> Array:
        if leaf.ndim < 2:
            return jnp.zeros_like(leaf)
        noise = jax.random.normal(key, leaf.shape, leaf.dtype)
        axes = tuple(range(leaf.ndim - 1))
        wanted = jnp.sqrt(jnp.sum(jnp.square(leaf), axes, keepdims=True))
        found = jnp.sqrt(jnp.sum(jnp.square(noise), axes, keepdims=True))
        return noise * wanted / found

    moved = [one(key, leaf) for key, leaf in zip(keys, leaves, strict=True)]
    return jax.tree.unflatten(structure, moved)


def move_along(params: Tree, directions: Sequence[Tree]) -> Callable[[Array], Tree]:
    """Coordinates ``[D]`` to the weights that far along the directions."""

    def at(place: Array) -> Tree:
        moved = params
        for distance, direction in zip(place, directions, strict=True):
            moved = jax.tree.map(
                lambda x, d, distance=distance: x + distance * d, moved, direction
            )
        return moved

    return at


def difference(first: Tree, second: Tree) -> Tree:
    """What leads from the first network to the second.

    Raises:
      UserError: they are not of one kind.
    """
    shapes = [
        {jax.tree_util.keystr(path): leaf.shape for path, leaf in leaves}
        for leaves in map(jax.tree_util.tree_leaves_with_path, (first, second))
    ]
    if shapes[0] != shapes[1]:
        raise UserError(
            "--to: the two networks differ in size, so no line leads from one to the "
            "other"
        )
    return jax.tree.map(lambda a, b: b - a, first, second)


def some_images(config: RunConfig, count: int) -> Batch:
    """The first `count` training images of a run, without augmentation."""
    feed = itertools.islice(batches(config, 0), math.ceil(count / config.batch_size))
    parts = [jax.tree.map(np.asarray, batch) for batch in feed]
    whole = jax.tree.map(lambda *leaves: np.concatenate(leaves)[:count], *parts)
    return dataclasses.replace(whole, positions=np.arange(len(whole.real)))


def scores_of(
    objective: Objective, batch: Batch, at: Callable[[Array], Tree]
) -> Scores:
    """The loss and the mean Dice over foreground classes at places of a plane."""
    images = objective.prepare(unit_images(batch))
    loss = objective.loss_at(1.0)
    ids = jnp.asarray(batch.labels).astype(jnp.int32)
    where = counted_pixels(batch)

    def scores(place: Array) -> tuple[Array, Array]:
        logits = objective.apply(at(place), images)
        classes = logits.shape[-1]
        masks = jax.nn.one_hot(logits.argmax(-1), classes)
        truth = jax.nn.one_hot(jnp.where(where, ids, 0), classes)
        dice = dice_index(soft_counts(masks, truth, where))
        return loss(logits, ids, where=where), jnp.mean(dice[1:])

    return scores


def evaluate(
    scores: Scores, places: np.ndarray, *, chunk: int
) -> tuple[np.ndarray, np.ndarray]:
    """Loss ``[N]`` and Dice ``[N]`` at places ``[N, D]``, `chunk` at a time by vmap."""
    together = jax.jit(jax.vmap(scores))
    missing = -len(places) % chunk
    padded = np.concatenate([places, np.repeat(places[-1:], missing, axis=0)])
    found = [together(part) for part in np.split(padded, len(padded) // chunk)]
    losses, dice = (np.concatenate(column) for column in zip(*found, strict=True))
    return losses[: len(places)], dice[: len(places)]


@dataclasses.dataclass(frozen=True)
class Plane:
    """A loss around a trained network.

    Attributes:
      axis: ``[N]`` distances along both directions, in norms of the filters.
      losses: ``[N, N]``, rows by the second direction.
      dice: ``[N, N]`` of the masks.
    """

    axis: np.ndarray
    losses: np.ndarray
    dice: np.ndarray


def compute_plane(
    objective: Objective,
    params: Tree,
    batch: Batch,
    *,
    reach: float,
    points: int,
    seed: int = 0,
    chunk: int = 8,
) -> Plane:
    """Along two filter-normalised random directions; the loss at the run's end."""
    keys = jax.random.split(jax.random.key(seed))
    at = move_along(params, [filter_direction(key, params) for key in keys])
    axis = np.linspace(-reach, reach, points).astype(np.float32)
    places = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    scores = scores_of(objective, batch, at)
    losses, dice = evaluate(scores, places, chunk=chunk)
    return Plane(axis, losses.reshape(points, points), dice.reshape(points, points))


@dataclasses.dataclass(frozen=True)
class Line:
    """Losses on the line through two trained networks.

    Attributes:
      shares: ``[N]``, 0 at the first network and 1 at the second.
      losses: by name of the loss, ``[N]``.
      dice: ``[N]`` of the masks.
    """

    shares: np.ndarray
    losses: dict[str, np.ndarray]
    dice: np.ndarray


def compute_line(
    objectives: dict[str, Objective],
    first: Tree,
    second: Tree,
    batch: Batch,
    *,
    points: int,
    chunk: int = 8,
) -> Line:
    """A quarter of the way beyond both networks; the loss of each objective."""
    at = move_along(first, [difference(first, second)])
    shares = np.linspace(-0.25, 1.25, points).astype(np.float32)
    losses, dice = {}, np.zeros(points)
    for name, objective in objectives.items():
        scores = scores_of(objective, batch, at)
        losses[name], dice = evaluate(scores, shares[:, None], chunk=chunk)
    return Line(shares, losses, dice)
