"""Writing masks and probabilities on the grid of the image that they belong to."""

import gzip
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image

from jaxseg.data.geometry import Geometry
from jaxseg.data.itk import is_itk, write_itk
from jaxseg.data.labels import LabelMap
from jaxseg.data.overlay import class_colours
from jaxseg.errors import UserError
from jaxseg.files import replacing

SEEN = 32
"""Steps of grey that a viewer shows."""


def mask_image(ids: np.ndarray, labels: LabelMap) -> Image.Image:
    """Class ids ``[H, W]`` as an image of the values, or colours, that stand for them.

    Numbers that differ too little to be seen are indices of a palette with a colour for
    each class; the indices are the numbers.
    """
    values = labels.stored(ids)
    if labels.colours:
        return Image.fromarray(values)
    if values.dtype != np.uint8:
        return Image.fromarray(_sixteen_bits(values))
    first = np.array([own[0] for own in labels.values])
    image = Image.fromarray(values)
    if np.diff(np.sort(first)).min() < SEEN:
        palette = np.zeros((256, 3), np.uint8)
        palette[first] = class_colours(np.arange(labels.num_classes))
        image.putpalette(palette.tobytes())
    return image


def _sixteen_bits(values: np.ndarray) -> np.ndarray:
    top = np.iinfo(np.uint16).max
    outside = values[(values < 0) | (values > top)]
    if outside.size:
        raise UserError(
            f"masks are written as PNG, which holds 0 to {top} and no {outside[0]}: "
            "train on masks of other values, or with --labels that begin with others"
        )
    return values.astype(np.uint16)


def write_image(path: Path, image: Image.Image) -> None:
    """A PNG file, whole or not at all."""
    with replacing(path) as file:
        image.save(file, format="png")


def write_volume(path: Path, values: np.ndarray, like: Geometry) -> None:
    """Class ids or probabilities as a file, whole or not at all.

    The voxels go back to the order of the file that they belong to, and the geometry of
    its header is copied whole: whichever part of it a viewer believes, the mask lies on
    the image.

    Args:
      path: ends as `like` says.
      values: ``[X, Y, Z]`` uint8 class ids, or ``[X, Y, Z, classes]`` float32, in RAS
        order.
      like: geometry of the volume that was predicted.

    Raises:
      UserError: the values lie on another grid, or the disk is full.
    """
    if values.shape[:3] != like.ras_shape:
        raise UserError(
            f"{path} would hold {values.shape[:3]} voxels but its image has "
            f"{like.ras_shape}"
        )
    stored = like.from_ras(values)
    if is_itk(path):
        write_itk(path, stored, like)
        return
    if like.header is None:
        image = nibabel.Nifti1Image(stored, like.affine)  # pyright: ignore
        image.header.set_xyzt_units("mm")
        image.set_sform(like.affine, code="scanner")
        image.set_qform(like.affine, code="scanner")
    else:
        kind = {nibabel.Nifti2Header: nibabel.Nifti2Image}  # pyright: ignore
        make = kind.get(type(like.header), nibabel.Nifti1Image)  # pyright: ignore
        image = make(stored, None, _geometry_alone(like.header, stored))
    with replacing(path) as file:
        # No name and no time inside, so that equal masks are equal files.
        file.write(gzip.compress(image.to_bytes(), 6, mtime=0))


def _geometry_alone(header, values: np.ndarray):
    """A header for `values` with the geometry of another, and nothing else of it."""
    new = type(header)()
    new.set_data_dtype(values.dtype)
    new.set_data_shape(values.shape)
    for name in (
        "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x",
        "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z", "xyzt_units",
    ):  # fmt: skip
        new[name] = header[name]
    new["pixdim"][:4] = header["pixdim"][:4]  # with the sign of the third axis
    return new
