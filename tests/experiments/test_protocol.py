"""The protocol of the studies: keys, order, being killed, failures, reports."""

import base64
import dataclasses
import fcntl
import gzip
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.__main__ import main
from experiments.protocol import command, queue
from experiments.protocol.claims import LOCK
from experiments.protocol.dataset import read_dataset
from experiments.protocol.jobs import RateSearch, Scoring, Training, order_jobs
from experiments.protocol.lesions import write_lesions
from experiments.protocol.pictures import pictures_of
from experiments.protocol.report import table
from experiments.protocol.results import (
    collect,
    foreground_mean,
    pack_results,
    read_results,
    round_numbers,
)
from experiments.protocol.work import DONE, folder_of, outcome, perform
from jaxseg.data.collection import list_cases
from jaxseg.errors import UserError
from jaxseg.files import digests_of, read_json, read_rows, write_json
from jaxseg.training.config import RunConfig
from jaxseg.training.sources import Example
from tests.data.reading import write

TINY = ("odyssey", "--losses", "CE", "Dice", "--steps", "4")


@pytest.fixture(scope="module")
def lesions(tmp_path_factory):
    return read_dataset(write_lesions(tmp_path_factory.mktemp("data") / "lesions"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("study") / "whole"
    assert main([*TINY, "--out", str(root)]) == 0
    return root


def files_of(dataset, split) -> list[tuple[Path, Path]]:
    """Image and mask of each case."""
    cases = list_cases(dataset.path, split)
    return [(case.image, case.mask) for case in cases if case.mask is not None]


def config_of(dataset, **changes) -> RunConfig:
    settings = dict(
        **dataset.settings_of_run(),
        loss="dice",
        steps=2,
        batch_size=2,
        size=(16, 16),
        depth=1,
        width=2,
        evaluate_every=0,
        checkpoint_every=2,
    )
    return RunConfig(**{**settings, **changes})


def training(dataset, *, rate=None, label="run", **changes) -> Training:
    config = config_of(dataset, **changes)
    return Training(dataset=dataset, config=config, rate=rate, label=label)


def test_the_synthetic_folder_is_the_same_every_time(lesions, tmp_path):
    assert lesions.counts == {
        "train": 24, "validation": 8, "test": 12, "ood_test": 6,
    }  # fmt: skip
    for split in ("ood_test", "test"):
        masks = [np.array(Image.open(m)) for _, m in files_of(lesions, split)]
        assert {bool(mask.any()) for mask in masks} == {split == "test"}
    assert (lesions.num_classes, lesions.channels) == (2, 1)
    again = read_dataset(write_lesions(tmp_path / "lesions"))
    assert again.digest == lesions.digest
    assert (
        read_dataset(write_lesions(tmp_path / "other", seed=1)).digest != again.digest
    )
    np.testing.assert_allclose(sum(lesions.class_shares), 1, rtol=1e-6)


def test_a_digest_sees_one_changed_pixel_of_a_mask(lesions, tmp_path):
    copy = tmp_path / lesions.name
    shutil.copytree(lesions.path, copy)
    path = next((copy / "train" / "masks").iterdir())
    mask = np.array(Image.open(path))
    mask[0, 0] = 1 - mask[0, 0]
    Image.fromarray(mask).save(path)
    assert read_dataset(copy).digest != lesions.digest


def test_keys_name_what_a_result_depends_on_and_nothing_else(lesions, tmp_path):
    base = training(lesions)
    moved = dataclasses.replace(lesions, path=tmp_path / "elsewhere", name="other")
    assert training(lesions, label="another").key == base.key
    assert training(moved).key == base.key
    tagged = dataclasses.replace(base, tags={"loss": "Dice"})
    assert tagged.key == base.key
    search = RateSearch(
        dataset=lesions, config=base.config, rates=(0.1, 0.2), steps=3, label="search"
    )
    others = [
        training(lesions, learning_rate=2e-3),
        training(lesions, seed=1),
        training(dataclasses.replace(lesions, digest="0")),
        training(lesions, rate=search),
        training(lesions, rate=dataclasses.replace(search, rates=(0.1, 0.3))),
        dataclasses.replace(training(lesions), start=base),
    ]
    assert len({base.key, *(job.key for job in others)}) == 7
    scoring = Scoring(members=(base,), dataset=lesions, label="scores")
    assert scoring.key != dataclasses.replace(scoring, split="test").key
    assert scoring.key != dataclasses.replace(scoring, members=(others[0],)).key
    assert scoring.key != dataclasses.replace(scoring, keep=("mask",)).key
    shown = {"columns": ("dice",), "case_tags": {"a": {"b": 1}}}
    assert scoring.key == dataclasses.replace(scoring, **shown).key


def test_jobs_come_once_and_after_what_they_need(lesions):
    search = RateSearch(
        dataset=lesions, config=config_of(lesions), rates=(0.1,), steps=3, label="s"
    )
    first = training(lesions, rate=search)
    second = dataclasses.replace(training(lesions, seed=1), start=first)
    scoring = Scoring(members=(second, first), dataset=lesions, label="both")
    ordered = order_jobs([scoring, first, dataclasses.replace(first, tags={"a": 1})])
    assert [job.key for job in ordered] == [
        job.key for job in (search, first, second, scoring)
    ]


def test_a_study_leaves_rows_runs_and_a_report(finished):
    results = read_results(finished)
    assert len(results.rows) == 2 * 24  # each training case once for each loss
    assert {row["fold"] for row in results.rows} == {0, 1}
    assert all(run["failed"] is None and run["steps"] == 4 for run in results.runs)
    assert results.about["jobs"] == 10
    assert sum(run["step_cost"] is not None for run in results.runs) == 2
    assert all(0 < run["step_cost"] < 1e5 for run in results.runs if run["step_cost"])
    row = results.rows[0]
    assert {"dice", "nsd", "hd95", "foreground_share"} <= set(row)
    assert row["run"] == [run["run"] for run in results.runs][:1]
    text = (finished / "report" / "report.md").read_text()
    assert "# Which loss for synthetic?" in text
    assert "**A trial run: it shows that everything works" in text
    assert "**replicated**" not in text
    for name in ("dice_violins", "nsd_violins", "ranks"):
        assert f"({name}.png)" in text
        assert (finished / "report" / f"{name}.png").stat().st_size > 5_000


def test_the_same_command_repeats_nothing(finished, capsys):
    stamps = {p: p.stat().st_mtime_ns for p in finished.glob(f"jobs/*/{DONE}")}
    rows = (finished / "rows.jsonl").read_bytes()
    assert main([*TINY, "--out", str(finished)]) == 0
    assert {p: p.stat().st_mtime_ns for p in stamps} == stamps
    assert (finished / "rows.jsonl").read_bytes() == rows


def test_a_study_is_widened_and_narrowed_in_its_folder(finished, tmp_path):
    out = tmp_path / "study"
    shutil.copytree(finished, out)
    done = {p: p.read_bytes() for p in out.glob(f"jobs/*/{DONE}")}
    rows = (out / "rows.jsonl").read_bytes()
    wider = [TINY[0], TINY[1], "focal", *TINY[2:]]
    assert main([*wider, "--out", str(out)]) == 0
    assert {row["loss"] for row in read_results(out).rows} == {
        "cross_entropy", "dice", "focal",
    }  # fmt: skip
    assert {path: path.read_bytes() for path in done} == done
    assert main([*TINY, "--out", str(out)]) == 0
    assert (out / "rows.jsonl").read_bytes() == rows


KILLED = """
import os, signal, sys
from experiments import __main__
from experiments.protocol import queue

left, perform = int(sys.argv[1]), queue.perform

def die(effort):
    os.kill(os.getpid(), signal.SIGKILL)

def perform_some(root, job, tick):
    global left
    left -= 1
    perform(root, job, tick if left >= 0 else die)

queue.perform = perform_some
__main__.main(sys.argv[2:])
"""
"""The command, killed in the midst of the job after so many."""


def test_killed_twice_and_taken_up_by_two_workers_a_study_ends_the_same(
    finished, tmp_path, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(finished / "programs"))
    for jobs in (1, 3):
        command = [sys.executable, "-c", KILLED, str(jobs), *TINY]
        done = subprocess.run([*command, "--out", str(tmp_path / "k")], check=False)
        assert done.returncode == -signal.SIGKILL
    kept = {p: p.read_bytes() for p in (tmp_path / "k").glob(f"jobs/*/{DONE}")}
    assert len(kept) == 4
    assert main([*TINY, "--out", str(tmp_path / "k"), "--workers", "2"]) == 0
    assert {path: path.read_bytes() for path in kept} == kept
    ours, theirs = (read_results(p) for p in (tmp_path / "k", finished))
    assert [row["case"] for row in ours.rows] == [row["case"] for row in theirs.rows]
    np.testing.assert_allclose(  # one core or two may sum in another order
        [foreground_mean(row, "dice") for row in ours.rows],
        [foreground_mean(row, "dice") for row in theirs.rows],
        atol=1e-3,
    )


def test_a_report_is_written_anew_and_old_pictures_go(finished, tmp_path, monkeypatch):
    pack_results(read_results(finished), tmp_path)
    (tmp_path / "old.png").write_bytes(b"")
    (tmp_path / "report.md").write_text("old")

    def draw(report, folder):
        (folder / "ranks.png").write_bytes(b"drawn")
        return [folder / "ranks.png"]

    monkeypatch.setattr(command, "draw", draw)
    assert main(["report", str(tmp_path)]) == 1  # another one is kept
    assert main(["report", str(tmp_path), "--write"]) == 0
    assert main(["report", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.glob("*.png")] == ["ranks.png"]
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_a_job_that_another_process_is_at_is_left_to_it(lesions, tmp_path, monkeypatch):
    mine, theirs = training(lesions), training(lesions, seed=1)
    place = folder_of(tmp_path, theirs)
    place.mkdir(parents=True)
    held = (place / LOCK).open("w")
    fcntl.flock(held, fcntl.LOCK_EX)
    worked, told = [], []

    def perform(root, job, tick):
        worked.append(job.key)
        (folder_of(root, job) / DONE).write_text('{"failed": null, "seconds": 0}')

    def waits(seconds):
        told.append(seconds)
        (place / DONE).write_text('{"failed": null, "seconds": 0}')  # the other one
        held.close()

    monkeypatch.setattr(queue, "perform", perform)
    monkeypatch.setattr(queue.time, "sleep", waits)
    queue.work_off(tmp_path, [theirs, mine], lambda label, effort: None)
    assert worked == [mine.key]
    assert len(told) == 1


def test_a_run_that_diverges_fails_with_a_reason_and_so_does_its_scoring(
    lesions, tmp_path
):
    run = training(lesions, learning_rate=1e30, optimizer="sgd", clip=None)
    scoring = Scoring(members=(run,), dataset=lesions, split="test", label="scores")
    for job in order_jobs([scoring]):
        perform(tmp_path, job, lambda effort: None)
    why = outcome(tmp_path, run)["failed"]
    assert "try a lower --learning-rate" in why
    assert outcome(tmp_path, scoring)["failed"] == f"run failed: {why}"


def test_packed_results_are_the_same_results(finished, tmp_path):
    results = read_results(finished)
    pack_results(results, tmp_path)
    assert read_results(tmp_path) == results
    packed = (tmp_path / "rows.jsonl.gz").read_bytes()
    pack_results(results, tmp_path)
    assert (tmp_path / "rows.jsonl.gz").read_bytes() == packed
    pack_results(results, tmp_path, without=("jaccard",))
    assert set(read_results(tmp_path).rows[0]) == {*results.rows[0]} - {"jaccard"}
    (tmp_path / "rows.jsonl.gz").write_bytes(packed[:-20])
    with pytest.raises(UserError, match=r"rows\.jsonl\.gz is damaged"):
        read_results(tmp_path)
    with pytest.raises(UserError, match=r"holds no results of a study"):
        read_results(tmp_path / "nowhere")


def test_a_report_can_be_computed_again_and_is_compared(finished, tmp_path, capsys):
    published = tmp_path / "published"
    assert main([*TINY, "--out", str(finished), "--publish", str(published)]) == 0
    capsys.readouterr()
    assert main(["report", str(published)]) == 0
    assert capsys.readouterr().out == (published / "report.md").read_text()
    lines = gzip.decompress((published / "rows.jsonl.gz").read_bytes()).splitlines()
    row = json.loads(lines[0])
    row["dice"] = [0.0, 0.0]
    changed = b"\n".join([json.dumps(row).encode(), *lines[1:]]) + b"\n"
    (published / "rows.jsonl.gz").write_bytes(gzip.compress(changed))
    assert main(["report", str(published)]) == 2
    assert "rows.jsonl.gz is not what study.json was" in capsys.readouterr().err
    study = read_json(published / "study.json")
    study["sha256"] |= digests_of(published, ["rows.jsonl.gz"])
    write_json(published / "study.json", study)
    assert main(["report", str(published)]) == 1
    assert "differs from this" in capsys.readouterr().err


def test_the_mean_over_foreground_leaves_out_what_is_undefined():
    assert np.isnan(foreground_mean({"dice": [0.5, None]}, "dice"))
    assert np.isnan(foreground_mean({}, "dice"))
    assert foreground_mean({"dice": [0.0, 0.4, None, 0.8]}, "dice") == pytest.approx(
        0.6
    )
    assert round_numbers([0.123456789, [2.0, None], 3]) == [0.123457, [2.0, None], 3]


def test_tables_as_markdown():
    assert table(["a", "b"], [[0.12345, None]]).splitlines() == [
        "| a | b |",
        "| --- | --- |",
        "| 0.123 | – |",
    ]


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["odyssey", "--folds", "1"], "--folds 1 holds nothing back"),
        (["odyssey", "--size", "8", "8", "8"], "takes a height and a width"),
        (["odyssey", "--data", "no/such"], "no/such"),
        (["odyssey", "--losses", "Dise"], "the nearest names are dice"),
        (["odyssey", "--losses", "dice"], "--losses needs at least two losses"),
        (["odyssey", "--group-by", "("], "--group-by '(' is no pattern"),
        (["odyssey", "--group-by", "case"], "is not found in the case"),
        (["odyssey", "--models", "resnet"], "'resnet' is not one of"),
        (["label_marginals", "--losses", "CE", "CE+L2"], "did you mean CE+L1?"),
        (["odyssey", "--scale", "huge"], "'huge' is not one of smoke, cpu, full"),
        (["odysey"], "odyssey"),
        (["report", "no/such"], "no/such holds no results"),
    ],
)
def test_a_mistake_is_answered_with_one_sentence(
    argv, part, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("jaxseg study: ")
    assert part in error


@pytest.mark.parametrize(
    ("labels", "part"),
    [
        ({"regions": {"all": [1, 2], "core": [2]}}, "declares regions (all, core)"),
        ({"annotated": {"a": ["one"]}}, "a is annotated for some classes alone"),
        ({}, "has masks of a by several raters"),
        (None, "labels.json in the folder says it"),
    ],
)
def test_truth_that_is_more_than_a_class_a_pixel_is_refused(tmp_path, labels, part):
    """A study would score it otherwise than it is meant."""
    place = tmp_path / "train"
    for number, name in enumerate("abcd"):
        mask = np.arange(64).reshape(8, 8) % 3
        if labels is None:
            mask *= 7
        if labels and "annotated" in labels:
            mask %= 2
        write(place / "images" / f"{name}.png", np.full((8, 8), number))
        for rater in ("x", "y") if labels == {} else ("",):
            write(place / "masks" / rater / f"{name}.png", mask + 4 * (labels is None))
    if labels:
        names = {"0": "background", "1": "one", "2": "two"}
        (tmp_path / "labels.json").write_text(json.dumps({**names, **labels}))
    with pytest.raises(UserError) as caught:
        read_dataset(tmp_path)
    assert part in str(caught.value)


def test_without_a_name_the_studies_are_listed(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    for name in ("odyssey", "speed", "distance", "step_speed", "report"):
        assert f"    {name}" in printed


def test_every_row_of_a_study_has_its_run(finished):
    results = read_results(finished)
    known = {run["run"] for run in results.runs}
    assert all(set(row["run"]) <= known for row in results.rows)
    for run in results.runs:
        folder = finished / "jobs" / run["run"]
        assert (
            json.loads((folder / "config.json").read_text())["loss"]
            == (run["config"]["loss"])
        )
        assert read_rows(folder / "metrics.jsonl")[-1]["step"] == 4


def test_rows_may_carry_tags_of_their_case_few_columns_and_pictures(lesions, tmp_path):
    run = training(lesions)
    scoring = Scoring(
        members=(run,), dataset=lesions, split="ood_test", label="scores",
        columns=("dice",), keep=("mask",), tags={"loss": "Dice"},
        case_tags={"lesions001": {"seen": "yes"}},
    )  # fmt: skip
    for job in (run, scoring):
        perform(tmp_path, job, lambda effort: None)
    rows = collect(tmp_path, [scoring], {}).rows
    assert [row.get("seen") for row in rows] == [None, "yes", None, None, None, None]
    assert all(row["loss"] == "Dice" and row["lesion_free"] for row in rows)
    assert {"dice", "mask", "pixels"} <= set(rows[0])
    assert not {"image", "jaccard", "predicted_pixels"} & set(rows[0])


def test_kept_pictures_are_small_and_keep_the_proportions():
    pixels = np.zeros((320, 80, 3), np.uint8)
    mask = np.zeros((320, 80), np.uint8)
    mask[:160] = 1
    kept = pictures_of(Example("a", pixels, None), mask, ("image", "mask"))
    image, small = (
        Image.open(io.BytesIO(base64.b64decode(kept[x]))) for x in ("image", "mask")
    )
    assert image.size == small.size == (40, 160)
    np.testing.assert_array_equal(np.array(small)[:, 0], [1] * 80 + [0] * 80)
    grey = pictures_of(Example("a", pixels[:9, :7, :1], None), mask, ("image",))
    assert Image.open(io.BytesIO(base64.b64decode(grey["image"]))).size == (7, 9)
    assert set(grey) == {"image"}
