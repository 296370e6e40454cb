"""`jaxseg predict` with windows, flips, ensembles and thresholds."""

import numpy as np
import pytest
from PIL import Image

from jaxseg.cli import pictures
from jaxseg.cli.main import main
from jaxseg.training.thresholds import above, best_for_dice

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


def test_thresholds_and_windows_reach_the_masks(runs, images, tmp_path):
    whole, _ = predict([runs / "a"], images, tmp_path / "whole")
    flags = ("--window", 8, 8, "--overlap", 0.25)
    probs, masks = predict(
        [runs / "a"], images, tmp_path / "low", *flags, "--threshold", 0.4
    )
    _, best = predict(
        [runs / "a"], images, tmp_path / "best", *flags, "--threshold", "dice"
    )
    for name, prob in probs.items():
        assert prob.shape == whole[name].shape
        assert np.abs(prob - whole[name]).max() > 1e-3
        np.testing.assert_array_equal(masks[name], above(prob, 0.4))
        np.testing.assert_array_equal(best[name], best_for_dice(prob))


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
