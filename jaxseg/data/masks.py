"""Mask files as stored: numbers, palette indices or colours."""

import dataclasses
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from jaxseg.data.images import RAWMODE, open_image, remove_alpha
from jaxseg.errors import UserError

Kind = Literal["number", "index", "colour"]
MANY = 4096
"""Different values of one mask that are told apart; rarer ones are left out."""
NEAR = 0.01
"""How far a stored label may be from a whole number."""
_LOSSY = ("JPEG", "MPO", "WEBP")


@dataclasses.dataclass(frozen=True)
class StoredMask:
    """One mask file.

    Attributes:
      path: of the file.
      kind: what its values are.
      values: ``[H, W]`` or ``[X, Y, Z]`` integers; a colour is 0xRRGGBB.
      palette: ``[N]`` colours of the indices, if they are such.
      depth: bits of a number as stored; of less than 8 the values are the samples
        themselves, 0 to 2**depth - 1.
      lossy: whether compression has changed values.
    """

    path: Path
    kind: Kind
    values: np.ndarray
    palette: np.ndarray | None = None
    depth: int = 8
    lossy: bool = False


@dataclasses.dataclass(frozen=True)
class Values:
    """What values a mask holds.

    Attributes:
      mask: the file, without its values.
      values: ``[N]`` different values, ascending.
      counts: ``[N]`` pixels of each.
    """

    mask: StoredMask
    values: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, mask: StoredMask) -> "Values":
        """The values of a mask, the `MANY` most frequent ones."""
        values, counts = _unique(mask.values)
        if len(values) > MANY:
            keep = np.sort(np.argsort(counts, kind="stable")[-MANY:])
            values, counts = values[keep], counts[keep]
        return cls(dataclasses.replace(mask, values=values), values, counts)


def _unique(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flat = values.ravel()
    low, high = (int(flat.min()), int(flat.max())) if flat.size else (0, 0)
    if low >= 0 and high < 2**16:
        counts = np.bincount(flat, minlength=1)
        found = np.flatnonzero(counts)
        return found, counts[found]
    return np.unique(flat, return_counts=True)


def pack_colours(colours: np.ndarray) -> np.ndarray:
    """Colours ``[..., 3]`` uint8 as numbers 0xRRGGBB."""
    red, green, blue = np.moveaxis(colours.astype(np.int32), -1, 0)
    return red << 16 | green << 8 | blue


def unpack_colours(colours: np.ndarray) -> np.ndarray:
    """Numbers 0xRRGGBB as colours ``[..., 3]`` uint8."""
    shifts = np.array([16, 8, 0])
    return (np.asarray(colours)[..., None] >> shifts & 255).astype(np.uint8)


def is_grey(colours: np.ndarray) -> np.ndarray:
    """Where red, green and blue of numbers 0xRRGGBB are equal."""
    return colours == (colours & 255) * 0x010101


def read_stored_mask(path: Path) -> StoredMask:
    """A mask from an image file, turned as its EXIF orientation says.

    Colours that are all grey are numbers; transparent pixels are black.

    Raises:
      UserError: the file is no image, is damaged, or holds fractions.
    """
    image = open_image(path)
    lossy = image.format in _LOSSY
    if image.mode == "P":
        colours = np.zeros(256, np.int32)
        known = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        colours[: len(known)] = pack_colours(known)
        return StoredMask(path, "index", np.asarray(image), palette=colours)
    if image.mode in ("1", "L") and not lossy:
        depth = _depth(image)
        values = np.asarray(image).astype(np.uint8)
        if image.mode == "L" and depth < 8:  # Pillow spreads samples over 0 to 255
            values //= 255 // (2**depth - 1)
        return StoredMask(path, "number", values, depth=depth)
    if image.mode.startswith("I"):
        return StoredMask(path, "number", np.asarray(image), depth=16)
    if image.mode == "F":
        values = whole_numbers(path, np.asarray(image))
        return StoredMask(path, "number", values, depth=16)
    image = remove_alpha(image)
    if image.mode == "L":
        return StoredMask(path, "number", np.asarray(image), lossy=lossy)
    pixels = np.asarray(image.convert("RGB"))
    if lossy:  # grey but for what compression did to its colours
        spread = np.ptp(pixels.astype(np.int16), axis=-1)
        if np.percentile(spread, 99) <= 16:
            grey = np.asarray(image.convert("L"))
            return StoredMask(path, "number", grey, lossy=True)
    colours = pack_colours(pixels)
    if is_grey(colours).all():
        return StoredMask(path, "number", pixels[..., 0], lossy=lossy)
    return StoredMask(path, "colour", colours, lossy=lossy)


def _depth(image: Image.Image) -> int:
    if image.mode == "1":
        return 1
    return {"L;2": 2, "L;4": 4}.get(image.info[RAWMODE], 8)


def whole_numbers(path: Path, values: np.ndarray) -> np.ndarray:
    """Labels as integers, from any type; floats within `NEAR` of one are rounded.

    Raises:
      UserError: a value is none; the sentence names the file and the value.
    """
    if np.issubdtype(values.dtype, np.integer):
        return values
    near = np.rint(values)
    with np.errstate(invalid="ignore"):
        wrong = values[~(np.abs(values - near) <= NEAR)]
    if wrong.size:
        number = np.format_float_positional(wrong.flat[0], precision=6, trim="-")
        raise UserError(
            f"{path} holds the value {number}; labels are whole numbers (within "
            f"{NEAR:g}): resample them by nearest neighbour"
        )
    return near.astype(np.int64)
