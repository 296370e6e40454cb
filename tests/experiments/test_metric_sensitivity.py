"""Eelbode's study: its plan, its virtual data, its report on scores with an answer."""

import dataclasses
import math
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.__main__ import main
from experiments.metric_sensitivity import plan as planned
from experiments.metric_sensitivity import virtual as made_virtual
from experiments.metric_sensitivity.findings import findings
from experiments.metric_sensitivity.methods import (
    CE,
    CORE,
    DICE,
    METHODS,
    NAMES,
    TVERSKY,
    WCE,
)
from experiments.metric_sensitivity.report import report
from experiments.metric_sensitivity.scores import score_of, tasks, virtual
from experiments.metric_sensitivity.tables import core
from experiments.protocol import command
from experiments.protocol.dataset import Dataset
from experiments.protocol.jobs import Scoring, Training, order_jobs
from experiments.protocol.results import Results, read_results
from experiments.protocol.study import Choices
from figures.__main__ import main as draw_figures
from jaxseg.data.collection import list_cases
from jaxseg.data.images import VOID
from jaxseg.data.labels import LabelMap
from jaxseg.data.masks import read_stored_mask
from jaxseg.files import write_rows
from jaxseg.statistics import Outcome
from tests.experiments.made import facts_of, results_of
from theory.printed import eelbode

CASES = 60
PUBLISHED = Path("experiments/reports/metric_sensitivity")
REPLICATED, NOT, UNDECIDED = (
    Outcome.REPLICATED,
    Outcome.NOT_REPLICATED,
    Outcome.UNDECIDED,
)


def image_folder(folder: Path, masks: list[np.ndarray]) -> Path:
    for kind in ("images", "masks"):
        (folder / "train" / kind).mkdir(parents=True)
    for k, mask in enumerate(masks):
        pixels = np.full(mask.shape, 90, np.uint8)
        Image.fromarray(pixels).save(folder / "train/images" / f"c{k}.png")
        Image.fromarray(mask).save(folder / "train/masks" / f"c{k}.png")
    return folder


def squares(count: int = 6) -> list[np.ndarray]:
    """Squares of 4 to 9 pixels a side somewhere in 40 x 60 pixels."""
    rng = np.random.default_rng(0)
    masks = []
    for k in range(count):
        mask = np.zeros((40, 60), np.uint8)
        row, column = rng.integers(30), rng.integers(50)
        mask[row : row + 4 + k, column : column + 4 + k] = 1
        masks.append(mask)
    return masks


def dataset(path: Path, **changes) -> Dataset:
    facts = dict(
        path=path,
        name="squares",
        digest="d",
        counts={"train": 6},
        num_classes=2,
        channels=1,
        class_shares=(0.98, 0.02),
        hashes={f"train/c{k}": str(k) for k in range(6)},
        settings={},
    )
    facts |= changes
    labels = LabelMap.of_ids(facts["num_classes"])
    return Dataset(**{"labels": labels, **facts})


def choices(root: Path, *datasets: Dataset, **changes) -> Choices:
    changes = {
        "models": ("unet",),
        "weights": None,
        "earlier": 0,
        "kinds": {},
        **changes,
    }
    return Choices(
        name="full",
        scale=dataclasses.replace(planned.SCALES["full"], **changes),
        datasets=datasets,
        root=root,
    )


def test_methods_are_the_paper_s_15_losses_and_two_more():
    assert len(METHODS) == len(set(NAMES)) == 17
    known = {method.name: method for method in METHODS}
    weights = known[WCE].weigh((0.9, 0.1))
    np.testing.assert_allclose(weights, (1 / 1.8, 1 / 0.2), rtol=1e-6)
    assert known[CE].weigh is None
    assert known[DICE].weigh((0.9, 0.05, 0.05)) == (0, 1, 1)
    assert known["sTversky 0.3/0.7"].hyper == {"alpha": 0.3, "beta": 0.7}
    assert len(TVERSKY) == 11


