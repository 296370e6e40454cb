"""What a verdict needs: learning, ceilings, units, one family, data sets that agree."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.protocol.ceilings import ceiling_of, require_room
from experiments.protocol.dataset import Dataset, read_dataset
from experiments.protocol.finding import EQUAL, NO_WORSE, Finding, judge, settle
from experiments.protocol.groups import KNOWN, group_of
from experiments.protocol.learning import FLAT, Curve, failed
from experiments.protocol.lesions import write_lesions
from experiments.protocol.report import (
    departures,
    findings_table,
    learning_table,
    limits,
    verdicts_table,
)
from experiments.protocol.scale import Scale, change_scale, require
from experiments.protocol.task import Task
from experiments.protocol.tasks import mean_iou, naive, tasks_of, true_positives
from jaxseg.data.labels import LabelMap
from jaxseg.errors import UserError
from jaxseg.files import read_json
from jaxseg.statistics import Estimate, Outcome
from tests.experiments.made import CEILING, facts_of, results_of

REPLICATED, NOT = Outcome.REPLICATED, Outcome.NOT_REPLICATED
NAMES = ("first", "twin", "crippled", "late")
CASES = 40


# --- planted rows ---------------------------------------------------------------------


def rows_of(levels, *, dataset="made", seeds=2, folds=1, cases=CASES, spread=0.003):
    """Dice of each loss: a level, or one for each of three budgets."""
    rng = np.random.default_rng(0)
    ease = 0.03 * rng.standard_normal(cases)
    rows = []
    for name, level in levels.items():
        for steps, mean in zip((10, 20, 40), np.broadcast_to(level, 3), strict=True):
            for seed in range(seeds):
                for n in range(cases):
                    dice = mean + ease[n] + spread * rng.standard_normal()
                    rows.append(row_of(name, steps, seed, n, n % folds, dice, dataset))
    return rows


def row_of(name, steps, seed, n, fold, dice, dataset="made"):
    return {
        "dataset": dataset, "model": "unet", "loss": name, "steps": steps,
        "seed": seed, "fold": fold, "case": f"c{n}", "run": [f"{name} {seed} {fold}"],
        "pixels": 100, "actual_pixels": [80, 20], "predicted_pixels": [80, 20],
        "dice": [0.9, float(dice)],
    }  # fmt: skip


def tasks(rows, *, names=("made",), scale="cpu", **facts) -> list[Task]:
    given = [facts_of(name, **facts) for name in names]
    return tasks_of(results_of(rows, "odyssey", given, scale=scale), NAMES)


def beats(better, worse):
    def rule(task) -> Finding | None:
        if not task.has(better, worse):
            return None
        return Finding(
            claim=f"{better} beats {worse}", source="Table 1", paper="0.9, 0.8",
            ours="", parts={"Dice": task.lead("dice", (better,), (worse,))},
            unit="Dice", smallest=0.01, losses=(better, worse),
        )  # fmt: skip

    return rule


def verdicts(found) -> dict[str, str]:
    return {f"{f.claim} on {f.where}": f.verdict for f in found}


# --- learning -------------------------------------------------------------------------


def test_equal_losses_are_not_told_apart_a_crippled_one_is_a_late_one_still_learns():
    levels = {"first": 0.8, "twin": 0.8, "crippled": 0.6, "late": (0.1, 0.2, 0.6)}
    found = judge(
        [beats("first", other) for other in NAMES[1:]], tasks(rows_of(levels))
    )
    assert [f.verdict for f in found] == [
        "not replicated", "replicated", "undecided: still learning",
    ]  # fmt: skip
    late = found[2]
    assert [steps for steps, _ in late.earlier] == [10, 20]
    assert late.earlier[1][1] == pytest.approx(0.6, abs=0.01)
    assert "undecided: still learning" in findings_table(found)
    assert "| late | 0." in learning_table(tasks(rows_of(levels)))


@pytest.mark.parametrize(
    ("steps", "scores", "doubt"),
    [
        ((1, 2, 4), (0.6, 0.7, 0.7 + 0.9 * FLAT), ""),
        ((1, 2, 4), (0.6, 0.7, 0.7 + 1.5 * FLAT), "still learning"),
        ((1, 2, 4), (0.6, 0.7, 0.7 - 1.5 * FLAT), "not flat"),
        ((1, 2, 4), (0.0, 0.0, 0.0), "still learning"),  # flat, and has not begun
        ((1, 2, 4), (0.3, 0.3, 0.3), "still learning"),  # as good as predicting all
        ((4,), (0.9,), "one budget"),
        ((2, 4), (0.9, 0.9), "one budget"),
    ],
)
def test_the_rule_of_learning(steps, scores, doubt):
    curve = Curve(steps=steps, scores=scores, nothing=0.1, everything=0.3)
    assert curve.doubt == doubt


def test_a_loss_fails_only_where_its_rival_learned_with_a_quarter_of_the_steps():
    idle = Curve(steps=(1, 2, 4), scores=(0.0, 0.0, 0.1), nothing=0.0, everything=0.3)
    quick = Curve(steps=(1, 2, 4), scores=(0.8, 0.8, 0.8), nothing=0.0, everything=0.3)
    slow = dataclasses.replace(quick, scores=(0.5, 0.8, 0.8))
    assert failed(quick, idle)
    assert not failed(slow, idle)
    assert not failed(quick, slow)


def test_trivial_predictions_by_hand():
    """Everything on 20 of 100 pixels: 2 20 / 120; of scenes the larger share over K."""
    (task,) = tasks(rows_of({"first": 0.8, "twin": 0.8}))
    assert naive(task) == pytest.approx((0.0, 40 / 120))
    (scene,) = tasks(rows_of({"first": 0.8, "twin": 0.8}), kind="scene")
    assert naive(scene) == pytest.approx((0.8 / 2, 0.2 / 2))
    assert "predicting nothing has 0.000, everything 0.333" in limits([task])


def test_scenes_pool_the_pixels_of_all_cases():
    rows = [
        {**row_of("first", 40, 0, n, 0, 0.0), "pixels": 10, "actual_pixels": actual,
         "predicted_pixels": predicted, "dice": dice}
        for n, actual, predicted, dice in (
            (0, [6, 4], [8, 2], [12 / 14, 4 / 6]),
            (1, [9, 1], [7, 3], [14 / 16, 2 / 4]),
        )
    ]  # fmt: skip
    (task,) = tasks(rows, kind="scene")
    by_hand = [(6 + 7) / (8 + 9), (2 + 1) / (4 + 3)]
    found = mean_iou(task, "first", np.array([[0.5, 0.5], [1.0, 0.0]]))
    np.testing.assert_allclose(found[:, 0], [np.mean(by_hand), (6 / 8 + 2 / 4) / 2])
    only = mean_iou(task, "first", np.array([[0.5, 0.5]]), np.array([False, True]))
    np.testing.assert_allclose(only[:, 0], [by_hand[1]])


@pytest.mark.parametrize("pixels", [50, 76_800, 999 * 960])
def test_true_positives_are_recovered_exactly(pixels):
    rng = np.random.default_rng(0)
    actual, predicted = rng.integers(1, pixels // 2, (2, 2000))
    overlap = (rng.uniform(0, 1, 2000) * np.minimum(actual, predicted)).astype(int)
    dice = [float(f"{x:.6g}") for x in 2 * overlap / (actual + predicted)]
    row = {"dice": dice, "actual_pixels": actual, "predicted_pixels": predicted}
    np.testing.assert_array_equal(true_positives(row), overlap)


# --- collapsed runs -------------------------------------------------------------------


def test_a_collapsed_run_is_named_left_out_and_told_beside():
    rows = rows_of({"first": 0.8, "twin": 0.8}, seeds=3, spread=0.0)
    for row in rows:
        if (row["loss"], row["seed"]) == ("twin", 2):
            row["dice"] = [0.9, 0.0]
    (task,) = tasks(rows)
    assert task.collapsed == ("twin, run 3, fold 1",)
    assert "left out as collapsed: twin, run 3, fold 1" in limits([task])
    (finding,) = judge([beats("first", "twin")], [task])
    assert finding.verdict == "not replicated"  # without it they are equal
    assert finding.including == pytest.approx(0.8 / 3, abs=0.01)
    assert "with collapsed runs +0.2" in findings_table([finding])


def test_a_loss_of_which_every_run_is_trivial_has_not_collapsed_but_not_begun():
    (task,) = tasks(rows_of({"first": 0.8, "twin": 0.0}))
    assert task.collapsed == ()
    assert task.curves["twin"].doubt == "still learning"


# --- ceilings -------------------------------------------------------------------------


def stripes(folder, width):
    """Vertical lines of a width, as far apart: fine ones do not survive resizing."""
    for kind in ("images", "masks"):
        (folder / "train" / kind).mkdir(parents=True)
    mask = (np.arange(64) // width % 2).astype(np.uint8) * np.ones((64, 1), np.uint8)
    for k in range(3):
        Image.fromarray(90 * mask).save(folder / f"train/images/s{k}.png")
        Image.fromarray(mask).save(folder / f"train/masks/s{k}.png")
    return read_dataset(folder)


def test_what_a_network_cannot_see_is_a_ceiling_and_is_refused(tmp_path):
    coarse = stripes(tmp_path / "coarse", 16)
    whole = ceiling_of(coarse, (64, 64), "train")
    assert (whole.perfect, whole.calibrated) == (1, 1)
    half = ceiling_of(coarse, (32, 32), "train")
    assert half.best > 0.98  # edges lie between its pixels
    require_room(coarse, half)
    fine = stripes(tmp_path / "fine", 2)
    low = ceiling_of(fine, (16, 16), "train")
    assert low.best < 0.7  # four pixels of two stripes are one
    with pytest.raises(UserError, match="--size 16 16: on fine even a perfect network"):
        require_room(fine, low)


def test_stored_scores_at_a_low_ceiling_have_no_verdict():
    low = {**CEILING, "perfect": 0.5, "calibrated": 0.4}
    found = judge(
        [beats("first", "crippled")],
        tasks(rows_of({"first": 0.8, "crippled": 0.6}), ceiling=low),
    )
    assert [f.verdict for f in found] == ["undecided: ceiling below 0.95"]


# --- units of dependent cases ---------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "cases", "units"),
    [
        ("liver_ct_slices", ("case10003_slice106", "case10003_slice117"), 1),
        ("liver_ct_slices", ("case10003_slice106", "case10014_slice106"), 2),
        ("polyps_cvc", ("seq23_frame467", "seq24_frame467"), 2),
        ("retina_vessels", ("Image_11L", "Image_11R"), 1),
        ("camvid", ("0001TP_008550", "0001TP_008580"), 1),
        ("camvid", ("0001TP_008550", "0001TP_010380"), 2),
        ("camvid", ("Seq05VD_f03450", "Seq05VD_f03480", "Seq05VD_f04450"), 2),
        ("camvid", ("0016E5_07959", "0016E5_08155"), 2),
    ],
)
def test_units_follow_from_names(name, cases, units):
    pattern = KNOWN[name][1]
    assert len({group_of(pattern, case) for case in cases}) == units


def test_cases_of_a_patient_are_in_one_fold_and_drawn_together(tmp_path):
    folder = write_lesions(tmp_path / "lesions")
    dataset = read_dataset(folder, pattern=r"^lesions0\d")
    written = dataset.write_folds(tmp_path, count=2, seed=0, splits=("train",))
    first = str(read_json(Path(written["folds"]))["folds"][0])
    for decade in ("lesions00", "lesions01"):  # ten images each
        assert first.count(decade) in (0, 10)
    rows = rows_of({"first": 0.8, "crippled": 0.6}, seeds=1)
    for row in rows:
        row["case"] = f"p{int(row['case'][1:]) // 4}_{row['case']}"
    (task,) = tasks(rows, pattern=r"^p\d+")
    found = task.lead("dice", ("first",), ("crippled",))
    assert (found.cases, found.units) == (CASES, CASES // 4)
    (finding,) = judge([beats("first", "crippled")], [task])
    assert "n = 40 in 10 units" in findings_table([finding])


def test_networks_of_folds_that_disagree_are_no_verdict():
    """A lead of 0.05 in two folds of three, by their networks alone."""
    rows = rows_of({"first": 0.7, "twin": 0.7}, seeds=1, folds=3, cases=90)
    for row in rows:
        if row["loss"] == "first":
            row["dice"] = [0.9, row["dice"][1] + (0.05, 0.05, 0.0)[row["fold"]]]
    (task,) = tasks(rows)
    blind = dataclasses.replace(task, folds=np.zeros(90, int))
    rule = beats("first", "twin")
    assert judge([rule], [blind])[0].outcome is REPLICATED
    assert judge([rule], [task])[0].verdict == "undecided"


# --- findings -------------------------------------------------------------------------


def of(value, error=0.002, units=500):
    return Estimate(value=value, below=error, above=error, cases=units, units=units)


def finding(*values, error=0.002, **more) -> Finding:
    parts = {f"part {k}": of(value, error) for k, value in enumerate(values)}
    texts = {"claim": "A beats B", "source": "Table 1", "paper": "0.9", "ours": "0.7"}
    given = {"unit": "Dice", "smallest": 0.01, "losses": (), "where": "feet"}
    return Finding(parts=parts, **{**texts, **given, **more})


def test_all_parts_must_hold_and_the_weakest_is_shown():
    assert finding(0.05, 0.02).outcome is REPLICATED
    both = finding(0.05, -0.02)
    assert (both.outcome, both.weakest) == (NOT, "part 1")
    assert finding(0.002, -0.003, rule=EQUAL).outcome is REPLICATED
    apart = finding(0.002, -0.03, rule=EQUAL)
    assert (apart.outcome, apart.weakest) == (NOT, "part 1")
    assert finding(0.03, -0.002, rule=NO_WORSE).outcome is REPLICATED


def test_findings_of_one_study_are_corrected_for_their_number():
    alone = settle([finding(0.012, error=0.005)])
    assert [f.outcome for f in alone] == [REPLICATED]  # 2.4 standard errors
    many = settle([finding(0.012, error=0.005)] * 20)
    assert {f.outcome for f in many} == {Outcome.UNDECIDED}
    doubted = settle([finding(0.012, error=0.005), *[finding(0.1, doubt="x")] * 19])
    assert doubted[0].outcome is REPLICATED  # nothing is asked of the others
    low, high = many[0].interval
    assert high - low > 1.4 * (alone[0].interval[1] - alone[0].interval[0])


def test_a_pool_is_not_judged_against_one_of_its_data_sets():
    rows = rows_of({"first": 0.8, "twin": 0.6}, dataset="eyes")
    rows += rows_of({"first": 0.7, "twin": 0.75}, dataset="feet")
    found = judge([beats("first", "twin")], tasks(rows, names=("eyes", "feet")))
    assert verdicts(found) == {
        "first beats twin on eyes, unet": "replicated",
        "first beats twin on feet, unet": "not replicated",
        "first beats twin on all together": "undecided: data sets disagree",
    }
    assert found[2].estimate.value == pytest.approx((0.2 - 0.05) / 2, abs=0.005)
    agreeing = rows_of({"first": 0.8, "twin": 0.6}, dataset="eyes")
    agreeing += rows_of({"first": 0.8, "twin": 0.6}, dataset="feet")
    found = judge([beats("first", "twin")], tasks(agreeing, names=("eyes", "feet")))
    assert {f.outcome for f in found} == {REPLICATED}


def test_relative_effects_are_shares_of_what_the_other_has():
    rows = rows_of({"first": 0.8, "twin": 0.4}, spread=0.0)
    (task,) = tasks(rows)
    found = task.lead("dice", ("first",), ("twin",), relative=True)
    assert found.value == pytest.approx(1.0, abs=0.02)
    less = task.lead("dice", ("first",), ("twin",), sign=-1, relative=True)
    assert less.value == pytest.approx(-found.value)


def test_a_trial_run_has_no_verdicts():
    (task,) = tasks(rows_of({"first": 0.8, "crippled": 0.6}), scale="smoke")
    (found,) = judge([beats("first", "crippled")], [task])
    assert found.verdict == "undecided: a trial run"


def test_each_claim_stands_once_with_its_verdicts_by_reason():
    two = finding(-12.34, where="eyes", doubt="one budget")
    text = verdicts_table(settle([finding(0.2), two, finding(math.nan, where="ears")]))
    assert text.splitlines()[:3] == [
        "| finding | replicated | not replicated | undecided |",
        "| --- | --- | --- | --- |",
        "| A beats B | feet (+0.200) |  | one budget: eyes (-12.3); ears (–) |",
    ]


# --- scales and reports ---------------------------------------------------------------


def scale(**changes) -> Scale:
    given = dict(
        losses=("a", "b"), steps=10, size=(64, 64), batch_size=4, learning_rate=0.1,
        kinds={"volume": {"size": (8, 8, 8)}, "feet": {"steps": 20}},
    )  # fmt: skip
    return Scale(**{**given, **changes})


def dataset(tmp_path, **changes) -> Dataset:
    facts = dict(
        path=tmp_path, name="feet", digest="d", counts={"train": 9, "test": 3},
        num_classes=2, channels=1, class_shares=(0.9, 0.1), hashes={}, settings={},
        labels=LabelMap.of_ids(2),
    )  # fmt: skip
    return Dataset(**{**facts, **changes})


class Flags:
    """What argparse leaves, None where nothing was given."""

    def __init__(self, **given):
        self.given = given

    def __getattr__(self, name):
        return self.given.get(name)


def test_a_flag_wins_over_what_a_kind_of_data_has_and_that_over_the_scale(tmp_path):
    names = ("losses", "folds", "steps", "size", "held")
    as_it_is = change_scale(scale(), names, Flags())
    assert as_it_is.on(dataset(tmp_path)).steps == 20
    assert as_it_is.on(dataset(tmp_path, name="eyes")).steps == 10
    volumes = dataset(tmp_path, settings={"windows": (None,)})
    assert as_it_is.on(volumes).size == (8, 8, 8)
    given = change_scale(scale(), names, Flags(steps=40, size=[32, 32]))
    assert given.on(dataset(tmp_path)).steps == 40
    with pytest.raises(UserError, match="feet takes X Y Z"):
        require(given.on(volumes), volumes)
    with pytest.raises(UserError, match="--folds 1 holds nothing back"):
        change_scale(scale(), names, Flags(folds=1))
    with pytest.raises(UserError, match="--held 9: there are 5 folds"):
        change_scale(scale(folds=5), names, Flags(held=9))
    with pytest.raises(UserError, match="does not take volumes"):
        require(scale(size=(8, 8, 8), models=("resnet18_fpn",)), volumes)
    with pytest.raises(UserError, match="and there is only train"):
        require(scale(), dataset(tmp_path, counts={"train": 3}))


def test_departures_stand_beside_what_the_runs_were_made_with():
    rows = rows_of({"first": 0.8})
    results = results_of(rows, "odyssey", [facts_of("made")])
    text = departures(results, {"networks": "nnU-Net", "footnote": "10"})
    assert "| networks | unet | nnU-Net |" in text
    assert "| start | random weights | – |" in text
    assert "| footnote | – | 10 |" in text
    assert "| steps | 40 | – |" in text
    assert "| learning rate | 0.1 (cosine) | – |" in text
    assert "made: not told" in text  # which cases belong together
