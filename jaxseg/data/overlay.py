"""Outlines of classes drawn onto an image."""

import numpy as np

# Okabe and Ito's colours, told apart by colour-blind readers; black is background.
PALETTE = np.array(
    [
        (0, 0, 0),
        (230, 159, 0),
        (86, 180, 233),
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


def overlay(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`image` ``[H, W, C]`` uint8 as RGB with the outlines of `mask` in colour."""
    drawn = np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image.copy()
    edge = outline(mask)
    drawn[edge] = class_colours(mask[edge].astype(int))
    return drawn
