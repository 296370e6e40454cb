"""The loss odyssey: its plan, and its report on scores with a known answer."""

import dataclasses
import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.odyssey import findings as judged
from experiments.odyssey import plan as planned
from experiments.odyssey import scores as tabled
from experiments.odyssey.losses import PAPER, PRINTED, flags_of, method_of
from experiments.odyssey.report import best_losses, report
from experiments.protocol import task as tasked
from experiments.protocol.dataset import Dataset, read_dataset
from experiments.protocol.finding import Finding
from experiments.protocol.jobs import (
    RateSearch,
    Scoring,
    StepCost,
    Training,
    order_jobs,
)
from experiments.protocol.lesions import write_lesions
from experiments.protocol.queue import run_jobs
from experiments.protocol.results import Results, collect
from experiments.protocol.study import Choices
from jaxseg.cli.main import parser as train_parser
from jaxseg.data.labels import LabelMap
from jaxseg.errors import UserError
from jaxseg.losses import CATALOG
from jaxseg.statistics import Outcome
from tests.experiments.made import facts_of, results_of
from theory.printed.ma import RANKED

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


def choices(tmp_path, scale="cpu", **changes) -> Choices:
    changes = {"models": ("unet",), "weights": None, **changes}
    return Choices(
        name=scale,
        scale=dataclasses.replace(planned.SCALES[scale], **changes),
        datasets=(dataset(tmp_path),),
        root=tmp_path / "study",
    )


def test_the_27_losses_are_the_paper_s_by_names_of_the_catalog():
    assert len(PAPER) == len(PRINTED) == 27
    assert set(PAPER) == set(RANKED)
    for name in PRINTED:
        assert method_of(name).loss in CATALOG
        assert method_of(name).name == method_of(PRINTED[name]).name == name


def test_a_loss_is_told_by_the_catalog_s_name_and_what_follows_it():
    weighed = method_of("cross_entropy:inverse")
    np.testing.assert_allclose(weighed.weigh((0.8, 0.2)), (1.25, 5.0), rtol=1e-6)
    assert method_of("dice:foreground").weigh((0.8, 0.1, 0.1)) == (0, 1, 1)
    assert method_of("tversky:alpha=0.2").hyper == {"alpha": 0.2}
    assert method_of("unified_focal").loss == "unified_focal"  # in no paper here
    assert flags_of(method_of("TopK-30%")) == "--loss topk --hyper fraction=0.3"
    assert flags_of(method_of("lovasz")).endswith("--pretrain-loss cross_entropy")
    for text, part in (("Dise", "no loss 'Dise'"), ("topk:share=1", "--hyper share=1")):
        with pytest.raises(UserError, match=part):
            method_of(text)


def test_each_loss_is_searched_once_trained_on_each_fold_and_scored(tmp_path):
    jobs = planned.plan(choices(tmp_path, losses=planned.ALL, held=0, folds=3))
    ordered = order_jobs(jobs)
    kinds = [type(job) for job in ordered]
    assert [kinds.count(k) for k in (RateSearch, Training, Scoring, StepCost)] == [
        27, 5 * 27, 5 * 27, 27,
    ]  # fmt: skip
    assert len({job.key for job in ordered}) == len(ordered)
    runs = {
        (t.tags["loss"], t.tags["fold"]): t
        for t in jobs
        if isinstance(t, Training) and t.config.steps == 800
    }
    assert len(runs) == 3 * 27
    weighed = runs["cross_entropy:inverse", 1].config
    assert weighed.loss == "cross_entropy"
    np.testing.assert_allclose(weighed.class_weights, (1.25, 5.0))
    assert runs["cross_entropy", 1].config.class_weights is None
    assert runs["lovasz", 0].config.pretrain_loss == "cross_entropy"
    assert runs["dice_bd", 2].config.pretrain_steps == 400
    one, two = runs["dice", 0].config, runs["cross_entropy", 2].config
    assert one.folds_digest == two.folds_digest
    assert runs["tversky:alpha=0.3,beta=0.7", 0].config.hyper == {
        "alpha": 0.3, "beta": 0.7,
    }  # fmt: skip
    early = [t.config for t in jobs if isinstance(t, Training) and t.config.steps < 800]
    assert {(c.steps, c.fold) for c in early} == {(200, 0), (400, 0)}
    assert {c.pretrain_steps for c in early if c.pretrain_loss} == {100, 200}


