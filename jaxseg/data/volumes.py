"""Reading volumes and their labels, from NIfTI files and what SimpleITK reads."""

import dataclasses
import gzip
import math
import zlib
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from jaxseg.data.geometry import (
    Geometry,
    Spacing,
    apart_mm,
    extents,
    nifti_geometry,
    spacing_of,
)
from jaxseg.data.itk import ITK_SUFFIXES, is_itk, read_itk
from jaxseg.data.listing import list_files, stem
from jaxseg.data.masks import StoredMask, whole_numbers
from jaxseg.errors import UserError

VOLUME_SUFFIXES = (".nii.gz", ".nii", *ITK_SUFFIXES)
SAME_SPACING = 0.01
"""By what share voxel sizes may differ and yet be the same."""
MOST_MM = 1000.0
"""Longest side of a voxel that is taken for one."""
_SNIFFED = 1024


@dataclasses.dataclass(frozen=True)
class Volume:
    """Intensities or class ids on a grid in space, in RAS order.

    Attributes:
      voxels: ``[X, Y, Z, C]`` float32 intensities, or ``[X, Y, Z]`` uint8 class ids.
      geometry: of the file that they come from.
    """

    voxels: np.ndarray
    geometry: Geometry

    @property
    def spacing_mm(self) -> Spacing:
        """Size of a voxel along each axis."""
        return self.geometry.spacing_mm


def is_volume(path: Path) -> bool:
    """Whether the name is that of a volume."""
    return path.name.lower().endswith(VOLUME_SUFFIXES)


def volume_name(path: Path) -> str:
    """The file's name without ``.nii.gz`` or another ending of volumes."""
    return stem(path, VOLUME_SUFFIXES)


def list_volume_files(folder: Path) -> list[Path]:
    """Volumes of a folder by name; all else is passed over.

    Raises:
      UserError: the folder is missing or holds no volume, or two of one name.
    """
    return list_files(folder, "volumes", VOLUME_SUFFIXES)


def read_volume(path: Path, image: Geometry | None = None) -> Volume:
    """Intensities of a 3D file, or of a 4D file whose last axis is the channel.

    Args:
      path: of the file.
      image: geometry of the first of several files of a case, see `match_geometry`.

    Raises:
      UserError: the file is missing, damaged, of another rank, holds an intensity that
        is not finite, or does not lie on the image.
    """
    stored, geometry = _open_array(path)
    if image is not None:
        geometry = match_geometry(path, geometry, image)
    voxels = stored.astype(np.float32)
    if voxels.ndim == 3:
        voxels = voxels[..., None]
    bad = np.count_nonzero(~np.isfinite(voxels))
    if bad:
        raise UserError(f"{path} holds {bad} intensities that are not finite")
    return Volume(geometry.to_ras(voxels), geometry)


def read_stored_labels(path: Path, image: Geometry | None = None) -> StoredMask:
    """Labels of a 3D file, stored in any type, in RAS order.

    Args:
      path: of the file.
      image: geometry of the image that is labelled, see `match_geometry`.

    Raises:
      UserError: the file is missing, damaged, of another rank, holds a value that is no
        whole number, or does not lie on the image.
    """
    values, geometry = _open_array(path)
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim != 3:
        raise UserError(f"{path} has {values.ndim} axes; labels have three")
    if image is not None:
        geometry = match_geometry(path, geometry, image)
    values = geometry.to_ras(whole_numbers(path, values))
    return StoredMask(path, "number", values, depth=8 * values.dtype.itemsize)


