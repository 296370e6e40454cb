"""Pairs of masks, random and of real volumes, that need NumPy alone to be made.

Whole numbers only, so that they are the same in every environment.
"""

import dataclasses
import gzip
import json
from pathlib import Path

import numpy as np

SHAPES = [  # sizes that do not divide, spacings up to 1:10
    ((17, 23), (1.0, 1.0)),
    ((17, 23), (0.5, 5.0)),
    ((40, 31), (1.0, 3.0)),
    ((9, 14, 11), (1.0, 1.0, 1.0)),
    ((9, 14, 11), (0.7, 0.7, 7.0)),
    ((24, 20, 7), (1.25, 1.25, 3.0)),
]
KINDS = ("blobs", "noise", "voxel", "line", "touching the border", "almost full")
COUNT = 1002
VOLUMES = ("hippocampus", "cardiac_acdc")


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two masks of class ids on one grid."""

    name: str
    predicted: np.ndarray
    actual: np.ndarray
    num_classes: int
    spacing: tuple[float, ...]


def random_pair(index):
    """Two binary masks with pixels; six kinds in each of six shapes in turn."""
    rng = np.random.default_rng(index)
    shape, spacing = SHAPES[index % len(SHAPES)]
    kind = KINDS[index // len(SHAPES) % len(KINDS)]
    predicted, actual = (_mask(rng, shape, kind) for _ in range(2))
    return Pair(f"{index} {kind}", predicted, actual, 2, spacing)


def _mask(rng, shape, kind):
    if kind == "noise":
        mask = rng.integers(0, 4, shape) == 0
    elif kind == "voxel":
        mask = np.zeros(shape, bool)
    elif kind == "line":
        mask = np.zeros(shape, bool)
        axis = rng.integers(len(shape))
        where = [rng.integers(n) for n in shape]
        where[axis] = slice(None)
        mask[tuple(where)] = True
    else:
        smooth = rng.integers(0, 1000, shape)
        for axis in range(len(shape)):
            for shift in (1, 2):
                smooth = smooth + np.roll(smooth, shift, axis)
        share = {"blobs": 0.7, "touching the border": 0.9, "almost full": 0.02}[kind]
        mask = smooth > np.sort(smooth, axis=None)[int(share * smooth.size)]
        if kind == "touching the border":
            mask[0] = mask[:, -1] = True
    mask.flat[rng.integers(mask.size)] = True
    return mask.astype(np.uint8)


def read_nifti(path):
    """A little-endian NIfTI-1 volume and its spacing, from the fields of its header."""
    content = gzip.decompress(path.read_bytes())
    rank, *shape = np.frombuffer(content, "<i2", 8, 40)
    (kind,) = np.frombuffer(content, "<i2", 1, 70)
    spacing = tuple(float(x) for x in np.frombuffer(content, "<f4", rank + 1, 76)[1:])
    dtype = {2: "u1", 4: "<i2", 16: "<f4"}[int(kind)]
    voxels = np.frombuffer(content, dtype, np.prod(shape[:rank], dtype=int), 352)
    return voxels.reshape(shape[:rank], order="F"), spacing


def volume_names(data):
    """Name of every test volume, by its folder and file."""
    for folder in VOLUMES:
        listed = json.loads((data / folder / "dataset.json").read_text())
        for entry in listed["test"]:
            yield f"{folder}/{Path(entry['label']).name}"


def volume_pair(data, name):
    """The labels of a volume, and the same moved by a few voxels and with a hole."""
    folder, file = name.split("/")
    actual, spacing = read_nifti(data / folder / "labels" / file)
    listed = json.loads((data / folder / "dataset.json").read_text())
    rng = np.random.default_rng(sum(name.encode()))
    predicted = np.roll(actual, rng.integers(-2, 3, 3), (0, 1, 2)).copy()
    places = np.argwhere(predicted > 0)
    corner = places[rng.integers(len(places))]
    predicted[tuple(slice(n, n + 3) for n in corner)] = 0
    return Pair(name, predicted, np.array(actual), len(listed["labels"]), spacing)
