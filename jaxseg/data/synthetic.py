"""Synthetic lesions, made on the device: the data set that is always at hand."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jax import Array

from jaxseg.data.batch import Batch


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lesions:
    """Grey images of textured tissue with blob-shaped lesions.

    Attributes:
      size: (height, width) of an image in pixels.
      num_classes: background and num_classes - 1 kinds of lesion, one of each kind per
        image, told apart by brightness.
      foreground_share: share of the pixels that the lesions of an image cover
        together, exact up to rounding and to lesions that hide each other.
      lesion_free: probability of an image without any lesion.
      contrast: how far the first kind stands out from the tissue, whose texture has
        standard deviation 1.
      noise: standard deviation of white noise.
    """

    size: tuple[int, int] = (64, 64)
    num_classes: int = 2
    foreground_share: float = 0.08
    lesion_free: float = 0.2
    contrast: float = 3.0
    noise: float = 0.5

    def __post_init__(self):
        """Refuses settings that make no image.

        Raises:
          ValueError: a share or probability out of range, or fewer than two classes.
        """
        if self.num_classes < 2:
            raise ValueError(f"num_classes is {self.num_classes}, not at least 2")
        if not 0 < self.foreground_share < 1:
            raise ValueError(
                f"foreground_share is {self.foreground_share}, not between 0 and 1"
            )
        if not 0 <= self.lesion_free <= 1:
            raise ValueError(f"lesion_free is {self.lesion_free}, not in [0, 1]")


@functools.partial(jax.jit, static_argnums=(1, 2))
def make_batch(key: Array, batch_size: int, settings: Lesions) -> Batch:
    """`batch_size` independent images with their masks."""
    keys = jax.random.split(key, batch_size)
    images, labels = jax.vmap(lambda key: make_image(key, settings))(keys)
    real = jnp.ones(batch_size, bool)
    return Batch(images, labels, real, jnp.arange(batch_size, dtype=jnp.int32))


def make_image(key: Array, settings: Lesions) -> tuple[Array, Array]:
    """One image ``[H, W, 1]`` in [0, 1] and its labels ``[H, W]`` int32.

    The tissue is smooth noise with a bright distractor of another sharpness, a thin
    line, so that brightness alone does not give a lesion away.
    """
    height, width = settings.size
    tissue_key, noise_key, free_key, line_key, *lesion_keys = jax.random.split(
        key, 4 + settings.num_classes - 1
    )
    image = _smooth_noise(tissue_key, settings.size, coarse=8)
    image += settings.contrast * _line(line_key, settings.size)
    labels = jnp.zeros(settings.size, jnp.int32)
    each = settings.foreground_share / (settings.num_classes - 1)
    sick = ~jax.random.bernoulli(free_key, settings.lesion_free)
    for kind, lesion_key in enumerate(lesion_keys, start=1):
        inside = _blob(lesion_key, settings.size, round(each * height * width)) & sick
        sign = 1 if kind % 2 else -1  # bright, dark, brighter, darker, ...
        level = sign * settings.contrast * (kind + 1) // 2
        image = jnp.where(inside, 0.5 * image + level, image)
        labels = jnp.where(inside, kind, labels)
    image += settings.noise * jax.random.normal(noise_key, settings.size)
    low, high = -2 * settings.contrast, 2 * settings.contrast
    return jnp.clip((image - low) / (high - low), 0, 1)[..., None], labels


def _smooth_noise(key: Array, size: tuple[int, int], coarse: int) -> Array:
    """Cubic interpolation of white noise on a grid of `coarse` points a side."""
    return jax.image.resize(jax.random.normal(key, (coarse, coarse)), size, "cubic")


def _grid(size: tuple[int, int]) -> tuple[Array, Array]:
    height, width = size
    down, right = (jnp.arange(height) + 0.5) / height, (jnp.arange(width) + 0.5) / width
    rows, columns = jnp.meshgrid(down, right, indexing="ij")
    return rows, columns


def _line(key: Array, size: tuple[int, int]) -> Array:
    """A bright line, two pixels wide, in a random direction."""
    rows, columns = _grid(size)
    angle, offset = jax.random.uniform(key, (2,), minval=jnp.array([0.0, 0.3]),
                                       maxval=jnp.array([jnp.pi, 0.7]))  # fmt: skip
    across = (rows - offset) * jnp.cos(angle) + (columns - offset) * jnp.sin(angle)
    return (jnp.abs(across) < 1.0 / max(size)).astype(jnp.float32)


def _blob(key: Array, size: tuple[int, int], pixels: int) -> Array:
    """``[H, W]`` bool: `pixels` pixels nearest to a point in a wobbly metric."""
    centre_key, wobble_key, axis_key = jax.random.split(key, 3)
    rows, columns = _grid(size)
    centre = jax.random.uniform(centre_key, (2,), minval=0.2, maxval=0.8)
    stretch = jnp.exp(0.4 * jax.random.uniform(axis_key, minval=-1.0, maxval=1.0))
    down, right = (rows - centre[0]) * stretch, (columns - centre[1]) / stretch
    angle = jnp.arctan2(down, right)
    amplitudes = 0.15 * jax.random.normal(wobble_key, (3, 2))
    waves = jnp.arange(2, 5, dtype=jnp.float32)[:, None, None] * angle[None]
    wobble = jnp.sum(
        amplitudes[:, :1, None] * jnp.cos(waves)
        + amplitudes[:, 1:, None] * jnp.sin(waves),
        axis=0,
    )
    distance = jnp.hypot(down, right) * jnp.exp(wobble)
    order = jnp.argsort(distance.ravel())
    rank = jnp.zeros_like(order).at[order].set(jnp.arange(order.size))
    return rank.reshape(size) < pixels
