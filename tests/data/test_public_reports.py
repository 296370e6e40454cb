"""Data as other people have it: each case a report from public issue trackers."""

import struct
import zlib

import nibabel
import numpy as np
import pytest
from PIL import Image

from jaxseg.data.cases import Case, require_equal_size
from jaxseg.data.check import check_folder
from jaxseg.data.folder import list_images
from jaxseg.data.images import read_image
from jaxseg.data.volumes import read_stored_labels, read_volume
from jaxseg.errors import UserError

RAMP = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def png(path, width, height, depth, colour_type, rows):
    """A PNG of any sample depth, which Pillow cannot write."""

    def chunk(kind, data):
        ends = struct.pack(">I", len(data)), struct.pack(">I", zlib.crc32(kind + data))
        return ends[0] + kind + data + ends[1]

    head = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", body)
        + chunk(b"IEND", b"")
    )
    return path


@pytest.mark.parametrize("tag", range(1, 9))
def test_a_photograph_is_turned_as_viewers_show_it(tmp_path, tag):
    """Telephones store the sensor's pixels and say in EXIF how to turn them."""
    # Stored row 0 is the top (1, 2), bottom (3, 4), left (5, 8) or right (6, 7).
    stored = {
        1: RAMP, 2: RAMP[:, ::-1], 3: RAMP[::-1, ::-1], 4: RAMP[::-1],
        5: RAMP.swapaxes(0, 1), 6: np.rot90(RAMP), 7: np.rot90(RAMP[::-1]),
        8: np.rot90(RAMP, -1),
    }[tag]  # fmt: skip
    image = Image.fromarray(np.ascontiguousarray(stored))
    exif = image.getexif()
    exif[0x0112] = tag
    image.save(tmp_path / "photo.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "photo.png"), RAMP)
    case = Case("photo", tmp_path / "photo.png", tmp_path / "mask.png")
    require_equal_size(case, RAMP, np.zeros((4, 6), np.uint8))
    with pytest.raises(UserError, match="is 4x6 pixels but .* is 6x4") as caught:
        require_equal_size(case, RAMP, np.zeros((6, 4), np.uint8))
    assert (f"turned by its EXIF orientation {tag}" in str(caught.value)) == (tag > 1)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_a_channel(tmp_path, channels):
    """Values up to 255 in 16-bit colours would be read as zeros."""
    kinds = {1: 0, 2: 4, 3: 2, 4: 6}
    row = np.full((5, channels), 200, ">u2").tobytes()
    path = png(tmp_path / "deep.png", 5, 3, 16, kinds[channels], [row] * 3)
    match = "I16 values .more than 8 bits" if channels == 1 else "16 bits a channel"
    with pytest.raises(UserError, match=f"deep.png .*{match}"):
        read_image(path)


def test_colours_under_full_transparency_are_not_shown(tmp_path):
    """An editor keeps the colour of what was erased."""
    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[..., 0], pixels[0, :, 3] = 200, 255
    path = tmp_path / "erased.png"
    Image.fromarray(pixels).save(path)
    found = read_image(path)
    assert found[0, :, 0].tolist() == [200] * 3
    assert not found[1].any()
    Image.fromarray(pixels[..., [0, 3]]).save(path)
    assert read_image(path)[..., 0].tolist() == [[200] * 3, [0] * 3]


@pytest.mark.parametrize("ending", ["TIF", "bmp", "Png", "gif", "webp", "pgm", "JPEG"])
def test_endings_of_images_in_any_case(tmp_path, ending):
    """TIFF, BMP and capitals, as microscopes and cameras write them."""
    options = {"lossless": True} if ending == "webp" else {}
    Image.fromarray(RAMP[..., 0]).save(tmp_path / f"a.{ending}", **options)
    (path,) = list_images(tmp_path)
    found = read_image(path, channels=1)[..., 0]
    np.testing.assert_allclose(found, RAMP[..., 0], atol=4 if ending == "JPEG" else 0)


def test_a_slide_of_more_pixels_than_pillow_trusts(tmp_path, monkeypatch):
    """A scan of 13,500 pixels square was called an attack."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    Image.fromarray(RAMP).save(tmp_path / "slide.png")
    assert read_image(tmp_path / "slide.png").shape == (4, 6, 3)
    assert Image.MAX_IMAGE_PIXELS == 10
    vast = png(tmp_path / "vast.png", 2**17, 2**14, 8, 0, [])
    with pytest.raises(UserError, match="131072x16384 pixels, more than 1073741824"):
        read_image(vast)


def test_a_stack_of_pictures_is_no_image(tmp_path):
    """Pages of a TIFF file are slices; the first alone would be read."""
    page = Image.fromarray(RAMP)
    page.save(tmp_path / "stack.tif", save_all=True, append_images=[page])
    with pytest.raises(UserError, match="stack.tif holds 2 pictures"):
        read_image(tmp_path / "stack.tif")


def test_what_file_managers_and_people_leave_behind(tmp_path):
    """Thumbs.db, desktop.ini, a note or a folder stop nothing; check names the rest."""
    for kind in ("images", "masks"):
        folder = tmp_path / "train" / kind
        (folder / "old").mkdir(parents=True)
        for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "readme.txt"):
            (folder / name).write_text("x")
        pixels = RAMP[..., 0] if kind == "images" else RAMP[..., 0] % 2
        Image.fromarray(pixels).save(folder / "a.png")
    report = check_folder(tmp_path)
    assert report.sound
    (stray,) = [p.text for p in report.problems if p.kind == "stray"]
    assert stray.count("readme.txt") == stray.count("old/") == 2
    assert "Thumbs" not in stray
    (tmp_path / "train/images/a.png").unlink()
    with pytest.raises(UserError, match="holds no images but old/ and 1 more"):
        list_images(tmp_path / "train/images")


def nifti(path, array):
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), path)
    return path


def test_volumes_of_colours_and_of_complex_numbers(tmp_path):
    """An RGB24 file crashed; a complex one lost its imaginary part."""
    colours = np.zeros((2, 3, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    for array, match in (
        (colours, "odd.nii holds colours"),
        (np.full((2, 3, 4), 1 + 2j, np.complex64), "odd.nii holds complex64"),
    ):
        path = nifti(tmp_path / "odd.nii", array)
        for read in (read_stored_labels, read_volume):
            with pytest.raises(UserError, match=match):
                read(path)


def test_labels_that_a_resampling_left_near_whole_numbers(tmp_path):
    """0.9999 and 2.0001 are 1 and 2; 0.3 is refused and printed as 0.3."""
    values = np.array([0, 0.9999, 2.0001, 255.001], np.float32).reshape(2, 2, 1)
    found = read_stored_labels(nifti(tmp_path / "near.nii", values)).values
    assert found.ravel().tolist() == [0, 1, 2, 255]
    assert np.issubdtype(found.dtype, np.integer)
    for wrong, text in ((0.3, "0.3"), (0.98, "0.98"), (np.nan, "nan"), (np.inf, "inf")):
        values[0, 0] = wrong
        with pytest.raises(UserError, match=f"holds the value {text}; labels are"):
            read_stored_labels(nifti(tmp_path / "far.nii", values))
