"""Losses and images without a lesion: the plan, and findings on planted scores."""

import argparse
import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.ood_robustness import plan as planned
from experiments.ood_robustness import scores, tables
from experiments.ood_robustness.findings import findings_of
from experiments.ood_robustness.report import report
from experiments.ood_robustness.strategies import (
    ENCODERS,
    INSIDE,
    MIXED,
    NAMES,
    REJECTED,
    STRATEGIES,
)
from experiments.protocol.dataset import Dataset
from experiments.protocol.jobs import PseudoLabels, Scoring, Training, in_order
from experiments.protocol.lesions import write_lesions
from experiments.protocol.results import Results, read_results
from experiments.protocol.study import Choices
from jaxseg.data.labels import LabelMap
from jaxseg.errors import UserError
from jaxseg.files import read_json
from jaxseg.losses import CATALOG
from jaxseg.models.catalog import MODELS
from jaxseg.statistics import Outcome

PUBLISHED = Path("experiments/reports/ood_robustness")
COUNTS = {"train": 20, "validation": 5, "test": 6, "ood_test": 4}


def dataset(tmp_path, **changes) -> Dataset:
    counts = changes.pop("counts", COUNTS)
    facts = dict(
        path=tmp_path,
        name="polyps",
        digest="d",
        counts=counts,
        num_classes=2,
        channels=3,
        class_shares=(0.8, 0.2),
        hashes={f"{s}/{s}{k}": f"{s}{k}" for s in counts for k in range(counts[s])},
        settings={},
    )
    facts |= changes
    labels = LabelMap.of_ids(facts["num_classes"])
    return Dataset(**{"labels": labels, **facts})


def choices(tmp_path, *datasets, scale="cpu", **flags) -> Choices:
    given = dict.fromkeys(("strategies", "models", "folds", "steps", "size"))
    return Choices(
        scale=scale,
        datasets=datasets or (dataset(tmp_path),),
        root=tmp_path / "study",
        arguments=argparse.Namespace(**{**given, **flags}),
    )


def test_the_paper_s_tables_are_whole():
    assert NAMES == ("CE", "Dice", "hard", "soft", "CE+Dice")
    for strategy in STRATEGIES:
        assert set(strategy.hyper) <= set(CATALOG[strategy.loss].defaults)
    for tables_of in (INSIDE, MIXED, REJECTED):
        for table in tables_of.values():
            assert tuple(table) == NAMES
            assert {len(values) for values in table.values()} == {len(ENCODERS)}
    for scale in planned.SCALES.values():
        assert set(scale.models) <= set(MODELS)


def test_each_strategy_has_five_members_and_what_is_made_of_them(tmp_path):
    jobs = planned.plan(choices(tmp_path, models=["unet"]))
    ordered = in_order(jobs)
    kinds = [type(job) for job in ordered]
    assert kinds.count(Training) == 5 * 5 + 5
    assert kinds.count(PseudoLabels) == 1
    assert kinds.count(Scoring) == 5 * (5 * 3 + 4) + 2
    assert len({job.key for job in ordered}) == len(ordered)
    runs = [job for job in jobs if isinstance(job, Training)]
    dice = next(run for run in runs if run.tags["loss"] == "Dice")
    assert dice.config.loss == "dice_squared_per_image"
    assert dice.config.class_weights == (0.0, 1.0)
    ours = [run.config.hyper for run in runs if run.tags["loss"] in NAMES[2:]]
    assert ours == [{"background": 0.0}] * 15
    assert {run.config.learning_rate for run in runs} == {1e-2}
    assert len({run.config.seed for run in runs}) == 5
    by_part = {}
    for job in jobs:
        if isinstance(job, Scoring):
            by_part.setdefault(job.tags["part"], []).append(job)
    assert {part: len(found) for part, found in by_part.items()} == {
        "fold": 25, "member": 50, "ensemble": 10, "mirrored": 10, "pseudo": 2,
    }  # fmt: skip
    assert all(len(job.members) == 5 for job in by_part["ensemble"])
    assert all(job.how.mirror for job in by_part["mirrored"] + by_part["pseudo"])
    assert all(not job.how.mirror for job in by_part["ensemble"] + by_part["member"])
    assert {job.split for job in by_part["fold"]} == {"validation"}
    assert {job.split for job in by_part["member"]} == {"test", "ood_test"}


