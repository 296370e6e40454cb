"""Where the voxels of a file lie: spacing, orientation, and the way back to the file.

Arrays of volumes are in RAS order everywhere: their axes run to the patient's right,
anterior and superior side, as nearly as the file's own axes allow. Nothing is
interpolated, axes are permuted and flipped. What is written goes back to the order of
the file, and its header's geometry is copied whole.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
from nibabel import orientations

Spacing = tuple[float, float, float]
RAS = orientations.axcodes2ornt("RAS")
PARTS = 6
"""Significant digits of a voxel size: a header's float32 has no more."""


@dataclasses.dataclass(frozen=True)
class Geometry:
    """The grid of a file in space.

    Attributes:
      shape: voxels along the axes of the file.
      affine: ``[4, 4]`` from voxel indices of the file to mm, RAS.
      placed: whether the header says where the voxels are; if not, the axes of the file
        are taken for RAS and only their spacing means something.
      header: of the file, to be copied; None if there is none of NIfTI.
      remarks: in which ways the header contradicts itself.
      ending: of the name of what is written on this grid.
    """

    shape: tuple[int, ...]
    affine: np.ndarray
    placed: bool = True
    header: Any = None
    remarks: tuple[str, ...] = ()
    ending: str = ".nii.gz"

    @property
    def code(self) -> str:
        """Where the axes of the file run to, for example "LPS"."""
        return "".join(orientations.aff2axcodes(self.affine))

    @property
    def spacing_mm(self) -> Spacing:
        """Size of a voxel along each axis in RAS order."""
        return spacing_of(self.ras_affine)

    @property
    def ras_shape(self) -> tuple[int, ...]:
        """Voxels along each axis in RAS order."""
        ornt = orientations.io_orientation(self.affine)
        return tuple(self.shape[axis] for axis in np.argsort(ornt[:, 0]))

    @property
    def ras_affine(self) -> np.ndarray:
        """``[4, 4]`` from voxel indices in RAS order to mm."""
        ornt = orientations.io_orientation(self.affine)
        return self.affine @ orientations.inv_ornt_aff(ornt, self.shape)

    def to_ras(self, voxels: np.ndarray) -> np.ndarray:
        """An array ``[X, Y, Z, ...]`` of the file, in RAS order."""
        ornt = orientations.io_orientation(self.affine)
        return np.ascontiguousarray(orientations.apply_orientation(voxels, ornt))

    def from_ras(self, voxels: np.ndarray) -> np.ndarray:
        """An array in RAS order, in the order of the file."""
        ornt = orientations.io_orientation(self.affine)
        back = orientations.ornt_transform(RAS, ornt)
        return np.ascontiguousarray(orientations.apply_orientation(voxels, back))


def spacing_of(affine: np.ndarray) -> Spacing:
    """Length in mm of a step along each axis."""
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    x, y, z = (float(f"{length:.{PARTS}g}") for length in lengths)
    return x, y, z


def apart_mm(first: np.ndarray, second: np.ndarray, shape: tuple[int, ...]) -> float:
    """How far two affines put a voxel of a grid apart, at the worst corner."""
    corners = np.indices((2, 2, 2)).reshape(3, -1).T * (np.array(shape) - 1)
    gap = corners @ (first - second)[:3, :3].T + (first - second)[:3, 3]
    return float(np.linalg.norm(gap, axis=1).max())


def nifti_geometry(header: Any, shape: tuple[int, ...]) -> Geometry:
    """The geometry that a NIfTI header states.

    The sform counts where its code is positive, else the qform where its code is; a
    header with neither states voxel sizes alone. Voxel sizes are the lengths of the
    affine's columns, in mm whatever the header's unit.

    Raises:
      ValueError: an affine is not finite or flattens space, or a voxel size is not
        positive; the text says which.
    """
    unit = _millimetres(header)
    zooms = np.array(header.get_zooms()[:3], float) * unit
    forms = {}
    for name in ("sform", "qform"):
        if int(header[f"{name}_code"]) > 0:
            forms[name] = getattr(header, f"get_{name}")() * _row_scale(unit)
    for name, affine in forms.items():
        if not np.isfinite(affine).all() or _flat(affine):
            rows = np.array2string(affine[:3, :3].ravel(), precision=4)
            raise ValueError(f"its {name} maps no volume into space: {rows}")
    if not forms:
        if not (np.isfinite(zooms).all() and (zooms > 0).all()):
            raise ValueError(f"the voxel size {extents(zooms)} is not positive")
        return Geometry(shape, np.diag([*zooms, 1.0]), placed=False, header=header)
    name, affine = next(iter(forms.items()))
    spacing = spacing_of(affine)
    remarks = []
    if not np.allclose(zooms, spacing, rtol=0.01):
        remarks.append(
            f"pixdim says voxels of {extents(zooms)} mm, the {name} "
            f"{extents(spacing)} mm, which is used"
        )
    if len(forms) == 2:
        gap = apart_mm(forms["sform"], forms["qform"], shape)
        if gap > min(spacing) / 2:
            remarks.append(
                f"sform and qform are up to {gap:.3g} mm apart; the sform is used, and "
                "both are copied to what is written"
            )
    return Geometry(shape, affine, header=header, remarks=tuple(remarks))


def _millimetres(header: Any) -> float:
    """Millimetres in the header's unit of length; an unknown one is taken for mm."""
    return {1: 1000.0, 3: 0.001}.get(int(header["xyzt_units"]) % 8, 1.0)


def _row_scale(unit: float) -> np.ndarray:
    return np.array([[unit], [unit], [unit], [1.0]])


def _flat(affine: np.ndarray) -> bool:
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not (lengths > 0).all():
        return True
    return abs(np.linalg.det(affine[:3, :3] / lengths)) < 1e-3


def extents(numbers: Iterable[Any]) -> str:
    """Numbers of voxels or sizes along the axes as users write them, "1x1x2.5"."""
    return "x".join(f"{number:g}" for number in numbers)
