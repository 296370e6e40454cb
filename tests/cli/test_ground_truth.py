"""Ground truth with more to it than one class a pixel, end to end from files."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import jaxseg as library
from jaxseg.cli import pictures
from jaxseg.files import read_json, read_rows
from jaxseg.links import sigmoid
from jaxseg.losses import dice_ce_loss
from jaxseg.training.config import RunConfig
from jaxseg.training.loop import Run
from jaxseg.training.programs import programs_of
from jaxseg.training.sources import batches
from jaxseg.training.step import train_step
from tests.cli.sentences import sentence
from tests.cli.test_layouts import SMALL, jaxseg
from tests.data.reading import write

PLAIN = [*SMALL, "--augment", "none", "--evaluate-every", 0]


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    monkeypatch.setattr(pictures, "draw_run", lambda folder: [])


def first_batch(folder):
    """Settings of a run, the batch of its first step, and the scores at its start."""
    config = RunConfig.from_json(read_json(folder / "config.json"), "config.json")
    state = Run(config, folder).start()
    objective = programs_of(config, 0).objective
    batch = next(iter(batches(config, 0)))
    images = jnp.asarray(batch.images)
    if images.dtype == jnp.uint8:
        images = images.astype(jnp.float32) / 255
    scores = objective.apply(state.variables, objective.prepare(images))
    loss = train_step(state, batch, objective=objective, axis_name=None)[1]["loss"]
    return config, batch, scores, loss


def write_nested(root, values=(0, 2, 4), count=5):
    """Grey images of a disc in a disc, masks of these values, in three splits."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:16, :16]
    for split in ("train", "validation", "test"):
        for index in range(count if split == "train" else 2):
            row, column = rng.uniform(6, 10, 2)
            far = (rows - row) ** 2 + (columns - column) ** 2
            ids = (far < 20).astype(int) + (far < 6)
            image = 60 + 60 * ids + rng.normal(0, 8, (16, 16))
            name = f"{split[:2]}{index}.png"
            write(root / split / "images" / name, image.clip(0, 255))
            write(root / split / "masks" / name, np.array(values)[ids])
    return root


def read(path):
    return np.asarray(Image.open(path))


def test_regions_that_overlap(tmp_path, capsys):
    data, run, out = write_nested(tmp_path / "data"), tmp_path / "run", tmp_path / "out"
    labels = {
        "0": "background", "2": "rim", "4": "heart",
        "regions": {"whole": ["rim", 4], "core": ["heart"]},
    }  # fmt: skip
    (data / "labels.json").write_text(json.dumps(labels))
    assert jaxseg("check", "--data", data) == 0
    assert "regions: whole = rim, heart; core = heart" in capsys.readouterr().out
    argv = ["train", "--data", data, "--out", run, *PLAIN]
    sentence(capsys, [*argv, "--class-weights", 1, 1, 1], "2 numbers here")
    assert jaxseg(*argv) == 0
    config, batch, scores, loss = first_batch(run)
    assert (config.regions, config.num_classes) == (((1, 2), (2,)), 3)
    assert scores.shape[-1] == 2

    # The loss from files is the mean of two yes-or-no losses of arrays.
    by_hand = [
        dice_ce_loss(
            scores[..., r, None],
            np.isin(batch.labels, classes).astype(int),
            link=sigmoid,
        )
        for r, classes in enumerate(config.regions)
    ]
    np.testing.assert_allclose(loss, np.mean(by_hand), rtol=1e-5)
    first = read_rows(run / "metrics.jsonl")[0]
    np.testing.assert_allclose(first["loss"], loss, rtol=1e-5)

    capsys.readouterr()
    assert jaxseg("evaluate", "--run", run, "--surfaces", "none") == 0
    text = capsys.readouterr().out
    assert "  whole" in text
    assert "  core" in text
    summary = read_json(run / "evaluate-test/summary.json")
    assert summary["names"] == ["outside", "whole", "core"]
    images = data / "test/images"
    argv = ["predict", "--run", run, "--images", images, "--out", out]
    assert jaxseg(*argv, "--region-masks", "--probabilities") == 0
    assert f"wrote 2 masks to {out}" in capsys.readouterr().out
    model = library.load(run)
    assert model.names == ("whole", "core")
    for row in read_rows(run / "evaluate-test/cases.jsonl"):
        name = f"{row['case']}.png"
        inside = np.load(out / f"probabilities/{row['case']}.npy") > 0.5
        for r, region in enumerate(("whole", "core")):
            mask = read(out / "regions" / region / name)
            np.testing.assert_array_equal(mask, 255 * inside[..., r])
        written = np.where(inside[..., 1], 4, np.where(inside[..., 0], 2, 0))
        np.testing.assert_array_equal(read(out / name), written)
        ids = model.predict(read(images / name))
        np.testing.assert_array_equal(np.array([0, 2, 4])[ids], written)
        truth = read(data / "test/masks" / name)
        for r, classes in ((1, (2, 4)), (2, (4,))):
            a, b = np.isin(written, classes), np.isin(truth, classes)
            np.testing.assert_allclose(
                row["dice"][r], 2 * (a & b).sum() / (a.sum() + b.sum())
            )
