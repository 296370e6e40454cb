"""Labels lie on their image, cases lie alike, masks go back where they came from."""

import itertools

import nibabel
import numpy as np
import pytest

from jaxseg.data.cases import Case, read_case
from jaxseg.data.check import check_folder
from jaxseg.data.export import write_volume
from jaxseg.data.geometry import apart_mm
from jaxseg.data.volumes import read_volume
from jaxseg.errors import UserError
from tests.data.reading import volume_ids
from tests.data.small_volumes import write_folder

SHAPE = (7, 5, 4)


def turn(degrees, axis):
    a = np.deg2rad(degrees)
    plane = [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]
    out = np.eye(4)
    rest = [k for k in range(3) if k != axis]
    out[np.ix_(rest, rest)] = plane
    return out


def affine_of(code="RAS", spacing=(0.7, 1.2, 3.0), tilt=0.0):
    """Axes that run to the sides of `code`, tilted, somewhere in space."""
    out = np.zeros((4, 4))
    out[3, 3] = 1
    for axis, side in enumerate(code):
        row = ["LR", "PA", "IS"].index(next(p for p in ("LR", "PA", "IS") if side in p))
        out[row, axis] = spacing[axis] * (1 if side in "RAS" else -1)
    place = np.eye(4)
    place[:3, 3] = (-31, 12, 55)
    return place @ turn(tilt, 2) @ turn(tilt / 2, 0) @ out


CODES = ["".join(s) for s in itertools.product("RL", "AP", "SI")]
CODES = [*CODES, "PIR", "SAL", "ASR", "IRP", "LSA"]


