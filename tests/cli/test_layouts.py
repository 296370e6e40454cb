"""Data as people have them go through check, train, evaluate and predict."""

import json
import shutil

import nibabel
import numpy as np
import pytest
from PIL import Image

from jaxseg.cli import pictures
from jaxseg.cli.main import main
from jaxseg.cli.train import _scored_split
from jaxseg.files import read_json, read_rows
from tests.cli.sentences import sentence
from tests.data.small_volumes import SHAPE
from tests.data.test_geometry import affine_of
from tests.data.test_layouts import write_nnunet

SMALL = "--loss dice_ce --steps 2 --batch-size 2 --depth 1 --width 4".split()


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    monkeypatch.setattr(pictures, "draw_run", lambda folder: [])


def jaxseg(*argv) -> int:
    return main([str(part) for part in argv])


def write_discs(root, value=255, count=9):
    """Images and masks of a value without splits, masks named as ISIC names them."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:16, :16]
    for index in range(count):
        row, column = rng.uniform(5, 11, 2)
        inside = (rows - row) ** 2 + (columns - column) ** 2 < 12
        image = 60 + 120 * inside + rng.normal(0, 8, (16, 16))
        for name, pixels in (
            (f"images/d{index}.JPG", image.clip(0, 255)),
            (f"masks/d{index}_segmentation.png", value * inside),
        ):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(path)
    return root


def test_masks_of_black_and_white_without_splits(tmp_path, capsys):
    """The commonest data there is: 0 and 255, no splits, no flags."""
    data, run, out = write_discs(tmp_path / "data"), tmp_path / "run", tmp_path / "out"
    assert jaxseg("check", "--data", data) == 0
    text = capsys.readouterr().out
    for part in ("train: ", "validation: ", "test: ", "0 = background; 255 = class 1"):
        assert part in text
    assert jaxseg("train", "--data", data, "--out", run, *SMALL) == 0
    text = capsys.readouterr().out
    assert "note: values 0, 255: read as background and class 1; --void 255" in text
    assert "0 without foreground" in text
    assert read_json(run / "config.json")["labels"]["values"] == [[0], [255]]
    assert jaxseg("evaluate", "--run", run, "--surfaces", "none") == 0
    rows = read_rows(run / "evaluate-test/cases.jsonl")
    assert [row["lesion_free"] for row in rows] == [False] * len(rows)
    assert len(rows) == len(read_json(data / "splits.json")["splits"]["test"])
    assert (
        jaxseg("predict", "--run", run, "--images", data / "images", "--out", out) == 0
    )
    masks = [Image.open(path) for path in sorted(out.glob("*.png"))]
    assert len(masks) == 9
    assert {mask.mode for mask in masks} == {"L"}
    assert {v for mask in masks for v in np.unique(np.asarray(mask))} <= {0, 255}

    # The same masks as class ids are other data of the same classes.
    other = write_discs(tmp_path / "other", value=1)
    argv = ["evaluate", "--run", run, "--surfaces", "none", "--data", other]
    assert jaxseg(*argv) == 0
    found = read_rows(run / "evaluate-test-other/cases.jsonl")
    assert [row["dice"] for row in found] == [row["dice"] for row in rows]
    three = write_discs(tmp_path / "three")
    (three / "labels.json").write_text('{"0": "a", "255": "b", "7": "c"}')
    sentence(
        capsys, ["evaluate", "--run", run, "--data", three], "3 classes", "not of 2"
    )


def test_what_flags_say_of_labels_is_kept(tmp_path, capsys):
    data, run = write_discs(tmp_path / "data"), tmp_path / "run"
    argv = ["train", "--data", data, "--out", run, *SMALL]
    sentence(capsys, [*argv, "--void", "255"], "hold no class but 0")
    sentence(capsys, [*argv, "--labels", "0=a"], "--labels", "two classes or more")
    sentence(capsys, [*argv, "--labels", "0=a", "7=b"], "the value 255", "no class")
    sentence(capsys, [*argv, "--classes", "3"], "0 and 255 alone")
    assert not run.exists()
    named = ["--labels", "0=background", "255=polyp"]
    assert jaxseg(*argv, *named) == 0
    stored = read_json(run / "config.json")["labels"]
    assert (stored["names"], stored["values"]) == (
        ["background", "polyp"],
        [[0], [255]],
    )


def test_nnunets_layout_with_two_channels_and_oblique_files(tmp_path):
    data, run, out = write_nnunet(tmp_path / "data"), tmp_path / "run", tmp_path / "out"
    affine = affine_of("LPS", (1.0, 1.5, 3.0), tilt=8)
    for path in sorted(data.rglob("*.nii.gz")):
        array = np.asarray(nibabel.load(path).dataobj)
        nibabel.save(nibabel.Nifti1Image(array, affine), path)
    assert jaxseg("check", "--data", data) == 0
    argv = ["train", "--data", data, "--out", run, "--size", 8, 8, 8, *SMALL]
    assert jaxseg(*argv) == 0
    config = read_json(run / "config.json")
    assert (config["channels"], config["num_classes"]) == (2, 3)
    assert config["labels"]["names"] == ["background", "lesion", "core"]
    assert jaxseg("evaluate", "--run", run, "--surfaces", "none") == 0
    assert len(read_rows(run / "evaluate-test/cases.jsonl")) == 2
    images = data / "imagesTs"
    assert jaxseg("predict", "--run", run, "--images", images, "--out", out) == 0
    assert sorted(p.name for p in out.iterdir()) == ["Ts0.nii.gz", "Ts1.nii.gz"]
    mask, image = (
        nibabel.load(p) for p in (out / "Ts0.nii.gz", images / "Ts0_0000.nii.gz")
    )
    assert mask.shape == SHAPE
    np.testing.assert_array_equal(mask.affine, image.affine)


def test_what_is_scored_next_has_labels(tmp_path):
    volumes = write_nnunet(tmp_path / "volumes")
    assert _scored_split(volumes) == "test"
    shutil.rmtree(volumes / "labelsTs")
    assert _scored_split(volumes) == "validation"
    images = write_discs(tmp_path / "discs" / "train", count=1).parent
    assert _scored_split(images) is None
    write_discs(images / "test", count=1)
    assert _scored_split(images) == "test"
    shutil.rmtree(images / "test" / "masks")
    assert _scored_split(images) is None


def test_check_tells_what_vanishes_at_a_size(tmp_path, capsys):
    data = write_discs(tmp_path / "data")
    for path in (data / "masks").iterdir():
        mask = np.zeros((16, 16), np.uint8)
        mask[::4, ::4] = 255
        Image.fromarray(mask).save(path)
    assert jaxseg("check", "--data", data, "--size", "4", "4", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    texts = [p["text"] for p in report["problems"] if p["kind"] == "shrunk"]
    assert len(texts) == 3
    assert all("objects vanish and" in text for text in texts)
    argv = ["check", "--data", data, "--spacing", "1", "1", "1"]
    sentence(capsys, argv, "--spacing goes with volumes")