def test_plan_fine_tunes_all_losses_from_the_weights_of_their_fold(tmp_path):
    folder = image_folder(tmp_path / "squares", squares())
    flags = {"held": 2, "ratio_folds": 1, "ratios": (0.05, 0.5)}
    jobs = planned.plan(choices(tmp_path, dataset(folder), **flags))
    runs = [job for job in order_jobs(jobs) if isinstance(job, Training)]
    real = {
        (t.tags["loss"], t.tags["fold"]): t for t in runs if t.tags["ratio"] is None
    }
    assert len(real) == 2 * (17 + 1)
    first = real["pre-training", 0]
    assert first.config.steps == planned.SCALES["full"].pretrain_steps
    for name in NAMES:
        for fold in (0, 1):
            run = real[name, fold]
            assert run.start is not None
            assert run.start.key == real["pre-training", fold].key
            assert run.config.fold == fold
            assert run.config.folds_digest == first.config.folds_digest
    assert real["sDice, other seed", 0].config.seed != real[DICE, 0].config.seed
    assert real[DICE, 0].config.class_weights == (0.0, 1.0)

    at = {ratio: [t for t in runs if t.tags["ratio"] == ratio] for ratio in (0.05, 0.5)}
    for ratio, some in at.items():
        assert [t.tags["loss"] for t in some] == ["pre-training", CE, DICE]
        assert {t.tags["dataset"] for t in some} == {"squares"}
        assert some[1].start.key == some[2].start.key == some[0].key, ratio
    assert len(runs) == 36 + 2 * 3
    assert len({run.key for run in runs}) == len(runs)
    scored = [job for job in jobs if isinstance(job, Scoring)]
    assert {s.tags["loss"] for s in scored if s.surfaces is not None} == set(CORE)
    without = planned.plan(choices(tmp_path, dataset(folder), held=2, ratio_folds=0))
    assert {job.key for job in without} < {job.key for job in jobs}
    assert sum(isinstance(job, Training) for job in order_jobs(without)) == 36
    none = planned.plan(choices(tmp_path, dataset(folder), losses=("Lovász",)))
    assert {job.tags["ratio"] for job in none} == {None}
    early = planned.plan(
        choices(tmp_path, dataset(folder), held=2, ratio_folds=0, earlier=1)
    )
    fewer = [
        t for t in early if isinstance(t, Training) and t.config.steps in (1000, 2000)
    ]
    assert len(fewer) == 2 * 17
    assert all(t.start.key == first.key for t in fewer)  # from the same weights


def test_data_of_a_high_ratio_or_of_several_classes_have_no_virtual_ones(tmp_path):
    folder = image_folder(tmp_path / "squares", squares())
    dense = dataset(folder, class_shares=(0.9, 0.1))
    several = dataset(folder, num_classes=3, class_shares=(0.98, 0.01, 0.01))
    for data, losses in ((dense, 17), (several, 14)):
        jobs = planned.plan(choices(tmp_path, data))
        ratios = {job.tags["ratio"] for job in jobs if isinstance(job, Training)}
        assert ratios == {None}
        scored = {job.tags["loss"] for job in jobs if isinstance(job, Scoring)}
        assert len(scored) == losses


def test_a_rectangle_holds_the_object_or_lies_in_it():
    mask = np.zeros((20, 30), np.uint8)
    mask[3:8, 10:26] = 1
    for name in map(str, range(40)):
        place = made_virtual.place_of(name, mask)
        rows, columns = place.rectangle((20, 30), (8, 12))
        assert (rows.stop - rows.start, columns.stop - columns.start) == (8, 12)
        assert 0 <= rows.start <= 3
        assert rows.stop >= 8
        assert columns.start >= 10
        assert columns.stop <= 26
    found = {
        made_virtual.place_of(str(k), mask).rectangle((20, 30), (8, 12))[0].start
        for k in range(40)
    }
    assert found == {0, 1, 2, 3}
    assert made_virtual.place_of("x", mask) == made_virtual.place_of("x", mask)


def test_virtual_data_have_one_ratio_and_rectangles_of_one_size(tmp_path):
    masks = squares()
    folder = image_folder(tmp_path / "squares", masks)
    for ratio in (0.05, 0.5):
        found = made_virtual.virtual_dataset(dataset(folder), ratio, tmp_path / "v")
        cases = list_cases(found.path, "train")
        kept = [read_stored_mask(case.mask).values for case in cases if case.mask]
        sizes = {tuple(np.ptp(np.nonzero(mask != VOID), axis=1) + 1) for mask in kept}
        ((height, width),) = sizes
        assert abs(width - 1.5 * height) <= 1
        pooled = sum((m == 1).sum() for m in kept) / sum((m == 0).sum() for m in kept)
        assert abs(pooled - ratio) < 0.15 * ratio
        for mask, original in zip(kept, masks, strict=True):
            assert (mask[mask != VOID] == original[mask != VOID]).all()
        original = (folder / "train/images/c0.png").read_bytes()
        assert cases[0].image.read_bytes() == original
        assert found.class_shares[1] == pytest.approx(ratio / (1 + ratio))
    other = made_virtual.virtual_dataset(dataset(folder), 0.05, tmp_path / "v")
    assert other.digest != found.digest != "d"


