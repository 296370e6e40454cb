"""A loss under examination, and the small images it is examined on."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg import links
from jaxseg.links import Link
from jaxseg.losses import CATALOG
from theory.engines.masks import all_pairs

GRID = 2, 3
PIXELS = GRID[0] * GRID[1]
WIDE = 4, 8
"""A larger grid, with room for small objects."""
CERTAIN = 30.0
"""Margin of a certain score: its probability is within 1e-13 of 0 or 1."""
BATCH = 1024


@dataclasses.dataclass(frozen=True)
class Subject:
    """A loss by name.

    Attributes:
      name: of the loss.
      loss: of scores ``[1, H, W, C]`` and labels, with `link`.
    """

    name: str
    loss: Callable[..., Array]

    def values(
        self, scores: np.ndarray, labels: np.ndarray, link: Link = links.softmax
    ) -> np.ndarray:
        """Values ``[N]`` of images ``[N, H, W, C]`` and labels, in float64."""
        return self.slopes(scores, labels, link)[0]

    def slopes(
        self, scores: np.ndarray, labels: np.ndarray, link: Link = links.softmax
    ) -> tuple[np.ndarray, np.ndarray]:
        """Values ``[N]`` and gradients ``[N, H, W, C]`` in the scores."""
        return self._run(scores, labels, link)

    def _run(self, scores, labels, link):
        call = _compiled(self.loss, link)
        count = len(scores)
        values, slopes = [], []
        with jax.enable_x64():
            for start in range(0, count, BATCH):
                part = slice(start, start + BATCH)
                padded = _padded(scores[part]), _padded(labels[part])
                value, slope = call(*map(jnp.asarray, padded))
                values.append(np.asarray(value))
                slopes.append(np.asarray(slope))
        return np.concatenate(values)[:count], np.concatenate(slopes)[:count]


def _padded(part: np.ndarray) -> np.ndarray:
    """One size for all batches, so that they share a program."""
    if len(part) == BATCH:
        return part
    return np.concatenate([part, np.repeat(part[:1], BATCH - len(part), axis=0)])


@functools.cache
def _compiled(loss: Callable[..., Array], link: Link):
    def of_one(scores: Array, labels: Array) -> Array:
        return loss(scores[None], labels[None], link=link)

    return jax.jit(jax.vmap(jax.value_and_grad(of_one)))


@functools.cache
def catalog_subject(name: str) -> Subject:
    """A loss of the catalog at its defaults, in the middle of training."""
    return Subject(name, CATALOG[name].loss)


def scores_of(foreground: np.ndarray, margin: float = CERTAIN) -> np.ndarray:
    """Scores ``[..., 2]`` that are `margin` sure of a mask of ids ``[...]``."""
    signed = margin * (np.asarray(foreground, float) - 0.5)
    return np.stack([-signed, signed], axis=-1)


@functools.cache
def pairs() -> tuple[np.ndarray, np.ndarray]:
    """All predicted and true masks of the grid, ``[4096, 2, 3]`` ids each."""
    predicted, actual = all_pairs(PIXELS)
    return predicted.reshape(-1, *GRID), actual.reshape(-1, *GRID)


def draws(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random scores ``[count, 2, 3, 2]``, at scales from 0.1 to 30, and masks.

    Each mask has both classes, its foreground any share of the image.
    """
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.uniform(-1, 1.5, size=(count, 1, 1, 1))
    scores = scale * rng.standard_normal((count, *GRID, 2))
    sizes = rng.integers(1, PIXELS, size=(count, 1))
    ranks = np.argsort(np.argsort(rng.random((count, PIXELS)), axis=1), axis=1)
    labels = (ranks < sizes).astype(int)
    return scores, labels.reshape(count, *GRID)


def near_truth(labels: np.ndarray, seed: int) -> np.ndarray:
    """Random scores ``[N, H, W, 2]``, right about masks more or less surely."""
    rng = np.random.default_rng(seed)
    shape = (len(labels), 1, 1, 1)
    margin, noise = rng.uniform(1, 16, shape), 10.0 ** rng.uniform(-1, 0.5, shape)
    drift = noise * rng.standard_normal((*labels.shape, 2))
    return scores_of(labels, 1.0) * margin + drift
