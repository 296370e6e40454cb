"""Predicted against true proportions of regions: the label marginals of Liu 2022.

A panel per loss, a dot per region; on the diagonal both agree, below it the region is
predicted too small. Regions of which nothing is predicted lie on the lower edge.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from figures import style
from figures.output import save_all
from figures.results import rows as table
from jaxseg.errors import UserError

Shares = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""Loss to true and predicted shares, ``[N]`` each."""
PANEL_IN = 1.9


def compute_shares(
    rows: Sequence[table.Row],
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """True and predicted shares by loss, of regions that exist.

    Raises:
      UserError: a share is outside [0, 1], or no region exists.
    """
    found = {}
    for loss, group in table.group_by_loss(rows).items():
        true = np.array([table.number(row, "share") for row in group])
        predicted = np.array([table.number(row, "predicted_share") for row in group])
        if min(true.min(), predicted.min()) < 0 or max(true.max(), predicted.max()) > 1:
            raise UserError(f"ROWS: a share of {loss} is outside of 0 to 1")
        found[loss] = true[true > 0], predicted[true > 0]
    if not any(len(true) for true, _ in found.values()):
        raise UserError("ROWS: no region exists, every share is 0")
    return found


def draw_proportions(found: Shares, *, width_in: float = style.WIDTH_IN) -> Figure:
    """A row of up to four panels, and further rows."""
    columns = min(4, len(found))
    lines = -(-len(found) // columns)
    least = min(float(true.min()) for true, _ in found.values() if len(true)) / 3
    seen = [p[p > 0].min() for _, p in found.values() if (p > 0).any()]
    least = min([least, *map(float, seen)]) / 1.5
    with mpl.rc_context(style.settings()):
        figure = Figure(
            figsize=(width_in, 0.3 + PANEL_IN * lines), layout="constrained"
        )
        grid = figure.subplots(
            lines, columns, sharex=True, sharey=True, squeeze=False
        ).ravel()
        for axes in grid[len(found) :]:
            axes.set_axis_off()
        for axes, (loss, (true, predicted)) in zip(grid, found.items(), strict=False):
            axes.plot([least, 1], [least, 1], color="0.6", lw=0.8, zorder=0)
            none = predicted == 0
            axes.plot(
                true[~none], predicted[~none], "o", ms=2.5, alpha=0.5, mew=0,
                color=style.COLOURS[0],
            )  # fmt: skip
            if none.any():
                axes.plot(
                    true[none], np.full(none.sum(), least), "x", ms=3.5, mew=0.8,
                    color=style.COLOURS[1], clip_on=False,
                )  # fmt: skip
            axes.set(
                xscale="log", yscale="log", xlim=(least, 1), ylim=(least, 1),
                title=f"{loss}\n{100 * none.mean():.0f} % not predicted",
            )  # fmt: skip
        figure.supxlabel("true share of the image", fontsize=8)
        figure.supylabel("predicted share of the image", fontsize=8)
    return figure


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Rows."""
    table.add_rows(parser, "loss", "share", "predicted_share")


def draw(arguments: argparse.Namespace) -> list[Path]:
    """All losses of the rows."""
    found = compute_shares(table.load(arguments.rows))
    figure = draw_proportions(found, width_in=arguments.width)
    return save_all({"proportions": figure}, arguments)