def test_paper_s_tables_agree_with_each_other_and_with_its_text():
    half, equal = (eelbode.WEIGHTS.index(pair) for pair in ((0.5, 0.5), (1.0, 1.0)))
    for score in ("dice", "jaccard"):
        for k, name in enumerate(eelbode.DATASETS):
            row = eelbode.SWEEP[score][name]
            assert row[half] == eelbode.CORE[score][DICE][k]
            assert row[equal] == eelbode.CORE[score]["sJaccard"][k]
        assert eelbode.MULTI_SWEEP[score][half] == eelbode.MULTI[score][DICE][0]
    assert eelbode.gap(("a", "b"), "c", {"a": (1, 4), "b": (3, 4), "c": (1, 5)}) == (
        0.0, 1, 2,
    )  # fmt: skip
    assert {len(row) for table in eelbode.SWEEP.values() for row in table.values()} == {
        11
    }


def made_results(
    quality: Mapping[str, float],
    *,
    num_classes=2,
    ratios: Mapping[float, float] | None = None,
    small=0.0,
    noise=0.01,
) -> Results:
    """Scores 0.6 + quality + what the case has in common + noise.

    Args:
      quality: by loss, for all scores, or by "loss score".
      num_classes: of the data set.
      ratios: of virtual data sets, to what soft Dice gains there further.
      small: what all but cross-entropy gain further among small objects.
      noise: of each score.
    """
    rng = np.random.default_rng(0)
    common = 0.05 * rng.standard_normal(CASES)
    shares = np.linspace(0.01, 0.2, CASES)

    foreground = num_classes - 1

    def row(name: str, k: int, ratio: float | None) -> dict:
        def value(score: str, bonus: float = 0.0) -> float:
            level = quality.get(name, 0.0) + quality.get(f"{name} {score}", 0.0)
            return 0.6 + level + bonus + common[k] + noise * rng.standard_normal()

        bonus = small if name not in (CE, WCE) and k < CASES // 2 else 0.0
        if ratio is not None and name == DICE:
            bonus = (ratios or {})[ratio]
        dice = value("dice", bonus)
        return {
            "dataset": "made", "ratio": ratio, "loss": name, "fold": 0, "case": str(k),
            "model": "unet", "run": [name], "pixels": 1000,
            "actual_pixels": [900, *[100 / foreground] * foreground],
            "foreground_share": shares[k],
            "dice": [None, *[dice] * foreground],
            "jaccard": [None, *[dice / (2 - dice)] * foreground],
            **{s: [None, *[value(s)] * foreground]
               for s in ("f_half", "f_two", "hamming")},
            "hausdorff": [None, *[20 - 10 * value("hausdorff")] * foreground],
            "volume_difference": [5, *[10 - 10 * value("volume")] * foreground],
        }  # fmt: skip

    rows = [row(name, k, None) for name in NAMES for k in range(CASES)]
    for ratio in ratios or ():
        rows += [row(name, k, ratio) for name in (CE, DICE) for k in range(CASES)]
    rows = [{**r, "steps": steps} for steps in (10, 20, 40) for r in rows]
    shares = (0.9, *[0.1 / (num_classes - 1)] * (num_classes - 1))
    facts = facts_of(
        "made", shares=shares, kind="binary" if foreground == 1 else "volume"
    )
    return results_of(rows, "metric_sensitivity", [facts])


def outcomes(results: Results) -> dict[str, Outcome]:
    """Verdicts by the first words of the claims."""
    found = findings(tasks(results), virtual(results))
    return {f"{f.claim} ({f.source})": f.outcome for f in found}


def verdict(results: Results, words: str) -> Outcome:
    (found,) = (v for claim, v in outcomes(results).items() if words in claim)
    return found


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr("experiments.protocol.task.RESAMPLES", 200)
    monkeypatch.setattr("experiments.metric_sensitivity.tables.MARK_RESAMPLES", 200)