def test_without_folds_the_data_s_own_split_is_scored(tmp_path):
    some = {"losses": ("dice", "cross_entropy"), "scale": "smoke"}
    jobs = planned.plan(choices(tmp_path, folds=0, **some))
    runs = [job for job in jobs if isinstance(job, Training)]
    assert [run.config.folds for run in runs] == [None, None]
    assert {job.split for job in jobs if isinstance(job, Scoring)} == {"test"}


def made_results(
    quality: Mapping[str, float],
    *,
    share=0.1,
    num_classes=2,
    noise=0.02,
    late: Mapping[str, tuple[float, float, float]] | None = None,
    **more,
) -> Results:
    """Scores 0.6 + quality + what is common to all losses of a case + noise.

    Args:
      quality: by our name of a loss.
      share: of the foreground.
      num_classes: of the data.
      noise: of each score.
      late: by loss, its level with a quarter, a half and all steps instead.
      more: of the results.
    """
    rng = np.random.default_rng(0)
    rows = []
    common = 0.05 * rng.standard_normal(CASES)
    foreground = num_classes - 1
    for name, (k, steps) in itertools.product(PRINTED, enumerate((10, 20, 40))):
        level = 0.6 + quality.get(name, 0.0)
        if late and name in late:
            level = late[name][k]
        tags = {"loss": name, "dataset": "made", "model": "unet", "fold": 0,
                "steps": steps, "run": [f"{name} {steps}"]}  # fmt: skip
        dice, nsd = level + common + noise * rng.standard_normal((2, CASES))
        for n in range(CASES):
            rows.append(
                {**tags, "case": str(n), "dice": [0.9, *[dice[n]] * foreground],
                 "nsd": [None, *[nsd[n]] * foreground],
                 "pixels": 100, "actual_pixels": [90, *[10 / foreground] * foreground],
                 "hd95": [None, *[20 - dice[n]] * foreground]}
            )  # fmt: skip
    shares = (1 - share, *[share / foreground] * foreground)
    facts = facts_of("made", shares=shares)
    settings = {"folds": 0, "tolerance": 1.0}
    return results_of(rows, "odyssey", [facts], settings=settings, **more)


def found(results: Results) -> dict[str, Finding]:
    return {f.claim: f for f in judged.findings(tabled.tasks(results))}


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(tabled, "RESAMPLES", 25)
    monkeypatch.setattr(tasked, "RESAMPLES", 300)


def test_planted_effects_are_found_on_a_mild_task():
    paper = {
        ours: 0.5 * (RANKED[theirs][0][0] - 0.9) for ours, theirs in PRINTED.items()
    }
    quality = paper | dict.fromkeys(judged.COMPOUND, 0.05)
    quality |= dict.fromkeys(judged.LEADERS, 0.07)
    quality |= {"dice_topk": 0.12, "cross_entropy": 0.06, "dice": 0.045}
    quality |= {"jaccard": 0.05, "cross_entropy:inverse": -0.1}
    quality |= dict.fromkeys(judged.DICE_FORMS, 0.045)
    outcomes = {
        c: f.outcome for c, f in found(made_results(quality, noise=0.003)).items()
    }
    assert len(outcomes) == 9
    assert set(outcomes.values()) == {Outcome.REPLICATED}, outcomes