def test_each_network_has_its_own_members_and_encoders_are_narrow(tmp_path):
    jobs = planned.plan(choices(tmp_path))
    runs = [job for job in in_order(jobs) if isinstance(job, Training)]
    configs = {(run.tags["model"], run.config.multiplier) for run in runs}
    assert configs == {
        ("unet", 1.0), ("resnet18_fpn", 0.25), ("cascade_resnet18_fpn", 0.25),
    }  # fmt: skip
    assert len({run.key for run in runs}) == len(runs) == 3 * (5 * 5 + 5)
    second = dataset(tmp_path, name="second", digest="e")
    jobs = planned.plan(choices(tmp_path, dataset(tmp_path), second))
    assert {job.tags["model"] for job in jobs if job.tags["dataset"] == "second"} == {
        "unet"
    }
    jobs = planned.plan(choices(tmp_path, models=["resnet18_fpn"]))
    assert {job.tags["model"] for job in jobs} == {"resnet18_fpn"}


def test_no_run_sees_a_test_image_but_with_a_pseudo_label(tmp_path):
    jobs = planned.plan(choices(tmp_path, models=["unet"]))
    runs = [job for job in jobs if isinstance(job, Training)]
    plain = next(run for run in runs if run.labelled is None)
    joined = next(run for run in runs if run.labelled is not None)
    folds = read_json(Path(plain.config.folds or ""))["folds"]
    again = read_json(Path(joined.config.folds or ""))["folds"]
    names = [name for fold in folds for name in fold]
    assert len(names) == 25
    assert {name.partition("/")[0] for name in names} == {"train", "validation"}
    assert len(folds) == 5
    assert len(again) == 6
    assert again[0] == [f"train/{name.replace('/', '-')}" for name in folds[0]]
    assert {name.split("-")[0] for name in again[5]} == {"train/test", "train/ood_test"}
    assert len(again[5]) == 10
    folded = [run.config.fold for run in runs if run.labelled is not None]
    assert folded == [0, 1, 2, 3, 4]  # never the sixth


def test_without_a_test_split_validation_is_the_test_and_notes_become_tags(tmp_path):
    counts = {"train": 20, "validation": 5, "ood_test": 4}
    (tmp_path / planned.NOTES).write_text(
        f"name,source_file,{planned.NOTE}\nood_test1,x.png,yes\nood_test2,y.png,no\n"
    )
    feet = dataset(tmp_path, name="foot_ulcer", counts=counts)
    jobs = planned.plan(choices(tmp_path, feet))
    free = [j for j in jobs if isinstance(j, Scoring) and j.split == "ood_test"]
    assert {job.keep for job in free} == {()}  # these images are not passed on
    assert free[0].case_tags["ood_test1"] == {"lesion_seen": "yes"}
    run = next(job for job in jobs if isinstance(job, Training))
    folds = read_json(Path(run.config.folds or ""))["folds"]
    assert sum(map(len, folds)) == 20
    member = [j for j in jobs if isinstance(j, Scoring) and j.tags["part"] == "member"]
    assert {(job.split, job.own_split) for job in member} == {
        ("validation", True),
        ("ood_test", False),
    }
    held = [j for j in jobs if isinstance(j, Scoring) and j.tags["part"] == "fold"]
    assert {(job.split, job.own_split) for job in held} == {("validation", False)}
    (tmp_path / planned.NOTES).write_text("case,seen\n")
    with pytest.raises(UserError, match="needs the columns name and"):
        planned.plan(choices(tmp_path, feet))


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"counts": {"train": 9, "test": 3}}, "has no split 'ood_test'"),
        ({"counts": {"train": 9, "ood_test": 3}}, "has no split 'test'"),
        ({"num_classes": 3}, "background and lesion, not 3 classes"),
        ({"settings": {"windows": (None,)}}, "not volumes"),
    ],
)
def test_data_that_do_not_serve_are_refused(tmp_path, changes, part):
    with pytest.raises(UserError, match=part):
        planned.scale_of(choices(tmp_path, dataset(tmp_path, **changes)))


