"""Random augmentation on the device: mirroring, warping and intensity."""

import dataclasses
import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.ndimage import map_coordinates

_THICK = 3.0
_COARSE = 4
GREY = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in the grey of a colour (ITU-R BT.601)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How far an image or volume may be changed; ranges are drawn from uniformly.

    Attributes:
      flip_rows: mirror along the first axis with probability 1/2.
      flip_columns: mirror along the second axis with probability 1/2.
      flip_slices: mirror along the third axis, if there is one, likewise.
      rotation_degrees: rotate by up to this much either way, a volume about each axis.
      scale: zoom by a factor between 1 / (1 + scale) and 1 + scale, log-uniform.
      smallest_zoom: lower end of that range; None is 1 / (1 + scale).
      translation: move along each axis by up to this share of its length either way;
        axes beyond those named stay.
      one_move: rotate, zoom or translate, one of the three at random.
      deformation: standard deviation, in pixels, of the displacement of each of 4
        control points an axis, with cubic interpolation between.
      contrast: multiply deviations from the mean by 1 - contrast to 1 + contrast.
      brightness: add up to this much either way, in units of the image.
      gamma: raise intensities, brought to [0, 1] for it, to a power between
        1 / (1 + gamma) and 1 + gamma, log-uniform.
      saturation: multiply the distances of colours from their grey by 1 - saturation to
        1 + saturation; images that have not three channels stay.
      noise: add Gaussian noise of a standard deviation from 0 to this, in units of the
        image, drawn for each.
      spacing: size of a voxel along each axis, for rotations; None if all are equal.
        Where one axis is over three times as coarse as another, a volume is rotated
        about that axis alone.
    """

    flip_rows: bool = False
    flip_columns: bool = False
    flip_slices: bool = False
    rotation_degrees: float = 0.0
    scale: float = 0.0
    smallest_zoom: float | None = None
    translation: tuple[float, ...] = ()
    one_move: bool = False
    deformation: float = 0.0
    contrast: float = 0.0
    brightness: float = 0.0
    gamma: float = 0.0
    saturation: float = 0.0
    noise: float = 0.0
    spacing: tuple[float, ...] | None = None


AUGMENTATIONS = {
    "none": Augmentation(),
    "mirror": Augmentation(flip_columns=True, contrast=0.2, brightness=0.1),
    "full": Augmentation(
        flip_rows=True,
        flip_columns=True,
        flip_slices=True,
        rotation_degrees=45.0,
        scale=0.25,
        contrast=0.25,
        brightness=0.1,
    ),
    "volume": Augmentation(
        flip_rows=True,
        flip_columns=True,
        flip_slices=True,
        rotation_degrees=20.0,
        scale=0.25,
        deformation=1.0,
        contrast=0.25,
        brightness=0.1,
        gamma=0.3,
    ),
    "galdran": Augmentation(
        flip_rows=True,
        flip_columns=True,
        rotation_degrees=15.0,
        scale=0.2,
        smallest_zoom=0.95,
        translation=(0.0, 0.05),
        one_move=True,
        contrast=0.1,
        brightness=0.1,
        saturation=0.1,
    ),
    "noisy": Augmentation(
        flip_columns=True,
        rotation_degrees=10.0,
        translation=(0.1, 0.1),
        noise=0.05,
    ),
}
AUGMENTATIONS["unmirrored"] = dataclasses.replace(
    AUGMENTATIONS["volume"], flip_rows=False, flip_columns=False, flip_slices=False
)
"""By the name on the command line.

