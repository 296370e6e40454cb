"""A score over a hyper-parameter: Tversky weights, or the weight of a term.

Tversky sweeps (Eelbode 2020, Tables III and VII) are rows with ``alpha`` and ``beta``,
drawn over alpha where alpha + beta = 1; equal weights are drawn apart. Ablations (Liu
2022, Fig. 3) are rows with ``weight``, drawn on a logarithmic axis. Points are means,
bars their standard errors over the rows.
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
class Sweep:
    """Means over a hyper-parameter.

    Attributes:
      places: ``[N]`` values of the hyper-parameter, rising.
      means: ``[N]`` mean scores.
      errors: ``[N]`` standard errors of the means; 0 for a single row.
    """

    places: np.ndarray
    means: np.ndarray
    errors: np.ndarray


def compute_sweep(rows: Sequence[table.Row], column: str, metric: str) -> Sweep:
    """Mean and standard error of the rows at each value of `column`."""
    groups = table.group(rows, lambda row: table.number(row, column))
    places = np.array(sorted(groups))
    values = [table.scores(groups[place], metric) for place in places]
    if not all(len(x) for x in values):
        raise UserError(f"--metric {metric}: all values at one {column} are null")
    return Sweep(
        places,
        np.array([x.mean() for x in values]),
        np.array([x.std(ddof=1) / len(x) ** 0.5 if len(x) > 1 else 0 for x in values]),
    )


def split_tversky(
    rows: Sequence[table.Row],
) -> tuple[list[table.Row], list[table.Row]]:
    """Rows with alpha + beta = 1, and rows with alpha = beta (1/2 is in both)."""

    def weights(row: table.Row) -> tuple[float, float]:
        return table.number(row, "alpha"), table.number(row, "beta")

    complementary = [row for row in rows if abs(sum(weights(row)) - 1) < 1e-9]
    equal = [row for row in rows if weights(row)[0] == weights(row)[1]]
    return complementary, equal


def draw_tversky(
    rows: Sequence[table.Row], metric: str, *, width_in: float = style.WIDTH_IN
) -> Figure:
    """Complementary weights at the left, equal weights at the right."""
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 2.9), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(2, 1))
        lines = style.marked_lines()
        groups = table.group_by_dataset(rows)
        for (dataset, group), line in zip(groups.items(), lines, strict=False):
            for axes, part in zip((left, right), split_tversky(group), strict=True):
                if part:
                    sweep = compute_sweep(part, "alpha", metric)
                    axes.errorbar(
                        sweep.places, sweep.means, sweep.errors, label=dataset,
                        capsize=2, **line,
                    )  # fmt: skip
        for axes, title in ((left, "α = 1 − β"), (right, "α = β")):
            axes.axvline(0.5, color="0.7", lw=0.8, zorder=0)
            axes.set(xlabel="α, weight of false positives", title=title)
        left.set_ylabel(f"mean {table.title(metric)}")
        handles, labels = left.get_legend_handles_labels()
        if any(labels):
            figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure


def draw_ablation(
    rows: Sequence[table.Row], metric: str, *, width_in: float = style.WIDTH_IN
) -> Figure:
    """A panel per data set, a curve per loss."""
    groups = table.group_by_dataset(rows)
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 2.9), layout="constrained")
        panels = figure.subplots(1, len(groups), squeeze=False)[0]
        for axes, (dataset, group) in zip(panels, groups.items(), strict=True):
            losses = table.group_by_loss(group).items()
            for (loss, part), line in zip(losses, style.marked_lines(), strict=False):
                sweep = compute_sweep(part, "weight", metric)
                axes.errorbar(
                    sweep.places, sweep.means, sweep.errors, label=loss, capsize=2,
                    **line,
                )  # fmt: skip
            axes.set(xscale="log", xlabel="weight λ of the second term", title=dataset)
        panels[0].set_ylabel(f"mean {table.title(metric)}")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Rows and metric."""
    table.add_rows(parser, "loss", "dataset", "alpha", "beta", "weight", "dice")
    table.add_metric(parser)


def draw(arguments: argparse.Namespace) -> list[Path]:
    """What the rows are a sweep of."""
    rows = table.load(arguments.rows)
    kinds = {
        "tversky_sweep": ([r for r in rows if "alpha" in r], draw_tversky),
        "ablation": ([r for r in rows if "weight" in r], draw_ablation),
    }
    figures = {
        f"{name}_{arguments.metric}": function(
            part, arguments.metric, width_in=arguments.width
        )
        for name, (part, function) in kinds.items()
        if part
    }
    if not figures:
        raise UserError("ROWS have neither alpha and beta nor weight: no sweep")
    return save_all(figures, arguments)
