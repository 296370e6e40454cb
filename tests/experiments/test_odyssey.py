"""The loss odyssey: its plan, and its report on scores with a known answer."""

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.odyssey import findings as judged
from experiments.odyssey import plan as planned
from experiments.odyssey import scores as tabled
from experiments.odyssey.losses import METHODS, by_name
from experiments.odyssey.report import as_good_as_best, report
from experiments.protocol.dataset import Dataset
from experiments.protocol.jobs import RateSearch, Scoring, StepCost, Training, in_order
from experiments.protocol.results import Results, read_results
from experiments.protocol.study import Choices
from jaxseg.data.labels import LabelMap
from jaxseg.errors import UserError
from jaxseg.losses import CATALOG
from jaxseg.statistics import Outcome

CASES = 40
PUBLISHED = Path("experiments/reports/odyssey")


def dataset(tmp_path, **changes) -> Dataset:
    facts = dict(
        path=tmp_path,
        name="lesions",
        digest="d",
        counts={"train": 20, "test": 5},
        num_classes=2,
        channels=1,
        class_shares=(0.8, 0.2),
        hashes={f"train/{k}": str(k) for k in range(20)},
        settings={},
    )
    facts |= changes
    labels = LabelMap.of_ids(facts["num_classes"])
    return Dataset(**{"labels": labels, **facts})


def choices(tmp_path, scale="cpu", **flags) -> Choices:
    given = dict(losses=None, folds=None, steps=None, size=None, tolerance=1.0)
    return Choices(
        scale=scale,
        datasets=(dataset(tmp_path),),
        root=tmp_path / "study",
        arguments=argparse.Namespace(**{**given, **flags}),
    )


def test_the_27_losses_are_in_the_catalog_with_their_hyper_parameters():
    assert len(METHODS) == len(by_name()) == 27
    assert sum(method.table == 2 for method in METHODS) == 20
    for method in METHODS:
        assert set(method.hyper) <= set(CATALOG[method.loss].defaults)
        assert all(0 <= x <= 1 for pair in method.scores for x in pair)


def jobs_of(jobs, kind):
    return [job for job in jobs if isinstance(job, kind)]


def test_each_loss_is_searched_once_trained_on_each_fold_and_scored(tmp_path):
    jobs = planned.plan(choices(tmp_path))
    ordered = in_order(jobs)
    kinds = [type(job) for job in ordered]
    assert [kinds.count(k) for k in (RateSearch, Training, Scoring, StepCost)] == [
        27, 3 * 27, 3 * 27, 27,
    ]  # fmt: skip
    assert len({job.key for job in ordered}) == len(ordered)
    runs = {
        (t.tags["loss"], t.tags["fold"]): t for t in jobs if isinstance(t, Training)
    }
    weighed = runs["WCE", 1].config
    assert weighed.loss == "cross_entropy"
    np.testing.assert_allclose(weighed.class_weights, (1.25, 5.0))
    assert runs["CE", 1].config.class_weights is None
    assert runs["Lovász", 0].config.pretrain_loss == "cross_entropy"
    assert runs["DiceBD", 2].config.pretrain_steps == 125
    assert runs["DiceBD", 2].config.pretrain_learning_rate == 3e-3
    assert runs["Dice", 2].config.pretrain_learning_rate is None
    grids = {job.label.split()[1]: job.rates for job in jobs_of(ordered, RateSearch)}
    fine = planned.SCALES["cpu"].fine_rates
    tuned = {name for name, rates in grids.items() if rates == fine}
    assert tuned == {method.name for method in METHODS if method.pretrain}
    assert runs["Dice", 0].config.folds_digest == runs["CE", 2].config.folds_digest
    assert {run.config.steps for run in runs.values()} == {250}
    assert runs["Tversky", 0].config.hyper == {"alpha": 0.3, "beta": 0.7}


def test_without_folds_the_data_s_own_split_is_scored(tmp_path):
    some = {"losses": ["Dice", "CE"], "scale": "smoke"}
    jobs = planned.plan(choices(tmp_path, folds=0, **some))
    runs = [job for job in jobs if isinstance(job, Training)]
    assert [run.config.folds for run in runs] == [None, None]
    assert {job.split for job in jobs if isinstance(job, Scoring)} == {"test"}


