"""From images of any size to masks of class ids."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from PIL import Image

from jaxseg.data.images import resize_image
from jaxseg.data.intensity import standardize
from jaxseg.training.sources import Example, Examples
from jaxseg.training.step import Apply

CHUNK = 8


def predictor(
    apply: Apply, size: tuple[int, int]
) -> Callable[[Any, list[np.ndarray]], list[np.ndarray]]:
    """A function of (params, images) to probabilities at the images' own sizes.

    It takes up to `CHUNK` images ``[H, W, C]`` uint8, resizes them to `size`, and
    returns for each ``[H, W, classes]`` float32, resized back bilinearly.
    """

    @jax.jit
    def probabilities(params: Any, images: jax.Array) -> jax.Array:
        inputs = standardize(images.astype(np.float32) / 255)
        return jax.nn.softmax(apply(params, inputs), axis=-1)

    def predict(params: Any, images: list[np.ndarray]) -> list[np.ndarray]:
        inputs = np.stack([resize_image(image, size) for image in images])
        missing = CHUNK - len(images)
        inputs = np.pad(inputs, [(0, missing), (0, 0), (0, 0), (0, 0)])
        outputs = np.asarray(probabilities(params, inputs))
        return [
            _resize_planes(probs, image.shape[:2])
            for probs, image in zip(outputs, images, strict=False)
        ]

    return predict


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


def predict_probabilities(
    apply: Apply, params: Any, size: tuple[int, int], cases: Examples
) -> Iterator[tuple[Example, np.ndarray]]:
    """Each case with its probabilities ``[H, W, classes]`` float32."""
    predict = predictor(apply, size)
    for start in range(0, len(cases), CHUNK):
        chunk = [cases[i] for i in range(start, min(start + CHUNK, len(cases)))]
        probs = predict(params, [example.image for example in chunk])
        yield from zip(chunk, probs, strict=True)


def predict_masks(
    apply: Apply, params: Any, size: tuple[int, int], cases: Examples
) -> Iterator[tuple[Example, np.ndarray]]:
    """Each case with its mask ``[H, W]`` uint8 of the most probable class."""
    for example, probs in predict_probabilities(apply, params, size, cases):
        yield example, most_probable(probs)


def most_probable(probs: np.ndarray) -> np.ndarray:
    """Mask ``[...]`` uint8 of the most probable class of ``[..., classes]``."""
    return probs.argmax(-1).astype(np.uint8)
