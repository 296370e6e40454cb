"""Images of any size through a network that takes one size: overlapping windows."""

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

Forward = Callable[[np.ndarray], np.ndarray]
"""``[B, *size, C]`` images to ``[B, *size, classes]`` probabilities, float32."""
BATCH = 4
"""Windows at a time."""


def starts(size: int, window: int, overlap: float) -> list[int]:
    """Where windows begin along an axis: evenly, from its start to its end.

    Neighbours share at least the fraction `overlap` of their length.

    Args:
      size: of the axis, >= window.
      window: its length, >= 1.
      overlap: in [0, 1).
    """
    step = max(int(window * (1 - overlap)), 1)
    count = -(-(size - window) // step) + 1
    return [round(k * (size - window) / max(count - 1, 1)) for k in range(count)]


@functools.cache
def gaussian_weights(window: tuple[int, ...]) -> np.ndarray:
    """``[*window]`` float32 weights, largest at the middle.

    The standard deviation is an eighth of the window, as in Isensee 2021, so that they
    fall to no less than exp(-8) along an axis: a pixel that only a corner covers is
    defined.
    """
    weights = np.ones(window, np.float64)
    for axis, length in enumerate(window):
        along = (np.arange(length) - (length - 1) / 2) / (length / 8)
        shape = [1] * len(window)
        shape[axis] = length
        weights = weights * np.exp(-0.5 * along**2).reshape(shape)
    return weights.astype(np.float32)


def predict_by_windows(
    forward: Forward,
    image: np.ndarray,
    window: Sequence[int],
    *,
    overlap: float = 0.5,
    batch: int = BATCH,
) -> np.ndarray:
    """Probabilities of an image from windows over it, weighted towards their middle.

    The network sees `batch` windows at a time, always as many, so that it is compiled
    once and takes the same memory for an image of any size.

    Args:
      forward: the network.
      image: ``[*size, C]``; where it is shorter than the window it is mirrored beyond
        its ends.
      window: length along each axis of `size`.
      overlap: least share of a window that its neighbour covers too, in [0, 1).
      batch: windows at a time, >= 1.

    Returns:
      ``[*size, classes]`` float32: sums to one over classes if those of windows do.

    Raises:
      ValueError: the window does not fit the image's axes, or the overlap is not in
        [0, 1).
    """
    size, window = image.shape[:-1], tuple(window)
    if len(window) != len(size) or min(window) < 1:
        raise ValueError(f"a window {window} does not fit an image of size {size}")
    if not 0 <= overlap < 1:
        raise ValueError(f"overlap must lie in [0, 1), not {overlap}")
    missing = [max(w - n, 0) for n, w in zip(size, window, strict=True)]
    before = [m // 2 for m in missing]
    widths = [(b, m - b) for b, m in zip(before, missing, strict=True)]
    if any(missing):
        image = np.pad(image, [*widths, (0, 0)], mode="symmetric")
    places = itertools.product(
        *(starts(n, w, overlap) for n, w in zip(image.shape[:-1], window, strict=True))
    )
    weights = gaussian_weights(window)
    covered = np.zeros(image.shape[:-1], np.float32)
    total: np.ndarray | None = None
    for group in _groups(places, batch):
        slices = [
            tuple(slice(s, s + w) for s, w in zip(place, window, strict=True))
            for place in group
        ]
        views = [image[place] for place in slices]
        views += views[-1:] * (batch - len(views))
        probs = forward(np.stack(views))
        if total is None:
            total = np.zeros((*image.shape[:-1], probs.shape[-1]), np.float32)
        for place, prob in zip(slices, probs, strict=False):
            total[place] += weights[..., None] * prob
            covered[place] += weights
    assert total is not None
    total /= covered[..., None]
    return total[tuple(slice(b, b + n) for b, n in zip(before, size, strict=True))]


def _groups(items: Iterator, size: int) -> Iterator[tuple]:
    while group := tuple(itertools.islice(items, size)):
        yield group


def mirror(forward: Forward) -> Forward:
    """The mean over all ways to flip the spatial axes, each flipped back.

    A network that does not care about flips gives what it gave without.
    """

    def mean(images: np.ndarray) -> np.ndarray:
        axes = range(1, images.ndim - 1)
        ways = [
            way for n in range(len(axes) + 1) for way in itertools.combinations(axes, n)
        ]
        total = np.zeros((), np.float32)
        for way in ways:
            total = total + np.flip(forward(np.flip(images, way)), way)
        return total / math.prod([2] * len(axes))

    return mean
