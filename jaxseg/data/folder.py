"""Image folders: ``DIR/<split>/images/*`` beside ``DIR/<split>/masks/*``, checked."""

import concurrent.futures
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from jaxseg.data.images import (
    IMAGE_SUFFIXES,
    MASK_SUFFIX,
    VOID,
    orientation,
    read_image,
    read_mask,
)
from jaxseg.data.listing import list_files, strays
from jaxseg.errors import UserError


@dataclasses.dataclass(frozen=True)
class Case:
    """One image and its mask; `mask` is None where there is no ground truth."""

    name: str
    image: Path
    mask: Path | None


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a check found out about the cases of a split.

    Attributes:
      num_classes: classes, ids 0 to num_classes - 1.
      channels: 1 if every image is grey, else 3.
      sizes: (height, width) of each case.
      class_shares: ``[num_classes]`` share of each class among pixels not void.
      empty: how many masks hold nothing but class 0 (and void).
    """

    num_classes: int
    channels: int
    sizes: tuple[tuple[int, int], ...]
    class_shares: tuple[float, ...]
    empty: int

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) if all images share one, else None."""
        known = set(self.sizes)
        return known.pop() if len(known) == 1 else None


def list_images(folder: Path) -> list[Path]:
    """Image files of a folder by name; all else is passed over.

    Raises:
      UserError: the folder is missing or holds no image, or two of one name.
    """
    return list_files(folder, "images", IMAGE_SUFFIXES)


def splits(folder: Path) -> list[str]:
    """Names of the splits of a data folder.

    Raises:
      UserError: the folder is missing.
    """
    if not folder.is_dir():
        raise UserError(f"the data folder {folder} does not exist")
    return sorted(path.name for path in folder.iterdir() if (path / "images").is_dir())


def list_cases(folder: Path, split: str) -> list[Case]:
    """Cases of a split, by name, each image with its mask.

    Raises:
      UserError: the folder or split is missing, an image has no mask, or a mask has no
        image.
    """
    found = splits(folder)
    if split not in found:
        has = f"it has {', '.join(found)}" if found else "it has none"
        raise UserError(
            f"{folder} has no split {split!r} ({has}): expected the folders "
            f"{folder / split / 'images'} and {folder / split / 'masks'}"
        )
    images = list_images(folder / split / "images")
    masks = {path.stem: path for path in list_images(folder / split / "masks")}
    cases = []
    for image in images:
        mask = masks.pop(image.stem, None)
        if mask is None:
            wanted = folder / split / "masks" / f"{image.stem}{MASK_SUFFIX}"
            raise UserError(f"{image} has no mask: expected {wanted}")
        if mask.suffix.lower() != MASK_SUFFIX:
            raise UserError(f"{mask} is not a PNG: other formats damage class ids")
        cases.append(Case(image.stem, image, mask))
    for mask in masks.values():
        raise UserError(f"{mask} has no image in {folder / split / 'images'}")
    return cases


def passed_over(folder: Path, split: str) -> list[str]:
    """Files and folders beside the images and masks of a split that are not read."""
    parts = (folder / split / kind for kind in ("images", "masks"))
    return [
        f"{part}/{name}"
        for part in parts
        if part.is_dir()
        for name in strays(part, IMAGE_SUFFIXES)
    ]


def check_cases(
    cases: Sequence[Case],
    *,
    num_classes: int | None = None,
    tick: Callable[[int], object] = lambda _: None,
) -> Facts:
    """Reads every file once and tells what the cases have in common.

    Args:
      cases: at least one, each with a mask.
      num_classes: classes there may be; None takes the largest id found plus one.
      tick: called with 1 as each case is done.

    Raises:
      UserError: a file that is no image, a mask of another size than its image, or a
        class id that there is not; the sentence names the file.
    """
    highest = np.zeros(len(cases), int)
    counts = np.zeros((len(cases), VOID), np.int64)
    sizes: list[tuple[int, int]] = []
    grey = True
    with concurrent.futures.ThreadPoolExecutor(4) as workers:
        facts = workers.map(_read_facts, cases)
        for index, (size, is_grey, of_ids) in enumerate(facts):
            sizes.append(size)
            grey &= is_grey
            counts[index] = of_ids
            present = np.nonzero(of_ids)[0]
            highest[index] = present.max(initial=0)
            if num_classes is not None and highest[index] >= num_classes:
                raise UserError(
                    f"{cases[index].mask} holds class id {highest[index]}, but with "
                    f"{num_classes} classes ids go from 0 to {num_classes - 1}"
                )
            tick(1)
    if num_classes is None:
        num_classes = _infer_classes(cases, counts)
    pixels = counts[:, :num_classes]
    return Facts(
        num_classes=num_classes,
        channels=1 if grey else 3,
        sizes=tuple(sizes),
        class_shares=tuple((pixels.sum(0) / max(pixels.sum(), 1)).tolist()),
        empty=int((pixels[:, 1:].sum(1) == 0).sum()),
    )


def _infer_classes(cases: Sequence[Case], counts: np.ndarray) -> int:
    present = counts.sum(0) > 0
    found = int(np.nonzero(present)[0].max(initial=0)) + 1
    if found == 1:
        raise UserError(
            f"the masks beside {cases[0].mask} hold no class but 0 (255 is void, not "
            "foreground): write class ids 0, 1, 2, ... or pass --classes"
        )
    if not present[:found].all():
        gap = int(np.nonzero(~present[:found])[0][0])
        first = int(np.nonzero(counts[:, found - 1])[0][0])
        raise UserError(
            f"{cases[first].mask} holds class id {found - 1} though no mask holds "
            f"{gap}: class ids are 0, 1, 2, ...; pass --classes {found} if so meant"
        )
    return found


def require_equal_size(case: Case, image: np.ndarray, mask: np.ndarray) -> None:
    """Refuses a mask of another size than its image.

    Raises:
      UserError: naming both files and their sizes.
    """
    if mask.shape != image.shape[:2]:
        height, width = mask.shape
        turned = orientation(case.image)
        exif = f", turned by its EXIF orientation {turned}" if turned != 1 else ""
        raise UserError(
            f"the mask {case.mask} is {width}x{height} pixels but its image "
            f"{case.image} is {image.shape[1]}x{image.shape[0]}{exif}"
        )


def _read_facts(case: Case) -> tuple[tuple[int, int], bool, np.ndarray]:
    """(height, width), whether the image is grey, and pixels per class id below 255."""
    image = read_image(case.image)
    assert case.mask is not None
    mask = read_mask(case.mask)
    require_equal_size(case, image, mask)
    of_ids = np.bincount(mask.ravel(), minlength=VOID + 1)[:VOID]
    return mask.shape, image.shape[-1] == 1, of_ids
