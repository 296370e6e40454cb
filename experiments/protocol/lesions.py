"""A small image folder of synthetic lesions, for studies without data at hand."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np
from PIL import Image

from experiments.protocol.folders import made_whole
from jaxseg.data.synthetic import Batch, Lesions, make_batch

LESION_FREE = "ood_test"
"""Split of images without lesions."""
COUNTS: Mapping[str, int] = {
    "train": 24, "validation": 8, "test": 12, LESION_FREE: 6,
}  # fmt: skip
SMALL = Lesions(size=(32, 32), foreground_share=0.15, lesion_free=0.0)


def write_lesions(
    folder: Path,
    settings: Lesions = SMALL,
    *,
    counts: Mapping[str, int] = COUNTS,
    seed: int = 0,
) -> Path:
    """Makes the folder, unless it is there; the same for equal arguments.

    Args:
      folder: a data folder of images and masks, whole or not there.
      settings: of the images.
      counts: images of each split; those of `LESION_FREE` have no lesion.
      seed: of the images.

    Returns:
      The folder.
    """
    if folder.is_dir():
        return folder
    with made_whole(folder) as unfinished:
        for number, (split, count) in enumerate(counts.items()):
            key = jax.random.fold_in(jax.random.key(seed), number)
            free = 1.0 if split == LESION_FREE else settings.lesion_free
            kind = dataclasses.replace(settings, lesion_free=free)
            _write_split(unfinished / split, make_batch(key, count, kind))
    return folder


def _write_split(place: Path, batch: Batch) -> None:
    pixels = np.asarray(np.round(255 * np.asarray(batch.images)), np.uint8)
    masks = np.asarray(batch.labels).astype(np.uint8)
    for kind, arrays in (("images", pixels[..., 0]), ("masks", masks)):
        (place / kind).mkdir(parents=True)
        for index, array in enumerate(arrays):
            Image.fromarray(array).save(place / kind / f"lesions{index:03d}.png")
