"""A loss over two pixels: its value, its gradient field and where it is smallest.

Two pictures are drawn: over the pixels' foreground probabilities, and over the scores
that a network puts out, whose sigmoid these probabilities are.
"""

import argparse
import dataclasses
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter

from figures import flags, style
from figures.output import save_all
from jaxseg import links
from jaxseg.losses import Loss

Space = Literal["probability", "score"]

EDGE = 1e-3  # the outermost probabilities: logs are finite there
REACH = 6.0  # the outermost scores
SHOWN = flags.parse_losses(
    {
        "cross_entropy": {},
        "dice": {},
        "dice_squared": {},
        "lovasz": {},
        "tversky": {"alpha": 0.3, "beta": 0.7},
        "marginal_kl": {"temperature": 1.0},
    }
)


@dataclasses.dataclass(frozen=True)
class Surface:
    """Values of a loss over two pixels.

    Attributes:
      name: of the loss.
      truth: ground truth of the two pixels, 0 or 1 each.
      space: what the axes are, foreground probabilities or scores.
      axis: ``[N]`` places along each axis.
      values: ``[N, N]``, rows by the second pixel, columns by the first.
      slopes: ``[N, N, 2]`` derivatives in the two places.
    """

    name: str
    truth: tuple[int, int]
    space: Space
    axis: np.ndarray
    values: np.ndarray
    slopes: np.ndarray


def compute_surface(
    loss: Loss,
    name: str,
    *,
    truth: tuple[int, int] = (1, 0),
    points: int = 65,
    space: Space = "probability",
) -> Surface:
    """`loss` of a two-pixel image with foreground alone (C = 1), on a square grid."""
    if space == "probability":
        axis, link = np.linspace(EDGE, 1 - EDGE, points), links.identity
    else:
        axis, link = np.linspace(-REACH, REACH, points), links.sigmoid
    axis = axis.astype(np.float32)
    labels = jnp.array([truth])

    def of_pair(pair: jax.Array) -> jax.Array:
        return loss(pair.reshape(1, 2, 1), labels, link=link)

    first, second = np.meshgrid(axis, axis)
    pairs = np.stack([first, second], axis=-1).reshape(-1, 2)
    values, slopes = jax.jit(jax.vmap(jax.value_and_grad(of_pair)))(pairs)
    shape = (points, points)
    return Surface(
        name,
        truth,
        space,
        axis,
        np.asarray(values).reshape(shape),
        np.asarray(slopes).reshape(*shape, 2),
    )


