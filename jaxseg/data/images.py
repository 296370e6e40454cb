"""Reading and resizing images and masks of class ids."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from jaxseg.errors import UserError

VOID = 255
"""Mask value of pixels that belong to no class and count in nothing."""

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
MASK_SUFFIX = ".png"


def read_image(path: Path, channels: int | None = None) -> np.ndarray:
    """Pixels of an 8-bit image, ``[H, W, C]`` uint8.

    Args:
      path: a PNG or JPEG file.
      channels: 1 for grey, 3 for colour, converted if need be; None as stored.

    Raises:
      UserError: the file is no image, is damaged or has more than 8 bits.
    """
    image = _opened(path)
    if image.mode.startswith(("I", "F")):
        raise UserError(f"{path} has mode {image.mode}; images need 8 bits")
    stored = 1 if image.mode in ("1", "L", "LA") else 3
    mode = "L" if (channels or stored) == 1 else "RGB"
    pixels = np.asarray(image.convert(mode))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def read_mask(path: Path) -> np.ndarray:
    """Class ids of an 8-bit one-channel mask, ``[H, W]`` uint8; 255 is void.

    Raises:
      UserError: the file is no image, is damaged, or has several channels.
    """
    image = _opened(path)
    if image.mode not in ("L", "P", "1"):
        raise UserError(
            f"{path} has mode {image.mode}; a mask is one channel of 8-bit class ids"
        )
    return np.asarray(image).astype(np.uint8)


def _opened(path: Path) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(path.read_bytes()))
        image.load()
    except UnidentifiedImageError as error:
        raise UserError(f"{path} is not an image that can be read") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{path} cannot be read as an image: {error}") from error
    return image


def resize_image(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`pixels` ``[H, W, C]`` at another (height, width), by an antialiased triangle."""
    if pixels.shape[:2] == size:
        return pixels
    height, width = size
    planes = [
        np.asarray(
            Image.fromarray(pixels[..., c]).resize(
                (width, height), Image.Resampling.BILINEAR
            )
        )
        for c in range(pixels.shape[-1])
    ]
    return np.stack(planes, axis=-1)


def resize_mask(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`mask` ``[H, W]`` at another (height, width), by nearest neighbour."""
    if mask.shape == size:
        return mask
    height, width = size
    resized = Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(resized)