def test_absent_effects_are_not_replicated_or_left_undecided():
    outcomes = {c: f.outcome for c, f in found(made_results({}, noise=0.006)).items()}
    forms = "Squared or not, batch or sample: the forms of Dice differ little"
    assert outcomes.pop(forms) is Outcome.REPLICATED
    assert Outcome.REPLICATED not in outcomes.values(), outcomes
    for claim in (
        "Cross-entropy weighed by inverse class frequency is worse than plain",
        "Cross-entropy beats Dice where foreground is not rare",
    ):
        assert outcomes[claim] is Outcome.NOT_REPLICATED, claim


def test_that_compounds_lead_is_judged_by_the_places_of_the_losses_that_are_named():
    """One of the four far behind denies it, though compounds lead on average."""
    claim = "DiceTopK, DiceFocal, DiceHD and DiceBD lead (here: all in the first third)"
    quality = dict.fromkeys(judged.COMPOUND, 0.1)
    assert found(made_results(quality, noise=0.005))[claim].outcome is (
        Outcome.REPLICATED
    )
    behind = found(made_results(quality | {"dice_hd": -0.1}, noise=0.005))[claim]
    assert behind.outcome is Outcome.NOT_REPLICATED
    assert behind.weakest == "dice_hd"
    assert "dice_hd 27" in behind.ours


def test_the_roles_of_a_task_follow_its_imbalance_and_classes():
    strong = found(made_results({"dice": 0.1}, share=0.01))
    claim = "Dice beats cross-entropy where foreground is rare"
    assert strong[claim].outcome is Outcome.REPLICATED
    assert "Cross-entropy beats Dice where foreground is not rare" not in strong
    assert strong[claim].paper == "Dice 0.619; CE 0.564"
    claim = "Generalised Dice fails with many classes"
    worse = made_results({"generalized_dice": -0.3}, num_classes=3)
    assert found(worse)[claim].outcome is Outcome.REPLICATED
    assert found(worse)[claim].paper == "Dice 0.845; GDice 0.013"
    (task,) = tabled.tasks(worse)
    assert tabled.printed(task) == (3, "multi-organ")


def test_a_loss_that_starts_later_is_still_learning_and_one_that_fails_fails():
    claim = "Cross-entropy weighed by inverse class frequency is worse than plain"
    late = {"cross_entropy:inverse": (0.02, 0.05, 0.4)}
    judged_late = found(made_results({}, late=late))[claim]
    assert judged_late.verdict == "undecided: still learning"
    assert [steps for steps, _ in judged_late.earlier] == [10, 20]
    never = {"generalized_dice": (0.02, 0.02, 0.02)}
    claim = "Generalised Dice fails with many classes"
    assert found(made_results({}, late=never, num_classes=3))[claim].outcome is (
        Outcome.REPLICATED  # Dice needed a quarter of the steps
    )
    slow = never | {"dice": (0.3, 0.6, 0.6)}
    assert found(made_results({}, late=slow, num_classes=3))[claim].verdict == (
        "undecided: still learning"
    )


def test_missing_scores_are_0_and_missing_distances_the_largest_of_the_case():
    results = made_results({})
    rows = [row for row in results.rows if row["steps"] == 40]
    some = [k for k, row in enumerate(rows) if row["case"] == "0"]
    rows[some[0]] = {**rows[some[0]], "dice": [0.9, None], "hd95": [None, None]}
    (task,) = tabled.tasks(dataclasses.replace(results, rows=rows))
    k = task.methods.index(rows[some[0]]["loss"])
    dice, far = tabled.table(task, (tabled.DICE, tabled.DISTANCE))
    assert dice[k, 0] == 0
    assert far[k, 0] == far[:, 0].min()


def test_the_best_loss_s_peers_are_those_not_significantly_worse():
    results = made_results({"cross_entropy": 0.2, "focal": 0.199}, noise=0.01)
    (task,) = tabled.tasks(results)
    assert sorted(best_losses(task)) == ["cross_entropy", "focal"]


