"""Released beside printed values: `python -m tests.as_released` writes the table."""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from scipy.ndimage import distance_transform_edt

from jaxseg import links
from jaxseg.files import write_text
from jaxseg.losses.as_released import AS_RELEASED

TABLE = Path(__file__).parents[1] / "docs" / "as_released.md"

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


@functools.cache
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
def values(name: str) -> tuple[float, float]:
    """Printed and released loss of the example, in double precision."""
    entry = AS_RELEASED[name]
    with jax.enable_x64():
        maps = {name: jnp.asarray(example_maps()[name]) for name in entry.maps}
        link = {"link": links.sigmoid} if entry.binary else {}
        if entry.binary:
            logits, ids = LOGITS[..., 1:2], (IDS == 1).astype(int)
        else:
            logits, ids = LOGITS, IDS

        def both(logits: jax.Array, ids: jax.Array, maps: dict) -> list[jax.Array]:
            losses = (entry.printed_loss, entry.released_loss)
            return [loss(logits, ids, **maps, **link) for loss in losses]

        printed, released = jax.jit(both)(jnp.asarray(logits), jnp.asarray(ids), maps)
        return float(printed), float(released)


HEAD = """# Losses as released

What the authors' released code computes where it differs from their paper, as functions
of `jaxseg.losses.as_released`. Values are those of the two small images in
`tests/as_released.py`: five lesion pixels in the first, none in the second, and a third
class that occurs in neither. Written by `python -m tests.as_released`, checked by the
tests.

| name | code | printed in | the released code | printed | released | difference |
|---|---|---|---|---|---|---|
"""


def text() -> str:
    """The page: one row for each entry."""
    rows = []
    for entry in AS_RELEASED.values():
        printed, released = values(entry.name)
        rows.append(
            f"| `{entry.name}` | {entry.project} | {entry.paper}, {entry.equation} "
            f"| {entry.difference} | {printed:.6g} | {released:.6g} "
            f"| {released - printed:+.2g} |\n"
        )
    return HEAD + "".join(rows)


if __name__ == "__main__":
    TABLE.parent.mkdir(exist_ok=True)
    write_text(TABLE, text())
