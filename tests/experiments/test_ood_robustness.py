"""Losses and images without a lesion: the plan, and findings on planted scores."""

import dataclasses
import itertools
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.ood_robustness import plan as planned
from experiments.ood_robustness import scores, tables
from experiments.ood_robustness.findings import (
    findings_of,
    pooled_ece,
    roc_area,
    share_rejected,
    tasks_by_part,
)
from experiments.ood_robustness.report import report
from experiments.ood_robustness.strategies import NAMES
from experiments.protocol.dataset import Dataset
from experiments.protocol.finding import Finding
from experiments.protocol.jobs import PseudoLabels, Scoring, Training, order_jobs
from experiments.protocol.lesions import write_lesions
from experiments.protocol.results import Results, read_results
from experiments.protocol.study import Choices
from jaxseg.data.labels import LabelMap
from jaxseg.errors import UserError
from jaxseg.files import read_json
from jaxseg.statistics import Outcome
from tests.experiments.made import facts_of, results_of
from theory.printed.galdran import ENCODERS, INSIDE, MIXED, REJECTED

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


def choices(tmp_path, *datasets, scale="cpu", **changes) -> Choices:
    plain = {"models": ("unet",), "weights": None, "losses": NAMES, "held": 0}
    changes = {**plain, "earlier": 0, **changes}
    return Choices(
        name=scale,
        scale=dataclasses.replace(planned.SCALES[scale], **changes),
        datasets=datasets or (dataset(tmp_path),),
        root=tmp_path / "study",
    )


def test_the_paper_s_tables_are_whole():
    assert NAMES == ("CE", "Dice", "hard", "soft", "CE+Dice")
    for tables_of in (INSIDE, MIXED, REJECTED):
        for table in tables_of.values():
            assert tuple(table) == NAMES
            assert {len(values) for values in table.values()} == {len(ENCODERS)}


def test_each_strategy_has_five_members_and_what_is_made_of_them(tmp_path):
    jobs = planned.plan(choices(tmp_path, pseudo=("CE",)))
    ordered = order_jobs(jobs)
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
    assert {run.config.schedule for run in runs} == {"cosine"}
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


def test_some_folds_are_also_trained_with_fewer_steps_and_make_small_ensembles(
    tmp_path,
):
    jobs = planned.plan(choices(tmp_path, earlier=2, losses=("CE", "Dice")))
    runs = [job for job in jobs if isinstance(job, Training)]
    order = [(r.tags["loss"], r.config.fold, r.config.steps) for r in runs]
    first = [(loss, 0, n) for n in (1000, 500, 250) for loss in ("CE", "Dice")]
    assert order[:6] == first  # a whole comparison before the next fold
    assert order[6:8] == [("CE", 1, 1000), ("Dice", 1, 1000)]
    assert len(order) == 2 * (5 + 2 * 2)
    sizes = {
        (job.tags["steps"], len(job.members))
        for job in jobs
        if isinstance(job, Scoring) and job.tags["part"] == "ensemble"
    }
    assert sizes == {(1000, 5), (250, 2), (500, 2)}


def test_an_ensemble_of_one_network_has_rows_of_its_own(tmp_path):
    jobs = order_jobs(
        planned.plan(choices(tmp_path, held=1, earlier=1, losses=("CE", "Dice")))
    )
    found = {
        (job.tags["part"], job.split, job.tags["steps"])
        for job in jobs
        if isinstance(job, Scoring) and job.tags["part"] in ("member", "ensemble")
    }
    assert found == {
        (part, split, steps)
        for part in ("member", "ensemble")
        for split in ("test", "ood_test")
        for steps in (1000, 500, 250)
    }


def test_no_run_sees_a_test_image_but_with_a_pseudo_label(tmp_path):
    jobs = planned.plan(choices(tmp_path, pseudo=("CE",)))
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
        planned.require(dataset(tmp_path, **changes))


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


def bins(error):
    """Counts of 100 pixels in one bin, sure by 0.8 and right less often."""
    found = np.zeros((3, scores.BINS))
    found[:, 11] = 100, 80, 80 - 100 * error
    return found.tolist()


