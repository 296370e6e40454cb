"""`jaxseg predict` with windows, flips, ensembles and thresholds."""

import nibabel
import numpy as np
import pytest
from PIL import Image

from jaxseg.cli import pictures
from jaxseg.cli.main import main
from jaxseg.decide import expected_dice_mask
from jaxseg.files import read_json
from jaxseg.training.thresholds import above, best_for_dice
from tests.cli.test_command import sentence
from tests.data.small_volumes import write_folder

TRAIN = "train --data synthetic --loss dice_ce --steps 1 --batch-size 2 --size 16 16"
SMALL = "--depth 1 --width 4".split()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs that differ in their seed, and one with three classes."""
    root = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "draw_run", lambda folder: [])
        for name, more in (
            ("a", ()),
            ("b", ("--seed", "1")),
            ("c", ("--classes", "3", "--augment", "none")),
        ):
            argv = [*TRAIN.split(), *SMALL, *more, "--out", str(root / name)]
            assert main(argv) == 0
    return root


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for name, size in (("tall", (25, 16)), ("wide", (10, 33))):
        pixels = rng.integers(0, 256, size).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def predict(runs, images, out, *flags):
    argv = ["predict", "--images", images, "--out", out, "--probabilities", *flags]
    argv += [part for name in runs for part in ("--run", name)]
    assert main([str(a) for a in argv]) == 0
    names = ("tall", "wide")
    probs = {n: np.load(out / "probabilities" / f"{n}.npy") for n in names}
    masks = {n: np.asarray(Image.open(out / f"{n}.png")) for n in names}
    return probs, masks


def test_several_runs_give_the_mean_of_their_probabilities(runs, images, tmp_path):
    a, b = runs / "a", runs / "b"
    flags = ("--window", 16, 16, "--mirror")
    alone = [predict([run], images, tmp_path / run.name, *flags)[0] for run in (a, b)]
    probs, masks = predict([a, b], images, tmp_path / "both", *flags)
    for name, mask in masks.items():
        mean = (alone[0][name] + alone[1][name]) / 2
        np.testing.assert_allclose(probs[name], mean, rtol=1e-5)
        assert probs[name].dtype == np.float32
        np.testing.assert_array_equal(mask, probs[name].argmax(-1))
        assert np.abs(alone[0][name] - alone[1][name]).max() > 1e-3


def test_several_runs_are_scored_as_one(runs, tmp_path, monkeypatch, capsys):
    """At the images' own size, where nothing is resized between the networks."""
    monkeypatch.setattr(pictures, "draw_run", lambda folder: [])
    a, b, out = runs / "a", runs / "b", tmp_path / "both"
    common = ["evaluate", "--cases", "5", "--surfaces", "none", "--split", "test"]
    sentence(capsys, [*common, "--run", a, b], "several --run need --out")
    sentence(capsys, [*common, "--run", a, a, "--out", out], "is given twice")
    assert not out.exists()
    scores = {}
    for name, members in (("a", [a]), ("both", [a, b])):
        argv = [*common, "--run", *members, "--out", tmp_path / name]
        assert main([str(part) for part in argv]) == 0
        scores[name] = read_json(tmp_path / name / "summary.json")
    one, both = scores["a"], scores["both"]
    assert one["gain"] is None
    assert (both["cases"], both["lesion_free"]) == (one["cases"], one["lesion_free"])
    assert both["calibration"]["brier"] != one["calibration"]["brier"]
    assert (out / "samples.npz").is_file()
    argv = [*common, "--run", a, "--out", tmp_path / "decided", "--empty", "all"]
    capsys.readouterr()
    argv += ["--decide", "expected-dice"]
    assert main([str(part) for part in argv]) == 0
    text = capsys.readouterr().out
    assert "expected-dice in the place of the most probable" in text
    assert "a class that the truth does not hold is left out" in text
    decided = read_json(tmp_path / "decided" / "summary.json")
    assert set(decided["conventions"]) == {"one", "nan", "zero", "truth"}
    assert 0 < decided["fine_grained"]["by_image"] < 1
    assert one["conventions"] is None
    gained = decided["gain"]["with_foreground"]["dice"]
    assert gained["cases"] == one["cases"]
    assert gained["mean"] == pytest.approx(decided["dice"] - one["dice"], abs=1e-9)


