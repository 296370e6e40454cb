"""Distribution of a score over the cases of each loss: Ma 2021, Figs 2, 4, 6 and 8.

Violins show the whole distribution, boxes median and quartiles, diamonds the mean. A
panel per data set; losses in falling order of their mean over the data sets.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style
from figures.output import save_all
from figures.results import rows as table
from jaxseg.cli import options
from jaxseg.errors import UserError

Scores = Mapping[str, Mapping[str, np.ndarray]]
KINDS = ("violin", "box")


def compute_scores(rows, metric: str) -> dict[str, dict[str, np.ndarray]]:
    """By data set and loss, ``[N]`` scores of its cases."""
    return {
        dataset: {
            loss: table.scores(cases, metric)
            for loss, cases in table.group_by_loss(group).items()
        }
        for dataset, group in table.group_by_dataset(rows).items()
    }


def order(scores: Scores) -> list[str]:
    """Losses by the mean of their means over data sets, best first."""
    names = dict.fromkeys(loss for group in scores.values() for loss in group)

    def mean(loss: str) -> float:
        found = [group[loss] for group in scores.values() if loss in group]
        return float(np.mean([values.mean() for values in found if len(values)]))

    return sorted(names, key=lambda loss: -mean(loss))


def draw_scores(
    scores: Scores,
    metric: str,
    kind: str = "violin",
    *,
    width_in: float = style.WIDTH_IN,
) -> Figure:
    """One panel per data set, one line per loss."""
    names = order(scores)
    with mpl.rc_context(style.settings()):
        figure = Figure(
            figsize=(width_in, 0.7 + 0.24 * max(len(names), 3)), layout="constrained"
        )
        panels = figure.subplots(1, len(scores), sharey=True, squeeze=False)[0]
        for axes, (dataset, group) in zip(panels, scores.items(), strict=True):
            for place, name in enumerate(reversed(names)):
                if len(group.get(name, ())):
                    _draw_one(axes, group[name], place, kind)
            axes.set(xlabel=table.title(metric), title=dataset)
            axes.grid(axis="x", color="0.92", lw=0.5)
            axes.set_axisbelow(True)
        panels[0].set_yticks(range(len(names)), names[::-1])
    return figure


def _draw_one(axes: Axes, values: np.ndarray, place: int, kind: str) -> None:
    colour = style.COLOURS[0]
    if kind == "violin" and np.ptp(values) > 0 and len(values) > 2:
        drawn = axes.violinplot(
            [values], [place], orientation="horizontal", widths=0.85, showextrema=False
        )
        for body in drawn["bodies"]:  # type: ignore[union-attr]
            body.set(facecolor=style.COLOURS[5], alpha=0.6, edgecolor=colour, lw=0.5)
    axes.boxplot(
        [values], positions=[place], orientation="horizontal",
        widths=0.22 if kind == "violin" else 0.55, manage_ticks=False,
        showfliers=kind == "box", patch_artist=True,
        boxprops={"facecolor": "white", "edgecolor": colour, "linewidth": 0.8},
        medianprops={"color": "black", "linewidth": 1.4},
        whiskerprops={"color": colour, "linewidth": 0.8},
        capprops={"color": colour, "linewidth": 0.8},
        flierprops={"marker": ".", "markersize": 3, "markeredgecolor": "0.5"},
    )  # fmt: skip
    axes.plot(
        values.mean(), place, "D", color=style.COLOURS[1], ms=2.5, mec="white", mew=0.3,
        zorder=5,
    )  # fmt: skip


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Rows, metric and kind."""
    table.add_rows(parser, "loss", "dataset", "case", "dice")
    table.add_metric(parser)
    parser.add_argument(
        "--kind",
        type=options.one_of(KINDS),
        default="violin",
        metavar="K",
        help="violin or box (default violin)",
    )


def draw(arguments: argparse.Namespace) -> list[Path]:
    """All losses of the rows."""
    scores = compute_scores(table.load(arguments.rows), arguments.metric)
    if not any(len(x) for group in scores.values() for x in group.values()):
        raise UserError(f"--metric {arguments.metric}: all its values are null")
    figure = draw_scores(
        scores, arguments.metric, arguments.kind, width_in=arguments.width
    )
    return save_all({f"distributions_{arguments.metric}": figure}, arguments)