def made(
    dice=None, rejected=None, uses=None, worse=None, sick=60, free=20, **more
) -> Results:
    """Planted scores, the same with a quarter, a half and all of the steps.

    Args:
      dice: by strategy, added to 0.6 on images with a lesion.
      rejected: by strategy, how many of the free images nothing is found on.
      uses: by part, added to the Dice of images with a lesion.
      worse: by strategy, its calibration error and Brier score over those of others.
      sick: images with a lesion.
      free: images without.
      more: of the results, such as the scale.
    """
    rng = np.random.default_rng(0)
    level = 0.6 + 0.05 * rng.standard_normal(sick)
    rows = []
    for name, steps in itertools.product(NAMES, (10, 20, 40)):
        factor = (worse or {}).get(name, 1.0)
        calibration = {"ece": 0.02 * factor, "brier": 0.1 * factor,
                       "bins": bins(0.02 * factor)}  # fmt: skip
        none = (rejected or {}).get(name, 5)
        for part in ("fold", "member", "ensemble", "mirrored", "pseudo"):
            if part == "pseudo" and (name != "CE" or steps < 40):
                continue
            shift = (dice or {}).get(name, 0.0) + (uses or {}).get(part, 0.0)
            split = "validation" if part == "fold" else "test"
            tags: dict[str, Any] = {"calibration": calibration, "steps": steps}
            if part == "member":
                tags["fold"] = 0
            for k in range(sick):
                score = float(level[k] + shift + 0.005 * rng.standard_normal())
                more_tags = {"fold": k % 5} if part == "fold" else {}
                rows.append(
                    row(name, part, split, f"s{k}", score, 10, **tags, **more_tags)
                )
            for k in range(free if part != "fold" else 0):
                empty = k < none
                seen = {"lesion_seen": "no"} if part == "ensemble" and k < 2 else {}
                rows.append(
                    row(name, part, "ood_test", f"f{k}", float(empty),
                        0 if empty else 5, **tags, **seen)
                )  # fmt: skip
    return results_of(rows, "ood_robustness", [facts_of("polyps")], **more)


def findings(results: Results) -> dict[str, Finding]:
    found = findings_of(tasks_by_part(results))
    assert len({f.claim for f in found}) == len(found)  # one network: none is pooled
    return {f.claim: f for f in found}


def test_planted_effects_are_found():
    found = findings(
        made(
            dice={"CE+Dice": 0.02, "soft": 0.1, "Dice": -0.02},
            rejected={"CE": 18, "hard": 17, "soft": 9, "CE+Dice": 4, "Dice": 0},
            uses={"ensemble": 0.02, "mirrored": 0.04, "pseudo": 0.06},
            worse={"Dice": 1.5},
        )
    )
    assert len(found) == 20
    others = {claim for claim, f in found.items() if f.outcome != Outcome.REPLICATED}
    areas = {x for x in found if "lesions lost" in x or x.startswith("Predicted areas")}
    assert others == areas  # these are 10 % with a lesion and at most 5 % without
    assert {found[claim].outcome for claim in areas} == {Outcome.NOT_REPLICATED}
    dice = found["CE rejects more images without a lesion than Dice"]
    assert dice.estimate.value == pytest.approx(18 / 20)
    assert dice.ours == "CE 18, Dice 0 of 20"
    assert dice.earlier == ((10, 18 / 20), (20, 18 / 20))
    # Table 4 by hand: 7.125 against 1.125 % of all images, in 8 encoders of 8
    assert dice.paper == "+6.0 % of all images on average, more in 8 of 8 encoders"
    worst = found["With and without a lesion: Dice is last"]
    # against the lowest other: 2.81, 4.51, 2.89, 4.02, 1.82, 6.56, 8.11 and 7.00
    assert worst.paper == "last in 8 of 8 encoders, by 4.7 points on average"
    assert set(worst.parts) == {"CE", "hard", "soft", "CE+Dice"}