def test_one_loss_alone_is_refused(tmp_path):
    with pytest.raises(UserError, match="--losses needs at least two"):
        planned.plan(choices(tmp_path, losses=["CE", "CE"]))


def made_results(
    quality: Mapping[str, float],
    *,
    share=0.1,
    num_classes=2,
    noise=0.02,
    scores=("dice", "nsd"),
) -> Results:
    """Scores 0.6 + quality + what is common to all losses of a case + noise."""
    rng = np.random.default_rng(0)
    rows, runs = [], []
    common = 0.05 * rng.standard_normal(CASES)
    for method in METHODS:
        level = 0.6 + quality.get(method.name, 0.0)
        tags = {"loss": method.name, "dataset": "made", "fold": 0}
        runs.append(
            {"tags": tags, "failed": None, "step_cost": 10.0, "learning_rate": 1e-3,
             "run": method.name, "config": {"size": [8, 8]}}
        )  # fmt: skip
        dice = level + common + noise * rng.standard_normal(CASES)
        nsd = level + common + noise * rng.standard_normal(CASES)
        for k in range(CASES):
            rows.append(
                {**tags, "case": str(k), "dice": [0.9, dice[k]],
                 "nsd": [None, nsd[k]],
                 "pixels": 100, "actual_pixels": [50, 50],
                 "hd95": [None, 20 - dice[k]]}
            )  # fmt: skip
    about = {
        "datasets": [
            {"name": "made", "class_shares": [1 - share, share],
             "num_classes": num_classes, "cases": {"train": CASES}, "digest": "d"}
        ],
        "scale": "cpu", "command": "python -m experiments odyssey", "seconds": 60.0,
        "workers": 1,
        "settings": {"steps": 9, "width": 4, "depth": 1, "rates": [0.1], "folds": 3,
                     "tolerance": 1.0},
        "machine": {"device": "cpu", "cores": 2, "devices": 1, "python": "3",
                    "jax": "0", "jaxlib": "0", "flax": "0", "optax": "0"},
    }  # fmt: skip
    return Results(about=about, rows=rows, runs=runs)


def outcomes(results: Results) -> dict[str, Outcome]:
    tasks = tabled.tasks_of(results)
    found = judged.findings(tasks, tabled.stability(tasks))
    return {finding.claim: finding.outcome for finding in found}


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(tabled, "RESAMPLES", 25)
    monkeypatch.setattr(judged, "RESAMPLES", 25)


def test_planted_effects_are_found_on_a_mild_task():
    paper = {m.name: 0.5 * (m.scores[0][0] - 0.9) for m in METHODS}
    quality = paper | dict.fromkeys(judged.COMPOUND, 0.05)
    quality |= {"DiceTopK": 0.12, "CE": 0.04, "Dice": 0.02, "IoU": 0.03, "WCE": -0.1}
    quality |= dict.fromkeys(judged.DICE_FORMS, 0.02)
    found = outcomes(made_results(quality, noise=0.004))
    assert found.pop("The order of the losses by mean DSC on made is the paper's") in (
        Outcome.REPLICATED,
    )
    assert len(found) == 8
    assert set(found.values()) == {Outcome.REPLICATED}, found


def test_absent_effects_are_not_replicated_or_left_undecided():
    found = outcomes(made_results({}, noise=0.01))
    forms = "Squared or not, batch or sample: the forms of Dice differ little"
    assert found.pop(forms) is Outcome.REPLICATED
    assert Outcome.REPLICATED not in found.values(), found
    for claim in (
        "Compound losses with Dice lead",
        "Cross-entropy weighed by inverse class frequency is worse than plain",
        "Cross-entropy beats Dice where foreground is not rare",
    ):
        assert found[claim] is Outcome.NOT_REPLICATED, claim


def test_the_roles_of_a_task_follow_its_imbalance_and_classes():
    strong = outcomes(made_results({"Dice": 0.1}, share=0.01))
    claim = "Dice beats cross-entropy where foreground is rare"
    assert strong[claim] is Outcome.REPLICATED
    assert "Cross-entropy beats Dice where foreground is not rare" not in strong
    many = outcomes(made_results({"GDice": -0.3}, num_classes=3))
    assert many["Generalised Dice fails with many classes"] is Outcome.REPLICATED
    (task,) = tabled.tasks_of(made_results({}, num_classes=3))
    assert judged.paper_task(task) == (3, "multi-organ")


