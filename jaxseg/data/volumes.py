"""Reading volumes and their class ids from NIfTI files."""

import dataclasses
import gzip
import zlib
from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from jaxseg.data.images import VOID
from jaxseg.data.listing import list_files, stem
from jaxseg.errors import UserError

VOLUME_SUFFIXES = (".nii.gz", ".nii")
NEAR = 0.01
"""How far a stored label may be from a whole number."""
Spacing = tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Volume:
    """Intensities or class ids on a grid in space.

    Attributes:
      voxels: ``[X, Y, Z, C]`` float32 intensities, or ``[X, Y, Z]`` uint8 class ids.
      spacing_mm: size of a voxel along each axis.
      affine: ``[4, 4]`` from voxel indices to millimetres in space.
    """

    voxels: np.ndarray
    spacing_mm: Spacing
    affine: np.ndarray


def is_volume(path: Path) -> bool:
    """Whether the name is that of a NIfTI file."""
    return path.name.lower().endswith(VOLUME_SUFFIXES)


def volume_name(path: Path) -> str:
    """The file's name without ``.nii.gz`` or ``.nii``."""
    return stem(path, VOLUME_SUFFIXES)


def list_volume_files(folder: Path) -> list[Path]:
    """NIfTI files of a folder by name; all else is passed over.

    Raises:
      UserError: the folder is missing or holds no volume, or two of one name.
    """
    return list_files(folder, "volumes", VOLUME_SUFFIXES)


def read_volume(path: Path) -> Volume:
    """Intensities of a 3D file, or of a 4D file whose last axis is the channel.

    Raises:
      UserError: the file is missing, damaged, of another rank, or holds an intensity
        that is not finite.
    """
    volume = _opened(path)
    voxels = volume.voxels.astype(np.float32)
    if voxels.ndim == 3:
        voxels = voxels[..., None]
    bad = np.count_nonzero(~np.isfinite(voxels))
    if bad:
        raise UserError(f"{path} holds {bad} intensities that are not finite")
    return dataclasses.replace(volume, voxels=voxels)


def read_volume_labels(path: Path) -> Volume:
    """Class ids of a 3D file, stored in any type; 255 is void.

    Raises:
      UserError: the file is missing, damaged, of another rank, or holds a value that is
        no whole number from 0 to 255.
    """
    volume = _opened(path)
    values = volume.voxels
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim != 3:
        raise UserError(f"{path} has {values.ndim} axes; class ids have three")
    values = whole_numbers(path, values)
    wrong = values[(values < 0) | (values > VOID)]
    if wrong.size:
        raise UserError(
            f"{path} holds the value {wrong[0]}; class ids are 0, 1, 2, ... and "
            f"{VOID} for void"
        )
    return dataclasses.replace(volume, voxels=values.astype(np.uint8))


def whole_numbers(path: Path, values: np.ndarray) -> np.ndarray:
    """Labels as integers, from any type; floats within `NEAR` of one are rounded.

    Raises:
      UserError: a value is none; the sentence names the file and the value.
    """
    if np.issubdtype(values.dtype, np.integer):
        return values
    near = np.rint(values)
    with np.errstate(invalid="ignore"):
        wrong = values[~(np.abs(values - near) <= NEAR)]
    if wrong.size:
        number = np.format_float_positional(wrong.flat[0], precision=6, trim="-")
        raise UserError(
            f"{path} holds the value {number}; labels are whole numbers (within "
            f"{NEAR:g}): resample them by nearest neighbour"
        )
    return near.astype(np.int64)


def _opened(path: Path) -> Volume:
    try:
        image = nibabel.load(path)  # pyright: ignore[reportPrivateImportUsage]
        voxels = np.asanyarray(image.dataobj)  # pyright: ignore
        zooms = tuple(float(size) for size in image.header.get_zooms()[:3])  # pyright: ignore
        affine = np.asarray(image.affine, float)  # pyright: ignore
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
    if not all(np.isfinite(size) and size > 0 for size in zooms):
        raise UserError(f"{path} gives the voxel size {zooms}; it must be positive")
    x, y, z = zooms
    return Volume(voxels, (x, y, z), affine)
