"""Soft Dice over two pixels, plain and squared, for two truths: Eelbode 2020, Fig. 2.

Values at the four hard predictions, where both are the Dice loss itself, are written
beside their dots. Other losses of the catalog are drawn beside the two.
"""

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from figures import flags, style
from figures.output import save_all
from figures.surface import Surface, compute_surface, draw_panel
from jaxseg.counts import SoftCounts, dice_index

TRUTHS = ((1, 0), (1, 1))
NORMS = flags.parse_losses({"dice": {}, "dice_squared": {}})
TITLES = {"dice": "dice: plain, L1", "dice_squared": "dice_squared: L2"}


def discrete(truth: tuple[int, int]) -> dict[tuple[int, int], float]:
    """The Dice loss 1 - D of the four hard predictions."""
    values = {}
    for predicted in itertools.product((0, 1), repeat=2):
        pairs = list(zip(predicted, truth, strict=True))
        masks = SoftCounts.of_sets(
            sum(p * t for p, t in pairs),
            sum(p * (1 - t) for p, t in pairs),
            sum((1 - p) * t for p, t in pairs),
            2,
        )
        values[predicted[0], predicted[1]] = 1 - float(dice_index(masks))
    return values


def slope_at_truth(surface: Surface) -> float:
    """Length of the gradient at the grid point next to the truth."""
    row, column = (-1 if value else 0 for value in reversed(surface.truth))
    return float(np.linalg.norm(surface.slopes[row, column]))


def draw_grid(
    rows: Sequence[Sequence[Surface]], *, width_in: float = style.WIDTH_IN
) -> Figure:
    """A row of panels per truth, a column per loss, hard predictions marked."""
    columns = len(rows[0])
    panel = width_in / max(columns, 2)
    with mpl.rc_context(style.settings()):
        figure = Figure(
            figsize=(width_in, len(rows) * min(0.8 * panel, 2.9) + 0.7),
            layout="constrained",
        )
        grid = figure.subplots(len(rows), columns, squeeze=False)
        for line, surfaces in zip(grid, rows, strict=True):
            for axes, surface in zip(line, surfaces, strict=True):
                draw_panel(figure, axes, surface)
                for (first, second), value in discrete(surface.truth).items():
                    axes.plot(
                        first, second, "o", color="#D55E00", markersize=4.5,
                        markeredgecolor="white", clip_on=False, zorder=4,
                    )  # fmt: skip
                    axes.annotate(
                        f"{value:.2f}", (first, second), (-4 if first else 4,
                        -9 if second else 5), textcoords="offset points", fontsize=7,
                        ha="right" if first else "left", color="white", zorder=7,
                        bbox={"facecolor": "black", "alpha": 0.75, "pad": 0.8, "lw": 0},
                    )  # fmt: skip
                axes.set_xlabel(
                    f"pixel 1; gradient at ★ has length {slope_at_truth(surface):.2f}"
                )
            truth = surfaces[0].truth
            line[0].set_ylabel(f"truth ({truth[0]}, {truth[1]})\npixel 2")
    return figure


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Losses to draw beside the two."""
    flags.add_losses(parser, (), "drawn beside the two; default: none")


def draw(arguments: argparse.Namespace) -> list[Path]:
    """Four panels, and two more per further loss."""
    losses = [*NORMS, *flags.losses_of(arguments, ())]
    rows = [
        [
            compute_surface(one.loss, TITLES.get(one.name, one.title), truth=truth)
            for one in losses
        ]
        for truth in TRUTHS
    ]
    name = "eelbode_fig2" + flags.suffix(arguments)
    return save_all({name: draw_grid(rows, width_in=arguments.width)}, arguments)
