"""Folders of splits: ``DIR/<split>/images/*`` beside ``DIR/<split>/masks/*``."""

from pathlib import Path

from jaxseg.data.cases import Case, case_name
from jaxseg.data.images import IMAGE_SUFFIXES
from jaxseg.data.listing import list_files, strays
from jaxseg.data.volumes import VOLUME_SUFFIXES
from jaxseg.errors import UserError
from jaxseg.files import require_folder

SUFFIXES = (*IMAGE_SUFFIXES, *VOLUME_SUFFIXES)
IMAGES = "images"
MASKS = ("masks", "labels")
"""What the folder of the labels may be called."""
MASK_ENDINGS = ("_mask", "_segmentation", "_seg", "_label", "_labels", "_gt")
"""What may follow the image's name in that of its mask."""


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
    require_folder(folder, "the data folder", "or a list in CSV or JSON")
    return sorted(path.name for path in folder.iterdir() if (path / IMAGES).is_dir())


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
            f"{folder / split / IMAGES} and {folder / split / MASKS[0]}"
        )
    return pairs(folder / split)


def pairs(folder: Path) -> list[Case]:
    """Cases of ``FOLDER/images`` and ``FOLDER/masks``, or ``FOLDER/labels``, by name.

    A mask has the name of its image, whatever the endings, or that name and one of
    `MASK_ENDINGS`. Masks of several raters lie in folders ``masks/RATER``, of which
    each image is in one at least, or in ``masks_RATER`` beside ``masks``.

    Raises:
      UserError: a folder is missing or empty, an image has no mask, or a mask has no
        image.
    """
    images = list_files(folder / IMAGES, "images or volumes", SUFFIXES)
    place = mask_folder(folder)
    inside = _folders_of_raters(place)
    beside = sorted(p for p in folder.glob(f"{place.name}_*") if p.is_dir())
    raters = [
        {case_name(p): p for p in list_files(part, "masks", SUFFIXES)}
        for part in inside or (place, *beside)
    ]
    cases = []
    for image in images:
        name = case_name(image)
        found = [mask for masks in raters if (mask := _taken(masks, name)) is not None]
        if not found or not (inside or found[0].parent == place):
            raise UserError(
                f"{image} has no mask: expected {place / name}.png, or that name with "
                f"one of {', '.join(MASK_ENDINGS)}"
            )
        cases.append(
            Case(
                name,
                image,
                found[0],
                raters=tuple(found[1:]),
                by_rater=bool(inside),
            )
        )
    left = (m for masks in raters[: len(inside) or 1] for m in masks.values())
    for mask in left:
        for case in cases:
            if case_name(mask) in _mask_names(case.name):
                raise UserError(
                    f"{case.image} has two masks, {case.mask} and {mask}: remove one, "
                    "or put those of several raters into folders of their own"
                )
        raise UserError(f"{mask} has no image in {folder / IMAGES}")
    return cases


def _taken(masks: dict[str, Path], name: str) -> Path | None:
    """The mask of an image, taken out of those of a folder; None if there is none."""
    found = next((n for n in _mask_names(name) if n in masks), None)
    return None if found is None else masks.pop(found)


def _mask_names(name: str) -> list[str]:
    """What the mask of an image may be called, without its ending."""
    return [name + ending for ending in ("", *MASK_ENDINGS)]


def _folders_of_raters(place: Path) -> list[Path]:
    """Folders in that of the masks, if it holds nothing else of use."""
    if not place.is_dir():
        return []
    parts = sorted(p for p in place.iterdir() if p.name[0] != ".")
    if any(p.is_file() and p.name.lower().endswith(SUFFIXES) for p in parts):
        return []
    return [p for p in parts if p.is_dir()]


def mask_folder(folder: Path) -> Path:
    """The folder of the labels beside the images, the first name if there is none."""
    there = (folder / name for name in MASKS)
    return next((path for path in there if path.is_dir()), folder / MASKS[0])


def ignored_files(folder: Path) -> list[str]:
    """What lies beside the images and masks of a folder and is not read."""
    parts = (folder / IMAGES, mask_folder(folder))
    return [
        f"{part}/{name}"
        for part in parts
        if part.is_dir()
        for name in strays(part, SUFFIXES)
    ]
