"""Small cuts of real data in each layout: check, 20 steps, scores, predictions.

All images share one compiled program, and so do all volumes.
"""

import csv
import json

import nibabel
import numpy as np
import pytest
from PIL import Image

from jaxseg.cli import pictures
from jaxseg.data.images import read_image
from jaxseg.data.volumes import read_stored_labels, read_volume
from jaxseg.files import read_json, read_rows
from tests.cli.test_layouts import jaxseg
from tests.conftest import REAL_DATA
from tests.data.reading import write

POLYPS, HIPPOCAMPUS = REAL_DATA / "polyps", REAL_DATA / "hippocampus"
STEPS = (
    "--loss dice_ce --steps 20 --batch-size 4 --depth 1 --width 4 --augment none "
    "--evaluate-every 0 --checkpoint-every 20"
).split()
SIDE = 32
COUNTS = {"train": 6, "validation": 2, "test": 2}

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    monkeypatch.setattr(pictures, "draw_run", lambda folder: [])


def real_images():
    """Small copies of real images and masks of 0 and 1, by split."""
    if not POLYPS.is_dir():
        pytest.skip(f"no real data in {POLYPS}")
    for split, count in COUNTS.items():
        for path in sorted((POLYPS / split / "images").iterdir())[:count]:
            image = Image.open(path).resize((40, SIDE))
            mask = Image.open(POLYPS / split / "masks" / f"{path.stem}.png")
            mask = mask.resize((40, SIDE), Image.Resampling.NEAREST)
            yield split, path.stem, np.asarray(image), np.asarray(mask)


def black_and_white(root):
    for split, name, image, mask in real_images():
        write(root / split / "images" / f"{name}.JPG", image)
        write(root / split / "masks" / f"{name}.png", 255 * mask)
    return root, {0, 255}


def without_splits(root):
    for _, name, image, mask in real_images():
        write(root / "images" / f"{name}.png", image)
        write(root / "masks" / f"{name}_segmentation.png", 255 * mask)
    return root, {0, 255}


def colours(root):
    labels = {"0,0,0": "background", "#ff8000": "polyp"}
    for split, name, image, mask in real_images():
        write(root / split / "images" / f"{name}.png", image)
        coloured = mask[..., None] * np.array([255, 128, 0])
        write(root / split / "masks" / f"{name}.bmp", coloured)
    (root / "labels.json").write_text(json.dumps(labels))
    return root, {(0, 0, 0), (255, 128, 0)}