def test_thresholds_and_windows_reach_the_masks(runs, images, tmp_path):
    whole, _ = predict([runs / "a"], images, tmp_path / "whole")
    flags = ("--window", 8, 8, "--overlap", 0.25)
    probs, masks = predict(
        [runs / "a"], images, tmp_path / "low", *flags, "--threshold", 0.4
    )
    _, best = predict(
        [runs / "a"], images, tmp_path / "best", *flags, "--threshold", "dice"
    )
    _, decided = predict(
        [runs / "a"], images, tmp_path / "decided", *flags, "--decide", "expected-dice"
    )
    for name, prob in probs.items():
        assert prob.shape == whole[name].shape
        assert np.abs(prob - whole[name]).max() > 1e-3
        np.testing.assert_array_equal(masks[name], above(prob, 0.4))
        np.testing.assert_array_equal(best[name], best_for_dice(prob))
        np.testing.assert_array_equal(decided[name], expected_dice_mask(prob[..., 1]))


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        (("--run", "b", "--run", "b"), ("b is given twice",)),
        (("--run", "c"), ("c has 3 classes but", "a has 2")),
        (("--window", "8"), ("--window 8: expected H W",)),
        (("--window", "0", "8"), ("--window", "0 is less than 1")),
        (("--overlap", "1"), ("--overlap", "1 is not from 0 to 0.95")),
        (("--threshold", "1"), ("1 is not strictly between 0 and 1", "'dice'")),
        (("--threshold", "dicey"), ("'dicey' is not a number, nor is it 'dice'",)),
        (("--decide", "expected"), ("--decide", "not one of expected-dice", "mean")),
        (("--decide", "fast-dice", "--threshold", ".3"), ("two ways to make a mask",)),
    ],
)
def test_a_mistake_is_answered_with_one_sentence(
    runs, images, tmp_path, capsys, flags, parts
):
    flags = [str(runs / f) if f in "abc" else f for f in flags]
    argv = ["predict", "--run", runs / "a", "--images", images, "--out", tmp_path / "o"]
    capsys.readouterr()
    assert main([str(a) for a in (*argv, *flags)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert all(part in line for part in parts), line
    assert not (tmp_path / "o").exists()


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    """A folder of small volumes and a run that was trained on it."""
    root = tmp_path_factory.mktemp("volumes")
    write_folder(root / "data")
    argv = "train --loss dice_ce --steps 1 --batch-size 2 --size 8 8 8".split()
    argv += [*SMALL, "--augment", "none", "--data", str(root / "data")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "draw_run", lambda folder: [])
        assert main([*argv, "--out", str(root / "run")]) == 0
    new = root / "new"
    affine = np.array(
        [[0, -1.5, 0, 9], [1.2, 0, 0, -7], [0, 0, 2.5, 3], [0, 0, 0, 1.0]]
    )
    for name, size in (("flat", (9, 14, 6)), ("tall", (11, 8, 9))):
        voxels = np.random.default_rng(0).normal(100, 20, size).astype(np.float32)
        new.mkdir(exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(voxels, affine), new / f"{name}.nii.gz")
    return root


def test_volumes_keep_their_voxels_and_their_place(volumes, tmp_path, capsys):
    run, new, out = volumes / "run", volumes / "new", tmp_path / "out"
    argv = ["predict", "--run", run, "--images", new, "--out", out]
    flags = ["--probabilities", "--overlap", "0.25", "--threshold", "dice"]
    assert main([str(a) for a in (*argv, *flags)]) == 0
    for name in ("flat", "tall"):
        image = nibabel.load(new / f"{name}.nii.gz")
        mask = nibabel.load(out / f"{name}.nii.gz")
        probs = nibabel.load(out / "probabilities" / f"{name}.nii.gz")
        assert mask.shape == image.shape
        assert mask.get_data_dtype() == np.uint8
        for result in (mask, probs):
            np.testing.assert_allclose(result.affine, image.affine, atol=1e-5)
        values = np.asarray(probs.dataobj)
        assert values.shape == (*image.shape, 3)
        np.testing.assert_allclose(values.sum(-1), 1, rtol=1e-4)
        np.testing.assert_array_equal(np.asarray(mask.dataobj), best_for_dice(values))
    capsys.readouterr()
    argv[-1] = tmp_path / "other"
    for more, part in (
        (("--overlays",), "--overlays draws on images"),
        (("--window", "8", "8"), "--window 8 8: expected X Y Z"),
        (
            ("--images", volumes / "data"),
            "holds no volumes but dataset.json and 2 more",
        ),
    ):
        assert main([str(a) for a in (*argv, *more)]) == 2
        assert part in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