AS_THE_PAPER = {
    CE: -0.05,
    f"{CE} hamming": 0.12,
    WCE: -0.1,
    "sDice L2": -0.02,
    **{f"sTversky {k / 10:g}/{(10 - k) / 10:g}": -0.02 * abs(k - 5)
       for k in range(1, 10) if k != 5},
    "sTversky 0.8/0.2 f_half": 0.1,
    "sTversky 0.3/0.7 f_two": 0.1,
    "sTversky 0.2/0.8 f_two": 0.1,
}  # fmt: skip


def test_all_findings_are_replicated_on_scores_made_like_the_paper_s():
    same = dict.fromkeys((0.05, 0.1, 0.3, 0.5), 0.0)
    results = made_results(AS_THE_PAPER, ratios=same, small=0.05, noise=0.002)
    found = outcomes(results)
    assert len(found) == 21
    assert set(found.values()) == {REPLICATED}, found


def test_no_lead_is_found_where_all_losses_are_equal():
    found = outcomes(made_results({}, ratios={0.1: 0.0, 0.5: 0.0}, noise=0.0005))
    differ = ("do not differ", "No unequal", "inferior", "no trend", "one order")
    for claim, outcome in found.items():
        if "one order" in claim:
            continue  # of equal losses there is none
        equal = any(words in claim for words in differ)
        assert outcome is (REPLICATED if equal else NOT), claim


