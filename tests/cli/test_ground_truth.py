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
from jaxseg.losses import dice_ce_loss, merged_background
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


@pytest.mark.slow
def test_soft_masks_are_probabilities_on_request(tmp_path, capsys):
    data, run = write_nested(tmp_path / "data", (0, 100, 255)), tmp_path / "run"
    argv = ["train", "--data", data, "--out", run, *PLAIN]
    sentence(capsys, [*argv, "--soft", "--void", 255], "--soft goes with one class")
    sentence(capsys, [*argv, "--soft", "--labels", "0=a", "100=b", "255=c"], "--soft")
    assert jaxseg(*argv, "--soft", "--labels", "0=skin", "255=lesion") == 0
    text = capsys.readouterr().out
    assert "values 0 to 255: read as probabilities of lesion" in text
    _, batch, scores, loss = first_batch(run)
    share = np.asarray(batch.labels)[..., 1]
    np.testing.assert_allclose(np.unique(share), [0, 100 / 255, 1], rtol=1e-6)
    soft = np.stack([1 - share, share], axis=-1)
    np.testing.assert_allclose(loss, dice_ce_loss(scores, soft), rtol=1e-5)
    assert jaxseg("evaluate", "--run", run, "--surfaces", "none") == 0
    for row in read_rows(run / "evaluate-test/cases.jsonl"):
        truth = read(data / f"test/masks/{row['case']}.png")
        assert row["actual_pixels"] == [(truth < 128).sum(), (truth >= 128).sum()]
    out = tmp_path / "out"
    assert (
        jaxseg("predict", "--run", run, "--images", data / "test/images", "--out", out)
        == 0
    )
    written = {v for path in out.iterdir() for v in np.unique(read(path))}
    assert written <= {0, 255}


@pytest.mark.slow
def test_several_raters(tmp_path, capsys):
    """The loss of the mean of raters, and that of one drawn for each sample."""
    data = write_nested(tmp_path / "data", (0, 0, 1))
    other = write_nested(tmp_path / "other", (0, 1, 1))
    for split in ("train", "validation", "test"):
        masks = data / split / "masks"
        masks.rename(data / split / "a")
        masks.mkdir()
        (data / split / "a").rename(masks / "a")
        (other / split / "masks").rename(masks / "b")
    assert jaxseg("check", "--data", data) == 0
    assert "train has masks by 2 raters: --raters mean" in capsys.readouterr().out
    argv = ["train", "--data", data, *PLAIN]
    sentence(capsys, [*argv, "--out", tmp_path / "no"], "--raters mean", "drawn")
    sentence(
        capsys,
        ["train", "--data", write_nested(tmp_path / "one", (0, 1, 1)), *PLAIN,
         "--out", tmp_path / "no", "--raters", "mean"],
        "no case has masks of several raters",
    )  # fmt: skip
    runs = {}
    for how in ("mean", "drawn"):
        runs[how] = tmp_path / how
        assert jaxseg(*argv, "--out", runs[how], "--raters", how) == 0
    _, mean, scores, loss = first_batch(runs["mean"])
    _, drawn, other_scores, loss_drawn = first_batch(runs["drawn"])
    np.testing.assert_array_equal(mean.images, drawn.images)
    np.testing.assert_array_equal(scores, other_scores)
    names = {read(p).tobytes(): p.name for p in (data / "train/images").iterdir()}
    picked = []
    for image, shares, ids in zip(mean.images, mean.labels, drawn.labels, strict=True):
        name = names[np.asarray(image).tobytes()]
        a, b = (read(data / "train/masks" / rater / name) for rater in "ab")
        np.testing.assert_array_equal(shares[..., 1], (a + b.astype(float)) / 2)
        picked.append([np.array_equal(ids, x) for x in (a, b)])
        assert sum(picked[-1]) == 1
    np.testing.assert_allclose(
        loss, dice_ce_loss(scores, np.asarray(mean.labels)), rtol=1e-5
    )
    np.testing.assert_allclose(
        loss_drawn, dice_ce_loss(scores, np.asarray(drawn.labels, int)), rtol=1e-5
    )
    assert jaxseg("evaluate", "--run", runs["mean"], "--surfaces", "none") == 0
    for row in read_rows(runs["mean"] / "evaluate-test/cases.jsonl"):
        both = read(data / f"test/masks/a/{row['case']}.png")  # where they agree
        assert row["actual_pixels"][1] == both.sum()


def test_cases_that_are_annotated_for_some_classes_alone(tmp_path, capsys):
    """What nobody looked for is background to the loss, and not in the scores."""
    data, run = write_nested(tmp_path / "data", (0, 1, 2)), tmp_path / "run"
    for path in data.glob("*/masks/*[02].png"):  # of these the heart is not annotated
        write(path, np.minimum(read(path), 1) * (read(path) != 2))
    labels = {"0": "background", "1": "rim", "2": "heart"}
    argv = ["train", "--data", data, "--out", run, *PLAIN]
    for annotated, says in (
        (
            {"*0": ["haert"]},
            "annotated for 'haert', which is no class: there are backgr",
        ),
        ({"tr1": ["rim"]}, "tr1.png holds heart, for which the case is said not to be"),
        (["rim"], 'is no {"CASE"'),
    ):
        (data / "labels.json").write_text(
            json.dumps({**labels, "annotated": annotated})
        )
        sentence(capsys, argv, says)
    known = {"annotated": {"*[02]": ["rim"]}}
    (data / "labels.json").write_text(json.dumps({**labels, **known}))
    assert jaxseg("check", "--data", data) == 0
    assert "3 of 5 cases of train" not in (text := capsys.readouterr().out)
    assert "2 of 5 cases of train are annotated for rim alone: tr0, tr2" in text
    assert jaxseg(*argv) == 0
    _, batch, scores, loss = first_batch(run)
    assert batch.annotated.tolist() in ([[True, True, False], [True] * 3],
                                        [[True] * 3, [True, True, False]],
                                        [[True, True, False]] * 2)  # fmt: skip
    merged = merged_background(scores, jnp.asarray(batch.annotated))
    weights = batch.annotated.any(0).astype(np.float32)
    by_hand = dice_ce_loss(merged, np.asarray(batch.labels, int), class_weights=weights)
    np.testing.assert_allclose(loss, by_hand, rtol=1e-5)

    assert jaxseg("evaluate", "--run", run, "--surfaces", "none") == 0
    whole, part = sorted(
        read_rows(run / "evaluate-test/cases.jsonl"),
        key=lambda row: row["case"] == "te0",
    )
    assert None not in whole["dice"]
    assert part["dice"][2] is None
    predicted = library.load(run).predict(read(data / "test/images/te0.png"))
    truth = read(data / "test/masks/te0.png")
    hits = 2 * ((predicted == 1) & (truth == 1)).sum()
    total = (predicted == 1).sum() + (truth == 1).sum()
    np.testing.assert_allclose(part["dice"][1], hits / total)
    summary = read_json(run / "evaluate-test/summary.json")
    np.testing.assert_allclose(summary["dice_by_class"][1], whole["dice"][2])
