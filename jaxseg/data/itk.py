"""Volumes of MetaImage and NRRD, by SimpleITK if it is installed."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from jaxseg.data.geometry import Geometry
from jaxseg.errors import UserError

ITK_SUFFIXES = (".mha", ".mhd", ".nrrd", ".nhdr")
_WRITTEN = {".mha": ".mha", ".mhd": ".mha", ".nrrd": ".nrrd", ".nhdr": ".nrrd"}
"""Ending of what is written for each: in one file, not in a pair."""
_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""ITK's axes run to the patient's left and posterior side where NIfTI's run to right
and anterior."""


def is_itk(path: Path) -> bool:
    """Whether the name is that of a file that SimpleITK reads here."""
    return path.suffix.lower() in ITK_SUFFIXES


def read_itk(path: Path) -> tuple[np.ndarray, Geometry]:
    """The array of a file as stored, ``[X, Y, Z]`` or ``[X, Y, Z, C]``, and its grid.

    Raises:
      UserError: SimpleITK is not installed; the file is missing, damaged or of another
        rank.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist")
    itk = _itk(path)
    try:
        image = itk.ReadImage(str(path))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise UserError(f"{path} cannot be read: {reason}") from error
    axes = image.GetDimension()
    channels = image.GetNumberOfComponentsPerPixel()
    if axes not in (3, 4) or (axes == 4 and channels > 1):
        raise UserError(
            f"{path} has {axes} axes; a volume has three, and a fourth for channels"
        )
    array = itk.GetArrayFromImage(image)  # z, y, x and components
    order = (2, 1, 0, 3) if channels > 1 else tuple(range(axes))[::-1]
    affine = np.eye(4)
    turn = np.array(image.GetDirection()).reshape(axes, axes)[:3, :3]
    affine[:3, :3] = turn * np.array(image.GetSpacing())[:3]
    affine[:3, 3] = image.GetOrigin()[:3]
    voxels = array.transpose(order)
    ending = _WRITTEN[path.suffix.lower()]
    return voxels, Geometry(voxels.shape[:3], _LPS @ affine, ending=ending)


def write_itk(path: Path, stored: np.ndarray, like: Geometry) -> None:
    """An array in the order of the file of `like`, whole or not at all.

    Raises:
      UserError: the file cannot be written.
    """
    itk = _itk(path)
    vector = stored.ndim == 4
    order = (2, 1, 0, 3) if vector else (2, 1, 0)
    image = itk.GetImageFromArray(stored.transpose(order), isVector=vector)
    affine = _LPS @ like.affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        itk.WriteImage(image, str(temporary), useCompression=True)
        temporary.replace(path)
    except (RuntimeError, OSError) as error:
        raise UserError(f"cannot write {path}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _itk(path: Path) -> Any:
    try:
        import SimpleITK  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise UserError(
            f"{path} needs SimpleITK to be read or written: pip install simpleitk, or "
            "convert it to .nii.gz"
        ) from None
    return SimpleITK
