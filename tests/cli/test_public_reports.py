"""What broke on other people's data and machines, by command, with its answer."""

import shutil

import numpy as np
import pytest

from jaxseg.cli.evaluate import _require_same_subject
from jaxseg.cli.main import main
from jaxseg.cli.train import _places
from jaxseg.data.cases import Case
from jaxseg.data.labels import LabelMap
from jaxseg.data.pipeline import CaseSource, training_batches
from jaxseg.errors import UserError
from jaxseg.files import read_json, read_rows, write_json
from tests.cli.sentences import SMALL, sentence


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_batch_of_any_size_from_a_folder(folder, size):
    """A batch of one image: the length of the endless stream could not be divided."""
    images, masks = (folder / "test" / kind for kind in ("images", "masks"))
    names = [f"disc{k}" for k in range(3)]
    cases = [Case(n, images / f"{n}.png", masks / f"{n}.png") for n in names]
    source = CaseSource(cases, (20, 24), 3, LabelMap.of_ids(2))
    batches = training_batches(source, batch_size=size, seed=0, start=10**6)
    batch = next(batches)
    assert batch.images.shape == (size, 20, 24, 3)
    again = training_batches(source, batch_size=size, seed=0, start=10**6)
    np.testing.assert_array_equal(next(again).images, batch.images)


def test_evaluating_other_data_leaves_the_first_scores_alone(run, folder, tmp_path):
    """A second `evaluate` with other --data took the first one's place."""
    assert main(["evaluate", "--run", str(run), "--data", str(folder)]) == 0
    first = read_rows(run / "evaluate-test" / "cases.jsonl")
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    for kind in ("images", "masks"):
        (other / "test" / kind / "disc2.png").unlink()
    assert main(["evaluate", "--run", str(run), "--data", str(other)]) == 0
    assert read_rows(run / "evaluate-test" / "cases.jsonl") == first
    found = run / "evaluate-test-other"
    assert len(read_rows(found / "cases.jsonl")) == 2
    assert read_json(found / "summary.json")["data"] == str(other)


def test_scores_of_something_else_are_not_overwritten(run, folder, tmp_path, capsys):
    out = tmp_path / "scores"
    argv = ["evaluate", "--run", run, "--data", folder, "--out", out]
    assert main([str(a) for a in argv]) == 0
    before = (out / "summary.json").read_bytes()
    sentence(capsys, [*argv, "--split", "validation"], "other split", "--out")
    other = tmp_path / "copy"
    shutil.copytree(folder, other)
    sentence(capsys, [*argv, "--data", other], f"{out} holds the scores of other data")
    assert (out / "summary.json").read_bytes() == before
    assert main([str(a) for a in argv]) == 0  # the same once more is fine


def test_an_image_too_small_for_the_depth_is_refused(tmp_path, capsys):
    out = tmp_path / "run"
    argv = ["train", "--data", "synthetic", "--loss", "dice", "--size", "16", "16"]
    argv += ["--steps", "2", "--depth", "4", "--norm", "instance", "--out", out]
    sentence(capsys, argv, "--size 16 16", "smaller --depth", "another --norm")
    assert not out.exists()


def test_resume_alone_reads_the_settings_that_are_there(run, folder, tmp_path, capsys):
    out = tmp_path / "run"
    shutil.copytree(run, out)
    assert main(["train", "--resume", "--out", str(out)]) == 0
    elsewhere = tmp_path / "link"
    elsewhere.symlink_to(folder)
    argv = ["train", "--data", elsewhere, "--loss", "dice_ce", "--out", out, *SMALL]
    argv += ["--checkpoint-every", "2", "--parallel", "shard_map", "--resume"]
    assert main([str(a) for a in argv]) == 0
    config = read_json(out / "config.json")
    assert (config["checkpoint_every"], config["parallel"]) == (2, "shard_map")


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        ("--steps 9", ("--steps 9", "which had 3")),
        ("--loss dice", ("--loss dice", "which had dice_ce")),
        ("--size 32 32", ("--size 32 32", "which had 20 24")),
        ("--seed 1", ("--seed 1", "which had 0")),
        ("--clip 0", ("--clip None", "which had 10.0")),
        ("--data synthetic", ("--data synthetic",)),
        ("--stop-after 3", ("--stop-after 3", "had none")),
        ("--plan", ("--plan",)),
        ("--lesion-free 0.5", ("--lesion-free 0.5",)),
    ],
)
def test_what_would_change_the_weights_of_a_run_is_refused(run, capsys, flags, parts):
    before = sorted((p, p.stat().st_mtime_ns) for p in run.rglob("*"))
    argv = ["train", "--resume", "--out", run, *flags.split()]
    sentence(capsys, argv, *parts, f"--start-run {run}", "another --out")
    assert before == sorted((p, p.stat().st_mtime_ns) for p in run.rglob("*"))


def test_a_run_that_was_moved_is_scored_again(tmp_path):
    moved = tmp_path / "moved"
    out = moved / "evaluate-test"
    out.mkdir(parents=True)
    (out / "summary.json").write_text('{"runs": ["/once/here"], "split": "test"}')
    _require_same_subject(out, {"runs": [str(moved)], "split": "test"})
    with pytest.raises(UserError, match="other split"):
        _require_same_subject(out, {"runs": [str(moved)], "split": "validation"})
    with pytest.raises(UserError, match="other runs"):
        _require_same_subject(out, {"runs": [str(tmp_path / "another")]})


def test_a_run_finds_its_data_from_any_folder(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    given = {"data": "data", "weights": "imagenet", "folds": None, "start_run": "none"}
    assert _places(given) == {"data": str(tmp_path / "data")}
    gone = tmp_path / "gone"
    config = read_json(run / "config.json")
    gone.mkdir()
    write_json(gone / "config.json", {**config, "data": "no/such"})
    for command in ("evaluate", "calibrate"):
        argv = [command, "--run", gone]
        sentence(capsys, argv, "trained on no/such, which is not there", "--data")