"mirror" suits scenes with an up and a down, "volume" is the list of Ma 2021, section
3.2, and "unmirrored" the same for structures that differ by their side, such as the
front and the back of the hippocampus. "galdran" has the ranges that Galdran 2022
released (lesion_losses_ood at 0abbc8a, without its hue of 0.01), and "noisy" the kinds
of Eelbode 2020, section V-A: noise, lateral flips and rigid motion, whose ranges the
paper does not print and which are ours.
"""


def augment(
    key: Array, image: Array, labels: Array, settings: Augmentation
) -> tuple[Array, Array]:
    """One image and its labels, changed alike at random; what is outside is mirrored.

    Args:
      key: PRNG key; equal keys give equal changes.
      image: ``[H, W, C]`` or ``[X, Y, Z, C]``, sampled linearly.
      labels: ``[H, W]`` or ``[X, Y, Z]`` class ids, sampled by nearest neighbour, void
        included; or floating shares ``[..., classes]``, sampled linearly.
      settings: how far to go.

    Returns:
      Image and labels of the same shapes and dtypes.
    """
    if dataclasses.replace(settings, spacing=None) == Augmentation():
        return image, labels
    keys = jax.random.split(key, 6)
    shape = image.shape[:-1]
    rank, soft = len(shape), labels.ndim > len(shape)
    flips = jax.random.bernoulli(keys[0], shape=(rank,))
    allowed = (settings.flip_rows, settings.flip_columns, settings.flip_slices)
    signs = jnp.where(flips & jnp.array(allowed[:rank]), -1.0, 1.0)
    if _moves(settings):
        turn, zoom, shift = _motion(keys[1], keys[2], shape, settings)
        matrix = turn * (signs / zoom)[None, :]
        grid = _grid(keys[5], shape, matrix, shift, settings)
        image, labels = _sample(image, grid, 1), _sample(labels, grid, int(soft))
    else:
        image, labels = (_flip(x, signs) for x in (image, labels))
    return _recolour(keys[3], keys[4], image, settings), labels


def _moves(settings: Augmentation) -> bool:
    """Whether pixels come to lie between pixels."""
    zooms = settings.scale or settings.smallest_zoom is not None
    turns = settings.rotation_degrees or settings.deformation
    return bool(turns or zooms or any(settings.translation))


def _motion(
    turn_key: Array, zoom_key: Array, shape: Sequence[int], settings: Augmentation
) -> tuple[Array, Array, Array]:
    """Rotation ``[rank, rank]``, zoom and translation ``[rank]`` in pixels."""
    rank = len(shape)
    turn = _rotation(turn_key, rank, settings)
    reach = jnp.log1p(settings.scale)
    smallest = settings.smallest_zoom
    low = -reach if smallest is None else jnp.log(smallest)
    zoom = jnp.exp(jax.random.uniform(zoom_key, minval=low, maxval=reach))
    shares = (*settings.translation, *(0.0 for _ in shape))[:rank]
    far = jnp.array([share * n for share, n in zip(shares, shape, strict=True)])
    key = jax.random.fold_in(turn_key, 1)
    shift = far * jax.random.uniform(key, (rank,), minval=-1.0, maxval=1.0)
    if not settings.one_move:
        return turn, zoom, shift
    chosen = jax.random.randint(jax.random.fold_in(turn_key, 2), (), 0, 3)
    return (
        jnp.where(chosen == 0, turn, jnp.eye(rank)),
        jnp.where(chosen == 1, zoom, 1.0),
        jnp.where(chosen == 2, shift, 0.0),
    )


def _recolour(
    gain_key: Array, shift_key: Array, image: Array, settings: Augmentation
) -> Array:
    """Contrast, brightness, saturation, gamma and noise, in this order."""
    mean = jnp.mean(image)
    low, high = 1 - settings.contrast, 1 + settings.contrast
    gain = jax.random.uniform(gain_key, minval=low, maxval=high)
    shift = settings.brightness * jax.random.uniform(shift_key, minval=-1.0, maxval=1.0)
    out = (image - mean) * gain + mean + shift
    if settings.saturation and image.shape[-1] == len(GREY):
        low, high = 1 - settings.saturation, 1 + settings.saturation
        key = jax.random.fold_in(gain_key, 2)
        grey = jnp.tensordot(out, jnp.array(GREY, out.dtype), 1)[..., None]
        out = grey + (out - grey) * jax.random.uniform(key, minval=low, maxval=high)
    if settings.gamma:
        reach = jnp.log1p(settings.gamma)
        key = jax.random.fold_in(gain_key, 1)
        power = jnp.exp(jax.random.uniform(key, minval=-reach, maxval=reach))
        least, extent = jnp.min(out), jnp.maximum(jnp.ptp(out), 1e-6)
        out = ((out - least) / extent) ** power * extent + least
    if settings.noise:
        size_key, key = jax.random.split(jax.random.fold_in(gain_key, 3))
        size = settings.noise * jax.random.uniform(size_key)
        out = out + size * jax.random.normal(key, out.shape, out.dtype)
    return out.astype(image.dtype)


def _flip(array: Array, signs: Array) -> Array:
    for axis in range(signs.size):
        array = jnp.where(signs[axis] < 0, jnp.flip(array, axis), array)
    return array


def _rotation(key: Array, rank: int, settings: Augmentation) -> Array:
    """``[rank, rank]`` random rotation, in pixels: of a volume about its three axes."""
    spacing = np.ones(rank) if settings.spacing is None else np.array(settings.spacing)
    radians = jnp.deg2rad(settings.rotation_degrees)
    planes = list(itertools.combinations(range(rank), 2))
    if spacing.max() > _THICK * spacing.min():
        planes = [tuple(np.sort(np.argsort(spacing)[:2]).tolist())]
    shape = () if rank == 2 else (len(planes),)
    angles = jax.random.uniform(key, shape, minval=-radians, maxval=radians)
    turn = jnp.eye(rank)
    for angle, (one, two) in zip(jnp.atleast_1d(angles), planes, strict=True):
        cosine, sine = jnp.cos(angle), jnp.sin(angle)
        plane = jnp.eye(rank)
        plane = plane.at[one, one].set(cosine).at[two, two].set(cosine)
        turn = turn @ plane.at[one, two].set(-sine).at[two, one].set(sine)
    return turn * (spacing[None, :] / spacing[:, None])


def _grid(
    key: Array,
    shape: Sequence[int],
    matrix: Array,
    shift: Array,
    settings: Augmentation,
) -> list[Array]:
    """Where each pixel of the result is taken from, one array per axis."""
    centres = [(size - 1) / 2 for size in shape]
    axes = [jnp.arange(n) - c for n, c in zip(shape, centres, strict=True)]
    offsets = jnp.meshgrid(*axes, indexing="ij")
    places = jnp.tensordot(matrix, jnp.stack(offsets), 1)
    grid = [place + centre for place, centre in zip(places, centres, strict=True)]
    if any(settings.translation):
        grid = [place - move for place, move in zip(grid, shift, strict=True)]
    if settings.deformation:
        coarse = (len(shape), *(_COARSE for _ in shape))
        points = settings.deformation * jax.random.normal(key, coarse)
        moves = jax.image.resize(points, (len(shape), *shape), "cubic")
        grid = [place + move for place, move in zip(grid, moves, strict=True)]
    return grid


def _sample(array: Array, grid: list[Array], order: int) -> Array:
    """The array, with or without channels, at the places of the grid."""
    if order == 0:
        ids = array.astype(jnp.int32)
        return map_coordinates(ids, grid, order=0, mode="mirror").astype(array.dtype)
    return jax.vmap(
        lambda plane: map_coordinates(plane, grid, order=1, mode="mirror"), -1, -1
    )(array).astype(array.dtype)
