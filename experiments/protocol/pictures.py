"""Small pictures of cases that rows carry, for sheets in reports."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from jaxseg.training.sources import Example

PICTURES = ("image", "mask")
LONGEST = 160
"""Pixels of the longer side."""
QUALITY = 80


def pictures_of(case: Example, mask: np.ndarray, keep: Sequence[str]) -> dict[str, str]:
    """The kept pictures of an image, base64: a JPEG, and a PNG of class ids.

    Args:
      case: an image, not a volume.
      mask: ``[H, W]`` class ids.
      keep: of `PICTURES`.
    """
    kept: dict[str, str] = {}
    if "image" in keep:
        pixels = case.image[..., 0] if case.image.shape[-1] == 1 else case.image
        small = _fit(Image.fromarray(pixels), Image.Resampling.BILINEAR)
        kept["image"] = _encode(small, "JPEG", quality=QUALITY)
    if "mask" in keep:
        ids = Image.fromarray(mask.astype(np.uint8))
        kept["mask"] = _encode(_fit(ids, Image.Resampling.NEAREST), "PNG")
    return kept


def _fit(image: Image.Image, how: Image.Resampling) -> Image.Image:
    scale = LONGEST / max(image.size)
    if scale >= 1:
        return image
    width, height = (max(1, round(scale * n)) for n in image.size)
    return image.resize((width, height), how)


def _encode(image: Image.Image, form: str, **options: int) -> str:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return base64.b64encode(buffer.getvalue()).decode()
