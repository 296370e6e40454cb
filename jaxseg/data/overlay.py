"""Outlines of classes drawn onto an image."""

import numpy as np

# Okabe and Ito's colours, told apart by colour-blind readers; black is background.
PALETTE = np.array(
    [
        (0, 0, 0),
        (86, 180, 233),
        (230, 159, 0),
        (0, 158, 115),
        (240, 228, 66),
        (0, 114, 178),
        (213, 94, 0),
        (204, 121, 167),
    ],
    np.uint8,
)


def class_colours(ids: np.ndarray) -> np.ndarray:
    """RGB uint8 of class ids; ids past the palette go round it without black."""
    return PALETTE[np.where(ids == 0, 0, (ids - 1) % (len(PALETTE) - 1) + 1)]


def outline(mask: np.ndarray, width: int = 1) -> np.ndarray:
    """Where a foreground class of `mask` ``[H, W]`` borders on another: bool."""
    padded = np.pad(mask, width, mode="edge")
    height, length = mask.shape
    edge = np.zeros(mask.shape, bool)
    for down in range(2 * width + 1):
        for right in range(2 * width + 1):
            edge |= padded[down : down + height, right : right + length] != mask
    return edge & (mask != 0)


def _grown(region: np.ndarray, width: int) -> np.ndarray:
    """`region` and all pixels within `width` of it, diagonals included."""
    height, length = region.shape
    padded = np.pad(region, width)
    grown = region.copy()
    for down in range(2 * width + 1):
        for right in range(2 * width + 1):
            grown |= padded[down : down + height, right : right + length]
    return grown


def overlay(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`image` ``[H, W, C]`` uint8 as RGB with the outlines of `mask` in colour.

    Lines are wider on larger images and edged in black, to be seen on any tissue.
    """
    drawn = np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image.copy()
    width = max(1, round(min(mask.shape) / 160))
    line = outline(mask, width)
    drawn[_grown(line, max(1, width // 2)) & ~line] = 0
    drawn[line] = class_colours(mask[line].astype(int))
    return drawn