def match_geometry(path: Path, labels: Geometry, image: Geometry) -> Geometry:
    """The geometry of labels, as it is or, if their header has none, the image's.

    The same for a further channel of the image.

    Raises:
      UserError: the labels have other voxels than the image, or lie elsewhere by more
        than half a voxel.
    """
    if labels.placed != image.placed and labels.shape == image.shape:
        zooms = spacing_of(labels.affine)
        if zooms == (1, 1, 1) or np.allclose(
            zooms, spacing_of(image.affine), rtol=SAME_SPACING
        ):
            return image
    if labels.ras_shape != image.ras_shape:
        raise UserError(
            f"{path} has {extents(labels.ras_shape)} voxels but its image has "
            f"{extents(image.ras_shape)}"
        )
    ratio = np.divide(labels.spacing_mm, image.spacing_mm)
    if np.any(np.abs(ratio - 1) > SAME_SPACING):
        raise UserError(
            f"{path} has voxels of {extents(labels.spacing_mm)} mm but its image has "
            f"{extents(image.spacing_mm)}"
        )
    gap = apart_mm(labels.ras_affine, image.ras_affine, image.ras_shape)
    if gap > min(image.spacing_mm) / 2:
        raise UserError(
            f"{path} lies up to {gap:.3g} mm from its image, by their headers ("
            f"{labels.code} and {image.code}): if voxels do correspond, give it the "
            "header of the image"
        )
    return labels


def _open_array(path: Path) -> tuple[np.ndarray, Geometry]:
    """The array of a file as stored, ``[X, Y, Z]`` or ``[X, Y, Z, C]``."""
    if is_itk(path):
        voxels, geometry = read_itk(path)
        _require_numbers(path, voxels)
        return voxels, geometry
    try:
        image = _parse_nifti(path, _whole(path))
        voxels = np.asanyarray(image.dataobj)
        if voxels.ndim == 5 and voxels.shape[3] == 1:
            voxels = voxels[:, :, :, 0]  # NIfTI's vectors lie along the fifth axis
        _require_numbers(path, voxels)
        geometry = nifti_geometry(image.header, voxels.shape[:3])
        if max(geometry.spacing_mm) > MOST_MM:
            raise ValueError(f"voxels of {extents(geometry.spacing_mm)} mm")
        return voxels, geometry
    except FileNotFoundError:
        raise UserError(f"{path} does not exist") from None
    except ImageFileError as error:
        raise UserError(f"{path} is not a NIfTI file that can be read") from error
    except (
        EOFError,
        OSError,
        ValueError,
        gzip.BadGzipFile,
        zlib.error,
        HeaderDataError,
    ) as error:
        raise UserError(f"{path} is damaged: {error}") from error


def _whole(path: Path) -> bytes:
    """A file's content, unpacked to its end, where gzip keeps its checksum."""
    content = path.read_bytes()
    return gzip.decompress(content) if path.name.lower().endswith(".gz") else content


def _parse_nifti(path: Path, content: bytes) -> Any:
    """The image that bytes of NIfTI hold, as long as its header says.

    Raises:
      ImageFileError: they are no NIfTI.
      ValueError: there are fewer voxels than the header says.
    """
    for kind in (nibabel.Nifti1Image, nibabel.Nifti2Image):  # pyright: ignore
        if kind.header_class.may_contain_header(content[:_SNIFFED]):
            _require_sizes(kind.header_class, content)
            image = kind.from_bytes(content)
            need = (
                math.prod(map(int, image.shape))
                * np.dtype(image.get_data_dtype()).itemsize
            )
            if need > len(content):
                raise ValueError(f"it ends before its {extents(image.shape)} voxels do")
            return image
    raise ImageFileError(f"{path} is no NIfTI")


def _require_sizes(kind: Any, content: bytes) -> None:
    """Refuses voxel sizes of 0, which nibabel would read as 1."""
    header = kind(content[: kind.template_dtype.itemsize], check=False)
    sizes = [float(size) for size in header["pixdim"][1:4]]
    if (
        int(header["sform_code"]) <= 0
        and not (np.isfinite(sizes) & np.not_equal(sizes, 0)).all()
    ):
        raise ValueError(f"the voxel size {extents(sizes)} is not positive")


def _require_numbers(path: Path, voxels: np.ndarray) -> None:
    if voxels.dtype.fields or np.iscomplexobj(voxels):
        kind = "colours" if voxels.dtype.fields else f"{voxels.dtype} numbers"
        raise UserError(
            f"{path} holds {kind}, not intensities: save one real number a voxel, or "
            "channels along a fourth axis"
        )
    if voxels.ndim not in (3, 4):
        raise UserError(
            f"{path} has {voxels.ndim} axes; a volume has three, and a fourth for "
            "channels"
        )