def row(loss, part, split, case, dice, area, **more):
    """A row of 100 pixels of which `area` are predicted as lesion."""
    free = split == "ood_test"
    return {
        "dataset": "polyps", "model": "unet", "loss": loss, "part": part,
        "split": split, "case": case, "lesion_free": free, "pixels": 100,
        "dice": [0.9, dice], "predicted_pixels": [100 - area, area],
        "actual_pixels": [100, 0] if free else [90, 10], "run": ["r"],
        "mean_foreground_probability": area / 100,
        "calibration": {"ece": 0.02, "brier": 0.1}, **more,
    }  # fmt: skip


def made(dice=None, rejected=None, uses=None, ece=None, sick=60, free=20) -> Results:
    """Planted scores.

    Args:
      dice: by strategy, added to 0.6 on images with a lesion.
      rejected: by strategy, how many of the free images nothing is found on.
      uses: by part, added to the Dice of images with a lesion.
      ece: by strategy, its calibration error.
      sick: images with a lesion.
      free: images without.
    """
    rng = np.random.default_rng(0)
    level = 0.6 + 0.05 * rng.standard_normal(sick)
    rows = []
    for name in NAMES:
        calibration = {"ece": (ece or {}).get(name, 0.02), "brier": 0.1}
        none = (rejected or {}).get(name, 5)
        for part in ("fold", "member", "ensemble", "mirrored", "pseudo"):
            if part == "pseudo" and name != "CE":
                continue
            shift = (dice or {}).get(name, 0.0) + (uses or {}).get(part, 0.0)
            split = "validation" if part == "fold" else "test"
            for k in range(sick):
                score = float(level[k] + shift + 0.005 * rng.standard_normal())
                more: dict[str, Any] = {"calibration": calibration, "fold": k % 5}
                rows.append(row(name, part, split, f"s{k}", score, 10, **more))
            for k in range(free if part != "fold" else 0):
                empty = k < none
                more = {"calibration": calibration}
                if part == "ensemble" and k < 2:
                    more["lesion_seen"] = "no"
                rows.append(
                    row(name, part, "ood_test", f"f{k}", float(empty),
                        0 if empty else 5, **more)
                )  # fmt: skip
    about = {
        "datasets": [
            {"name": "polyps", "cases": COUNTS, "num_classes": 2, "digest": "d"}
        ],
        "scale": "cpu", "command": "python -m experiments ood_robustness",
        "seconds": 60.0, "workers": 1,
        "settings": {"steps": 9, "size": [8, 8], "models": ["unet"], "batch_size": 4,
                     "learning_rate": 0.1, "pseudo": ["CE"], "multiplier": 0.5,
                     "first_models": []},
        "machine": {"device": "cpu", "cores": 2, "devices": 1, "python": "3",
                    "jax": "0", "jaxlib": "0", "flax": "0", "optax": "0"},
    }  # fmt: skip
    return Results(about=about, rows=rows, runs=[])


def outcomes(results: Results) -> list[Outcome]:
    return [finding.outcome for finding in findings_of(results, "polyps")]


def test_planted_effects_are_found():
    found = findings_of(
        made(
            dice={"CE+Dice": 0.02, "soft": 0.03, "Dice": -0.02},
            rejected={"CE": 18, "hard": 17, "soft": 9, "CE+Dice": 4, "Dice": 0},
            uses={"ensemble": 0.02, "mirrored": 0.04, "pseudo": 0.06},
            ece={"Dice": 0.08},
        ),
        "polyps",
    )
    assert len(found) == 12
    assert {f.outcome for f in found} == {Outcome.REPLICATED}, [
        f.claim for f in found if f.outcome is not Outcome.REPLICATED
    ]
    by_claim = {f.claim: f for f in found}
    dice = by_claim["CE rejects more images without a lesion than Dice"]
    assert dice.effect == pytest.approx(18 / 20)
    assert dice.ours == "CE 18, Dice 0 of 20"
    # Table 4 by hand: 7.125 against 1.125 % of all images, in 8 encoders of 8
    assert dice.paper == "+6.0 % of all images on average, more in 8 of 8 encoders"
    worst = by_claim["With and without lesion: Dice is last"]
    # against the lowest other: 2.81, 4.51, 2.89, 4.02, 1.82, 6.56, 8.11 and 7.00
    assert worst.paper == "last in 8 of 8 encoders, by 4.7 points on average"