def test_missing_scores_are_0_and_missing_distances_the_largest_of_the_case():
    results = made_results({})
    rows = [row for row in results.rows if row["loss"] != "SS"]
    rows[0] = {**rows[0], "dice": [0.9, None], "hd95": [None, None]}
    (task,) = tabled.tasks_of(
        Results(about=results.about, rows=rows, runs=results.runs)
    )
    assert (task.of("dice", "SS") == 0).all()
    assert task.of("dice", rows[0]["loss"])[0] == 0
    assert task.of("hd95", "SS")[0] == task.scores["hd95"][:, 0].max()


def test_the_best_loss_s_peers_are_those_not_significantly_worse():
    (task,) = tabled.tasks_of(made_results({"CE": 0.2, "Focal": 0.199}, noise=0.01))
    assert sorted(as_good_as_best(task)) == ["CE", "Focal"]


def test_losses_that_have_not_learnt_are_named():
    everywhere = 2 * 0.5 / 1.5  # Dice of foreground at each of 100 pixels, half true
    text = report(made_results({"Focal": 0.2, "CE": 0.3}, noise=0.001)).text()
    assert f"Foreground everywhere would score {everywhere:.3f}. Asym, Dice" in text
    assert "IoU" in text.partition("do not beat that")[0].rpartition("Asym")[2]
    assert "CE and" not in text.partition("do not beat that")[0].rpartition("Asym")[2]
    all_fail = report(made_results({}, noise=0.001)).text()
    assert "No loss beats that" in all_fail
    assert (
        "do not beat that"
        not in report(made_results({m.name: 0.2 for m in METHODS})).text()
    )


def test_the_report_tells_ranks_rates_costs_and_verdicts():
    text = report(made_results({"Focal": 0.2}, noise=0.01)).text()
    assert text.startswith("# Which loss for made? Ma 2021 tried again")
    assert "**Over all cases Focal has the best mean rank (1.0 of 27)" in text
    (line,) = (x for x in text.splitlines() if x.startswith("| 1 | Focal |"))
    assert "| 26.0 |" in line
    assert "| 0.001 | 10 |" in line
    for picture in ("dice_violins", "nsd_violins", "ranks", "rank_stability"):
        assert f"({picture}.png)" in text
    assert "Foreground everywhere would score 0.667." in text  # 2 50 / (100 + 50)
    assert "No loss beats that" not in text
    assert "No loss beats that" in report(made_results({}, noise=0.01)).text()
    assert "| 0.959 | 0.753 |" in text  # the paper's for focal, beside ours


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="no report is published yet")
def test_the_published_report_follows_from_its_rows(capsys, monkeypatch):
    monkeypatch.undo()
    assert main(["report", str(PUBLISHED)]) == 0
    assert "## What was run" in capsys.readouterr().out


@pytest.mark.slow
def test_on_data_with_a_known_ranking_the_crippled_loss_is_found(tmp_path, monkeypatch):
    """One loss under two names is not separated; a loss blind to lesions comes last."""
    made = [
        ("Dice", "dice", {}),
        ("IoU", "tversky", {"alpha": 0.5, "beta": 0.5}),  # Dice under another name
        ("SS", "tversky", {"alpha": 1.0, "beta": 0.01}),  # misses cost next to nothing
    ]
    methods = tuple(
        dataclasses.replace(by_name()[name], name=name, loss=loss, hyper=hyper)
        for name, loss, hyper in made
    )
    monkeypatch.setattr(planned, "METHODS", methods)
    monkeypatch.setattr(tabled, "METHODS", methods)
    argv = ["odyssey", "--losses", "Dice", "IoU", "SS", "--steps", "120"]
    assert main([*argv, "--out", str(tmp_path)]) == 0
    (task,) = tabled.tasks_of(read_results(tmp_path))
    assert task.of("dice", "Dice").mean() > 0.6
    assert set(as_good_as_best(task)) == {"Dice", "IoU"}