def save(path, array, affine, header=None, codes=(1, 1)):
    image = nibabel.Nifti1Image(array, affine, header)
    if header is None:
        image.set_qform(affine, code=codes[0])
        image.set_sform(affine, code=codes[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return path


def world(affine, shape):
    """Place in space of every voxel, ``[*shape, 3]``."""
    index = np.moveaxis(np.indices(shape), 0, -1)
    return index @ affine[:3, :3].T + affine[:3, 3]


@pytest.mark.parametrize("tilt", [0.0, 17.0])
@pytest.mark.parametrize("code", CODES)
def test_cases_are_brought_to_ras_and_masks_go_back(tmp_path, code, tilt):
    """By the place of every voxel in space: the affine is the oracle."""
    affine = affine_of(code, tilt=tilt)
    places = world(affine, SHAPE)
    path = save(tmp_path / "image.nii.gz", places.astype(np.float32), affine)
    volume = read_volume(path)
    assert volume.geometry.code == code
    for axis in range(3):  # each axis runs mostly to R, A and S
        step = np.diff(volume.voxels, axis=axis).mean((0, 1, 2))
        assert np.argmax(np.abs(step)) == axis
        assert step[axis] > 0
        assert np.linalg.norm(step) == pytest.approx(volume.spacing_mm[axis], rel=1e-4)
    ras = world(volume.geometry.ras_affine, volume.voxels.shape[:3])
    np.testing.assert_allclose(volume.voxels, ras, atol=1e-4)
    # A perfect prediction of what lies on one side of a plane, written and read again.
    plane = (places @ [1, 2, -1]).mean() + 0.0137
    mask = (ras @ [1, 2, -1] > plane).astype(np.uint8)
    write_volume(tmp_path / "mask.nii.gz", mask, volume.geometry)
    stored = nibabel.load(tmp_path / "mask.nii.gz")
    truth = places @ [1, 2, -1] > plane
    assert 20 < truth.sum() < 120
    np.testing.assert_array_equal(np.asarray(stored.dataobj) == 1, truth)
    again = volume_ids(tmp_path / "mask.nii.gz", volume.geometry)
    np.testing.assert_array_equal(again, mask)
    image = nibabel.load(path)
    for form in ("get_sform", "get_qform"):
        for got, want in zip(
            getattr(stored, form)(coded=True), getattr(image, form)(coded=True),
            strict=True,
        ):  # fmt: skip
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("code", ["LPS", "SAL", "RAI"])
def test_labels_stored_in_another_order_are_laid_on_their_image(tmp_path, code):
    """Label tools reorder axes; voxel by voxel that gave a Dice of 0.49 with itself."""
    affine = affine_of("RAS", tilt=5)
    image = save(tmp_path / "image.nii.gz", np.zeros(SHAPE, np.float32), affine)
    ids = np.random.default_rng(0).integers(0, 3, SHAPE).astype(np.uint8)
    whole = nibabel.Nifti1Image(ids, affine)
    target = nibabel.orientations.axcodes2ornt(code)
    turned = whole.as_reoriented(
        nibabel.orientations.ornt_transform(nibabel.io_orientation(affine), target)
    )
    assert turned.shape != SHAPE or code != "SAL"
    labels = save(tmp_path / "labels.nii.gz", np.asarray(turned.dataobj), turned.affine)
    found = read_case(Case("x", image, labels), 1)
    np.testing.assert_array_equal(found.mask.values, ids)


def test_labels_elsewhere_are_refused(tmp_path):
    """Shifted, saved without the image's header, of another spacing or size."""
    affine = affine_of("LPS")
    image = save(tmp_path / "image.nii.gz", np.zeros(SHAPE, np.float32), affine)
    ids = np.zeros(SHAPE, np.uint8)

    def read(other, codes=(1, 1), shape=SHAPE):
        path = save(tmp_path / "labels.nii.gz", ids[: shape[0]], other, codes=codes)
        return read_case(Case("x", image, path), 1)

    shifted = affine.copy()
    shifted[0, 3] += 0.2  # less than half of 0.7 mm
    assert read(shifted) is not None
    shifted[0, 3] += 0.2
    with pytest.raises(UserError, match=r"labels.nii.gz lies up to 0.4 mm from its"):
        read(shifted)
    with pytest.raises(UserError, match=r"lies up to .* .RAS and LPS."):
        read(np.diag([0.7, 1.2, 3.0, 1.0]))
    shifted[2, 3] += 20
    with pytest.raises(UserError, match=r"lies up to 20 mm .* .LPS and LPS."):
        read(shifted)
    with pytest.raises(UserError, match=r"has voxels of 1x1.2x3 mm but .* 0.7x1.2x3"):
        read(affine_of("LPS", (1.0, 1.2, 3.0)))
    with pytest.raises(UserError, match=r"has 6x5x4 voxels but .* has 7x5x4"):
        read(affine, shape=(6, 5, 4))
    # A header that says nothing of the place contradicts nothing.
    assert read(np.diag([0.7, 1.2, 3.0, 1]), codes=(0, 0)).geometry.code == "LPS"
    assert read(np.eye(4), codes=(0, 0)).geometry.code == "LPS"
    with pytest.raises(UserError, match=r"has voxels of"):
        read(np.diag([0.7, 1.2, 2.0, 1]), codes=(0, 0))


def test_one_source_of_spacing(tmp_path):
    """pixdim unlike the affine: an axis was cut to a tenth, distances in wrong mm."""
    affine = affine_of("RAS", (1.0, 1.0, 1.0))
    image = nibabel.Nifti1Image(np.zeros(SHAPE, np.float32), affine)
    image.set_sform(affine, code=1)
    image.header["pixdim"][3] = 10
    nibabel.save(image, tmp_path / "odd.nii.gz")
    volume = read_volume(tmp_path / "odd.nii.gz")
    assert volume.spacing_mm == (1, 1, 1)
    (remark,) = volume.geometry.remarks
    assert "pixdim says voxels of 1x1x10 mm, the sform 1x1x1 mm" in remark


@pytest.mark.parametrize(("unit", "factor"), [("micron", 1e-3), ("meter", 1e3)])
def test_lengths_in_other_units_are_brought_to_mm(tmp_path, unit, factor):
    """Microscopes write micrometres into the header, some tools metres."""
    spacing = tuple(n / factor for n in (0.7, 1.2, 3.0))
    image = nibabel.Nifti1Image(np.zeros(SHAPE, np.float32), affine_of("LPS", spacing))
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "small.nii")
    volume = read_volume(tmp_path / "small.nii")
    np.testing.assert_allclose(volume.spacing_mm, (0.7, 1.2, 3.0), rtol=1e-5)
    write_volume(tmp_path / "mask.nii.gz", np.ones(SHAPE, np.uint8), volume.geometry)
    again = nibabel.load(tmp_path / "mask.nii.gz")
    assert again.header.get_xyzt_units()[0] == unit
    np.testing.assert_allclose(again.affine, image.affine, atol=1e-5)


def test_both_affines_are_copied_where_they_differ(tmp_path):
    """A qform-first viewer showed the mask up to 7 mm off."""
    sform, qform = affine_of("LPS"), affine_of("LPS", tilt=10)
    image = nibabel.Nifti1Image(np.zeros(SHAPE, np.float32), sform)
    image.set_sform(sform, code=4)
    image.set_qform(qform, code=1)
    nibabel.save(image, tmp_path / "two.nii.gz")
    volume = read_volume(tmp_path / "two.nii.gz")
    gap = apart_mm(sform, qform, SHAPE)
    corners = [np.multiply(c, np.subtract(SHAPE, 1)) for c in np.ndindex(2, 2, 2)]
    far = [((sform - qform) @ [*c, 1])[:3] for c in corners]
    assert gap == pytest.approx(max(map(np.linalg.norm, far)))
    (remark,) = volume.geometry.remarks
    assert f"up to {gap:.3g} mm apart; the sform is used" in remark
    np.testing.assert_allclose(volume.geometry.affine, sform, atol=1e-5)
    for values in (np.ones(SHAPE, np.uint8), np.ones((*SHAPE, 3), np.float32)):
        write_volume(tmp_path / "mask.nii.gz", values, volume.geometry)
        mask = nibabel.load(tmp_path / "mask.nii.gz")
        assert mask.shape == values.shape
        for name, want, code in (("sform", sform, 4), ("qform", qform, 1)):
            got, found = getattr(mask, f"get_{name}")(coded=True)
            assert found == code
            np.testing.assert_allclose(got, want, atol=1e-5)


def test_only_one_affine_or_none_stays_so(tmp_path):
    """Files without a place keep none; an sform of zeros is refused by name."""
    for codes in ((0, 0), (1, 0), (0, 2)):
        path = save(
            tmp_path / "i.nii", np.zeros(SHAPE, "f4"), affine_of("LPS"), codes=codes
        )
        geometry = read_volume(path).geometry
        assert geometry.placed == any(codes)
        assert geometry.code == ("LPS" if any(codes) else "RAS")
        assert geometry.remarks == ()
        write_volume(tmp_path / "m.nii.gz", np.ones(SHAPE, np.uint8), geometry)
        header = nibabel.load(tmp_path / "m.nii.gz").header
        assert (int(header["qform_code"]), int(header["sform_code"])) == codes
    image = nibabel.Nifti1Image(np.zeros(SHAPE, np.float32), None)
    image.header["sform_code"] = 1
    image.header["srow_x"] = image.header["srow_y"] = image.header["srow_z"] = 0
    nibabel.save(image, tmp_path / "flat.nii")
    with pytest.raises(UserError, match=r"flat.nii .*its sform maps no volume"):
        read_volume(tmp_path / "flat.nii")


def test_check_tells_of_orders_and_contradictions(tmp_path):
    """Cases of mixed orientation are sound, and named."""
    root = write_folder(tmp_path)
    for folder in ("images", "labels"):
        path = root / folder / "training1.nii.gz"
        image = nibabel.load(path)
        affine = image.affine.copy()
        affine[0] *= -1
        array = np.asarray(image.dataobj)
        turned = nibabel.Nifti1Image(array, affine)
        turned.set_sform(affine, code=1)
        turned.set_qform(affine_of("LAS", (1.0, 1.5, 3.0), tilt=20), code=1)
        nibabel.save(turned, path)
    report = check_folder(root)
    assert report.sound
    notes = {p.kind: p.text for p in report.problems}
    assert "LAS (1), RAS (7)" in notes["orientation"]
    assert "training1" in notes["geometry"]
    assert "sform and qform are up to" in notes["geometry"]
