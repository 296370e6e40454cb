"""How far Tversky indices are from Dice: Eelbode 2020, Fig. 1, and both weights free.

The first picture has the two panels of the paper's figure over one weight. The second
has both errors over (alpha, beta); its dots hold the errors that were enclosed by
interval arithmetic, and vanish into the background where formula and enclosure agree.
"""

import argparse
import dataclasses
from fractions import Fraction
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from figures import style
from figures.output import save_all
from jaxseg.cli import options
from jaxseg.counts import SoftCounts, dice_index, tversky_index
from theory.eelbode import tversky, tversky_ratio

PIXELS = 12
ENDS = 0.04, 6.0


@dataclasses.dataclass(frozen=True)
class Errors:
    """Errors over one weight, the other being equal to it.

    Attributes:
      weights: ``[N]`` values of the weight.
      absolute: ``[N]`` stated suprema of |D - T|.
      ratio: ``[N]`` max(2 w, 0.5 / w), as printed.
      enumerated: weight to the largest |D - T| over hard masks of `pixels` pixels.
      pixels: size of those masks.
    """

    weights: np.ndarray
    absolute: np.ndarray
    ratio: np.ndarray
    enumerated: dict[float, float]
    pixels: int


def largest_on_masks(alpha: float, beta: float, pixels: int) -> float:
    """Max |D - T| over all hard masks of so many pixels."""
    tp, fp, fn = np.meshgrid(*[np.arange(pixels + 1.0)] * 3, indexing="ij")
    fits = (tp + fp + fn <= pixels) & (tp > 0)
    masks = SoftCounts.of_sets(tp[fits], fp[fits], fn[fits], float(pixels))
    gap = dice_index(masks) - tversky_index(masks, alpha=alpha, beta=beta)
    return float(np.abs(np.asarray(gap)).max())


def compute_errors(pixels: int = PIXELS) -> Errors:
    """Both panels of Fig. 1."""
    weights = np.concatenate([np.linspace(0.01, 0.1, 40), np.linspace(0.105, 1, 180)])
    places = (0.05, *np.linspace(0.1, 1, 10).round(2).tolist())
    return Errors(
        weights,
        np.array([tversky.bound(weight, weight) for weight in weights]),
        np.array([tversky_ratio.all_terms(weight, weight) for weight in weights]),
        {place: largest_on_masks(place, place, pixels) for place in places},
        pixels,
    )


def draw_errors(errors: Errors, *, width_in: float = style.WIDTH_IN) -> Figure:
    """Absolute error at the left, relative error at the right."""
    first, second = style.COLOURS[:2]
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot(
            errors.weights, errors.absolute, color=first, label="Proposition II.3"
        )
        left.plot(
            list(errors.enumerated), list(errors.enumerated.values()), "o", ms=4,
            color=second, clip_on=False,
            label=f"largest on hard masks of {errors.pixels} pixels",
        )  # fmt: skip
        left.set(
            ylabel=r"sup |D − T| = $|\sqrt{2\alpha}-1|\,/\,(\sqrt{2\alpha}+1)$",
            ylim=(0, 1),
        )
        right.semilogy(
            errors.weights, errors.ratio, color=first,
            label=r"as printed: max(2α, 0.5/α)",
        )  # fmt: skip
        off = np.where(errors.ratio > 1.001, errors.ratio - 1, np.nan)
        right.semilogy(
            errors.weights, off, ls="--", color=second,
            label="relative error of Prop. II.3: that, minus 1",
        )  # fmt: skip
        right.set(ylim=(0.01, 300), ylabel="factor, and relative error")
        for axes in (left, right):
            axes.axvline(0.5, color="0.6", lw=0.8, zorder=0)
            axes.set(xlim=(0, 1), xlabel="α, the weight farthest from 1/2 in |log 2α|")
            axes.legend(loc="upper right")
    return figure


@dataclasses.dataclass(frozen=True)
class Plane:
    """Both errors over the two weights.

    Attributes:
      weights: ``[N]`` along each axis.
      absolute: ``[N, N]`` sup |D - T|, rows by beta.
      relative: ``[N, N]`` relative error, likewise.
      certified: (alpha, beta) to lower and upper end of what |D - T| was enclosed in.
      certified_relative: the same of the relative error, over masks whose log of
        mistakes over hits is at most 9: short of the supremum by less than 1 %.
    """

    weights: np.ndarray
    absolute: np.ndarray
    relative: np.ndarray
    certified: dict[tuple[float, float], tuple[float, float]]
    certified_relative: dict[tuple[float, float], tuple[float, float]]


