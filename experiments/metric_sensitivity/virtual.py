"""Virtual data sets of one foreground to background ratio: Eelbode 2020, IV-C.

Every image keeps its pixels; only those inside a rectangle count, in training and in
scoring. The rectangles of a virtual data set have one size and the shape of the image,
and hold the object, or part of it where it does not fit. So the ratio changes and the
field of view does not. Pixels outside are void in the masks.
"""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from experiments.protocol.dataset import Dataset, digest_of
from experiments.protocol.elsewhere import place_image
from experiments.protocol.folders import made_whole
from jaxseg.data.cases import Case, read_labels_of
from jaxseg.data.collection import list_cases
from jaxseg.data.images import VOID
from jaxseg.data.labels import LABELS, LabelMap, labels_json
from jaxseg.files import write_json

SPLIT = "train"
RULE = "rectangle placed by the case's name, 1"
"""Changes whenever the same data set and ratio would give other masks."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where rectangles of a case may lie.

    Attributes:
      box: first and last row and column of the object; of the image if there is none.
      draw: two numbers in [0, 1) that choose among the places.
    """

    box: tuple[tuple[int, int], tuple[int, int]]
    draw: tuple[float, float]

    def rectangle(
        self, shape: tuple[int, int], size: tuple[int, int]
    ) -> tuple[slice, slice]:
        """Rows and columns of the rectangle of a size in an image of a shape.

        It holds the object; along an axis where the object is longer it lies inside.
        """
        parts = []
        for (first, last), draw, whole, length in zip(
            self.box, self.draw, shape, size, strict=True
        ):
            ends = sorted((first, last - length + 1))
            low, high = np.clip(ends, 0, whole - length)
            start = int(low + draw * (high - low + 1))
            parts.append(slice(start, start + length))
        return parts[0], parts[1]


def place_of(name: str, mask: np.ndarray) -> Place:
    """Of a case with class ids ``[H, W]``; equal names draw equal places."""
    inside = (mask > 0) & (mask != VOID)
    box = []
    for axis, length in enumerate(mask.shape):
        found = np.flatnonzero(inside.any(1 - axis))
        box.append((int(found[0]), int(found[-1])) if len(found) else (0, length - 1))
    digest = hashlib.sha256(name.encode()).digest()
    draw = [int.from_bytes(digest[k : k + 4], "big") / 2**32 for k in (0, 4)]
    return Place((box[0], box[1]), (draw[0], draw[1]))


def size_of(shape: tuple[int, int], rows: int) -> tuple[int, int]:
    """(height, width) of a rectangle with the image's proportions."""
    return rows, max(1, round(rows * shape[1] / shape[0]))


def ratio_of(masks: Sequence[np.ndarray], rectangles: Sequence[tuple]) -> float:
    """Foreground over background pixels inside the rectangles of all cases."""
    parts = [mask[place] for mask, place in zip(masks, rectangles, strict=True)]
    foreground = sum(int(((p > 0) & (p != VOID)).sum()) for p in parts)
    background = sum(int((p == 0).sum()) for p in parts)
    return foreground / background if background else float("inf")


def rectangles_of(
    masks: Sequence[np.ndarray], places: Sequence[Place], ratio: float
) -> list[tuple[slice, slice]]:
    """Rectangles of the size whose ratio over all cases is nearest to `ratio`.

    Images of several sizes have rectangles of one share of each.
    """
    tallest = max(mask.shape[0] for mask in masks)

    def at(rows: int) -> list[tuple[slice, slice]]:
        found = []
        for mask, place in zip(masks, places, strict=True):
            shape = mask.shape[0], mask.shape[1]
            height = max(1, round(rows * shape[0] / tallest))
            found.append(place.rectangle(shape, size_of(shape, height)))
        return found

    low, high = 1, tallest  # the ratio falls as rectangles grow
    while high - low > 1:
        middle = (low + high) // 2
        if ratio_of(masks, at(middle)) > ratio:
            low = middle
        else:
            high = middle
    return min(
        (at(rows) for rows in (low, high)),
        key=lambda found: abs(ratio_of(masks, found) - ratio),
    )


def own_ratio(dataset: Dataset) -> float:
    """Foreground over background pixels of a data set."""
    background = dataset.class_shares[0]
    return (1 - background) / background


def virtual_dataset(dataset: Dataset, ratio: float, folder: Path) -> Dataset:
    """The training images of a data set of two classes, at another ratio.

    Args:
      dataset: of images.
      ratio: of foreground to background pixels.
      folder: under which the data folder is made, unless it is there.
    """
    digest = digest_of([dataset.digest, RULE, ratio])
    name = f"{dataset.name}-{ratio:g}"
    path = folder / f"{name}-{digest}"
    if not path.is_dir():
        _write(path, list_cases(dataset.path, SPLIT), dataset.labels, ratio)
    share = ratio / (1 + ratio)
    return dataclasses.replace(
        dataset,
        path=path.resolve(),
        name=name,
        digest=digest,
        counts={SPLIT: dataset.counts[SPLIT]},
        class_shares=(1 - share, share),
        labels=LabelMap.of_ids(2),
    )


def _write(path: Path, cases: Sequence[Case], labels: LabelMap, ratio: float) -> None:
    masks = [labels.ids(read_labels_of(case)) for case in cases]
    places = [
        place_of(case.name, mask) for case, mask in zip(cases, masks, strict=True)
    ]
    rectangles = rectangles_of(masks, places, ratio)
    with made_whole(path) as unfinished:
        for kind in ("images", "masks"):
            (unfinished / SPLIT / kind).mkdir(parents=True)
        for case, mask, rectangle in zip(cases, masks, rectangles, strict=True):
            kept = np.full_like(mask, VOID)
            kept[rectangle] = mask[rectangle]
            place_image(case.image, unfinished / SPLIT / "images" / case.image.name)
            place = unfinished / SPLIT / "masks" / f"{case.name}.png"
            Image.fromarray(kept).save(place)
        write_json(unfinished / LABELS, labels_json(LabelMap.of_ids(2)))
