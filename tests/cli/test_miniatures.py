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


LAYOUTS = {
    "0 and 255": (black_and_white, []),
    "without splits": (without_splits, []),
    "colours": (colours, []),
    "list": (a_list_with_patients, []),
    "raters": (raters, ["--raters", "mean"]),
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


@pytest.mark.parametrize("layout", ["Decathlon", "nnU-Net", "regions"])
def test_volumes(layout, tmp_path):
    data, run, out = (tmp_path / name for name in ("data", "run", "out"))
    values = {0, 1, 2} if layout == "Decathlon" else {0, 1, 4}
    lists = {"training": [], "test": []}
    for number, (key, image, label) in enumerate(real_volumes()):
        part = {"training": "Tr", "test": "Ts"}[key]
        own = np.array(sorted(values))[np.rint(label.get_fdata()).astype(int)]
        turned = nibabel.Nifti1Image(own.astype(np.float32), label.affine)
        names = f"images{part}/c{number}_0000.nii.gz", f"labels{part}/c{number}.nii.gz"
        for name, volume in zip(names, (image, turned), strict=True):
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            nibabel.save(volume, data / name)
        lists[key].append(dict(zip(("image", "label"), names, strict=True)))
    index = {
        "Decathlon": {
            "modality": {"0": "MRI"},
            "labels": {"0": "background", "1": "anterior", "2": "posterior"},
            **lists,
        },
        "nnU-Net": {"labels": {"background": 0, "anterior": 1, "posterior": 4}},
        "regions": {
            "labels": {"background": 0, "whole": [1, 4], "posterior": 4},
            "regions_class_order": [1, 4],
        },
    }[layout]
    if layout != "Decathlon":
        index |= {"channel_names": {"0": "MRI"}, "file_ending": ".nii.gz"}
    (data / "dataset.json").write_text(json.dumps(index))
    assert jaxseg("check", "--data", data) == 0
    size = ["--size", 16, 16, 16]
    assert jaxseg("train", "--data", data, "--out", run, *size, *STEPS) == 0
    assert jaxseg("evaluate", "--run", run, "--surfaces", "none") == 0
    assert len(read_rows(run / "evaluate-test/cases.jsonl")) == 2
    images = data / "imagesTs"
    assert jaxseg("predict", "--run", run, "--images", images, "--out", out) == 0
    written = sorted(out.glob("*.nii.gz"))
    assert len(written) == 2
    for path in written:
        image = read_volume(next(images.glob(f"{path.name.split('.')[0]}*")))
        mask = read_stored_labels(path, image.geometry)  # refused if it lies elsewhere
        assert mask.values.shape == image.voxels.shape[:3]
        assert set(np.unique(mask.values)) <= values