def test_several_networks_are_judged_one_by_one_and_then_together():
    for_it, against = (
        made(dice={"CE+Dice": gain}, rejected={"CE": reject, "CE+Dice": 3})
        for gain, reject in ((0.04, 9), (-0.04, 2))
    )
    others = [{**row, "model": "second"} for row in against.rows]
    both = dataclasses.replace(for_it, rows=[*for_it.rows, *others])
    claim = "Adding Dice to CE raises Dice where there is a lesion"
    found = {f.where: f for f in findings_of(tasks_by_part(both)) if f.claim == claim}
    assert list(found) == ["polyps, unet", "polyps, second", "all together"]
    assert found["polyps, unet"].outcome is Outcome.REPLICATED
    assert found["polyps, second"].outcome is Outcome.NOT_REPLICATED
    assert found["all together"].verdict == "undecided: data sets disagree"
    assert abs(found["all together"].estimate.value) < 0.01


def test_absent_effects_are_not_found():
    found = findings(made(dice={"soft": -0.02}))
    outcomes = {claim: f.outcome for claim, f in found.items()}
    assert Outcome.REPLICATED not in outcomes.values()
    for claim in (
        "Soft fine-tuning raises Dice where there is a lesion",
        "Ensembles score higher than their members",
        "Probabilities of Dice are worse calibrated than those of CE",
    ):
        assert outcomes[claim] is Outcome.NOT_REPLICATED, claim
    claim = "CE rejects more images without a lesion than Dice"
    assert outcomes[claim] is Outcome.UNDECIDED  # both reject the same 5 of 20


def test_calibration_is_judged_by_pooled_error_and_brier_together_and_relatively():
    """Half of CE's error more is much, however small both are."""
    claim = "Probabilities of Dice are worse calibrated than those of CE"
    both = findings(made(worse={"Dice": 1.5}))[claim]
    assert both.parts["ECE"].value == pytest.approx(0.5)
    assert both.outcome is Outcome.REPLICATED
    results = made(worse={"Dice": 1.5})
    for one in results.rows:
        one["calibration"] = {**one["calibration"], "brier": 0.1}
    brier_says_no = findings(results)[claim]
    assert brier_says_no.weakest == "Brier"
    assert brier_says_no.outcome is Outcome.NOT_REPLICATED
    for one in results.rows:
        del one["calibration"]["bins"]  # as stored before pixels were pooled
    assert findings(results)[claim].outcome is not Outcome.REPLICATED


def test_bins_of_several_images_are_pooled_before_they_are_compared():
    """One image too sure by 0.1, one too unsure: each is off, their pixels are not."""
    rows = []
    for case, error in (("a", 0.1), ("b", -0.1)):
        calibration = {"ece": 0.1, "brier": 0.1, "bins": bins(error)}
        rows += [
            row(name, "ensemble", "test", case, 0.5, 10, calibration=calibration)
            for name in ("CE", "Dice")
        ]
    results = results_of(rows, "ood_robustness", [facts_of("polyps")])
    (task,) = tasks_by_part(results)["ensemble"]
    found = pooled_ece(task, "CE", np.array([[0.5, 0.5], [1.0, 0.0]]))
    np.testing.assert_allclose(found, [[0.0], [0.1]], atol=1e-12)


def test_areas_under_the_curve_and_rejections_at_equal_loss_by_hand():
    sick, free = np.array([0.3, 0.1, 0.2, 0.4]), np.array([0.05, 0.15, 0.2])
    ones, twos = np.ones((1, 4)), np.ones((1, 3))
    # 0.1 beats one, 0.2 two and ties with one, the others beat all three
    assert roc_area(sick, ones, free, twos)[0] == pytest.approx((3 + 1 + 2.5 + 3) / 12)
    # none lost: areas below 0.1; one of four lost: below 0.2
    assert share_rejected(sick, ones, free, twos, lost=0.2)[0] == pytest.approx(1 / 3)
    assert share_rejected(sick, ones, free, twos, lost=0.25)[0] == pytest.approx(2 / 3)
    weighted = np.array([[0.0, 0.0, 1.0]])
    assert share_rejected(sick, ones, free, weighted, lost=0.25)[0] == 0


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
    results = results_of(rows, "ood_robustness", [facts_of("polyps")])
    (task,) = tasks_by_part(results)["ensemble"]
    assert scores.separation(task, "CE") == pytest.approx((2 + 1.5) / 4)  # one tie
    sick, _ = tables.kinds(task)
    assert np.isnan(scores.separation(sick, "CE"))
    # at 2 %: 0.8, 0.6, 1, 0; at 4 %: 0.8, 0, 1, 1; the latter wins
    areas, found = np.array([20, 4, 2, 4]) / 100, np.array([0.8, 0.6, 0.0, 0.0])
    free = np.array([0.0, 0, 1, 1])
    assert scores.best_area(areas, found, free) == pytest.approx((0.04, 2.8 / 4))
    assert scores.best_area(areas[:2], found[:2], free[:2]) == (0.0, 0.7)
    assert scores.rejected(row("CE", "ensemble", "test", "a", 0.0, 0)) == 1


