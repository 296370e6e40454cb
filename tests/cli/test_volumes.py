"""Volumes on the command line: check, folds, train, evaluate; and each mistake."""

import json

import numpy as np
import pytest
from PIL import Image

from jaxseg.cli import pictures
from jaxseg.cli.main import main
from jaxseg.files import read_json, read_rows
from tests.cli.test_command import sentence
from tests.data.small_volumes import SHAPE, save, write_folder

SMALL = "--steps 2 --batch-size 2 --depth 1 --width 4 --size 8 8 8 --seed 3".split()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("volumes"))


@pytest.fixture(scope="module")
def folds(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("folds") / "folds.json"
    argv = ["check", "--data", data, "--folds", 2, "--out", path]
    assert main([str(a) for a in argv]) == 0
    return path


@pytest.fixture(scope="module")
def run(data, folds, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "volumes"
    argv = ["train", "--data", data, "--loss", "dice_ce", "--out", out, *SMALL,
            "--folds", folds, "--fold", 1, "--spacing", 1, 1, 2, "--average", 0.9,
            "--schedule", "halving", "--dropout", 0.1,
            "--augment", "mirror"]  # fmt: skip
    assert main([str(a) for a in argv]) == 0
    return out


def test_a_run_on_a_fold_of_volumes(run, folds):
    config = read_json(run / "config.json")
    assert (config["size"], config["spacing"]) == ([8, 8, 8], [1, 1, 2])
    assert (config["windows"], config["augment"]) == ([None], "mirror")
    rows = read_rows(run / "metrics.jsonl")
    seen = [row for row in rows if "true_shares" in row]
    assert sum(seen[0]["true_shares"]) == pytest.approx(1, abs=1e-5)
    assert set(seen[0]["gradient_shares"]) == {"cross_entropy_loss", "dice_loss"}
    assert "validation_loss" in rows[-1]
    assert len(list((run / "events").iterdir())) == 1
    with Image.open(run / "samples.png") as picture:
        assert min(picture.size) > 100
    held = read_json(folds)["folds"][1]
    with np.load(run / "samples.npz", allow_pickle=False) as arrays:
        names = {str(arrays[name]) for name in arrays if name.startswith("name_")}
    assert {f"train/{name}" for name in names} == set(held)


def test_a_plan_fills_in_what_the_flags_leave_open(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(pictures, "draw_run", lambda folder: [])
    out = tmp_path / "planned"
    argv = ["train", "--data", data, "--plan", "--memory-gb", 0.1, "--width", 4,
            "--loss", "dice_ce", "--steps", 1, "--evaluate-every", 0,
            "--out", out]  # fmt: skip
    assert main([str(a) for a in argv]) == 0
    text = capsys.readouterr().out
    config = read_json(out / "config.json")
    assert (config["size"], config["batch_size"]) == ([12, 10, 8], 2)
    # 1 x 1.5 x 3 mm is halved in its plane, then 2 x 3 x 3 mm along eight slices.
    assert config["strides"] == [[2, 2, 1], [1, 1, 2]]
    assert config["kernels"] == [[3, 3, 1], [3, 3, 3], [3, 3, 3]]
    assert (config["width"], config["depth"], config["coarse_maps"]) == (4, 2, 0)
    assert config["plan"]["median_shape"] == [12, 10, 8]
    assert config["spacing"] is None  # all cases share theirs
    for phrase in ("plan for 0.1 GB", "12x10x8", "2x2x1 1x1x2", "as given"):
        assert phrase in text
    assert main([*map(str, argv), "--resume"]) == 0  # the same plan again


def test_volumes_are_scored_voxel_by_voxel_as_stored(run, data, tmp_path, capsys):
    out = tmp_path / "scores"
    argv = ["evaluate", "--run", run, "--data", data, "--out", out, "--best"]
    assert main([str(a) for a in argv]) == 0
    assert "mean Dice" in capsys.readouterr().out
    rows = read_rows(out / "cases.jsonl")
    assert [row["case"] for row in rows] == ["test0", "test1"]
    assert [row["lesion_free"] for row in rows] == [False, True]
    summary = read_json(out / "summary.json")
    assert summary["calibration"]["pixels"] == 2 * np.prod(SHAPE)


def test_check_prints_facts_for_people_and_programs(data, tmp_path, capsys):
    assert main(["check", "--data", str(data)]) == 0
    text = capsys.readouterr().out
    for phrase in ("train: 4 cases", "12x10x8", "1x1.5x3", "0 errors", "1 note"):
        assert phrase in text
    broken = write_folder(tmp_path / "broken")
    save(broken / "labels/training2.nii.gz", np.zeros((3, 3, 3), np.uint8))
    assert main(["check", "--data", str(broken), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["splits"]["train"]["cases"] == 3
    (error,) = [p for p in report["problems"] if p["gravity"] == "error"]
    assert "training2.nii.gz has 3x3x3 voxels" in error["text"]
    argv = ["check", "--data", broken, "--folds", "2", "--out", tmp_path / "f.json"]
    sentence(capsys, argv, "has errors that training would refuse")
    assert not (tmp_path / "f.json").exists()


@pytest.mark.parametrize(
    ("more", "parts"),
    [
        ((), ("holds volumes", "--size H W D")),
        (("--size", "8", "8"), ("--size", "three numbers")),
        (("--size", "8", "8", "8", "--spacing", "1", "0", "1"), ("--spacing",)),
        (("--size", "8", "8", "8", "--fold", "1"), ("--folds FILE and --fold K",)),
        (("--size", "8", "8", "8", "--fold", "1", "--folds", "no.json"), ("no.json",)),
        (("--size", "8", "8", "8", "--patience", "1"), ("--patience", "halving")),
        (("--size", "8", "8", "8", "--processes", "2"), ("--coordinator",)),
        (("--size", "8", "8", "8", "--model", "resnet34_fpn"), ("2 dim", "not 3")),
        (("--size", "8", "8", "8", "--model", "deepmedic", "--depth", "2"),
         ("--depth goes with --model unet",)),
        (("--size", "8", "8", "8", "--lesion-free", "0.1"), ("--lesion-free",)),
        (("--plan", "--depth", "2"), ("--depth contradicts --plan",)),
        (("--plan", "--model", "deepmedic"), ("--plan goes with --model unet",)),
        (("--plan", "--memory-gb", "1e-6"), ("--memory-gb 1e-06", "two patches")),
        (("--plan", "--size", "8", "8", "8", "--batch-size", "9999"), ("9999 patch",)),
        (("--size", "8", "8", "8", "--memory-gb", "1"), ("--memory-gb goes with",)),
        (("--plan", "--normalise", "imagenet"), ("--normalise goes with images",)),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_with_one_sentence(data, tmp_path, capsys, more, parts):
    out = tmp_path / "out"
    argv = ["train", "--data", data, "--loss", "dice", "--steps", 1, "--out", out]
    sentence(capsys, [*argv, *more], *parts)
    assert not out.exists()


def test_flags_of_volumes_do_not_go_with_images(tmp_path, capsys):
    argv = "train --data synthetic --loss dice --steps 1 --out".split()
    out = tmp_path / "out"
    sentence(capsys, [*argv, out, "--spacing", "1", "1", "1"], "--spacing", "volumes")
    sentence(capsys, [*argv, out, "--folds", "x", "--fold", "0"], "--folds")
    assert not out.exists()