def arrows(surface: Surface, count: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Places ``[count ** 2, 2]`` and descent directions of unit length there.

    Where the loss is flat the direction is 0.
    """
    at = np.linspace(4, len(surface.axis) - 5, count).round().astype(int)
    rows, columns = (index.ravel() for index in np.meshgrid(at, at, indexing="ij"))
    places = np.stack([surface.axis[columns], surface.axis[rows]], axis=-1)
    downhill = -surface.slopes[rows, columns]
    length = np.linalg.norm(downhill, axis=-1, keepdims=True)
    flat = length < 1e-6 * max(float(length.max()), 1e-30)
    return places, np.where(flat, 0, downhill / np.where(flat, 1, length))


def minimisers(surface: Surface) -> np.ndarray:
    """Places ``[M, 2]`` of the grid where the loss is smallest, up to rounding.

    A loss that is flat has none to show.
    """
    low, high = float(surface.values.min()), float(surface.values.max())
    if high - low <= 1e-6 * max(abs(low), 1e-6):
        return np.empty((0, 2))
    rows, columns = np.nonzero(surface.values <= low + 1e-6 * (high - low))
    return np.stack([surface.axis[columns], surface.axis[rows]], axis=-1)


def draw_surfaces(
    surfaces: Sequence[Surface], *, width_in: float = style.WIDTH_IN
) -> Figure:
    """One panel per surface: colour and contours for the value, arrows downhill."""
    columns = min(len(surfaces), 3)
    rows = math.ceil(len(surfaces) / columns)
    panel = width_in / 3
    with mpl.rc_context(style.settings()):
        figure = Figure(
            figsize=(max(panel * columns, 3.25), 0.8 * panel * rows + 0.75),
            layout="constrained",
        )
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, surface in zip(grid.flat, surfaces, strict=False):
            draw_panel(figure, axes, surface)
        for axes in list(grid.flat)[len(surfaces) :]:
            axes.set_axis_off()
        space = surfaces[0].space
        labels = (f"{space} of pixel 1", f"{space} of pixel 2")
        if len(surfaces) == 1:
            grid[0, 0].set(xlabel=labels[0], ylabel=labels[1])
        else:
            figure.supxlabel(labels[0], fontsize=8)
            figure.supylabel(labels[1], fontsize=8)
        figure.suptitle(_caption(surfaces[0], figure.get_figwidth()), fontsize=8)
    return figure


def _caption(surface: Surface, width_in: float) -> str:
    truth = ", ".join(str(value) for value in surface.truth)
    over = "foreground probabilities" if surface.space == "probability" else "scores"
    title = (
        f"loss over the {over} of two pixels; the ground truth is ({truth}), marked ★; "
        "dots: smallest values of the grid; arrows point downhill, all of one length"
    )
    return textwrap.fill(title, int(16 * width_in))  # characters of 8-point text


def draw_panel(figure: Figure, axes: Axes, surface: Surface) -> None:
    """Colour, contours, arrows, minimisers and the truth, with a scale beside them."""
    low, high = float(surface.values.min()), float(np.quantile(surface.values, 0.99))
    low = 0.0 if abs(low) < 1e-3 * (high - low) else low  # the grid ends inside (0, 1)
    levels = np.linspace(low, max(high, low + 1e-6), 13)
    drawn = axes.contourf(
        surface.axis,
        surface.axis,
        np.maximum(surface.values, low),
        levels=levels,
        cmap=style.SURFACE,
        extend="max",
    )
    axes.contour(
        surface.axis, surface.axis, surface.values, levels=levels, colors="white",
        linewidths=0.3,
    )  # fmt: skip
    places, ways = arrows(surface)
    moving = np.linalg.norm(ways, axis=-1) > 0
    axes.quiver(
        *places[moving].T, *ways[moving].T, color="white", edgecolor="black",
        linewidth=0.3, scale=14, width=0.012, pivot="mid",
    )  # fmt: skip
    lowest, highest = float(surface.axis[0]), float(surface.axis[-1])
    corner = [highest if value else lowest for value in surface.truth]
    axes.plot(
        *corner, marker="*", color="#D55E00", markeredgecolor="black",
        markeredgewidth=0.5, markersize=11, clip_on=False, zorder=5,
    )  # fmt: skip
    axes.plot(
        *minimisers(surface).T, ls="none", marker="o", color="white",
        markeredgecolor="black", markeredgewidth=0.4, markersize=3, clip_on=False,
        zorder=6,
    )  # fmt: skip
    ends = (0, 1) if surface.space == "probability" else (lowest, highest)
    ticks = [ends[0], sum(ends) / 2, ends[1]]
    axes.set(
        title=surface.name,
        xlim=ends,
        ylim=ends,
        aspect="equal",
        xticks=ticks,
        yticks=ticks,
    )
    bar = figure.colorbar(drawn, ax=axes, shrink=0.72, pad=0.04)
    bar.set_ticks(np.linspace(levels[0], levels[-1], 4).tolist())
    bar.ax.yaxis.set_major_formatter(FormatStrFormatter("%.2f"))
    bar.ax.tick_params(labelsize=7)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """``--loss``, ``--hyper`` and ``--truth``."""
    flags.add_losses(parser, SHOWN)
    flags.add_truth(parser)


def draw(arguments: argparse.Namespace) -> list[Path]:
    """Two pictures of the losses asked for, or of six beside each other."""
    losses = flags.losses_of(arguments, SHOWN)
    figures = {}
    spaces: tuple[Space, Space] = ("probability", "score")
    for space, name in zip(spaces, ("surface", "surface_scores"), strict=True):
        surfaces = [
            compute_surface(
                one.loss, one.title, truth=tuple(arguments.truth), space=space
            )
            for one in losses
        ]
        drawn = draw_surfaces(surfaces, width_in=arguments.width)
        figures[name + flags.suffix(arguments)] = drawn
    return save_all(figures, arguments)
