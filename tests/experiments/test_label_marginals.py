"""The study of label marginals: its plan, its statistics by hand, its report."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.label_marginals import plan as planned
from experiments.label_marginals import scores as tabled
from experiments.label_marginals.findings import findings
from experiments.label_marginals.losses import NAMES, method_of, names_for
from experiments.label_marginals.report import report
from experiments.label_marginals.tables import city_table, order_agrees, scene_table
from experiments.protocol import task as tasked
from experiments.protocol.dataset import Dataset
from experiments.protocol.jobs import Scoring, Training, order_jobs
from experiments.protocol.results import Results
from experiments.protocol.study import Choices
from experiments.protocol.tasks import even
from experiments.protocol.tasks import iou as pooled_iou
from jaxseg.data.labels import LabelMap
from jaxseg.statistics import Outcome
from tests.experiments.made import facts_of
from tests.experiments.made import results_of as stored
from theory.printed import liu

PUBLISHED = Path("experiments/reports/label_marginals")
CASES, SEEDS, PIXELS = 60, 4, 10_000


def dataset(tmp_path, **changes) -> Dataset:
    facts = dict(
        path=tmp_path,
        name="ulcers",
        digest="d",
        counts={"train": 20, "validation": 5},
        num_classes=2,
        channels=1,
        class_shares=(0.9, 0.1),
        hashes={},
        settings={},
    )
    facts |= changes
    labels = LabelMap.of_ids(facts["num_classes"])
    return Dataset(**{"labels": labels, **facts})


def choices(*datasets, scale="full", **changes) -> Choices:
    changes = {
        "models": ("unet",),
        "weights": None,
        "earlier": 0,
        "kinds": {},
        **changes,
    }
    return Choices(
        name=scale,
        scale=dataclasses.replace(planned.SCALES[scale], **changes),
        datasets=datasets,
        root=datasets[0].path,
    )


def trainings(jobs) -> dict[tuple, Training]:
    return {
        tuple(t.tags[k] for k in ("loss", "weight", "temperature", "seed")): t
        for t in jobs
        if isinstance(t, Training)
    }


# --- the plan -------------------------------------------------------------------------


def test_the_losses_are_the_papers_and_in_the_catalog():
    assert set(NAMES) - {"CE+L1/K"} == set(liu.RETINA)
    assert set(names_for(2)) == set(liu.RETINA)
    assert set(names_for(11)) - {"CE+L1/K"} == set(liu.CITY_MEANS)


def test_the_papers_table_is_copied_right():
    """Each row of Table 4 has the mean that is printed at its end."""
    for table in liu.CITY:
        for scores in table.values():
            *classes, printed = scores
            assert len(classes) == len(liu.CITY_CLASSES) == len(liu.CITY_SHARES)
            assert np.mean(classes) == pytest.approx(printed, abs=0.07)
    for organs in liu.ORGANS.values():
        for organ, tumour, mean in (x for pair in organs.values() for x in pair):
            assert (organ + tumour) / 2 == pytest.approx(mean, abs=0.11)
    assert liu.city("Dice", "truck") == 10.0
    assert liu.city_mean("CE", above=20) == pytest.approx((97.2 + 90.0) / 2)
    assert liu.RETINA_SPREAD["CE"][3] == (0.3, 4.1)


def test_two_classes_have_all_losses_each_seed_and_an_ablation(tmp_path):
    swept = {"lambdas": (0.01, 0.1, 1.0), "temperatures": (1.0, 30.0)}
    jobs = planned.plan(choices(dataset(tmp_path), **swept))
    ordered = order_jobs(jobs)
    runs = trainings(jobs)
    # three weights of five losses less their own, and two temperatures of two
    assert len(runs) == 3 * (10 + (5 * 3 - 5) + 2 * 2)
    assert len(ordered) == 2 * len(runs) == len({job.key for job in ordered})
    assert runs["Dice", None, None, 0].config.class_weights == (0.0, 1.0)
    assert runs["GDice", None, None, 0].config.class_weights is None
    assert runs["DiceCE", 0.1, None, 2].config.hyper == {"dice": 0.2}
    assert runs["LogDiceCE", 1.0, None, 0].config.hyper == {"log_dice": 2.0}
    assert runs["CE+KL", 0.1, 30.0, 0].config.hyper == {
        "weight": 0.1,
        "temperature": 30.0,
    }
    assert all(run.config.evaluate_every == 0 for run in runs.values())
    scored = [job for job in jobs if isinstance(job, Scoring)]
    assert {job.split for job in scored} == {"validation"}
    assert all(job.surfaces is not None for job in scored)


def test_the_comparison_comes_before_the_ablation_and_other_networks(tmp_path):
    some = {"models": ("unet", "resnet18_fpn"), "losses": ("CE", "CE+KL")}
    jobs = planned.plan(choices(dataset(tmp_path), **some, lambdas=(1.0,)))
    order = [
        (job.tags["model"], tabled.is_main(job.tags))
        for job in jobs
        if isinstance(job, Training | Scoring)
    ]
    assert set(order[: 2 * 2 * 3]) == {("unet", True)}  # losses, jobs, seeds
    assert set(order[2 * 2 * 3 :]) == {("unet", False), ("resnet18_fpn", True)}
    early = planned.plan(choices(dataset(tmp_path), **some, earlier=1))
    runs = [job for job in early if isinstance(job, Training)]
    steps = sorted(
        run.config.steps for run in runs
        if (run.tags["model"], run.tags["loss"]) == ("unet", "CE")
    )  # fmt: skip
    assert steps == [1500, 3000, 6000, 6000, 6000]


def test_the_ablation_is_of_the_first_images_of_two_classes(tmp_path):
    second = dataset(tmp_path, name="second", digest="e")
    jobs = planned.plan(choices(dataset(tmp_path), second))
    changed = [job for job in jobs if not tabled.is_main(job.tags)]
    assert {job.tags["dataset"] for job in changed} == {dataset(tmp_path).name}
    assert {job.tags["dataset"] for job in jobs} == {dataset(tmp_path).name, "second"}


def test_scenes_count_every_class_and_leave_out_surfaces(tmp_path):
    street = dataset(
        tmp_path, name="street", num_classes=11, counts={"train": 9, "test": 3},
        class_shares=(1 / 11,) * 11,
    )  # fmt: skip
    kinds = {"scene": {"augment": "mirror"}}
    jobs = planned.plan(choices(street, kinds=kinds))
    runs = trainings(jobs)
    names = {loss for loss, *_ in runs}
    assert names == set(NAMES) - {"GDice", "DiceBiasCE"}
    assert len(runs) == 3 * len(names)
    assert runs["CE+L1/K", 1.0, 10.0, 0].config.hyper["weight"] == pytest.approx(1 / 11)
    assert runs["CE+L1", 1.0, 10.0, 0].config.hyper["weight"] == 1.0
    assert runs["DiceCE", 0.1, None, 0].config.hyper == {"dice": 0.1}
    assert runs["Dice", None, None, 0].config.class_weights is None
    assert runs["CE", None, None, 0].config.augment == "mirror"
    scored = [job for job in jobs if isinstance(job, Scoring)]
    assert {(job.split, job.surfaces) for job in scored} == {("test", None)}


def test_keys_depend_on_seed_and_weight_and_equal_plans_have_equal_keys(tmp_path):
    one = planned.plan(choices(dataset(tmp_path)))
    again = planned.plan(choices(dataset(tmp_path)))
    assert [job.key for job in one] == [job.key for job in again]
    assert len({job.key for job in one}) == len(one)


# --- statistics -----------------------------------------------------------------------


def case_row(tags, case, actual, predicted, overlap, distance=None):
    """A row as the protocol stores it, six digits of Dice."""
    actual, predicted, overlap = map(np.asarray, (actual, predicted, overlap))
    sums = actual + predicted
    dice = np.where(sums > 0, 2 * overlap / np.maximum(sums, 1), 1.0)
    pixels = int(actual.sum())
    row = {
        **tags,
        "case": str(case),
        "pixels": pixels,
        "foreground_share": float(1 - actual[0] / pixels),
        "mean_foreground_probability": float(1 - predicted[0] / pixels),
        "dice": [float(f"{x:.6g}") for x in dice],
        "actual_pixels": actual.tolist(),
        "predicted_pixels": predicted.tolist(),
    }
    if distance is not None:
        row["hd95"] = [None, distance]
        row["nsd"] = [None, 0.5]
    return row


def tags_of(name, seed, kind, classes=2, **changes):
    return {
        "dataset": "made",
        "kind": kind,
        "model": "unet",
        "loss": name,
        "seed": seed,
        "run": [f"{name} {seed}"],
        **method_of(name, classes).tags,
        **changes,
    }


BUDGETS = (10, 20, 40)


def at_all_budgets(rows):
    """The same rows of runs with a quarter, a half and all of the steps."""
    return [{**row, "steps": steps} for steps in BUDGETS for row in rows]


def results_of(rows, shares, *, budgets=True) -> Results:
    kind = "binary" if len(shares) == 2 else "scene"
    rows = at_all_budgets(rows) if budgets else [{**r, "steps": 40} for r in rows]
    facts = facts_of("made", shares=shares, kind=kind)
    return stored(rows, "label_marginals", [facts], settings={"folds": 0})


def two_class_results(quality, sizes=None, *, distance=None, ablation=()) -> Results:
    """Overlap is the quality times the smaller of the true and predicted size.

    Args:
      quality: by loss, a number or one for each third of the sizes.
      sizes: by loss, predicted over true size, likewise; 1 where nothing is said.
      distance: by loss, HD95.
      ablation: further (loss, weight, temperature, quality, size).
    """
    rng = np.random.default_rng(0)
    true = np.sort(np.exp(rng.uniform(np.log(30), np.log(3000), CASES)).astype(int))
    third = np.arange(CASES) * 3 // CASES
    wobble = rng.normal(0, 0.004, (SEEDS, CASES))

    def rows_of(tags, quality, size, far):
        rows = []
        for n in range(CASES):
            part = third[n]
            found = int(true[n] * np.broadcast_to(size, 3)[part])
            share = np.broadcast_to(quality, 3)[part] + wobble[tags["seed"], n]
            hit = int(np.clip(share, 0, 1) * min(found, true[n]))
            actual = [PIXELS - true[n], true[n]]
            predicted = [PIXELS - found, found]
            overlap = [PIXELS - found - true[n] + hit, hit]
            rows.append(case_row(tags, n, actual, predicted, overlap, far))
        return rows

    rows = []
    for name in names_for(2):
        for seed in range(SEEDS):
            rows += rows_of(
                tags_of(name, seed, "binary"),
                quality.get(name, 0.6),
                (sizes or {}).get(name, 1.0),
                (distance or {}).get(name, 20.0),
            )
    for loss, weight, temperature, level, size in ablation:
        tags = tags_of(loss, 0, "binary", weight=weight, temperature=temperature)
        rows += rows_of(tags, level, size, 20.0)
    return results_of(rows, (0.93, 0.07))


SHARES = np.array([0.5, 0.3, 0.18, 0.012, 0.008])


def scene_results(small, large, ratio=None) -> Results:
    """Five classes, two of them small; quality by loss on small and on large ones."""
    rng = np.random.default_rng(1)
    rows = []
    # what is missing of a class goes to the first, as far as it is not its own
    true = rng.multinomial(PIXELS, SHARES, size=CASES)
    for name in names_for(5):
        for seed in range(SEEDS):
            wobble = rng.normal(0, 0.004, (CASES, 5))
            for n in range(CASES):
                level = np.where(
                    SHARES < 0.02,
                    small.get(name, 0.5),
                    large.get(name, 0.7),
                )
                grown = (ratio or {}).get(name, 1.0)
                predicted = np.where(SHARES < 0.02, true[n] * grown, true[n])
                predicted = predicted.astype(int)
                predicted[0] += PIXELS - predicted.sum()
                hit = np.clip(level + wobble[n], 0, 1) * np.minimum(true[n], predicted)
                tags = tags_of(name, seed, "scene", 5)
                rows.append(case_row(tags, n, true[n], predicted, hit.astype(int)))
    return results_of(rows, SHARES)


def test_ratios_and_proportions_by_hand():
    tags = tags_of("CE", 0, "scene")
    rows = [
        case_row(tags, 0, [6, 4], [8, 2], [6, 2]),
        case_row(tags, 1, [9, 1], [7, 3], [7, 1]),
    ]
    (task,) = tabled.comparison(results_of(rows, (0.7, 0.3)))
    np.testing.assert_allclose(tabled.ratio(task, "CE"), [[15 / 15, 5 / 5]])
    errors = task.of(tabled.proportion_error, "CE")
    np.testing.assert_allclose(errors, [[(2 + 2) / 10, (2 + 2) / 10]])


def outcomes(results: Results) -> dict[str, Outcome]:
    tasks = tabled.comparison(results)
    found = [tabled.points(results, task) for task in tasks]
    points = [one for one in found if one is not None]
    return {f.claim: f.outcome for f in findings(tasks, points)}


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(tasked, "RESAMPLES", 200)


def test_planted_effects_on_two_classes_are_found():
    quality = {"CE": (0.3, 0.55, 0.6), "Dice": 0.6, "CE+KL": 0.68, "CE+L1": 0.75,
               "DiceCE": 0.6, "DiceBiasCE": 0.6}  # fmt: skip
    sizes = {"CE": (0.0, 0.8, 0.9), "Dice": (1.6, 1.5, 0.5)}
    far = {"CE": 40.0, "CE+L1": 20.0}
    quality |= dict.fromkeys(("Focal", "logDice", "GDice", "LogDiceCE"), 0.6)
    found = outcomes(two_class_results(quality, sizes, distance=far))
    assert len(found) == 13 + 2 + 3
    assert set(found.values()) == {Outcome.REPLICATED}, found


def test_absent_effects_on_two_classes_are_not_replicated():
    found = outcomes(two_class_results({}))
    assert found.pop("DiceBiasCE agrees with DiceCE in Dice") is Outcome.REPLICATED
    assert set(found.values()) == {Outcome.NOT_REPLICATED}, found


def test_planted_effects_on_scenes_are_found_and_absent_ones_are_not():
    small = {"CE": 0.3, "Dice": 0.6, "CE+L1": 0.6, "CE+KL": 0.5}
    large = {"CE": 0.8, "Dice": 0.6, "logDice": 0.6, "Focal": 0.6, "CE+L1": 0.85,
             "CE+KL": 0.85, "CE+L1/K": 0.9}  # fmt: skip
    found = outcomes(scene_results(small, large, {"CE": 0.7, "Dice": 1.7}))
    assert len(found) == 8 + 5
    assert set(found.values()) == {Outcome.REPLICATED}, found
    found = outcomes(scene_results({}, {}))
    assert set(found.values()) == {Outcome.NOT_REPLICATED}, found


def test_regions_of_one_size_have_no_small_and_large_ones():
    results = two_class_results({})
    rows = [
        {**row, "actual_pixels": [9_900, 100], "predicted_pixels": [9_900, 100]}
        for row in results.rows
    ]
    alike = dataclasses.replace(results, rows=rows)
    (task,) = tabled.comparison(alike)
    assert set(tabled.thirds(task)) == {0}
    assert len(outcomes(alike)) == len(outcomes(results)) - 3
    empty = [{**row, "actual_pixels": [10_000, 0]} for row in alike.rows]
    (nothing,) = tabled.comparison(dataclasses.replace(results, rows=empty))
    assert set(tabled.thirds(nothing)) == {-1}
    assert not tabled.sizes_differ(nothing)
    (whole,) = tabled.comparison(results)
    assert tabled.sizes_differ(whole)
    eight = whole.only(np.arange(CASES) % 8 == 0)
    assert set(tabled.thirds(eight)) == {0, 1, 2}
    assert not tabled.sizes_differ(eight)  # a resample of 8 may hold none of a third


def test_losing_least_is_no_gain():
    claim = "Small classes gain most from the L1 term"
    found = outcomes(scene_results({}, {"CE+L1": 0.6}))
    assert found[claim] is Outcome.NOT_REPLICATED
    found = outcomes(two_class_results({"CE+L1": (0.6, 0.6, 0.4)}))
    claim = "Small regions gain most from the L1 term"
    assert found[claim] is Outcome.NOT_REPLICATED


def test_weights_and_temperatures_are_judged_on_common_seeds():
    ablation = [
        *(("CE+L1", w, 10.0, 0.72, 1.0) for w in (0.01, 0.1)),
        ("CE+KL", 0.01, 10.0, 0.5, 1.0),
        ("CE+KL", 1.0, 10.0, 0.4, 1.0),
        *((loss, w, None, 0.5, 1.0) for loss in ("DiceCE", "LogDiceCE")
          for w in (0.01, 1.0)),
        *(("DiceBiasCE", w, None, 0.4, 1.0) for w in (0.1, 1.0)),
        ("CE+L1", 1.0, 1.0, 0.75, 1.9),
    ]  # fmt: skip
    quality = {"CE+L1": 0.75, "CE+KL": 0.7}
    results = two_class_results(quality, ablation=ablation)
    (task,) = tabled.comparison(results)
    points = tabled.points(results, task)
    order = [tabled.facts_of(points, name) for name in points.methods]
    assert [x[1:] for x in order if x[0] == "CE+L1"] == [
        (0.01, 10.0), (0.1, 10.0), (1.0, 1.0), (1.0, 10.0),
    ]  # fmt: skip
    found = outcomes(results)
    claims = [
        *(f"The best weight of {loss} is {w}" for loss, w in
          (("CE+L1", "1"), ("CE+KL", "0.1"), ("DiceCE", "0.1"), ("LogDiceCE", "0.1"))),
        "L1 depends less on its weight than KL",
        "DiceBiasCE drops from weight 0.1 on",
        "Temperature 10 gets proportions better than 1",
    ]  # fmt: skip
    assert {claim: found[claim] for claim in claims} == dict.fromkeys(
        claims, Outcome.REPLICATED
    )
    other = [
        (*point[:3], 0.8 if point[:2] == ("CE+KL", 1.0) else point[3], 1.0)
        for point in ablation
    ]
    found = outcomes(two_class_results(quality, ablation=other))
    assert found["The best weight of CE+KL is 0.1"] is Outcome.NOT_REPLICATED
    flat = [(loss, w, t, 0.6, 1.0) for loss, w, t, *_ in ablation]
    found = outcomes(two_class_results({}, ablation=flat))
    assert Outcome.REPLICATED not in {found[claim] for claim in claims}


# --- the report -----------------------------------------------------------------------


def test_the_report_of_two_classes_tells_scores_proportions_and_verdicts():
    ablation = [("CE+L1", 0.1, 10.0, 0.6, 1.0)]
    results = two_class_results({"CE+L1": 0.9}, {"Dice": 0.5}, ablation=ablation)
    text = report(results).text()
    assert text.startswith("# Label marginals of made: Liu 2022 tried again")
    assert "| CE+L1 beats CE in Dice | made, unet (+0.3" in text
    assert "CE+L1 has the highest mean score in 1 of 1 pairs of data and" in text
    assert "CE+KL is above CE in " in text
    (row,) = (x for x in text.splitlines() if x.startswith("| made | unet | DSC | "))
    assert row.startswith("| made | unet | DSC | CE+L1 0.89")
    assert row.endswith("| 100 % / 50 % / 100 % / 100 % |")
    assert "CE+L1 beats CE in Dice" in text
    (line,) = (
        x for x in text.splitlines()
        if x.startswith("| Dice | ") and "52.0 (0.7), 52.3" in x
    )  # fmt: skip
    assert "| 0.50 (0.00) |" in line  # predicted over true pixels
    assert "52.0 (0.7), 52.3 (0.7), 52.0 (0.7), 53.2 (0.1)" in line
    for picture in ("made_proportions", "made_sizes", "made_weights"):
        assert f"({picture}.png)" in text
    (row,) = (x for x in text.splitlines() if x.startswith("| CE+L1 | 0.1 | 10 |"))
    assert row.endswith("| 0.0000 |")  # of proportions that are right
    assert "predicting nothing has 0.000, everything 0.1" in text


def test_the_report_of_a_scene_has_each_class_beside_its_share():
    results = scene_results({"Dice": 0.9}, {})
    (task,) = tabled.comparison(results)
    head, _, shares, first, *_ = scene_table(task).splitlines()
    assert head == "|  | class 0 | class 1 | class 2 | class 3 | class 4 | mIoU |"
    assert shares.endswith("| 50.0 | 30.0 | 18.0 | 1.2 | 0.8 | – |")
    iou = 100 * pooled_iou(task, "CE", even(task))[0].mean(0)
    assert first.startswith(f"| CE | {iou[0]:.1f} | {iou[1]:.1f} |")
    assert city_table(task) is None
    assert "Kendall's tau between our order of 8 losses" in order_agrees(task)
    text = report(results).text()
    assert "classes below 2 %" in text
    assert "(made_gains.png)" in text
    gains = next(f for f in report(results).figures if f.name == "made_gains")
    rare = [r["gain"] for r in gains.rows if r["loss"] == "Dice" and r["share"] < 0.02]
    assert len(rare) == 2
    assert min(rare) > 0.3


def test_the_papers_classes_stand_below_those_of_camvid(tmp_path):
    (task,) = tabled.comparison(scene_results({}, {}))
    facts = {**task.facts, "class_shares": np.arange(11, 0, -1) / 66}
    street = dataclasses.replace(task, facts=facts, dataset="camvid")
    text = city_table(street) or ""
    head, _, shares, first, *_ = text.splitlines()
    assert head.startswith("|  | sky | building | pole | road | sidewalk |")
    assert shares.startswith("| mRegProp in % | 3.6 | 20.2 | 1.1 | 32.6 |")
    assert first.startswith("| CE | 92.3 | 90.0 | 55.7 | 97.2 |")
    assert first.endswith("| 68.5 |")


def test_the_command_goes_from_images_to_a_report_that_can_be_made_again(
    tmp_path, capsys
):
    out, published = tmp_path / "study", tmp_path / "published"
    argv = ["label_marginals", "--losses", "CE", "CE+L1", "--seeds", "1"]
    argv += ["--steps", "4", "--out", str(out), "--publish", str(published)]
    assert main(argv) == 0
    text = (published / "report.md").read_text()
    assert "CE+L1 beats CE in Dice" in text
    for line in text.splitlines():
        if line.startswith("!["):
            assert (published / line.rpartition("(")[2].rstrip(")")).is_file()
    capsys.readouterr()
    assert main(["report", str(published)]) == 0
    assert capsys.readouterr().out == text


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="no report is published yet")
def test_the_published_report_follows_from_its_rows(capsys, monkeypatch):
    monkeypatch.undo()
    assert main(["report", str(PUBLISHED)]) == 0
    assert "## What was run" in capsys.readouterr().out
