"""From images of any size to probabilities and masks, by one network or several."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg.data.images import resize_image
from jaxseg.data.intensity import standardize
from jaxseg.links import Link, softmax
from jaxseg.training.sources import Example, Examples
from jaxseg.training.step import Apply
from jaxseg.training.window import Forward, mirror, predict_by_windows

CHUNK = 8
"""Whole images at a time."""


Predictor = Callable[[list[Example]], list[np.ndarray]]
"""Up to `CHUNK` cases to the probabilities ``[*size, classes]`` float32 of each."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inference:
    """How a network is used.

    Attributes:
      window: length along each axis of windows over images at their own size; None
        resizes whole images to the size of training and the probabilities back.
      overlap: least share of a window that its neighbour covers too, in [0, 1).
      mirror: whether to average over all flips of the image.
    """

    window: tuple[int, ...] | None = None
    overlap: float = 0.5
    mirror: bool = False


PLAIN = Inference()


def forward(
    apply: Apply, variables: Any, how: Inference = PLAIN, link: Link = softmax
) -> Forward:
    """The network as a compiled function of what it sees to probabilities."""

    def run(images: np.ndarray) -> np.ndarray:
        return np.asarray(_probabilities(apply, link, variables, images))

    return mirror(run) if how.mirror else run


@functools.partial(jax.jit, static_argnums=(0, 1))
def _probabilities(
    apply: Apply, link: Link, variables: Any, images: jax.Array
) -> jax.Array:
    return link(apply(variables, images))


def image_predictor(
    apply: Apply,
    variables: Any,
    size: tuple[int, ...],
    how: Inference = PLAIN,
    prepare: Callable[[jax.Array], jax.Array] = standardize,
    link: Link = softmax,
) -> Predictor:
    """Probabilities of images ``[H, W, C]`` uint8, at their own sizes.

    Args:
      apply: the network.
      variables: what it is used with, its parameters among them.
      size: (height, width) of the images that it was trained on.
      how: it is used.
      prepare: images in [0, 1] to its input.
      link: its scores to probabilities.
    """
    run, window = forward(apply, variables, how, link), how.window

    def seen(pixels: np.ndarray) -> np.ndarray:
        return np.asarray(prepare(jnp.asarray(pixels, jnp.float32) / 255))

    def whole(cases: list[Example]) -> list[np.ndarray]:
        images = [case.image for case in cases]
        probs = run(seen(_resize(images, size)))
        return [
            resize_image(planes, image.shape[:2])
            for planes, image in zip(probs, images, strict=False)
        ]

    def by_windows(cases: list[Example]) -> list[np.ndarray]:
        assert window is not None
        return [
            predict_by_windows(run, seen(case.image), window, overlap=how.overlap)
            for case in cases
        ]

    return whole if window is None else by_windows


def _resize(images: list[np.ndarray], size: tuple[int, ...]) -> np.ndarray:
    """The images at one size, and empty ones up to `CHUNK`."""
    height, width = size
    inputs = np.stack([resize_image(image, (height, width)) for image in images])
    return np.pad(inputs, [(0, CHUNK - len(images)), (0, 0), (0, 0), (0, 0)])


def mean_probabilities(
    predictors: Sequence[Predictor], cases: Examples, *, at_a_time: int = CHUNK
) -> Iterator[tuple[Example, np.ndarray]]:
    """Each case with the mean of the predictors' probabilities.

    Args:
      predictors: one network each, >= 1.
      cases: read `at_a_time`, which is at most `CHUNK`.
      at_a_time: 1 holds a single case in memory.
    """
    for start in range(0, len(cases), at_a_time):
        stop = min(start + at_a_time, len(cases))
        chunk = [cases[i] for i in range(start, stop)]
        totals = predictors[0](chunk)
        for predict in predictors[1:]:
            more = predict(chunk)
            totals = [a + b for a, b in zip(totals, more, strict=True)]
        for case, total in zip(chunk, totals, strict=True):
            yield case, total / len(predictors)
