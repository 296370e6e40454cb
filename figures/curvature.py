"""Curvature of a loss over two pixels: where a step of Newton's would go astray.

The eigenvalues of the Hessian in the scores of two pixels, as a network puts them out.
A negative one is a direction in which the loss bends down.
"""

import argparse
import dataclasses
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter

from figures import flags, style
from figures.output import save_all
from figures.surface import REACH
from jaxseg import links
from jaxseg.losses import Loss

SHOWN = flags.parse_losses(
    {
        "cross_entropy": {},
        "focal": {},
        "dice": {},
        "dice_squared": {},
        "log_dice": {},
        "dice_ce": {},
    }
)
FLAT = 1e-9
"""Eigenvalues below this share of the largest one are 0 but for rounding."""


@dataclasses.dataclass(frozen=True)
class Curvature:
    """Second derivatives of a loss in the scores of two pixels.

    Attributes:
      name: of the loss.
      truth: ground truth of the two pixels, 0 or 1 each.
      axis: ``[N]`` scores along each axis.
      eigenvalues: ``[N, N, 2]``, the smaller one first; rows by the second pixel.
    """

    name: str
    truth: tuple[int, int]
    axis: np.ndarray
    eigenvalues: np.ndarray

    @property
    def convex(self) -> float:
        """Share of the grid where no eigenvalue is negative."""
        least = -FLAT * np.abs(self.eigenvalues).max()
        return float(np.mean(self.eigenvalues[..., 0] >= least))


def compute_curvature(
    loss: Loss, name: str, *, truth: tuple[int, int] = (1, 0), points: int = 65
) -> Curvature:
    """`loss` of a two-pixel image with foreground alone under a sigmoid, in float64."""
    labels = jnp.array([truth])

    def of_pair(pair: jax.Array) -> jax.Array:
        return loss(pair.reshape(1, 2, 1), labels, link=links.sigmoid)

    axis = np.linspace(-REACH, REACH, points)
    with jax.enable_x64():
        pairs = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        hessians = jax.jit(jax.vmap(jax.hessian(of_pair)))(jnp.asarray(pairs))
        values = np.linalg.eigvalsh(np.asarray(hessians))
    return Curvature(name, truth, axis, values.reshape(points, points, 2))


def draw_curvatures(
    curvatures: Sequence[Curvature], *, width_in: float = style.WIDTH_IN
) -> Figure:
    """Two panels per loss: the smaller eigenvalue, and the larger one beside it."""
    side = min(len(curvatures), 2)
    rows = math.ceil(len(curvatures) / side)
    panel = width_in / 4
    width = 2 * side * panel
    with mpl.rc_context(style.settings()):
        figure = Figure(
            figsize=(width, 0.88 * panel * rows + 0.8), layout="constrained"
        )
        grid = figure.subplots(rows, 2 * side, squeeze=False, sharex=True, sharey=True)
        pairs = [row[i : i + 2] for row in grid for i in range(0, 2 * side, 2)]
        for axes, curvature in zip(pairs, curvatures, strict=False):
            share = f"convex at {100 * curvature.convex:.0f} %"
            for which, title in enumerate((curvature.name, share)):
                _draw_panel(figure, axes[which], curvature, which)
                name = ("smaller", "larger")[which]
                axes[which].set_title(f"{title}\n{name} eigenvalue", fontsize=7)
        for left, right in pairs[len(curvatures) :]:
            left.set_axis_off()
            right.set_axis_off()
        figure.supxlabel("score of pixel 1", fontsize=8)
        figure.supylabel("score of pixel 2", fontsize=8)
        figure.suptitle(_caption(curvatures[0], width), fontsize=8)
    return figure


def _caption(curvature: Curvature, width_in: float) -> str:
    truth = ", ".join(str(value) for value in curvature.truth)
    title = (
        "eigenvalues of the Hessian of the loss in the scores of two pixels; the "
        f"ground truth is ({truth}), marked ★; black line: 0"
    )
    return textwrap.fill(title, int(16 * width_in))  # characters of 8-point text


def _draw_panel(figure: Figure, axes: Axes, curvature: Curvature, which: int) -> None:
    values = curvature.eigenvalues[..., which]
    largest = float(np.abs(curvature.eigenvalues).max()) or 1.0
    values = np.where(np.abs(values) < FLAT * largest, 0, values)
    reach = max(float(np.abs(values).max()), FLAT * largest)
    drawn = axes.pcolormesh(
        curvature.axis, curvature.axis, values, cmap="PuOr_r",
        norm=TwoSlopeNorm(0, -reach, reach), shading="gouraud", rasterized=True,
    )  # fmt: skip
    if values.min() < 0 < values.max():
        axes.contour(
            curvature.axis, curvature.axis, values, levels=[0], colors="black",
            linewidths=0.7,
        )  # fmt: skip
    low, high = float(curvature.axis[0]), float(curvature.axis[-1])
    axes.plot(
        *(high if value else low for value in curvature.truth), marker="*",
        color="#D55E00", markeredgecolor="black", markeredgewidth=0.5, markersize=9,
        clip_on=False, zorder=5,
    )  # fmt: skip
    ticks = [low, 0, high]
    axes.set(xlim=(low, high), ylim=(low, high), xticks=ticks, yticks=ticks)
    axes.set_aspect("equal")
    axes.tick_params(labelsize=7)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.7, pad=0.03)
    bar.set_ticks([-reach, 0, reach])
    bar.ax.yaxis.set_major_formatter(FormatStrFormatter("%.2g"))
    bar.ax.tick_params(labelsize=7)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """``--loss`` and ``--truth``."""
    flags.add_losses(parser, SHOWN)
    flags.add_truth(parser)


def draw(arguments: argparse.Namespace) -> list[Path]:
    """The losses asked for, or six beside each other."""
    curvatures = [
        compute_curvature(one.loss, one.title, truth=tuple(arguments.truth))
        for one in flags.losses_of(arguments, SHOWN)
    ]
    drawn = draw_curvatures(curvatures, width_in=arguments.width)
    return save_all({"curvature" + flags.suffix(arguments): drawn}, arguments)
