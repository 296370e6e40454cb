"""Cases of a data set: an image or a volume with its labels, and how they are read."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jaxseg.data.geometry import Geometry, Spacing
from jaxseg.data.images import IMAGE_SUFFIXES, orientation, read_image
from jaxseg.data.listing import stem
from jaxseg.data.masks import StoredMask, read_stored_mask
from jaxseg.data.volumes import (
    VOLUME_SUFFIXES,
    is_volume,
    read_stored_labels,
    read_volume,
)
from jaxseg.errors import UserError


@dataclasses.dataclass(frozen=True)
class Case:
    """An image or a volume, and the file of its labels.

    Attributes:
      name: of the case.
      image: file of all channels, or of the first.
      mask: file of the labels; None where there is no ground truth.
      more: files of further channels of a volume.
      patient: whose it is, if that is known; all cases of one stay together.
      raters: files of the labels by further people.
      by_rater: whether no rater comes first, so that it must be said how to use them.
      annotated: names of the classes, or regions, that its labels know of; None for
        all.
    """

    name: str
    image: Path
    mask: Path | None
    more: tuple[Path, ...] = ()
    patient: str | None = None
    raters: tuple[Path, ...] = ()
    by_rater: bool = False
    annotated: tuple[str, ...] | None = None

    @property
    def volume(self) -> bool:
        """Whether it is a volume, and not an image."""
        return is_volume(self.image)

    @property
    def unlabelled(self) -> "Case":
        """The same without its labels."""
        return dataclasses.replace(self, mask=None, raters=())

    @property
    def of_one_rater(self) -> "Case":
        """The same without the labels by further people."""
        return dataclasses.replace(self, raters=())


@dataclasses.dataclass(frozen=True)
class StoredCase:
    """A case as its files have it.

    Attributes:
      image: ``[H, W, C]`` uint8, or ``[X, Y, Z, C]`` float32 in RAS order.
      masks: its labels, by each rater; none where there are none.
      geometry: of the file of a volume; None for an image.
    """

    image: np.ndarray
    masks: tuple[StoredMask, ...] = ()
    geometry: Geometry | None = None

    @property
    def mask(self) -> StoredMask | None:
        """The labels by the first rater; None where there are none."""
        return self.masks[0] if self.masks else None

    @property
    def spacing_mm(self) -> Spacing | None:
        """Size of a voxel; None for an image."""
        return None if self.geometry is None else self.geometry.spacing_mm


def case_name(path: Path) -> str:
    """The name of the case that a file is of: its own without the ending."""
    return stem(path, (*IMAGE_SUFFIXES, *VOLUME_SUFFIXES))


def read_case(case: Case, channels: int | None = None) -> StoredCase:
    """A case from its files, image and labels on one grid.

    Args:
      case: to read.
      channels: of an image 1 or 3, to which it is converted, None as stored; of a
        volume what it must have, None for any number.

    Raises:
      UserError: a file that cannot be read or does not fit; the sentence names it.
    """
    if not case.volume:
        if case.more:
            raise UserError(
                f"{case.image} and {case.more[0].name} are channels of one image in "
                "several files: save them as the colours of one file"
            )
        image = read_image(case.image, channels)
        masks = tuple(read_stored_mask(path) for path in _mask_files(case))
        for mask in masks:
            of_rater = dataclasses.replace(case, mask=mask.path)
            require_equal_size(of_rater, image, mask.values)
        return StoredCase(image, masks)
    volume = read_volume(case.image)
    voxels = [volume.voxels]
    for path in case.more:
        further = read_volume(path, volume.geometry)
        voxels.append(further.voxels)
    image = np.concatenate(voxels, axis=-1) if case.more else volume.voxels
    if channels is not None and image.shape[-1] != channels:
        raise UserError(
            f"{case.image} has {image.shape[-1]} channels, not the {channels} of its "
            "data set"
        )
    files = _mask_files(case)
    masks = tuple(read_stored_labels(path, volume.geometry) for path in files)
    return StoredCase(image, masks, volume.geometry)


def _mask_files(case: Case) -> tuple[Path, ...]:
    return () if case.mask is None else (case.mask, *case.raters)


def read_labels_of(case: Case) -> StoredMask:
    """The labels of a case alone.

    Raises:
      UserError: the file cannot be read; the sentence names it.
    """
    assert case.mask is not None
    return read_stored_labels(case.mask) if case.volume else read_stored_mask(case.mask)


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


def require_labels(cases: Sequence[Case], split: str) -> None:
    """Refuses cases without ground truth.

    Raises:
      UserError: naming the first.
    """
    for case in cases:
        if case.mask is None:
            raise UserError(f"{case.image} of the split {split!r} has no labels")
