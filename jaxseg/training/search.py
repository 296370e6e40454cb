"""The learning rate that suits a loss, by short runs from the same first weights."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxseg.errors import UserError
from jaxseg.files import write_rows
from jaxseg.training.config import RunConfig
from jaxseg.training.evaluation import Evaluation
from jaxseg.training.log import METRICS, read_metrics
from jaxseg.training.loop import DivergedError, Report, Run
from jaxseg.training.plateau import PLATEAUS
from jaxseg.training.sources import Examples

MA_RATES = (3e-3, 3e-4, 3e-5)
"""The grid of Ma 2021, section 3.2."""
MA_FINE_TUNING_RATES = (3e-4, 3e-5, 1e-5, 3e-6, 1e-6)
"""The grid of Ma 2021, footnote 7, for losses that fine-tune what another trained."""
MARGIN = 0.01
"""Dice by which a rate must beat the best constant prediction to have learned."""
RATES = "rates.jsonl"


def with_learning_rate(config: RunConfig, rate: float) -> RunConfig:
    """The run at another learning rate of its loss.

    Pre-training is another loss and keeps its own rate, which is the run's where none
    is given.
    """
    before = config.pretrain_learning_rate
    if config.pretrain_loss is not None and before is None:
        before = config.learning_rate
    return dataclasses.replace(
        config, learning_rate=rate, pretrain_learning_rate=before
    )


def trial_of(config: RunConfig, rate: float, steps: int) -> RunConfig:
    """The run's settings for a short run at one learning rate.

    Pre-training has the same share of the steps as in the run, at least one, and leaves
    at least one. There is one validation, at the end, but for what follows validations:
    plateaus and stopping, which see six.

    Raises:
      UserError: there are too few steps.
    """
    before = 0
    if config.pretrain_loss is not None:
        if steps < 2:
            raise UserError(
                f"a search of {steps} step leaves none for --loss {config.loss} after "
                f"--pretrain-loss {config.pretrain_loss}: --search-steps 2 or more"
            )
        share = config.pretrain_steps / config.steps
        before = min(max(round(share * steps), 1), steps - 1)
    follows = config.schedule in PLATEAUS or config.stop_after is not None
    return dataclasses.replace(
        with_learning_rate(config, rate),
        steps=steps,
        pretrain_steps=before,
        evaluate_every=max(steps // 6, 1) if follows else steps,
        checkpoint_every=max(steps // 3, 1),
    )


def best_rate(
    config: RunConfig,
    folder: Path,
    rates: Sequence[float],
    steps: int,
    validation: Examples,
    report: Report = dict,
) -> float:
    """The rate whose short run has the highest Dice in its last validation.

    An earlier validation does not count: a rate at which nothing moves keeps what the
    first weights score. Each short run has a folder of its own, which keeps its
    settings, and is taken up where it was stopped; ``rates.jsonl`` tells what each
    reached. A run that diverges reaches nothing.

    Args:
      config: of the run to come.
      folder: for the short runs, made if missing.
      rates: to try, in this order; the first of equals wins.
      steps: of each.
      validation: cases to score.
      report: called with each row of each run.

    Raises:
      UserError: too few steps, or none of the rates beats the best prediction of one
        class everywhere by `MARGIN`, so that nothing is known of any; a
        folder holds a run of other settings.
    """
    trials = [trial_of(config, rate, steps) for rate in rates]
    rows: list[dict[str, Any]] = []
    for rate, trial in zip(rates, trials, strict=True):
        out = folder / str(rate)
        out.mkdir(parents=True, exist_ok=True)
        try:
            Run(trial, out).train(validation, report=report)
        except DivergedError as error:
            rows.append({"learning_rate": rate, "dice": None, "why": str(error)})
            continue
        rows.append({"learning_rate": rate, "dice": _last_dice(trial, out)})
    write_rows(folder / RATES, rows)
    reached = [-1.0 if row["dice"] is None else row["dice"] for row in rows]
    trivial = trivial_dice(validation, config.num_classes, config.regions or ())
    if max(reached) <= trivial + MARGIN:
        raise UserError(
            f"none of the learning rates {', '.join(f'{rate:g}' for rate in rates)} "
            f"lets {config.loss} learn in {steps} steps: validation Dice is at best "
            f"{max(*reached, 0.0):.3f}, and {trivial:.3f} for one class everywhere; "
            f"try more steps or other rates, see {folder / RATES}"
        )
    return rates[int(np.argmax(reached))]


def trivial_dice(
    cases: Examples, num_classes: int, regions: Sequence[Sequence[int]] = ()
) -> float:
    """The highest mean Dice of predicting one class at every pixel of every case."""
    evaluation = Evaluation(num_classes, regions=regions)
    for index in range(len(cases)):
        case = cases[index]
        assert case.labels is not None
        evaluation.add(
            case.name,
            np.zeros_like(case.labels),
            case.labels,
            annotated=case.annotated,
        )
    summary = evaluation.summary()
    return max(summary.all_background or 0.0, summary.all_foreground or 0.0)


def _last_dice(trial: RunConfig, folder: Path) -> float | None:
    """The score of the last validation, if the loss itself had begun by then."""
    scores = [
        row["validation_dice"]
        for row in read_metrics(folder / METRICS)
        if "validation_dice" in row and row["step"] > trial.phases[-1].start
    ]
    return scores[-1] if scores else None