def compute_plane(points: int = 121) -> Plane:
    """Formulas on a grid, and enclosures at the weights that the theory certifies."""
    weights = np.geomspace(*ENDS, points)

    def at(pair: tuple[Fraction, Fraction]) -> tuple[float, float]:
        return float(pair[0]), float(pair[1])

    certified = {at(pair): tversky.enclose(*pair)[:2] for pair in tversky.GRID}
    relative = {}
    for pair in tversky_ratio.CERTIFIED:
        lower, upper, _ = tversky_ratio.enclose(pair)
        relative[at(pair)] = float(np.exp(lower) - 1), float(np.exp(upper) - 1)
    return Plane(
        weights,
        np.array([[tversky.bound(a, b) for a in weights] for b in weights]),
        np.array(
            [[tversky_ratio.all_terms(a, b) - 1 for a in weights] for b in weights]
        ),
        certified,
        relative,
    )


def draw_plane(plane: Plane, *, width_in: float = style.WIDTH_IN) -> Figure:
    """A panel per error, with the enclosures as dots."""
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 0.47 * width_in), layout="constrained")
        left, right = figure.subplots(1, 2)
        _plane(
            figure, left, plane.weights, plane.absolute, plane.certified,
            Normalize(0, float(plane.absolute.max())), [0.05, 0.1, 0.2, 0.3, 0.4, 0.5],
            "absolute error, sup |D − T|",
        )  # fmt: skip
        _plane(
            figure, right, plane.weights, plane.relative, plane.certified_relative,
            LogNorm(0.05, float(plane.relative.max())), [0.1, 0.3, 1, 3, 10],
            "relative error",
        )  # fmt: skip
        left.set_ylabel("β, weight of false negatives")
        for axes in (left, right):
            axes.set_xlabel("α, weight of false positives")
    return figure


def _plane(
    figure: Figure,
    axes: Axes,
    weights: np.ndarray,
    values: np.ndarray,
    certified: dict[tuple[float, float], tuple[float, float]],
    norm: Normalize,
    levels: list[float],
    title: str,
) -> None:
    shown = np.maximum(values, norm.vmin or 0)
    mesh = axes.pcolormesh(
        weights, weights, shown, norm=norm, cmap=style.SURFACE, rasterized=True
    )
    lines = axes.contour(
        weights, weights, values, levels=levels, colors="white", linewidths=0.6
    )
    alphas, betas = zip(*certified, strict=True)
    middle = [(lower + upper) / 2 for lower, upper in certified.values()]
    axes.scatter(
        alphas, betas, c=middle, norm=norm, cmap=style.SURFACE, s=55,
        edgecolors="black", linewidths=0.8, zorder=4,
    )  # fmt: skip
    axes.plot(0.5, 0.5, "*", color="#D55E00", ms=10, mec="black", mew=0.5, zorder=5)
    axes.plot(weights, 1 - weights, color="white", ls=":", lw=1)
    axes.set(
        xscale="log", yscale="log", xlim=ENDS, ylim=ENDS, aspect="equal", title=title,
        xticks=[0.1, 0.5, 1, 5], yticks=[0.1, 0.5, 1, 5],
    )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter("")
    bar = figure.colorbar(mesh, ax=axes, shrink=0.8, ticks=levels, format="%g")
    bar.ax.minorticks_off()
    bar.add_lines(lines)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Size of the enumerated masks."""
    parser.add_argument(
        "--pixels",
        type=options.at_least(2, at_most=60),
        default=PIXELS,
        metavar="N",
        help=f"of the enumerated hard masks, 2 to 60 (default {PIXELS})",
    )


def draw(arguments: argparse.Namespace) -> list[Path]:
    """Fig. 1 and the plane of both weights."""
    width = arguments.width
    figures = {
        "eelbode_fig1": draw_errors(compute_errors(arguments.pixels), width_in=width),
        "tversky_plane": draw_plane(compute_plane(), width_in=width),
    }
    return save_all(figures, arguments)