def a_list_with_patients(root):
    rows = []
    for split, name, image, mask in real_images():
        write(root / "files" / f"{name}.tif", image)
        write(root / "files" / f"{name}-mask.png", 7 * mask)
        row = (f"files/{name}.tif", f"files/{name}-mask.png", split, f"p-{name}")
        rows.append(dict(zip(("image", "mask", "split", "patient"), row, strict=True)))
    with (root / "list.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return root / "list.csv", {0, 7}


def raters(root):
    for split, name, image, mask in real_images():
        write(root / split / "images" / f"{name}.png", image)
        write(root / split / "masks/a" / f"{name}.png", mask)
        write(root / split / "masks/b" / f"{name}.png", np.roll(mask, 1, 0))
    return root, {0, 1}


def grey(root):
    for split, name, image, mask in real_images():
        write(root / split / "images" / f"{name}.png", image)
        soft = (255.0 * mask + 255.0 * np.roll(mask, 1, 1)) / 2
        write(root / split / "masks" / f"{name}.png", soft)
    return root, {0, 255}


def masks_by(save, values):
    """A layout whose masks are written by `save` (path without ending, mask)."""

    def make(root):
        for split, name, image, mask in real_images():
            write(root / split / "images" / f"{name}.png", image)
            (root / split / "masks").mkdir(parents=True, exist_ok=True)
            save(root / split / "masks" / name, mask)
        return root, values

    return make


def palette(path, mask):
    picture = Image.fromarray(mask.astype(np.uint8), mode="P")
    picture.putpalette([0, 0, 0, 200, 30, 30])
    picture.save(f"{path}.png")


def sixteen_bits(path, mask):
    Image.fromarray(1000 * mask.astype(np.uint16)).save(f"{path}.png")


def one_bit(path, mask):
    Image.fromarray(mask > 0).save(f"{path}.png")


def compressed(path, mask):
    Image.fromarray(255 * mask.astype(np.uint8)).save(f"{path}.jpeg", quality=95)


def transparent(path, mask):
    grey = np.stack([255 * mask, np.full_like(mask, 255)], -1)
    Image.fromarray(grey.astype(np.uint8), mode="LA").save(f"{path}.png")


def partly_annotated(root):
    """Polyps and what lies above them; every other case knows of polyps alone."""
    labels = {"0": "background", "1": "polyp", "2": "above"}
    names = {}
    for index, (split, name, image, mask) in enumerate(real_images()):
        both = np.where(mask > 0, 1, 2 * (np.arange(SIDE)[:, None] < 8))
        if index % 2:
            both, names[name] = mask, ["polyp"]
        write(root / split / "images" / f"{name}.png", image)
        write(root / split / "masks" / f"{name}.png", both)
    (root / "labels.json").write_text(json.dumps({**labels, "annotated": names}))
    return root, {0, 1, 2}


def regions(root):
    labels = {"0": "background", "1": "rim", "2": "heart"}
    told = {**labels, "regions": {"whole": ["rim", "heart"], "core": ["heart"]}}
    for split, name, image, mask in real_images():
        inner = mask * (np.roll(mask, 3, 0) > 0) * (np.roll(mask, -3, 0) > 0)
        write(root / split / "images" / f"{name}.png", image)
        write(root / split / "masks" / f"{name}.png", mask + inner)
    (root / "labels.json").write_text(json.dumps(told))
    return root, {0, 1, 2}


LAYOUTS = {
    "0 and 255": (black_and_white, []),
    "palette": (masks_by(palette, {0, 1}), []),
    "16 bits": (masks_by(sixteen_bits, {0, 1000}), []),
    "1 bit": (masks_by(one_bit, {0, 1}), []),
    "JPEG": (masks_by(compressed, {0, 255}), []),
    "transparent": (masks_by(transparent, {0, 255}), []),
    "partly annotated": (partly_annotated, []),
    "regions": (regions, []),
    "without splits": (without_splits, []),
    "colours": (colours, []),
    "list": (a_list_with_patients, []),
    "raters": (raters, ["--raters", "mean"]),
    "a rater drawn": (raters, ["--raters", "drawn"]),
    "soft": (grey, ["--soft"]),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_images(layout, tmp_path):
    make, flags = LAYOUTS[layout]
    (tmp_path / "data").mkdir()
    data, values = make(tmp_path / "data")
    run, out = tmp_path / "run", tmp_path / "out"
    soft = [flag for flag in flags if flag == "--soft"]
    assert jaxseg("check", "--data", data, *soft) == 0
    size = ["--size", SIDE, SIDE]
    assert jaxseg("train", "--data", data, "--out", run, *size, *STEPS, *flags) == 0
    assert jaxseg("evaluate", "--run", run, "--surfaces", "none") == 0
    rows = read_rows(run / "evaluate-test/cases.jsonl")
    assert rows
    assert all(0 <= row["dice"][1] <= 1 for row in rows)
    folders = (p for p in sorted(tmp_path.rglob("*")) if p.is_dir())
    images = next(p for p in folders if p.name in ("images", "files"))
    shown = tmp_path / "shown"
    shown.mkdir()
    for path in images.iterdir():
        if "mask" not in path.name:
            (shown / path.name).write_bytes(path.read_bytes())
    assert jaxseg("predict", "--run", run, "--images", shown, "--out", out) == 0
    for path in shown.iterdir():
        pixels = np.asarray(Image.open(out / f"{path.stem}.png"))
        assert pixels.shape[:2] == read_image(path).shape[:2]
        found = {
            tuple(v) if pixels.ndim == 3 else v
            for v in pixels.reshape(-1, *pixels.shape[2:]).tolist()
        }
        assert found <= values


def real_volumes():
    if not HIPPOCAMPUS.is_dir():
        pytest.skip(f"no real data in {HIPPOCAMPUS}")
    index = read_json(HIPPOCAMPUS / "dataset.json")
    for key, count in (("training", 5), ("test", 2)):
        for entry in index[key][:count]:
            image = nibabel.load(HIPPOCAMPUS / entry["image"])
            label = nibabel.load(HIPPOCAMPUS / entry["label"])
            yield key, image.slicer[6:26, 8:30, 4:20], label.slicer[6:26, 8:30, 4:20]


def save(volume, path):
    """NIfTI by nibabel, other kinds by ITK from that."""
    nifti = path if path.name.endswith(".nii.gz") else path.with_suffix(".nii.gz")
    nibabel.save(volume, nifti)
    if nifti != path:
        itk = pytest.importorskip("SimpleITK")
        itk.WriteImage(itk.ReadImage(str(nifti)), str(path))
        nifti.unlink()


def place_of(path):
    """Where other libraries find a file's voxels: spacing, origin and directions."""
    if path.name.endswith(".nii.gz"):
        return nibabel.load(path).affine.ravel()
    image = pytest.importorskip("SimpleITK").ReadImage(str(path))
    parts = image.GetSpacing(), image.GetOrigin(), image.GetDirection()
    return np.concatenate(parts)


@pytest.mark.parametrize("layout", ["4D", "nnU-Net", "regions", "mha", "nrrd"])
def test_volumes(layout, tmp_path):
    data, run, out = (tmp_path / name for name in ("data", "run", "out"))
    values = {0, 1, 2} if layout == "4D" else {0, 1, 4}
    end = f".{layout}" if layout in ("mha", "nrrd") else ".nii.gz"
    if end != ".nii.gz":
        pytest.importorskip("SimpleITK")
    lists = {"training": [], "test": []}
    for number, (key, image, label) in enumerate(real_volumes()):
        part = {"training": "Tr", "test": "Ts"}[key]
        own = np.array(sorted(values))[np.rint(label.get_fdata()).astype(int)]
        turned = nibabel.Nifti1Image(own.astype(np.float32), label.affine)
        channel = "" if layout == "4D" else "_0000"
        names = f"images{part}/c{number}{channel}{end}", f"labels{part}/c{number}{end}"
        if layout == "4D":
            both = np.stack([image.get_fdata(), 100 - image.get_fdata()], -1)
            image = nibabel.Nifti1Image(both.astype(np.float32), image.affine)
        for name, volume in zip(names, (image, turned), strict=True):
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            save(volume, data / name)
        lists[key].append(dict(zip(("image", "label"), names, strict=True)))
    index = {
        "4D": {
            "modality": {"0": "MRI", "1": "turned"},
            "labels": {"0": "background", "1": "anterior", "2": "posterior"},
            **lists,
        },
        "regions": {
            "labels": {"background": 0, "whole": [1, 4], "posterior": 4},
            "regions_class_order": [1, 4],
        },
    }.get(layout, {"labels": {"background": 0, "anterior": 1, "posterior": 4}})
    if layout != "4D":
        index |= {"channel_names": {"0": "MRI"}, "file_ending": end}
    (data / "dataset.json").write_text(json.dumps(index))
    assert jaxseg("check", "--data", data) == 0
    size = ["--size", 16, 16, 16]
    assert jaxseg("train", "--data", data, "--out", run, *size, *STEPS) == 0
    assert jaxseg("evaluate", "--run", run, "--surfaces", "none") == 0
    assert len(read_rows(run / "evaluate-test/cases.jsonl")) == 2
    images = data / "imagesTs"
    assert jaxseg("predict", "--run", run, "--images", images, "--out", out) == 0
    written = sorted(out.glob(f"*{end}"))
    assert len(written) == 2
    for path in written:
        source = next(images.glob(f"{path.name.split('.')[0]}*"))
        image = read_volume(source)
        mask = read_stored_labels(path, image.geometry)  # refused if it lies elsewhere
        np.testing.assert_allclose(place_of(path), place_of(source), atol=1e-5)
        assert mask.values.shape == image.voxels.shape[:3]
        assert set(np.unique(mask.values)) <= values