def test_a_gain_is_used_up_from_a_share_on():
    """0.06 (1 - s) = 0.25 s at s = 6 / 31."""
    assert scores.break_even(0.06, 0.25) == "from 19.4 %"
    assert scores.break_even(-0.06, -0.25) == "up to 19.4 %"
    assert scores.break_even(-0.1, 0.0) == scores.break_even(-0.1, 0.2) == "always"
    assert scores.break_even(0.0, 0.0) == scores.break_even(0.1, -0.2) == "never"
    parts = tasks_by_part(made(dice={"Dice": 0.06}, rejected={"CE": 10, "Dice": 5}))
    paper, (_, _, share, *_) = (
        [cell.strip() for cell in line.split("|")]
        for line in tables.tables_of_mixed(parts["ensemble"], "polyps").splitlines()
        if line.startswith(("| **unet**, here | from", "| means of the paper's"))
    )
    sick, _ = tables.kinds(parts["ensemble"][0])
    gained = float((sick.of("dice", "Dice") - sick.of("dice", "CE")).mean())
    assert gained == pytest.approx(0.06, abs=0.002)  # with its noise
    assert share == f"from {100 * gained / (gained + 5 / 20):.1f} %"
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
    ensemble = [
        r for r in rows
        if (r["part"], r["loss"], r["steps"]) == ("ensemble", "CE", 40)
    ]  # fmt: skip
    assert [len(scores.free_rows(ensemble, x)) for x in scores.SUBSETS] == [20, 19, 17]
    rejection = findings(doubted)["CE rejects more images without a lesion than Dice"]
    assert rejection.ours == "CE 19, Dice 4 of 19"
    text = tables.free(ensemble)
    for cell in ("| 20 of 20, 0.0 % |", "| 19 of 19, 0.0 % |", "| 17 of 17, 0.0 % |"):
        assert cell in text
    assert "A reader saw a lesion" in text
    assert "A reader saw" not in tables.free(results.rows[:0])


def test_the_report_answers_and_shows_the_paper_s_numbers():
    text = report(
        made(rejected={"CE": 12}, dice={"Dice": 0.1}, worse={"Dice": 3})
    ).text()
    assert text.startswith("# Cross-entropy, Dice and images without a lesion")
    assert "are rejected: CE 12, Dice 5, hard 5, soft 5, CE+Dice 5" in text
    assert "`CE` scores highest (0.6" in text
    assert "no verdict, for" not in text
    assert "| the paper's MobileNet | 86.64 (6 %) | 81.10 (1 %) |" in text
    mean = np.mean(INSIDE["polyps"]["CE"])
    assert f"| mean of the paper's encoders | {mean:.2f} |" in text
    assert "(tradeoff.png)" in text
    assert "polyps_predictions" not in text  # no row keeps a picture
    assert "| unet | Dice | 0.060 | 0.300 |" in text  # pooled error and Brier score


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    argv = ["ood_robustness", "--out", str(root / "a"), "--publish",
            str(root / "published")]  # fmt: skip
    assert main(argv) == 0
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
    assert "\n\n**A trial run: it shows that everything works, and says nothing" in text
    assert "**replicated**" not in text
    assert "**not replicated**" not in text
    for name in ("findings", "tradeoff", "synthetic_predictions"):
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
