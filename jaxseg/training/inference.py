"""From images of any size to probabilities and masks, by one network or several."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from jaxseg.data.images import resize_image
from jaxseg.data.intensity import standardize
from jaxseg.training.sources import Example, Examples
from jaxseg.training.step import Apply
from jaxseg.training.thresholds import most_probable
from jaxseg.training.window import Forward, mirrored, windowed

CHUNK = 8
"""Whole images at a time."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Member:
    """A trained network, alone or one of several that are asked together.

    Attributes:
      apply: the network.
      params: its parameters.
      size: of the images that it was trained on.
    """

    apply: Apply
    params: Any
    size: tuple[int, ...]


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


@functools.lru_cache(maxsize=8)
def probabilities_of(apply: Apply) -> Callable[..., jax.Array]:
    """A network's probabilities, compiled once however often it is asked."""
    return jax.jit(lambda params, images: jax.nn.softmax(apply(params, images), -1))


def forward(member: Member) -> Forward:
    """The network as a compiled function of standardised images to probabilities."""
    probabilities = probabilities_of(member.apply)
    return lambda images: np.asarray(probabilities(member.params, images))


def predictor(
    member: Member, how: Inference = PLAIN
) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    """A function of images to probabilities at the images' own sizes.

    It takes up to `CHUNK` images ``[H, W, C]`` uint8 and returns for each ``[H, W,
    classes]`` float32.
    """
    run = forward(member)
    if how.mirror:
        run = mirrored(run)
    if how.window is None:
        return lambda images: _resized(run, images, member.size)
    window = how.window

    def by_windows(images: list[np.ndarray]) -> list[np.ndarray]:
        return [
            windowed(run, _unit(image), window, overlap=how.overlap) for image in images
        ]

    return by_windows


def _unit(pixels: np.ndarray) -> np.ndarray:
    """Pixels ``[..., H, W, C]`` from 0 to 255 as the network sees them."""
    return np.asarray(standardize(jnp.asarray(pixels, jnp.float32) / 255))


def _resized(
    run: Forward, images: list[np.ndarray], size: tuple[int, ...]
) -> list[np.ndarray]:
    height, width = size
    inputs = np.stack([resize_image(image, (height, width)) for image in images])
    missing = CHUNK - len(images)
    inputs = np.pad(inputs, [(0, missing), (0, 0), (0, 0), (0, 0)])
    return [
        _resize_planes(probs, image.shape[:2])
        for probs, image in zip(run(_unit(inputs)), images, strict=False)
    ]


def _resize_planes(planes: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """``[h, w, K]`` float32 at another (height, width)."""
    height, width = size
    if planes.shape[:2] == (height, width):
        return planes
    resized = [
        np.asarray(
            Image.fromarray(planes[..., k]).resize(
                (width, height), Image.Resampling.BILINEAR
            )
        )
        for k in range(planes.shape[-1])
    ]
    return np.stack(resized, axis=-1)


def ensemble_probabilities(
    members: Sequence[Member], cases: Examples, how: Inference = PLAIN
) -> Iterator[tuple[Example, np.ndarray]]:
    """Each case with the members' mean probabilities ``[H, W, classes]`` float32."""
    predictors = [predictor(member, how) for member in members]
    for start in range(0, len(cases), CHUNK):
        chunk = [cases[i] for i in range(start, min(start + CHUNK, len(cases)))]
        images = [example.image for example in chunk]
        of_members = [predict(images) for predict in predictors]
        for example, *probs in zip(chunk, *of_members, strict=True):
            yield example, np.mean(np.stack(probs), axis=0)


def predict_probabilities(
    apply: Apply, params: Any, size: tuple[int, ...], cases: Examples
) -> Iterator[tuple[Example, np.ndarray]]:
    """Each case with the probabilities ``[H, W, classes]`` of one network."""
    member = Member(apply=apply, params=params, size=size)
    return ensemble_probabilities([member], cases)


def predict_masks(
    apply: Apply, params: Any, size: tuple[int, ...], cases: Examples
) -> Iterator[tuple[Example, np.ndarray]]:
    """Each case with its mask ``[H, W]`` uint8 of the most probable class."""
    for example, probs in predict_probabilities(apply, params, size, cases):
        yield example, most_probable(probs)
