"""A score by the size of the object, in tenths of the cases: Eelbode 2020, Fig. 4.

Cases of a data set are cut into ten groups of equal number by the size of their object;
each loss has its mean score per group, drawn at the mean size. Dashed lines separate
the groups.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import ticker
from matplotlib.figure import Figure

from figures import style
from figures.output import save_all
from figures.results import rows as table
from jaxseg.cli import options
from jaxseg.errors import UserError

GROUPS = 10


@dataclasses.dataclass(frozen=True)
class BySize:
    """Mean scores of one data set.

    Attributes:
      edges: ``[groups - 1]`` sizes that separate the groups.
      sizes: loss to ``[groups]`` mean sizes; NaN where a group is empty.
      means: loss to ``[groups]`` mean scores.
    """

    edges: np.ndarray
    sizes: dict[str, np.ndarray]
    means: dict[str, np.ndarray]


def size_column(rows: Sequence[table.Row]) -> str:
    """The column that tells the size: the share where there is one, else pixels."""
    has_share = all("foreground_share" in row for row in rows)
    return "foreground_share" if has_share else "actual_pixels"


def compute_by_size(
    rows: Sequence[table.Row], metric: str, *, column: str, groups: int = GROUPS
) -> BySize:
    """Groups of equal number over the sizes of all cases with an object."""
    sizes = np.array([table.number(row, column) for row in rows])
    edges = np.quantile(sizes[sizes > 0], np.arange(1, groups) / groups)
    means, places = {}, {}
    for loss, cases in table.group_by_loss(rows).items():
        size = np.array([table.number(row, column) for row in cases])
        score = np.array([table.number(row, metric) for row in cases])
        group = np.where(
            (size > 0) & ~np.isnan(score), np.searchsorted(edges, size), -1
        )

        def mean(values: np.ndarray, group: np.ndarray = group) -> np.ndarray:
            inside = [values[group == k] for k in range(groups)]
            return np.array([x.mean() if len(x) else np.nan for x in inside])

        means[loss], places[loss] = mean(score), mean(size)
    return BySize(edges, places, means)


def draw_by_size(
    found: dict[str, BySize],
    metric: str,
    unit: str,
    *,
    scale: float = 1.0,
    width_in: float = style.WIDTH_IN,
) -> Figure:
    """A panel per data set; sizes times `scale` are in `unit`."""
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 2.9), layout="constrained")
        panels = figure.subplots(1, len(found), squeeze=False)[0]
        for axes, (dataset, one) in zip(panels, found.items(), strict=True):
            lines = style.marked_lines()
            for (loss, means), line in zip(one.means.items(), lines, strict=False):
                axes.semilogx(scale * one.sizes[loss], means, label=loss, **line)
            axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5), numticks=9))
            axes.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
            axes.xaxis.set_minor_formatter(ticker.NullFormatter())
            for edge in one.edges:
                axes.axvline(scale * edge, color="0.8", ls="--", lw=0.6, zorder=0)
            axes.set(title=dataset, xlabel=f"object size, {unit}", ylim=(0, 1.02))
        panels[0].set_ylabel(f"mean {table.title(metric)} of the group")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Rows, metric and number of groups."""
    table.add_rows(
        parser, "loss", "dataset", "dice", "foreground_share", "actual_pixels"
    )
    table.add_metric(parser)
    parser.add_argument(
        "--groups",
        type=options.at_least(2, at_most=50),
        default=GROUPS,
        metavar="N",
        help=f"of equal number (default {GROUPS})",
    )


def draw(arguments: argparse.Namespace) -> list[Path]:
    """All losses of the rows."""
    rows = table.load(arguments.rows)
    column = size_column(rows)
    found = {}
    for name, group in table.group_by_dataset(rows).items():
        if not any(table.number(row, column) > 0 for row in group):
            raise UserError(f"ROWS: no case of {name or 'the rows'} has an object")
        found[name] = compute_by_size(
            group, arguments.metric, column=column, groups=arguments.groups
        )
    share = column == "foreground_share"
    figure = draw_by_size(
        found,
        arguments.metric,
        "% of the image" if share else "pixels",
        scale=100 if share else 1,
        width_in=arguments.width,
    )
    return save_all({f"sizes_{arguments.metric}": figure}, arguments)
