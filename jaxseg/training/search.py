"""The learning rate that suits a loss, by short runs from the same first weights."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxseg.errors import UserError
from jaxseg.files import write_rows
from jaxseg.training.config import RunConfig
from jaxseg.training.log import METRICS, read_metrics
from jaxseg.training.loop import DivergedError, Report, Run
from jaxseg.training.sources import Examples

MA_RATES = (3e-3, 3e-4, 3e-5)
"""The grid of Ma 2021, section 3.2."""
RATES = "rates.jsonl"


def trial_of(config: RunConfig, rate: float, steps: int) -> RunConfig:
    """The run's settings for a short run at one learning rate."""
    return dataclasses.replace(
        config,
        learning_rate=rate,
        steps=steps,
        pretrain_steps=min(config.pretrain_steps, steps - 1),
        evaluate_every=max(steps // 3, 1),
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
    """The rate whose short run reaches the highest validation Dice.

    Each short run has a folder of its own, which keeps its settings, and is taken up
    where it was stopped; ``rates.jsonl`` tells what each reached. A run that diverges
    reaches nothing.

    Args:
      config: of the run to come.
      folder: for the short runs, made if missing.
      rates: to try, in this order; the first of equals wins.
      steps: of each.
      validation: cases to score.
      report: called with each row of each run.

    Raises:
      UserError: none of them reaches anything; a folder holds a run of other settings.
    """
    rows: list[dict[str, Any]] = []
    for rate in rates:
        out = folder / str(rate)
        out.mkdir(parents=True, exist_ok=True)
        try:
            Run(trial_of(config, rate, steps), out).train(validation, report=report)
        except DivergedError as error:
            rows.append({"learning_rate": rate, "dice": None, "why": str(error)})
            continue
        scores = [row.get("validation_dice") for row in read_metrics(out / METRICS)]
        known = [score for score in scores if score is not None]
        rows.append({"learning_rate": rate, "dice": max(known, default=None)})
    write_rows(folder / RATES, rows)
    reached = [-1.0 if row["dice"] is None else row["dice"] for row in rows]
    if max(reached) < 0:
        raise UserError(
            f"none of the learning rates {', '.join(f'{rate:g}' for rate in rates)} "
            f"reaches anything: see {folder / RATES}"
        )
    return rates[int(np.argmax(reached))]
