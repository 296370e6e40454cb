"""Random augmentation on the device: flips, rotation, scale and intensity."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.ndimage import map_coordinates


@dataclasses.dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How far an image may be changed; each range is drawn from uniformly.

    Attributes:
      flip_rows: mirror top to bottom with probability 1/2.
      flip_columns: mirror left to right with probability 1/2.
      rotation_degrees: rotate by up to this much either way.
      scale: zoom by a factor between 1 / (1 + scale) and 1 + scale, log-uniform.
      contrast: multiply deviations from the mean by 1 - contrast to 1 + contrast.
      brightness: add up to this much either way; the image's range is 1.
    """

    flip_rows: bool = False
    flip_columns: bool = False
    rotation_degrees: float = 0.0
    scale: float = 0.0
    contrast: float = 0.0
    brightness: float = 0.0


AUGMENTATIONS = {
    "none": Augmentation(),
    "mirror": Augmentation(flip_columns=True, contrast=0.2, brightness=0.1),
    "full": Augmentation(
        flip_rows=True,
        flip_columns=True,
        rotation_degrees=45.0,
        scale=0.25,
        contrast=0.25,
        brightness=0.1,
    ),
}
"""By the name on the command line; "mirror" suits scenes with an up and a down."""


def augment(
    key: Array, image: Array, labels: Array, settings: Augmentation
) -> tuple[Array, Array]:
    """One image and its labels, changed alike at random; what is outside is mirrored.

    Args:
      key: PRNG key; equal keys give equal changes.
      image: ``[H, W, C]`` in [0, 1], sampled bilinearly.
      labels: ``[H, W]`` class ids, sampled by nearest neighbour, void included.
      settings: how far to go.

    Returns:
      Image and labels of the same shapes and dtypes.
    """
    if settings == Augmentation():
        return image, labels
    keys = jax.random.split(key, 6)
    flips = jax.random.bernoulli(keys[0], shape=(2,))
    allowed = jnp.array([settings.flip_rows, settings.flip_columns])
    signs = jnp.where(flips & allowed, -1.0, 1.0)
    radians = jnp.deg2rad(settings.rotation_degrees)
    angle = jax.random.uniform(keys[1], minval=-radians, maxval=radians)
    reach = jnp.log1p(settings.scale)
    zoom = jnp.exp(jax.random.uniform(keys[2], minval=-reach, maxval=reach))
    if settings.rotation_degrees or settings.scale:
        image, labels = _warp(image, labels, signs, angle, zoom)
    else:
        image, labels = (_flip(x, signs) for x in (image, labels))
    mean = jnp.mean(image)
    low, high = 1 - settings.contrast, 1 + settings.contrast
    gain = jax.random.uniform(keys[3], minval=low, maxval=high)
    shift = settings.brightness * jax.random.uniform(keys[4], minval=-1.0, maxval=1.0)
    return ((image - mean) * gain + mean + shift).astype(image.dtype), labels


def _flip(array: Array, signs: Array) -> Array:
    array = jnp.where(signs[0] < 0, array[::-1], array)
    return jnp.where(signs[1] < 0, array[:, ::-1], array)


def _warp(
    image: Array, labels: Array, signs: Array, angle: Array, zoom: Array
) -> tuple[Array, Array]:
    """Samples both at the rotated, scaled and mirrored grid about the centre."""
    height, width = labels.shape
    centre = jnp.array([(height - 1) / 2, (width - 1) / 2])
    rows, columns = jnp.meshgrid(
        jnp.arange(height) - centre[0], jnp.arange(width) - centre[1], indexing="ij"
    )
    rows, columns = rows * signs[0] / zoom, columns * signs[1] / zoom
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    grid = [
        cosine * rows - sine * columns + centre[0],
        sine * rows + cosine * columns + centre[1],
    ]
    warped = jax.vmap(
        lambda plane: map_coordinates(plane, grid, order=1, mode="mirror"), -1, -1
    )(image)
    ids = labels.astype(jnp.int32)
    moved = map_coordinates(ids, grid, order=0, mode="mirror")
    return warped.astype(image.dtype), moved.astype(labels.dtype)