def test_of_several_networks_it_is_told_how_many_agree():
    for_it, against = (
        made(dice={"CE+Dice": gain}, rejected={"CE": reject, "CE+Dice": 3})
        for gain, reject in ((0.04, 9), (-0.02, 2))
    )
    named = (("second", for_it), ("third", against))
    others = [{**row, "model": name} for name, some in named for row in some.rows]
    both = dataclasses.replace(for_it, rows=[*for_it.rows, *others])
    found = {f.claim: f.ours for f in findings_of(both, "polyps")}
    for claim in (
        "Adding Dice to CE raises Dice on images with a lesion",
        "CE rejects more images without a lesion than CE+Dice",
    ):
        assert found[claim].endswith("; more in 2 of 3 networks"), found[claim]


def test_absent_effects_are_not_found():
    found = findings_of(made(dice={"soft": -0.02}), "polyps")
    assert Outcome.REPLICATED not in {f.outcome for f in found}
    by_claim = {f.claim: f.outcome for f in found}
    assert by_claim["Soft fine-tuning raises Dice on images with a lesion"] is (
        Outcome.NOT_REPLICATED
    )
    assert by_claim["Ensembles score higher than their members"] is (
        Outcome.NOT_REPLICATED
    )
    assert by_claim["CE rejects more images without a lesion than Dice"] is (
        Outcome.UNDECIDED  # both reject the same 5 of 20: little can be said
    )


def test_images_of_one_name_in_several_folds_and_splits_are_several():
    one = row("CE", "fold", "validation", "a", 0.5, 1, fold=0)
    two = row("CE", "fold", "validation", "a", 0.7, 1, fold=1)
    test = row("CE", "ensemble", "test", "a", 0.7, 1)
    free = row("CE", "ensemble", "ood_test", "a", 1.0, 0)
    assert len({scores.place(x) for x in (one, two, test, free)}) == 4
    member = [row("CE", "member", "test", "a", 0.7, 1, fold=k) for k in (0, 1)]
    assert scores.place(member[0]) == scores.place(member[1])


def test_areas_separate_and_a_least_area_helps_by_hand():
    rows = [
        row("CE", "ensemble", "test", "a", 0.8, 20),
        row("CE", "ensemble", "test", "b", 0.6, 4),
        row("CE", "ensemble", "ood_test", "c", 0.0, 2),
        row("CE", "ensemble", "ood_test", "d", 0.0, 4),
    ]
    assert scores.separation(rows) == pytest.approx((2 + 1.5) / 4)  # one tie
    # at 2 %: 0.8, 0.6, 1, 0; at 4 %: 0.8, 0, 1, 1; the latter wins
    assert scores.best_area(rows) == pytest.approx((0.04, 2.8 / 4))
    assert scores.best_area(rows[:2]) == pytest.approx((0.0, 0.7))
    assert np.isnan(scores.separation(rows[:2]))
    assert scores.rejected(row("CE", "ensemble", "test", "a", 0.0, 0)) == 1


def test_a_gain_is_used_up_from_a_share_on():
    """0.06 (1 - s) = 0.25 s at s = 6 / 31."""
    assert scores.break_even(0.06, 0.25) == "from 19.4 %"
    assert scores.break_even(-0.06, -0.25) == "up to 19.4 %"
    assert scores.break_even(-0.1, 0.0) == scores.break_even(-0.1, 0.2) == "always"
    assert scores.break_even(0.0, 0.0) == scores.break_even(0.1, -0.2) == "never"
    results = made(dice={"Dice": 0.06}, rejected={"CE": 10, "Dice": 5})
    paper, (_, _, share, *_) = (
        [cell.strip() for cell in line.split("|")]
        for line in tables.mixed(results.rows, "polyps").splitlines()
        if line.startswith(("| **unet**, here | from", "| means of the paper's"))
    )
    assert share == "from 19.6 %"  # 0.061 of Dice with its noise, 5 of 20 images
    # soft: 90.52 - 90.12 points gained, (7.125 - 6.125) / 9 of the free images lost
    gain = (np.mean(INSIDE["polyps"]["soft"]) - np.mean(INSIDE["polyps"]["CE"])) / 100
    assert paper[4] == f"from {100 * gain / (gain + 1 / 9):.1f} %"
    assert paper[2] == "always"  # Dice alone: neither gains nor rejects more


