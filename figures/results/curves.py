"""A score or a loss over the steps of training, with its spread over runs.

Rows are those of ``metrics.jsonl``, one file a run, as ``LOSS=FILE``: files of one loss
are its runs. The line is the mean over runs, the band reaches from the least to the
largest.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from figures import style
from figures.output import save_all
from figures.results import rows as table
from jaxseg.errors import UserError


@dataclasses.dataclass(frozen=True)
class Spread:
    """One quantity over the steps of several runs.

    Attributes:
      steps: ``[N]`` at which there are rows.
      means: ``[N]`` over the runs.
      lows: ``[N]`` least of the runs.
      highs: ``[N]`` largest of the runs.
      runs: the largest number of runs at a step.
    """

    steps: np.ndarray
    means: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    runs: int


def compute_spread(rows: Sequence[table.Row], metric: str) -> Spread:
    """Over all rows that have the metric."""
    groups: dict[float, list[float]] = {}
    for row in rows:
        if row.get(metric) is not None:
            step = table.number(row, "step")
            groups.setdefault(step, []).append(table.number(row, metric))
    if not groups:
        raise UserError(f"--metric {metric}: no row has it")
    steps = sorted(groups)
    values = [np.array(groups[step]) for step in steps]
    return Spread(
        np.array(steps),
        np.array([x.mean() for x in values]),
        np.array([x.min() for x in values]),
        np.array([x.max() for x in values]),
        max(map(len, values)),
    )


def draw_spreads(
    spreads: dict[str, Spread], metric: str, *, width_in: float = style.WIDTH_IN
) -> Figure:
    """A line and a band per loss."""
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 3.0), layout="constrained")
        axes = figure.subplots()
        lines = style.lines()
        for (loss, one), line in zip(spreads.items(), lines, strict=False):
            runs = f"{one.runs} run{'s' if one.runs > 1 else ''}"
            axes.plot(one.steps, one.means, label=f"{loss}, {runs}", **line)
            axes.fill_between(
                one.steps, one.lows, one.highs, color=line["color"], alpha=0.18, lw=0
            )
        axes.set(xlabel="optimizer step", ylabel=table.title(metric))
        axes.legend()
    return figure


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Rows and metric."""
    table.add_rows(parser, "loss", "step")
    table.add_metric(parser, "validation_dice")


def draw(arguments: argparse.Namespace) -> list[Path]:
    """All losses of the rows."""
    losses = table.group_by_loss(table.load(arguments.rows))
    metric = arguments.metric
    spreads = {loss: compute_spread(group, metric) for loss, group in losses.items()}
    figure = draw_spreads(spreads, metric, width_in=arguments.width)
    return save_all({f"curves_{metric}": figure}, arguments)
