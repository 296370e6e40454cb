"""Reading in tests, in one call."""

from pathlib import Path

import numpy as np
from PIL import Image

from jaxseg.data.check import DataReport, Told, examine
from jaxseg.data.collection import open_collection
from jaxseg.data.labels import LabelMap
from jaxseg.data.volumes import read_stored_labels


def volume_ids(path, image=None):
    """Class ids of a label file as they are."""
    return LabelMap.of_ids(255).ids(read_stored_labels(path, image))


def examined(folder: Path, *splits: str, **told) -> DataReport:
    """The cases of some splits, looked through as training does."""
    collection = open_collection(folder)
    parts = {split: collection.cases(split) for split in splits or ("train",)}
    return examine(collection, parts, Told(**told))


def facts(folder: Path, split: str = "train", **told):
    """What sound cases have in common."""
    report = examined(folder, split, **told)
    report.require_sound()
    return report.facts(split)


def write(path: Path, pixels: np.ndarray) -> Path:
    """An 8-bit image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels).astype(np.uint8)).save(path)
    return path