def test_doubtful_images_are_left_out_and_told_of():
    results = made(rejected={"CE": 20})
    answers = {"f0": "yes", "f1": "unclear", "f2": "unclear"}
    rows = [
        {**r, "lesion_seen": answers.get(r["case"], "no")} if r["lesion_free"] else r
        for r in results.rows
    ]
    doubted = dataclasses.replace(results, rows=rows)
    ensemble = [r for r in rows if r["part"] == "ensemble" and r["loss"] == "CE"]
    assert [len(scores.free_rows(ensemble, x)) for x in scores.SUBSETS] == [20, 19, 17]
    rejection = findings_of(doubted, "polyps")[3]
    assert rejection.ours == "CE 19, Dice 4 of 19"
    text = tables.free([r for r in rows if r["part"] == "ensemble"])
    for cell in ("| 20 of 20, 0.0 % |", "| 19 of 19, 0.0 % |", "| 17 of 17, 0.0 % |"):
        assert cell in text
    assert "does not always mean" in text


def test_the_report_answers_and_shows_the_paper_s_numbers():
    text = report(
        made(rejected={"CE": 12}, dice={"Dice": 0.1}, ece={"Dice": 0.06})
    ).text()
    assert text.startswith("# Cross-entropy, Dice and images without a lesion")
    assert "rejected: CE 12, Dice 5, hard 5, soft 5, CE+Dice 5; and of 60" in text
    assert "Over both kinds `CE` scored highest (0.602)" in text
    assert "| the paper's MobileNet | 86.64 (6 %) | 81.10 (1 %) |" in text
    mean = np.mean(INSIDE["polyps"]["CE"])
    assert f"| mean of the paper's encoders | {mean:.2f} |" in text
    assert "(tradeoff.png)" in text
    assert "polyps_predictions" not in text  # no row keeps a picture
    assert "| unet | Dice | 0.060 |" in text


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    assert main(["ood_robustness", "--out", str(root / "a"), "--publish",
                 str(root / "published")]) == 0  # fmt: skip
    return root


def test_from_start_to_report_by_one_command(finished, capsys):
    results = read_results(finished / "a")
    counts = dict.fromkeys(("fold", "member", "ensemble", "mirrored", "pseudo"), 0)
    for one in results.rows:
        counts[one["part"]] += 1
    assert counts == {
        "fold": 2 * 32, "member": 2 * 2 * 18, "ensemble": 2 * 18, "mirrored": 2 * 18,
        "pseudo": 18,
    }  # fmt: skip
    assert [run["failed"] for run in results.runs] == [None] * 6
    published = finished / "published"
    text = (published / "report.md").read_text()
    for name in ("tradeoff", "synthetic_predictions"):
        assert f"({name}.png)" in text
        assert (published / f"{name}.png").stat().st_size > 5_000
    capsys.readouterr()
    assert main(["report", str(published)]) == 0
    assert capsys.readouterr().out == text


def test_pseudo_labelled_runs_are_found_again_and_not_repeated(finished):
    stamps = {p: p.stat().st_mtime_ns for p in finished.glob("a/jobs/*/done.json")}
    assert len(stamps) == 6 + 1 + 2 * (2 * 3 + 4) + 2
    assert main(["ood_robustness", "--out", str(finished / "a")]) == 0
    assert {p: p.stat().st_mtime_ns for p in stamps} == stamps


def test_a_folder_without_lesion_free_images_is_answered(tmp_path, capsys):
    folder = write_lesions(tmp_path / "lesions")
    shutil.rmtree(folder / "ood_test")
    argv = ["ood_robustness", "--data", str(folder), "--out", str(tmp_path / "out")]
    assert main(argv) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "has no split 'ood_test'" in error


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="no report is published yet")
def test_the_published_report_follows_from_its_rows(capsys):
    assert main(["report", str(PUBLISHED)]) == 0
    assert "## What was run" in capsys.readouterr().out
