"""Writing masks and probabilities on the grid of the volume that they belong to."""

import gzip
from pathlib import Path

import nibabel
import numpy as np

from jaxseg.data.volumes import Volume
from jaxseg.errors import UserError
from jaxseg.files import replacing


def write_volume(path: Path, values: np.ndarray, like: Volume) -> None:
    """Class ids or probabilities as ``.nii.gz``, whole or not at all.

    Voxel sizes and the place in space are those of `like`: both of the header's
    affines are its affine, in millimetres.

    Args:
      path: ends with ``.nii.gz``.
      values: ``[X, Y, Z]`` uint8 class ids, or ``[X, Y, Z, classes]`` float32.
      like: the volume that was predicted.

    Raises:
      UserError: the values lie on another grid, or the disk is full.
    """
    if values.shape[:3] != like.voxels.shape[:3]:
        raise UserError(
            f"{path} would hold {values.shape[:3]} voxels but its image has "
            f"{like.voxels.shape[:3]}"
        )
    image = nibabel.Nifti1Image(values, like.affine)  # pyright: ignore
    image.header.set_zooms((*like.spacing_mm, *(1,) * (values.ndim - 3)))
    image.header.set_xyzt_units("mm")
    image.set_sform(like.affine, code="scanner")
    image.set_qform(like.affine, code="scanner")
    with replacing(path) as file:
        # No name and no time inside, so that equal masks are equal files.
        file.write(gzip.compress(image.to_bytes(), 6, mtime=0))
