"""Masks lie where their image lies, whole or not at all."""

import nibabel
import numpy as np
import pytest

from jaxseg.data.export import write_volume
from jaxseg.data.geometry import Geometry
from jaxseg.data.volumes import read_stored_labels, read_volume
from jaxseg.errors import UserError

OBLIQUE = np.array(
    [[0, -1.5, 0.1, 12], [1.2, 0, 0, -7], [0, 0.15, 9.9, 3], [0, 0, 0, 1]]
)
PLAIN = np.diag([1.5, 1.5, 10.0, 1.0])
SHAPE = (5, 4, 3)


@pytest.mark.parametrize("affine", [OBLIQUE, PLAIN], ids=["oblique", "plain"])
@pytest.mark.parametrize("source", ["nifti1", "nifti2", "none"])
def test_geometry_survives_the_round_trip(tmp_path, affine, source):
    rng = np.random.default_rng(0)
    like = Geometry(SHAPE, affine)
    if source != "none":
        make = {"nifti1": nibabel.Nifti1Image, "nifti2": nibabel.Nifti2Image}[source]
        image = make(rng.standard_normal(SHAPE).astype(np.float32), affine)
        image.header["descrip"] = "of the image alone"
        nibabel.save(image, tmp_path / "image.nii.gz")
        like = read_volume(tmp_path / "image.nii.gz").geometry
    ids = rng.integers(0, 4, like.ras_shape).astype(np.uint8)
    write_volume(tmp_path / "mask.nii.gz", ids, like)
    mask = read_volume(tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(mask.voxels[..., 0], ids)
    np.testing.assert_allclose(mask.geometry.affine, affine, atol=1e-5)
    np.testing.assert_allclose(mask.spacing_mm, like.spacing_mm, rtol=1e-5)
    labels = read_stored_labels(tmp_path / "mask.nii.gz", like)
    np.testing.assert_array_equal(labels.values, ids)
    stored = nibabel.load(tmp_path / "mask.nii.gz")
    assert isinstance(stored, nibabel.Nifti2Image) == (source == "nifti2")
    assert stored.get_data_dtype() == np.uint8
    assert not stored.header["descrip"]
    probs = rng.random((*like.ras_shape, 2)).astype(np.float32)
    write_volume(tmp_path / "probs.nii.gz", probs, like)
    again = read_volume(tmp_path / "probs.nii.gz")
    np.testing.assert_array_equal(again.voxels, probs)
    np.testing.assert_allclose(again.geometry.affine, affine, atol=1e-5)
    write_volume(tmp_path / "twin.nii.gz", ids, like)
    files = [(tmp_path / f"{n}.nii.gz").read_bytes() for n in ("mask", "twin")]
    assert files[0] == files[1]


def test_another_grid_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"mask.nii.gz would hold \(5, 4, 2\)"):
        write_volume(
            tmp_path / "mask.nii.gz",
            np.zeros((5, 4, 2), np.uint8),
            Geometry(SHAPE, PLAIN),
        )
    assert not (tmp_path / "mask.nii.gz").exists()
