"""A quantity of each class over the class's share of the pixels: Liu 2022, Table 4.

A line per loss over the classes, from the rarest to the most frequent, whose names are
written at the top. So one sees which losses favour small regions.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from figures import style
from figures.output import save_all
from figures.results import rows as table
from jaxseg.cli import options
from jaxseg.errors import UserError

Values = dict[str, tuple[list[str], np.ndarray, np.ndarray]]
"""Loss to its classes' names, shares and values, by rising share."""


def compute_regions(rows: Sequence[table.Row], metric: str) -> Values:
    """Values by loss; classes without a value are left out.

    Raises:
      UserError: a class has two values for one loss, or a share that is not above 0.
    """
    found: Values = {}
    for loss, group in table.group_by_loss(rows).items():
        group = [row for row in group if not np.isnan(table.number(row, metric))]
        group = sorted(group, key=lambda row: table.number(row, "share"))
        names = [table.label(row, "class") for row in group]
        shares = np.array([table.number(row, "share") for row in group])
        if len(set(names)) < len(names):
            raise UserError(f"ROWS: {loss} has two values for a class")
        if len(shares) and not shares[0] > 0:
            raise UserError(f"ROWS: the share of {names[0]} is not above 0")
        values = np.array([table.number(row, metric) for row in group])
        found[loss] = names, shares, values
    return found


def draw_regions(
    found: Values,
    metric: str,
    *,
    level: float | None = None,
    logarithmic: bool = False,
    width_in: float = style.WIDTH_IN,
) -> Figure:
    """One panel.

    Args:
      found: values by loss.
      metric: what they are.
      level: where to draw a horizontal line, such as 0 of a gain.
      logarithmic: the axis of the values; those not above 0 are left out.
      width_in: of the figure.
    """
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 3.4), layout="constrained")
        axes = figure.subplots()
        if level is not None:
            axes.axhline(level, color="0.6", lw=0.8, zorder=0)
        for (loss, (_, shares, values)), line in zip(
            found.items(), style.marked_lines(), strict=False
        ):
            axes.plot(shares, values, label=loss, **line)
        axes.set(
            xscale="log",
            xlabel="share of the class among the training pixels",
            ylabel=table.title(metric),
        )
        if logarithmic:
            axes.set_yscale("log")
        _name_classes(axes, found)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=5)
    return figure


def _name_classes(axes: mpl.axes.Axes, found: Values) -> None:  # type: ignore[name-defined]
    """Names at the top, moved apart where classes are about equally frequent."""
    places = dict(
        sorted(
            {
                name: float(share)
                for names, shares, _ in found.values()
                for name, share in zip(names, shares, strict=True)
            }.items(),
            key=lambda item: item[1],
        )
    )
    low, high = (float(np.log10(x)) for x in axes.get_xlim())
    written = -np.inf
    for name, share in places.items():
        place = (np.log10(share) - low) / (high - low)
        axes.axvline(share, color="0.9", lw=0.6, zorder=-1)
        written = max(place, written + 0.026)
        axes.annotate(
            name, (place, 1), (written, 1.03), "axes fraction", "axes fraction",
            rotation=60, ha="left", va="bottom", fontsize=7,
            arrowprops={"arrowstyle": "-", "color": "0.8", "lw": 0.5},
        )  # fmt: skip


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Rows, metric and axis."""
    table.add_rows(parser, "loss", "class", "share")
    table.add_metric(parser, "jaccard")
    add = parser.add_argument
    add(
        "--level",
        type=options.number_in(-1e6, 1e6),
        metavar="Y",
        help="draw a horizontal line there",
    )
    add("--log", action="store_true", help="logarithmic values")


def draw(arguments: argparse.Namespace) -> list[Path]:
    """All losses of the rows."""
    found = compute_regions(table.load(arguments.rows), arguments.metric)
    figure = draw_regions(
        found,
        arguments.metric,
        level=arguments.level,
        logarithmic=arguments.log,
        width_in=arguments.width,
    )
    return save_all({f"regions_{arguments.metric}": figure}, arguments)