def test_ranks_that_move_between_folds_are_told():
    results = made_results({"focal": 0.02}, noise=0.002)
    rows = []
    for row in results.rows:
        fold = int(row["case"]) % 2
        shift = 0.1 * fold if row["loss"] == "dice" else 0.0
        dice = [0.9, row["dice"][1] + shift]
        rows.append({**row, "fold": fold, "dice": dice})
    (task,) = tabled.tasks(dataclasses.replace(results, rows=rows))
    places = tabled.fold_ranks([task], "DSC")
    k = task.methods.index("dice")
    assert places[1, k] == 1 < places[0, k]
    found = tabled.stability([task], "DSC")
    assert found.rank_high[k] - found.rank_low[k] > 2
    assert "moves by" in report(dataclasses.replace(results, rows=rows)).text()


def test_the_report_tells_ranks_rates_costs_verdicts_and_the_command():
    text = report(made_results({"focal": 0.2}, noise=0.01)).text()
    assert text.startswith("# Which loss for made? Ma 2021 tried again")
    assert "On made, unet focal has the highest mean Dice, 0." in text
    assert "every other loss is significantly worse" in text
    assert "    jaxseg train --data DIR --loss focal --steps 40 --batch-size 4" in text
    (line,) = (x for x in text.splitlines() if x.startswith("| 1 | focal | 1.0 | 26.0"))
    assert "| 0.1 | 10 |" in line
    for picture in ("findings", "dice_violins", "nsd_violins", "ranks"):
        assert f"({picture}.png)" in text
    everywhere = 2 * 10 / (100 + 10)  # Dice of foreground at each of 100 pixels
    assert (
        f"predicting nothing has 0.000, everything {everywhere:.3f}, at 8 x 8" in text
    )
    assert "a perfect mask has 0.970 and perfect probabilities 0.990" in text
    assert "| focal | Focal | 0." in text
    assert "| 0.959 | 0.753 |" in text  # the paper's for focal, beside ours
    assert "The learning curve says" not in text


def test_the_command_of_the_answer_parses():
    text = report(made_results({"tversky:alpha=0.3,beta=0.7": 0.2}, noise=0.01)).text()
    line = next(x for x in text.splitlines() if x.startswith("    jaxseg train"))
    arguments = train_parser().parse_args(line.split()[1:])
    assert (arguments.loss, arguments.hyper) == ("tversky", ["alpha=0.3", "beta=0.7"])


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="no report is published yet")
def test_the_published_report_follows_from_its_rows(capsys, monkeypatch):
    monkeypatch.undo()
    assert main(["report", str(PUBLISHED)]) == 0
    assert "## What was run" in capsys.readouterr().out


@pytest.mark.slow
def test_on_data_with_a_known_answer_trained_networks_give_it(tmp_path):
    """One loss under two names, one that is crippled, and one that starts late.

    The first two are not told apart; the loss blind to lesions comes last; the one that
    is schooled in a task of its own for most of a short run is still learning.
    """
    names = ["dice", "tversky:alpha=0.5,beta=0.5", "tversky:alpha=1.0,beta=0.1"]
    late = "sensitivity_specificity"
    scale = dataclasses.replace(
        planned.SCALES["smoke"], losses=(*names, late), steps=320, earlier=2, folds=2
    )
    folder = write_lesions(tmp_path / "lesions")
    choices = Choices(
        name="cpu", scale=scale, datasets=(read_dataset(folder),), root=tmp_path / "s"
    )
    jobs = order_jobs(planned.plan(choices))
    run_jobs(tmp_path / "s", jobs)
    about = {"scale": "cpu", "datasets": [facts_of("lesions")]}
    (task,) = tabled.tasks(collect(tmp_path / "s", jobs, about))
    assert task.mean("dice", "dice") > 0.6
    assert set(best_losses(task)) == set(names[:2])
    curves = {name: task.curves[name] for name in (*names, late)}
    assert curves["dice"].steps == (80, 160, 320)
    print({name: curve.scores for name, curve in curves.items()})
