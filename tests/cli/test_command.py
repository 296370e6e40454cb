"""The jaxseg command as a user meets it: results, and one sentence for each mistake."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxseg.cli.main import main
from jaxseg.files import read_json, read_rows
from jaxseg.losses import CATALOG, cards
from tests.cli.sentences import SMALL, sentence


def test_a_run_writes_what_it_promises(run):
    names = {path.name for path in run.iterdir()}
    assert {"config.json", "metrics.jsonl", "checkpoints"} <= names
    assert {"curves.png", "samples.png"} <= names
    config = read_json(run / "config.json")
    assert (config["num_classes"], config["channels"], config["size"]) == (
        2,
        3,
        [20, 24],
    )
    for name in ("curves.png", "samples.png"):
        with Image.open(run / name) as picture:
            assert min(picture.size) > 100


def test_evaluate_writes_a_row_per_case_and_a_table(run, folder, tmp_path, capsys):
    out = tmp_path / "scores"
    argv = ["evaluate", "--run", run, "--data", folder, "--split", "test", "--out", out]
    assert main([str(a) for a in argv]) == 0
    text = capsys.readouterr().out
    rows = read_rows(out / "cases.jsonl")
    assert [row["case"] for row in rows] == ["disc0", "disc1", "disc2"]
    assert [row["lesion_free"] for row in rows] == [False, False, True]
    assert all(row["empty_rule"] == "one" for row in rows)
    summary = read_json(out / "summary.json")
    dice = np.mean([row["dice"][1] for row in rows[:2]])
    assert summary["dice"] == pytest.approx(dice)
    assert (summary["cases"], summary["lesion_free"]) == (2, 1)
    for phrase in ("mean Dice", "all is foreground", "all is background", "empty"):
        assert phrase in text
    challenge = (sum(row["dice"][1] for row in rows[:2]) + summary["rejected"]) / 3
    assert summary["challenge"]["score"] == pytest.approx(challenge)
    assert f"challenge score{challenge:27.4f}" in text
    assert summary["calibration"]["pixels"] == 3 * 20 * 24
    assert 0 < summary["calibration"]["brier"] < 2
    means = summary["surfaces"]["means"]
    for phrase, name in (
        ("mean HD95", "hd95"),
        ("mean share within 1", "nsd"),
    ):
        values = [row["surfaces"][name] for row in rows]
        assert all(value[0] is None for value in values)  # of the background
        mean = np.mean([value[1] for value in values[:2]])
        assert means[name]["mean"] == pytest.approx(mean)
        assert f"  {phrase:<34}{mean:8.4f}" in text
    assert rows[0]["surfaces"]["unit"] == summary["surfaces"]["unit"] == "pixels"
    assert rows[0]["surfaces"]["definition"] == "monai"
    flags = ["--empty", "nan", "--surfaces", "none"]
    assert main([*map(str, argv), *flags]) == 0
    assert "HD95" not in capsys.readouterr().out
    left_out = read_rows(out / "cases.jsonl")
    assert "surfaces" not in left_out[0]
    assert [row["empty_rule"] for row in left_out] == ["nan"] * 3
    assert [row["sensitivity"][1] for row in left_out[2:]] == [None]
    assert [row["sensitivity"][1] for row in rows[2:]] == [1]


def test_predict_writes_masks_of_the_size_of_the_images(run, folder, tmp_path, capsys):
    out = tmp_path / "masks"
    images = folder / "test/images"
    argv = ["predict", "--run", run, "--images", images, "--out", out, "--overlays"]
    argv = [str(a) for a in argv]
    assert main(argv) == 0
    for name in ("disc0", "disc1", "disc2"):
        with Image.open(out / f"{name}.png") as mask:
            assert mask.mode == "P"  # indices are class ids, and colours show them
            assert mask.size == (24, 20)
            assert np.asarray(mask).max() <= 1
        with Image.open(out / "overlays" / f"{name}.png") as drawn:
            assert drawn.mode == "RGB"
    sentence(capsys, argv, f"--out {out} is not empty")


def test_losses_lists_every_loss_and_explains_each(capsys):
    assert main(["losses"]) == 0
    listing = capsys.readouterr().out
    for name, entry in CATALOG.items():
        assert f"  {name} " in listing
        assert main(["losses", name]) == 0
        text = capsys.readouterr().out
        assert entry.formula in text
        assert entry.paper in text
        assert all(hyper in text for hyper in entry.defaults)
        assert cards.card(name)["range"]["answer"] in text


def test_every_command_has_help_with_an_example(capsys):
    for argv in (
        [],
        ["train"],
        ["evaluate"],
        ["predict"],
        ["losses"],
        ["demo"],
        ["calibrate"],
    ):
        with pytest.raises(SystemExit) as caught:
            main([*argv, "--help"])
        assert caught.value.code == 0
        text = capsys.readouterr().out
        assert "example" in text
        assert "jaxseg " + (argv[0] if argv else "train") in text


BASE = ("train", "--data", "synthetic", "--loss", "dice", "--out", "unused")


@pytest.mark.parametrize(
    ("argv", "parts"),
    [
        ((*BASE, "--steps", "0"), ("--steps", "0 is less than 1")),
        ((*BASE, "--steps", "ten"), ("--steps", "'ten' is not a whole number")),
        ((*BASE, "--steps", "1", "--batch-size", "0"), ("--batch-size",)),
        ((*BASE, "--steps", "1", "--learning-rate", "0"), ("--learning-rate",)),
        ((*BASE, "--steps", "1", "--size", "4", "4"), ("--size", "4 is less than 8")),
        ((*BASE, "--steps", "1", "--size", "8"), ("--size", "height and a width")),
        ((*BASE, "--steps", "1", "--optimizer", "adma"), ("did you mean adam",)),
        ((*BASE, "--steps", "1", "--hyper", "gamma=2"), ("gamma=2", "smooth")),
        ((*BASE, "--steps", "4", "--pretrain-steps", "2"), ("--pretrain-loss NAME",)),
        ((*BASE, "--steps", "4", "--pretrain-loss", "focal", "--pretrain-steps", "4"),
         ("--pretrain-steps 4", "--steps 4")),
        ((*BASE, "--steps", "4", "--pretrain-loss", "fokal"), ("focal",)),
        (("train", "--data", "synthetic", "--loss", "cldice", "--steps", "1", "--out",
          "x", "--hyper", "iterations=2.5"), ("'2.5' is not a whole number",)),
        ((*BASE, "--steps", "1", "--hyper", "smooth=x"), ("'x' is not a number",)),
        ((*BASE,), ("--steps",)),
        ((*BASE, "--steps", "1", "--seed", "99999999999"), ("--seed", "more than")),
        (("train", "--data", "synthetic", "--loss", "lovasz", "--out", "x", "--steps",
          "1", "--hyper", "classes=some"), ("classes=some", "present")),
        (("train", "--data", "synthetic", "--loss", "dise_ce", "--out", "x",
          "--steps", "1"), ("no loss 'dise_ce'", "dice_ce")),
        (("losses", "tversky_los"), ("tversky",)),
        ((*BASE, "--stepz", "1"), ("no flag --stepz", "did you mean --steps?")),
        (("evaluate", "--rnu", "x"), ("no flag --rnu", "did you mean --run?")),
        ((*BASE, "--resume"), ("a new run needs --steps",)),
        (("fly",), ("fly", "train")),
        ((), ("COMMAND",)),
        ((*BASE, "--steps", "1", "--class-weights", "1"), ("takes 2 numbers",)),
        ((*BASE, "--steps", "1", "--start-run", "no/run"), ("no/run is not a run",)),
        ((*BASE, "--steps", "1", "--evaluate-every", "0", "--stop-after", "2"),
         ("--stop-after needs validations",)),
        ((*BASE, "--steps", "1", "--evaluate-every", "0", "--keep-best", "loss"),
         ("--keep-best loss needs validations",)),
        ((*BASE, "--steps", "1", "--foreground-images", "0.5"),
         ("--foreground-images goes with a data folder of images",)),
        ((*BASE, "--steps", "1", "--model", "deepmedic", "--dropout", "0.1"),
         ("--dropout goes with other networks than deepmedic",)),
        (("evaluate", "--run", "x", "--best", "los"), ("did you mean loss",)),
        (("train", "--data", "no/such/folder", "--loss", "dice", "--out", "x",
          "--steps", "1"), ("no/such/folder does not exist",)),
        (("evaluate", "--run", "no/run"), ("no/run is not a run",)),
        (("evaluate", "--run", "x", "--surfaces", "monay"), ("did you mean monai",)),
        (("evaluate", "--run", "x", "--tolerance", "-1"), ("not from 0",)),
        (("evaluate", "--run", "x", "--missed", "zero"), ("--missed", "diagonal")),
        (("predict", "--run", "no/run", "--images", "x", "--out", "y"), ("no/run",)),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_with_one_sentence(
    argv, parts, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    sentence(capsys, argv, *parts)
    assert not list(tmp_path.iterdir()), "a refused command left something behind"


def broken(folder, tmp_path, change) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    change(copy)
    return copy


def _mask(path: Path, pixels) -> None:
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


@pytest.mark.parametrize(
    ("change", "more", "parts"),
    [
        (lambda d: (d / "train/masks/disc1.png").unlink(), (),
         ("train/images/disc1.png has no mask",)),
        (lambda d: _mask(d / "train/masks/disc1.png", np.ones((9, 9))), (),
         ("train/masks/disc1.png is 9x9",)),
        (lambda d: _mask(d / "train/masks/disc2.png", np.full((20, 24), 9)),
         ("--classes", "2"), ("disc2.png holds class id 9",)),
        (lambda d: _mask(d / "validation/masks/disc0.png", np.full((20, 24), 2)), (),
         ("validation/masks/disc0.png holds class id 2",)),
        (lambda d: (d / "train/images/disc0.png").write_text("no"), (),
         ("train/images/disc0.png is not an image",)),
        (lambda d: [_mask(d / f"train/{k}/disc0.png", np.ones((8, 8))) for k in
                    ("images", "masks")], (), ("differ in size", "--size")),
        (lambda d: None, ("--lesion-free", "0.5"), ("--lesion-free",)),
    ],
    ids=["no mask", "other size", "class id", "class id in validation", "no image",
         "sizes differ", "flag of synthetic"],
)  # fmt: skip
def test_bad_data_is_named_before_anything_is_computed(
    folder, tmp_path, capsys, change, more, parts
):
    data, out = broken(folder, tmp_path, change), tmp_path / "out"
    argv = ["train", "--data", data, "--loss", "dice", "--out", out, *SMALL, *more]
    sentence(capsys, argv, *parts)
    assert not out.exists()


def test_a_multiplier_is_of_encoders_without_stored_weights(folder, tmp_path, capsys):
    argv = ["train", "--data", folder, "--loss", "dice", "--out", tmp_path / "out"]
    argv += ["--steps", "2", "--multiplier", "0.5"]
    sentence(capsys, argv, "--multiplier goes with networks that have an encoder")
    few = [*argv[:-2], "--decoder-multiplier", "0.5"]
    sentence(capsys, few, "--decoder-multiplier goes with networks that have")
    stored = tmp_path / "resnet18.safetensors"
    stored.write_bytes(b"")
    argv += ["--model", "resnet18_fpn", "--weights", stored]
    sentence(capsys, argv, "--weights are of the literature's encoders")
    assert not (tmp_path / "out").exists()


def test_an_out_folder_that_is_taken_is_left_alone(run, folder, tmp_path, capsys):
    argv = ["train", "--data", folder, "--loss", "dice", "--out", run, *SMALL]
    before = sorted((p, p.stat().st_mtime_ns) for p in run.rglob("*"))
    sentence(capsys, argv, f"--out {run} already holds a run", "--resume")
    sentence(capsys, [*argv, "--resume"], "--loss dice would change the weights",
             "had dice_ce", f"--start-run {run}")  # fmt: skip
    assert before == sorted((p, p.stat().st_mtime_ns) for p in run.rglob("*"))
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("years of work")
    argv[argv.index(run)] = other
    sentence(capsys, argv, f"{other} holds something that is not a run")


def test_evaluate_refuses_ids_the_run_does_not_know(run, folder, tmp_path, capsys):
    def change(copy):
        _mask(copy / "test/masks/disc0.png", np.full((20, 24), 3))

    data = broken(folder, tmp_path, change)
    argv = ["evaluate", "--run", run, "--data", data, "--split", "test"]
    sentence(capsys, argv, "test/masks/disc0.png holds class id 3")
    synthetic = ["evaluate", "--run", run, "--data", "synthetic"]
    sentence(capsys, synthetic, "does not fit a run that was trained on")
    argv[-1] = "tset"
    sentence(capsys, argv, "no split 'tset'", "test")


def test_a_damaged_config_is_named(run, tmp_path, capsys):
    (tmp_path / "config.json").write_text("{")
    sentence(capsys, ["evaluate", "--run", tmp_path], "config.json is not valid JSON")
    config = json.loads((run / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config))
    sentence(capsys, ["evaluate", "--run", tmp_path], "no whole checkpoint")


def test_training_that_diverges_is_stopped_and_named(folder, tmp_path, capsys):
    out = tmp_path / "wild"
    argv = ["train", "--data", folder, "--loss", "cross_entropy", "--out", out]
    argv += ["--steps", "30", "--batch-size", "2", "--depth", "1", "--width", "4"]
    argv += ["--optimizer", "sgd", "--learning-rate", "99", "--norm", "none"]
    argv += ["--clip", "0"]
    sentence(capsys, argv, "at step", "--learning-rate")


@pytest.mark.slow
def test_real_images_beat_both_naive_predictions(real_data, tmp_path):
    """Grey nuclei, 64 x 64, 150 steps: Dice far above all-foreground."""
    out = tmp_path / "nuclei"
    argv = ["train", "--data", real_data / "nuclei", "--loss", "dice_ce", "--out", out,
            "--size", "64", "64", "--steps", "150", "--depth", "3", "--width", "8",
            "--learning-rate", "0.003"]  # fmt: skip
    assert main([str(a) for a in argv]) == 0
    argv = ["evaluate", "--run", out, "--data", real_data / "nuclei", "--split", "test"]
    assert main([str(a) for a in argv]) == 0
    summary = read_json(out / "evaluate-test" / "summary.json")
    assert summary["dice"] > 0.6 > summary["all_foreground"] + 0.2
