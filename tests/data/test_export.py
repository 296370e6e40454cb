"""Masks lie where their image lies."""

import nibabel
import numpy as np
import pytest

from jaxseg.data.export import write_volume
from jaxseg.data.volumes import read_volume, read_volume_labels
from jaxseg.errors import UserError

OBLIQUE = np.array(
    [[0, -1.5, 0.1, 12], [1.2, 0, 0, -7], [0, 0.15, 9.9, 3], [0, 0, 0, 1]]
)
PLAIN = np.diag([1.5, 1.5, 10.0, 1.0])


@pytest.mark.parametrize("affine", [OBLIQUE, PLAIN], ids=["oblique", "plain"])
def test_geometry_survives_the_round_trip(tmp_path, affine):
    rng = np.random.default_rng(0)
    path = tmp_path / "image.nii.gz"
    voxels = rng.standard_normal((5, 4, 3)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)
    image = read_volume(path)
    ids = rng.integers(0, 4, (5, 4, 3)).astype(np.uint8)
    write_volume(tmp_path / "mask.nii.gz", ids, image)
    mask = read_volume_labels(tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(mask.voxels, ids)
    np.testing.assert_allclose(mask.affine, image.affine, atol=1e-5)
    np.testing.assert_allclose(mask.spacing_mm, image.spacing_mm, rtol=1e-6)
    stored = nibabel.load(tmp_path / "mask.nii.gz")
    assert stored.get_data_dtype() == np.uint8
    assert stored.header.get_xyzt_units()[0] == "mm"
    for affine_of in (stored.get_sform, stored.get_qform):
        assert affine_of(coded=True)[1] > 0
    np.testing.assert_allclose(stored.get_sform(), affine, atol=1e-5)
    probs = rng.random((5, 4, 3, 2)).astype(np.float32)
    write_volume(tmp_path / "probs.nii.gz", probs, image)
    again = read_volume(tmp_path / "probs.nii.gz")
    np.testing.assert_array_equal(again.voxels, probs)
    np.testing.assert_allclose(again.affine, image.affine, atol=1e-5)
    write_volume(tmp_path / "twin.nii.gz", ids, image)
    files = [(tmp_path / f"{n}.nii.gz").read_bytes() for n in ("mask", "twin")]
    assert files[0] == files[1]


def test_another_grid_is_refused(tmp_path):
    path = tmp_path / "image.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.zeros((5, 4, 3), np.float32), PLAIN), path)
    with pytest.raises(UserError, match=r"mask.nii.gz would hold \(5, 4, 2\)"):
        write_volume(
            tmp_path / "mask.nii.gz", np.zeros((5, 4, 2), np.uint8), read_volume(path)
        )
    assert not (tmp_path / "mask.nii.gz").exists()
