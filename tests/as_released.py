"""Released beside printed values: the table of docs/as_released.md."""

import functools
from pathlib import Path
from typing import Any

import jax
import numpy as np
from scipy.ndimage import distance_transform_edt

from jaxseg import links
from jaxseg.losses.as_released import AS_RELEASED, Released

FILE = Path(__file__).parents[1] / "docs" / "as_released.md"

# Two images of 4 x 4 pixels. The first has five pixels of class 1, the second is all
# background; class 2 occurs in neither. Scores of each class are in halves.
IDS = np.array(
    [
        [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 1], [0, 0, 0, 0]],
        [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
    ]
)
HALVES = [
    [
        [[4, 3, 2, 5], [2, -1, 0, 3], [3, 0, -2, 2], [5, 1, 3, 4]],  # class 0
        [[-2, 0, 1, -3], [0, 3, 2, -1], [-1, 0, 4, 2], [-3, 2, -2, -1]],  # class 1
        [[-1, -2, 1, -2], [-3, 0, -1, -2], [0, 1, -3, -1], [-2, -2, -1, 0]],  # class 2
    ],
    [
        [[3, 5, 4, 2], [4, 1, 3, 3], [2, 0, 1, 4], [3, 4, 2, 5]],
        [[-3, -1, -2, 0], [-2, 2, -1, -3], [-1, 1, 0, -2], [0, -3, -1, -2]],
        [[0, -2, -1, -3], [-1, -2, -3, 0], [-2, 0, -1, -1], [-3, -2, 0, -1]],
    ],
]
LOGITS = np.moveaxis(np.array(HALVES, np.float64), 1, -1) / 2


def _inside(masks: np.ndarray) -> np.ndarray:
    """Distance of each True of ``[B, H, W, C]`` to the rest; 0 for empty and full."""
    found = np.zeros(masks.shape)
    for b in range(masks.shape[0]):
        for c in range(masks.shape[-1]):
            if masks[b, ..., c].any() and not masks[b, ..., c].all():
                found[b, ..., c] = distance_transform_edt(masks[b, ..., c])
    return found


def _near_the_border(distance: np.ndarray) -> np.ndarray:
    """The released penalty: 1 at the border, 0 deepest inside, per image."""
    most = distance.max(axis=(1, 2), keepdims=True)
    return np.where(distance > 0, (most - distance) / np.maximum(most, 1), 0)


def example_maps() -> dict[str, np.ndarray]:
    """The distance maps that some of the losses take, of the example."""
    truth = IDS[..., None] == np.arange(3)
    probs = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
    inside, outside = _inside(truth), _inside(~truth)
    lesion = (0, 1)  # the penalty is of foreground and background: classes 1 and 0
    return {
        "inside": inside,
        "outside": outside,
        "signed_distance": outside - np.where(inside > 1, inside, 0),
        "actual_distance": inside,
        "predicted_distance": _inside(probs > 0.5),
        "distance": sum(_near_the_border(inside[..., c]) for c in lesion),
    }


@functools.cache
def values() -> dict[str, tuple[float, float]]:
    """Printed and released loss of the example by name, in double precision.

    One program for all, which compiles in a fraction of the time of many.
    """

    def both(entry: Released, logits: jax.Array, ids: jax.Array, maps: dict) -> tuple:
        given = {name: maps[name] for name in entry.maps}
        if entry.binary:
            given["link"] = links.sigmoid
            logits, ids = logits[..., 1:2], (ids == 1).astype(ids.dtype)
        losses = (entry.printed_loss, entry.released_loss)
        return tuple(loss(logits, ids, **given) for loss in losses)

    def every(*arrays: Any) -> dict[str, tuple]:
        return {name: both(entry, *arrays) for name, entry in AS_RELEASED.items()}

    with jax.enable_x64():
        found = jax.jit(every)(LOGITS, IDS, example_maps())
        return {
            name: (float(printed), float(released))
            for name, (printed, released) in found.items()
        }


HEAD = """# Losses as released

What the authors' released code computes where it differs from their paper, as functions
of `jaxseg.losses.as_released`. Values are those of the two small images in
`tests/as_released.py`: five lesion pixels in the first, none in the second, and a third
class that occurs in neither. Written by `python -m tests.readme`, checked by the tests.

| name | code | printed in | the released code | printed | released | difference |
|---|---|---|---|---|---|---|
"""


def document() -> str:
    """The page: one row for each entry."""
    rows = []
    for entry in AS_RELEASED.values():
        printed, released = values()[entry.name]
        rows.append(
            f"| `{entry.name}` | {entry.project} | {entry.paper}, {entry.equation} "
            f"| {entry.difference} | {printed:.6g} | {released:.6g} "
            f"| {released - printed:+.2g} |\n"
        )
    return HEAD + "".join(rows)