@pytest.mark.parametrize(
    ("quality", "words"),
    [
        ({CE: 0.05}, "higher Dice than CE"),
        ({CE: 0.05}, "higher Jaccard than CE"),
        ({WCE: 0.05}, "losses have a higher Dice than wCE"),
        ({WCE: 0.05}, "CE has a higher Dice than wCE"),
        ({"Lovász": 0.05}, "metric-sensitive losses do not differ"),
        ({"sDice L2": 0.05}, "sDice has a higher Dice than sDice L2"),
        ({"sTversky 0.3/0.7": 0.05}, "No unequal Tversky"),
        ({"sTversky 0.9/0.1": 0.05}, "Extreme Tversky"),
        ({"sTversky 0.75/0.75": 0.05}, "Equal Tversky"),
        ({"sTversky 0.8/0.2 f_half": -0.05}, "F0.5 is better"),
        ({"sTversky 0.3/0.7 f_two": -0.05}, "F1.5 is better"),
        ({"sTversky 0.2/0.8 f_two": -0.05}, "F2 is better"),
        ({f"{DICE} hamming": 0.2}, "higher accuracy"),
        ({f"{DICE} hausdorff": -0.5}, "Hausdorff"),
        ({f"{DICE} volume": -0.5}, "volume difference"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_each_finding_can_fail_and_its_opposite_is_told(quality, words):
    agreeing = made_results({**AS_THE_PAPER, **quality}, noise=0.002)
    assert verdict(agreeing, words) is NOT
    untouched = made_results(AS_THE_PAPER, noise=0.002)
    assert verdict(untouched, words) is REPLICATED


def test_gains_by_size_and_by_ratio():
    shrinking = made_results(AS_THE_PAPER, small=0.05, noise=0.002)
    assert verdict(shrinking, "larger for small") is REPLICATED
    growing = made_results(AS_THE_PAPER, small=-0.05, noise=0.002)
    assert verdict(growing, "larger for small") is NOT
    assert verdict(growing, "small and among large") is NOT
    trend = made_results({CE: -0.01}, ratios={0.1: 0.05, 0.5: 0.0}, noise=0.002)
    assert verdict(trend, "no trend") is NOT
    assert verdict(trend, "of all ratios") is REPLICATED


def test_several_classes_have_findings_of_their_own():
    found = outcomes(made_results(AS_THE_PAPER, num_classes=3, noise=0.002))
    assert len(found) == 4
    assert all("several classes" in claim for claim in found)
    assert set(found.values()) == {REPLICATED}


def test_scores_of_a_row_by_hand():
    row = {"dice": [0.9, 0.5, 0.7], "volume_difference": [0, 30, 10], "pixels": 400}
    assert score_of(row, "dice") == pytest.approx(0.6)
    assert score_of(row, "dice 2") == 0.7
    assert score_of(row, "volume") == pytest.approx(5.0)
    assert score_of({"hamming": [0.9, 0.98]}, "error") == pytest.approx(0.02)


def test_f_three_halves_follows_from_dice_and_f_two():
    precision, sensitivity = 0.5, 0.8

    def f(beta):
        return (1 + beta**2) / (beta**2 / sensitivity + 1 / precision)

    assert f(1.5) == pytest.approx(3.25 * 0.4 / (2.25 * 0.5 + 0.8))  # by hand
    row = {"dice": [None, f(1), 0.0], "f_two": [None, f(2), 0.0]}
    assert score_of(row, "f_three_halves") == pytest.approx(f(1.5) / 2)
    row = {"dice": [None, None], "f_two": [None, None]}
    assert math.isnan(score_of(row, "f_three_halves"))


def test_table_marks_the_best_and_the_worst():
    (task,) = tasks(made_results({DICE: 0.2, WCE: -0.2}, noise=0.002))
    ours = core([task]).splitlines()[2]
    cells = [cell.strip() for cell in ours.split("|")[3:-1]]
    assert cells[1].startswith("*0.4")
    assert cells[2].startswith("**0.8")
    assert not cells[0].startswith("*")


def test_report_says_what_the_seed_alone_does():
    text = report(made_results({"sDice, other seed": -0.03}, noise=0.002)).text()
    assert "made, unet +0.030" in text or "made, unet +0.029" in text
    assert "What the seed alone does" in text


def test_losses_of_which_not_all_cases_are_scored_are_left_out_and_named():
    whole = made_results({})
    rows = [r for r in whole.rows if r["loss"] != "Lovász" or int(r["case"]) < 9]
    partial = dataclasses.replace(whole, rows=rows)
    (task,) = tasks(partial)
    assert task.left_out == ("Lovász",)
    assert not task.has("Lovász")
    assert "not done yet: Lovász" in report(partial).text()


def test_every_picture_of_a_report_can_be_drawn(tmp_path, capsys):
    figures = report(made_results({})).figures
    names = [
        "findings",
        "dice_by_loss",
        "sweep_dice",
        "sweep_f_half",
        "sweep_f_two",
        "dice_by_size",
    ]
    assert [figure.name for figure in figures] == names
    for figure in figures:
        rows = tmp_path / f"{figure.name}.jsonl"
        write_rows(rows, figure.rows)
        out = str(tmp_path / figure.name)
        argv = [figure.picture, str(rows), *figure.flags, "--out", out]
        assert draw_figures([*argv, "--format", "png"]) in (None, 0)
    assert len(capsys.readouterr().out.split()) == len(figures)


def test_smoke_scale_from_start_to_report(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "draw", lambda report, folder: [])
    out, published = tmp_path / "study", tmp_path / "report"
    flags = ["--losses", CE, DICE, "--held", "1", "--out", str(out)]
    flags += ["--pretrain-steps", "12", "--publish", str(published)]
    assert main(["metric_sensitivity", *flags, "--so-far"]) == 2
    assert "no network is trained and scored" in capsys.readouterr().err
    assert main(["metric_sensitivity", *flags]) == 0
    results = read_results(published)
    assert {row["loss"] for row in results.rows} == {CE, DICE}
    assert set(results.values("ratio")) == {None, 0.3, 0.5}
    assert not any("precision" in row for row in results.rows)
    starts = {run["start"] for run in results.runs if run["tags"]["ratio"] is None}
    assert len(starts) == 2  # none, and the one that was pre-trained
    assert main(["report", str(published)]) == 0
    capsys.readouterr()
    assert main(["metric_sensitivity", *flags, "--held", "9"]) == 2
    assert "--held 9" in capsys.readouterr().err

    lost = [
        r["run"]
        for r in results.runs
        if r["tags"]["loss"] == DICE and r["tags"]["ratio"] is None
    ]
    shutil.rmtree(out / "jobs" / lost[0])
    assert main(["metric_sensitivity", *flags, "--so-far"]) == 0
    assert "| jobs not done yet | 1 |" in (published / "report.md").read_text()
    assert not (out / "jobs" / lost[0]).exists()


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="no report is published yet")
def test_published_report_follows_from_its_results(capsys, monkeypatch):
    monkeypatch.undo()
    assert main(["report", str(PUBLISHED)]) == 0
    capsys.readouterr()
