"""A loss over the probabilities of two pixels, with its gradient field."""

import dataclasses
import math
import textwrap
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter

from figures import style
from jaxseg import links
from jaxseg.losses import Loss

EDGE = 1e-3  # the outermost probabilities: logs are finite there


@dataclasses.dataclass(frozen=True)
class Surface:
    """Values of a loss over two foreground probabilities.

    Attributes:
      name: of the loss.
      truth: ground truth of the two pixels, 0 or 1 each.
      probs: ``[N]`` probabilities along each axis.
      values: ``[N, N]``, rows by the second pixel, columns by the first.
      slopes: ``[N, N, 2]`` derivatives in the two probabilities.
    """

    name: str
    truth: tuple[int, int]
    probs: np.ndarray
    values: np.ndarray
    slopes: np.ndarray


def compute_surface(
    loss: Loss, name: str, *, truth: tuple[int, int] = (1, 0), points: int = 65
) -> Surface:
    """`loss` of a two-pixel image with foreground alone (C = 1), on a square grid."""
    probs = np.linspace(EDGE, 1 - EDGE, points, dtype=np.float32)
    labels = jnp.array([truth])

    def of_pair(pair: jax.Array) -> jax.Array:
        return loss(pair.reshape(1, 2, 1), labels, link=links.identity)

    first, second = np.meshgrid(probs, probs)
    pairs = np.stack([first, second], axis=-1).reshape(-1, 2)
    values, slopes = jax.jit(jax.vmap(jax.value_and_grad(of_pair)))(pairs)
    shape = (points, points)
    return Surface(
        name,
        truth,
        probs,
        np.asarray(values).reshape(shape),
        np.asarray(slopes).reshape(*shape, 2),
    )


def arrows(surface: Surface, count: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Places ``[count ** 2, 2]`` and descent directions of unit length there.

    Where the loss is flat the direction is 0.
    """
    at = np.linspace(4, len(surface.probs) - 5, count).round().astype(int)
    rows, columns = (index.ravel() for index in np.meshgrid(at, at, indexing="ij"))
    places = np.stack([surface.probs[columns], surface.probs[rows]], axis=-1)
    downhill = -surface.slopes[rows, columns]
    length = np.linalg.norm(downhill, axis=-1, keepdims=True)
    flat = length < 1e-6 * max(float(length.max()), 1e-30)
    return places, np.where(flat, 0, downhill / np.where(flat, 1, length))


def draw_surfaces(surfaces: Sequence[Surface], *, width_in: float = 6.5) -> Figure:
    """One panel per surface: colour and contours for the value, arrows downhill."""
    columns = min(len(surfaces), 3)
    rows = math.ceil(len(surfaces) / columns)
    panel = width_in / 3
    with mpl.rc_context(style.settings()):
        figure = Figure(
            figsize=(max(panel * columns, 3.25), 0.9 * panel * rows + 0.8),
            layout="constrained",
        )
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, surface in zip(grid.flat, surfaces, strict=False):
            _panel(figure, axes, surface)
        for axes in list(grid.flat)[len(surfaces) :]:
            axes.set_axis_off()
        truth = ", ".join(str(value) for value in surfaces[0].truth)
        labels = ("probability of pixel 1", "probability of pixel 2")
        if len(surfaces) == 1:
            grid[0, 0].set(xlabel=labels[0], ylabel=labels[1])
        else:
            figure.supxlabel(labels[0], fontsize=8)
            figure.supylabel(labels[1], fontsize=8)
        title = (
            "loss over the foreground probabilities of two pixels; the ground truth is "
            f"({truth}), marked ★; arrows point downhill and have one length"
        )
        room = int(16 * figure.get_figwidth())  # characters of 8-point text
        figure.suptitle(textwrap.fill(title, room), fontsize=8)
    return figure


def _panel(figure: Figure, axes, surface: Surface) -> None:
    low, high = float(surface.values.min()), float(np.quantile(surface.values, 0.99))
    low = 0.0 if abs(low) < 1e-3 * (high - low) else low  # the grid ends inside (0, 1)
    levels = np.linspace(low, max(high, low + 1e-6), 13)
    drawn = axes.contourf(
        surface.probs,
        surface.probs,
        np.maximum(surface.values, low),
        levels=levels,
        cmap=style.SURFACE,
        extend="max",
    )
    axes.contour(
        surface.probs, surface.probs, surface.values, levels=levels, colors="white",
        linewidths=0.3,
    )  # fmt: skip
    places, ways = arrows(surface)
    moving = np.linalg.norm(ways, axis=-1) > 0
    axes.quiver(
        *places[moving].T, *ways[moving].T, color="white", edgecolor="black",
        linewidth=0.3, scale=14, width=0.012, pivot="mid",
    )  # fmt: skip
    axes.plot(
        *surface.truth, marker="*", color="#D55E00", markeredgecolor="black",
        markeredgewidth=0.5, markersize=10, clip_on=False, zorder=5,
    )  # fmt: skip
    axes.set(
        title=surface.name,
        xlim=(0, 1),
        ylim=(0, 1),
        aspect="equal",
        xticks=[0, 0.5, 1],
        yticks=[0, 0.5, 1],
    )
    bar = figure.colorbar(drawn, ax=axes, shrink=0.72, pad=0.04)
    bar.set_ticks(np.linspace(levels[0], levels[-1], 4).tolist())
    bar.ax.yaxis.set_major_formatter(FormatStrFormatter("%.2f"))
    bar.ax.tick_params(labelsize=7)
