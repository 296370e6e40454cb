"""False positives on images without a lesion against Dice on those with one.

Down and right is better. A mark per loss with the 95 % intervals of both means over
cases; the legend tells on how many images without a lesion nothing is predicted: those
are rejected, as in Galdran 2022, Tables 2 and 4. A panel per data set.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style
from figures.output import save_all
from figures.results import rows as table
from jaxseg.errors import UserError
from jaxseg.statistics import bootstrap_difference

COLUMNS = 2
HEIGHT_IN = 3.0
"""Of a row of panels."""


@dataclasses.dataclass(frozen=True)
class Mean:
    """A mean over cases with the ends of its interval."""

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Point:
    """One loss on one data set.

    Attributes:
      dice: of the cases with a lesion.
      area: share of the pixels predicted as foreground in the cases without.
      rejected: cases without a lesion on which nothing is predicted.
      free: cases without a lesion.
    """

    dice: Mean
    area: Mean
    rejected: int
    free: int


def compute_mean(values: np.ndarray) -> Mean:
    """Over ``[N]`` cases."""
    found = bootstrap_difference(values, np.zeros(len(values)))
    low, high = np.clip([found.low, found.high], 0, 1)
    return Mean(found.mean, float(low), float(high))


def compute_point(rows: Sequence[table.Row], metric: str) -> Point:
    """Of one loss.

    Raises:
      UserError: there are no cases with a lesion, or none without.
    """
    free = [row for row in rows if row.get("lesion_free")]
    sick = [row for row in rows if not row.get("lesion_free")]
    scores = table.scores(sick, metric)
    if not free or not len(scores):
        missing = "with column lesion_free true" if not free else f"with {metric}"
        raise UserError(f"there are no rows {missing}: both kinds of cases are needed")
    areas = np.array([_area(row) for row in free])
    return Point(
        compute_mean(scores), compute_mean(areas), int(np.sum(areas == 0)), len(free)
    )


def _area(row: table.Row) -> float:
    if "predicted_pixels" not in row:
        raise UserError("a row has no column 'predicted_pixels'")
    return sum(row["predicted_pixels"][1:]) / table.number(row, "pixels")


def draw_points(
    points: dict[str, dict[str, Point]],
    metric: str,
    *,
    width_in: float = style.WIDTH_IN,
) -> Figure:
    """A panel per data set, two in a row."""
    columns = min(len(points), COLUMNS)
    rows = -(-len(points) // columns)
    with mpl.rc_context(style.settings()):
        width = width_in if columns > 1 else min(width_in, 4.5)
        figure = Figure(figsize=(width, HEIGHT_IN * rows), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (dataset, of_losses) in zip(panels, points.items(), strict=False):
            _draw_panel(axes, of_losses)
            axes.set_title(dataset)
        for axes in panels[len(points) :]:
            axes.remove()
        size = mpl.rcParams["axes.labelsize"]
        figure.supxlabel(f"{table.title(metric)}, images with a lesion", fontsize=size)
        figure.supylabel("area predicted without a lesion, %", fontsize=size)
    return figure


def _draw_panel(axes: Axes, points: dict[str, Point]) -> None:
    marks = style.marked_lines()
    for (loss, point), mark in zip(points.items(), marks, strict=False):
        x, y = point.dice, point.area
        axes.errorbar(
            x.value,
            100 * y.value,
            xerr=[[x.value - x.low], [x.high - x.value]],
            yerr=[[100 * (y.value - y.low)], [100 * (y.high - y.value)]],
            color=mark["color"],
            marker=mark["marker"],
            markersize=6,
            elinewidth=0.8,
            linestyle="none",
            label=f"{loss}: {point.rejected} of {point.free} rejected",
        )
    axes.set_ylim(bottom=0)
    axes.grid(color="0.92", lw=0.5)
    axes.set_axisbelow(True)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.32 * (high - low))  # room for the legend
    axes.legend(loc="upper left")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Rows and metric."""
    table.add_rows(
        parser, "loss", "dataset", "lesion_free", "dice", "predicted_pixels", "pixels"
    )
    table.add_metric(parser)


def draw(arguments: argparse.Namespace) -> list[Path]:
    """All losses of the rows."""
    found = {
        dataset: {
            loss: compute_point(cases, arguments.metric)
            for loss, cases in table.group_by_loss(group).items()
        }
        for dataset, group in table.group_by_dataset(table.load(arguments.rows)).items()
    }
    figure = draw_points(found, arguments.metric, width_in=arguments.width)
    return save_all({"tradeoff": figure}, arguments)
