"""`jaxseg train --weights`: an encoder that starts from a file, frozen statistics."""

import functools

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from jaxseg.cli import pictures
from jaxseg.cli.main import main
from jaxseg.cli.runs import load_run
from jaxseg.models import build_model
from jaxseg.training.step import _share_statistics
from tests.models.test_weights import shapes_of, write

TRAIN = (
    "train --data synthetic --loss dice_ce --steps 1 --batch-size 2 --size 32 32 "
    "--model mobilenetv2_fpn --augment none"
).split()


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    _, shapes = shapes_of(build_model("mobilenetv2_fpn", 2, norm="frozen-batch"))
    path = tmp_path_factory.mktemp("weights") / "mobilenet.safetensors"
    write(path, shapes)
    return path


@pytest.mark.slow
def test_training_starts_from_the_file(weights, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "draw_run", lambda folder: [])
    out = tmp_path / "run"
    more = ["--norm", "frozen-batch", "--weights", str(weights), "--out", str(out)]
    assert main([*TRAIN, *more, "--learning-rate", "1e-4"]) == 0
    run, _, state = load_run(out)
    assert run.config.normalise == "imagenet"
    encoder = jax.tree.map(np.asarray, state.params["encoder"])
    stored = load_file(weights)
    first = stored["features.0.0.weight"].sum(1, keepdims=True)  # grey images
    kernel = encoder["features_0_0"]["kernel"]
    moved = np.abs(kernel - first.transpose(2, 3, 1, 0))
    assert 0 < moved.max() <= 1.1e-4  # one step of Adam
    statistics = state.extra["batch_stats"]["encoder"]["features_0_1"]["BatchNorm_0"]
    np.testing.assert_array_equal(
        statistics["mean"], stored["features.0.1.running_mean"]
    )


def test_a_mistake_is_answered_with_one_sentence(weights, tmp_path, capsys):
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(weights.read_bytes()[:-1])
    other = tmp_path / "other.safetensors"
    save_file({"features.0.0.weight": np.zeros((32, 3, 3, 3), np.float32)}, other)
    frozen = ("--norm", "frozen-batch")
    for flags, part in (
        (
            (*frozen, "--weights", cut),
            "cut.safetensors cannot be read as a safetensors",
        ),
        ((*frozen, "--weights", other), "other.safetensors lacks features.0.1."),
        ((*frozen, "--weights", "nowhere"), "nowhere is not a file"),
        (("--weights", weights, "--norm", "group"), "norm batch or frozen-batch"),
        (
            (*frozen, "--weights", "imagenet"),
            "goes with the encoders efficientnet_lite0,",
        ),
        (("--weights", weights, "--model", "unet", *frozen), "no encoder"),
    ):
        out = tmp_path / "out"
        assert main([*TRAIN, *map(str, flags), "--out", str(out)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert part in line
        assert not out.exists()


def test_statistics_that_do_not_move_keep_their_bits_over_devices():
    """Three times a number is not always representable, so a plain mean drifts."""
    values = np.random.default_rng(0).random((32,)).astype(np.float32)
    same = {"mean": np.broadcast_to(values, (3, 32))}
    moved = {"mean": same["mean"] + np.array([[0.25], [0.5], [0.75]], np.float32)}

    @functools.partial(jax.vmap, axis_name="d")
    def shared(after, before):
        plain = jax.lax.pmean(after, "d")
        return _share_statistics(after, before, np.ones(4, bool), "d"), plain

    kept, plain = shared(same, same)
    np.testing.assert_array_equal(kept["mean"], same["mean"])
    assert (np.asarray(plain["mean"]) != same["mean"]).any()
    found, _ = shared(moved, same)
    np.testing.assert_allclose(found["mean"], same["mean"] + 0.5, rtol=1e-6)
