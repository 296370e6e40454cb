"""Files that are damaged, misnamed or not what they seem are refused by name."""

import contextlib
import gzip
import io
import json

import nibabel
import numpy as np
import pytest
from PIL import Image

from jaxseg.data.decathlon import read_index
from jaxseg.data.folds import read_folds
from jaxseg.data.images import read_image
from jaxseg.data.masks import read_stored_mask
from jaxseg.data.volumes import read_volume
from jaxseg.errors import UserError


def volume(path, shape=(5, 6, 7), **header):
    voxels = np.random.default_rng(0).integers(0, 200, shape).astype(np.uint8)
    image = nibabel.Nifti1Image(voxels, np.eye(4))
    for name, value in header.items():
        image.header[name] = value
    nibabel.save(image, path)
    return voxels


def test_no_flipped_bit_of_a_packed_volume_gives_other_voxels(tmp_path):
    """nibabel stops reading before the checksum, which lies at the end."""
    path = tmp_path / "v.nii.gz"
    volume(path)
    expected = read_volume(path).voxels
    content = path.read_bytes()
    rng = np.random.default_rng(1)
    refused = 0
    for place in rng.choice(len(content), 120, replace=False):
        flipped = bytearray(content)
        flipped[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        with contextlib.suppress(UserError):
            refused += 1
            np.testing.assert_array_equal(read_volume(path).voxels, expected)
            refused -= 1
    assert refused > 100  # the rest lies in a name or time that gzip keeps


@pytest.mark.parametrize(
    ("name", "value"),
    [("dim", [3, 32767, 32767, 32767, 1, 1, 1, 1]), ("dim", [7, 5, 6, 7, 1, 2, 1, 1]),
     ("pixdim", [1, 0, 1, 1, 1, 1, 1, 1]), ("pixdim", [1, 1e6, 1, 1, 1, 1, 1, 1]),
     ("srow_x", [np.nan, 0, 0, 0]), ("srow_x", [0, 0, 0, 0]),
     ("srow_y", [1e6, 0, 0, 0]),
     ("datatype", 128), ("datatype", 32)],
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_headers_that_cannot_be_are_refused_by_name(tmp_path, name, value, suffix):
    path = tmp_path / f"v{suffix}"
    volume(path)
    content = path.read_bytes()
    content = bytearray(gzip.decompress(content) if suffix == ".nii.gz" else content)
    header = nibabel.Nifti1Header(bytes(content[:348]), check=False)
    header[name] = value
    if name == "pixdim":
        header["sform_code"] = header["qform_code"] = 0
    content[:348] = header.binaryblock
    path.write_bytes(gzip.compress(content) if suffix == ".nii.gz" else bytes(content))
    with pytest.raises(UserError, match=r"v\.nii"):
        read_volume(path)


def test_no_flipped_bit_of_a_png_gives_other_ids(tmp_path):
    """Pillow decodes pixels without a look at the checksums of PNG."""
    path = tmp_path / "mask.png"
    ids = np.random.default_rng(0).integers(0, 3, (12, 14)).astype(np.uint8)
    Image.fromarray(ids).save(path)
    content, refused = path.read_bytes(), 0
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << (place % 8)
        path.write_bytes(flipped)
        with contextlib.suppress(UserError):
            refused += 1
            np.testing.assert_array_equal(read_stored_mask(path).values, ids)
            refused -= 1
    assert refused > 0.8 * len(content)


def picture(kind) -> bytes:
    stream = io.BytesIO()
    pixels = np.arange(48, dtype=np.uint8).reshape(6, 8) % 3
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "EPS", "GIF", "BMP", "PDF", "TGA", "ICNS"])
def test_a_file_is_what_its_name_says(tmp_path, kind, monkeypatch):
    """A JPEG mask named .png has ids that nobody drew; EPS would start Ghostscript."""

    def started(*_, **__):
        raise AssertionError("a program was started")

    monkeypatch.setattr("subprocess.Popen", started)
    path = tmp_path / "mask.png"
    path.write_bytes(picture(kind))
    for read in (read_image, read_stored_mask):
        with pytest.raises(UserError, match=r"mask\.png"):
            read(path)


@pytest.mark.parametrize("name", ["../secret.nii.gz", "/etc/x.nii", "a/../../x.nii"])
def test_an_index_that_leaves_its_folder_is_refused(tmp_path, name):
    volume(tmp_path / "secret.nii.gz")
    folder = tmp_path / "data"
    folder.mkdir()
    index = {"modality": {"0": "MR"}, "labels": {"0": "a", "1": "b"},
             "training": [{"image": name, "label": name}]}  # fmt: skip
    (folder / "dataset.json").write_text(json.dumps(index))
    with pytest.raises(UserError, match=r"dataset\.json lists .* outside its folder"):
        read_index(folder)


@pytest.mark.parametrize(
    "content",
    [{"seed": 0, "folds": [[], ["train/a"]]}, {"seed": 0, "folds": [["train/a"]]},
     {"seed": "0", "folds": [["train/a"], ["train/b"]]},
     {"seed": 0, "folds": [[1], [2]]},
     {"folds": {}}, {}],
)  # fmt: skip
def test_folds_that_are_none_are_refused(tmp_path, content):
    path = tmp_path / "folds.json"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"folds\.json holds no folds"):
        read_folds(path)
