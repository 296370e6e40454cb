"""Opening images as they are meant to be seen, and resizing images and class ids."""

import io
import struct
import threading
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from jaxseg.errors import UserError

VOID = 255
"""Class id of pixels that belong to no class and count in nothing."""

IMAGE_SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".pgm", ".ppm",
)  # fmt: skip
FORMATS = {
    "PNG": (".png",), "JPEG": (".jpg", ".jpeg"), "MPO": (".jpg", ".jpeg"),
    "TIFF": (".tif", ".tiff"), "BMP": (".bmp",), "GIF": (".gif",), "WEBP": (".webp",),
    "PPM": (".pgm", ".ppm"),
}  # fmt: skip
"""What is opened, by Pillow's name, and what files of it are called. Pillow knows more,
some of which start other programs."""
OPENED = [kind for kind in FORMATS if kind != "MPO"]  # which is opened as JPEG
MAX_PIXELS = 2**30
"""Pixels that an image may have: 32,768 square."""
RAWMODE = "rawmode"
"""Key of an image's `info`: how its pixels are stored, for example "L;2"."""
_GREY = ("1", "L", "LA", "La")
_ORIENTATION = 0x0112  # the tag of EXIF
_limit = threading.Lock()


def read_image(path: Path, channels: int | None = None) -> np.ndarray:
    """Pixels of an 8-bit image, ``[H, W, C]`` uint8.

    Turned as its EXIF orientation says; transparent pixels are black.

    Args:
      path: a file of one of `IMAGE_SUFFIXES`.
      channels: 1 for grey, 3 for colour, converted if need be; None as stored.

    Raises:
      UserError: the file is no image, is damaged or has more than 8 bits.
    """
    image = open_image(path)
    if image.mode.startswith(("I", "F")):
        raise UserError(
            f"{path} holds {image.mode.replace(';', '')} values (more than 8 bits); "
            "images need 8: scale its values to 0 ... 255 and save it again"
        )
    stored = 1 if image.mode in _GREY else 3
    mode = "L" if (channels or stored) == 1 else "RGB"
    pixels = np.asarray(remove_alpha(image).convert(mode))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def open_image(path: Path) -> Image.Image:
    """The image of a file, upright: turned as its EXIF orientation says.

    Raises:
      UserError: the file is no image, is damaged, is larger than `MAX_PIXELS`, holds
        several pictures, or more than 8 bits for each of several channels.
    """
    try:
        image = _open_any_size(path)
        image.info[RAWMODE] = _require_readable(path, image)
        _open_any_size(
            path
        ).verify()  # checksums of PNG, which reading does not look at
        ImageOps.exif_transpose(image, in_place=True)  # loads it
        return image
    except UnidentifiedImageError as error:
        raise UserError(f"{path} is not an image that can be read") from error
    except (
        EOFError,
        OSError,
        SyntaxError,
        ValueError,
        struct.error,
        Image.DecompressionBombError,
    ) as error:
        raise UserError(f"{path} cannot be read as an image: {error}") from error


def orientation(path: Path) -> int:
    """The EXIF orientation of an image, 1 where it is upright as stored."""
    with _open_any_size(path) as image:
        return image.getexif().get(_ORIENTATION, 1)


def remarks_on(path: Path) -> tuple[str, ...]:
    """What is worth knowing of how an image is stored: turned, transparent."""
    remarks = []
    if orientation(path) != 1:
        remarks.append("turned as their EXIF orientation says; masks must be, too")
    with _open_any_size(path) as image:
        if image.has_transparency_data:
            low, _ = image.convert("RGBA").getchannel("A").getextrema()
            if low != 255:
                remarks.append("partly transparent, and black there")
    return tuple(remarks)


def _open_any_size(path: Path) -> Image.Image:
    """The image of a file, not loaded yet and of any size."""
    with _limit:
        # Pillow refuses large images of strangers; these are the user's own.
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(io.BytesIO(path.read_bytes()), formats=OPENED)
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _require_readable(path: Path, image: Image.Image) -> str:
    """How pixels are stored, as Pillow writes it, for example "L;2"."""
    kind = str(image.format)
    if path.suffix.lower() not in FORMATS[kind]:
        raise UserError(
            f"{path} holds a {kind} image, which its name does not say: a file of that "
            f"kind ends in {' or '.join(FORMATS[kind])}"
        )
    if image.width * image.height > MAX_PIXELS:
        raise UserError(
            f"{path} is {image.width}x{image.height} pixels, more than {MAX_PIXELS}: "
            "cut it into tiles"
        )
    count = getattr(image, "n_frames", 1)
    if count > 1 and image.format != "MPO":  # photographs with a preview behind
        raise UserError(f"{path} holds {count} pictures; save each in its own file")
    tiles = getattr(image, "tile", None)
    stored = tiles[0].args if tiles else ""
    stored = str(stored[0] if isinstance(stored, tuple) else stored)
    if stored.startswith(("LA;16", "RGB;16", "RGBA;16", "RGBX;16")):
        raise UserError(
            f"{path} has 16 bits a channel, of which only the upper 8 would be read; "
            "save it with 8 bits a channel"
        )
    return stored


def remove_alpha(image: Image.Image) -> Image.Image:
    """The image on black: what is transparent shows no hidden colour."""
    if not image.has_transparency_data:
        return image
    black = Image.new("RGBA", image.size, (0, 0, 0, 255))
    black.alpha_composite(image.convert("RGBA"))
    return black.convert("L" if image.mode in _GREY else "RGB")


def resize_image(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`pixels` ``[H, W, C]`` at another (height, width), by an antialiased triangle.

    They are uint8, or float32 such as probabilities.
    """
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
