"""Approximation errors on images of d pixels, and how they tend to their limits.

Eelbode 2020, Propositions II.1 to II.3 and Corollary II.1 state suprema over images of
all sizes; here is the exact maximum over hard masks of at most d pixels.
"""

import argparse
import dataclasses
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from figures import style
from figures.output import save_all
from theory.eelbode import dice_hamming, dice_jaccard, tversky_ratio

SIZES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
TVERSKY = Fraction(3, 10), Fraction(7, 10)


def _hamming(pixels: int) -> Fraction:
    return 1 - Fraction(1, pixels)


def _tversky(pixels: int) -> Fraction:
    return tversky_ratio.largest_by_size(TVERSKY, pixels) - 1


def _jaccard_ratio(pixels: int) -> Fraction:
    return dice_jaccard.largest_ratio(pixels) - 1


def _jaccard_gap(pixels: int) -> Fraction:
    return dice_jaccard.largest_gap(pixels)[0]


MAXIMA: dict[str, tuple[Callable[[int], Fraction], float]] = {
    "|D − J|, Prop. II.1": (_jaccard_gap, 3 - 2 * math.sqrt(2)),
    "D / J − 1, Prop. II.1": (_jaccard_ratio, 1.0),
    "|D − H|, Cor. II.1": (_hamming, 1.0),
    "|D − H$_γ$|, best γ, Prop. II.2": (dice_hamming.best_error, 1.0),
    "relative, T$_{0.3,0.7}$, Prop. II.3": (
        _tversky,
        float(tversky_ratio.all_terms(*TVERSKY)) - 1,
    ),
}
"""The largest error on d pixels, and its limit."""


@dataclasses.dataclass(frozen=True)
class Convergence:
    """Largest errors by size of image.

    Attributes:
      sizes: ``[N]`` numbers of pixels.
      maxima: by name, ``[N]``.
      limits: by name.
    """

    sizes: np.ndarray
    maxima: dict[str, np.ndarray]
    limits: dict[str, float]


def compute_convergence(sizes: tuple[int, ...] = SIZES) -> Convergence:
    """Exact maxima, as floats."""
    return Convergence(
        np.array(sizes),
        {
            name: np.array([float(largest(size)) for size in sizes])
            for name, (largest, _) in MAXIMA.items()
        },
        {name: limit for name, (_, limit) in MAXIMA.items()},
    )


def draw_convergence(found: Convergence, *, width_in: float = style.WIDTH_IN) -> Figure:
    """The maxima at the left, what they lack of their limits at the right."""
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 3.1), layout="constrained")
        left, right = figure.subplots(1, 2)
        curves = zip(found.maxima.items(), style.marked_lines(), strict=False)
        for (name, values), line in curves:
            left.semilogx(found.sizes, values, label=name, **line)
            lacking = (found.limits[name] - values) / found.limits[name]
            right.loglog(
                found.sizes, np.where(lacking > 1e-12, lacking, np.nan), **line
            )
        for limit in sorted(set(found.limits.values())):
            left.axhline(limit, color="0.85", lw=0.8, zorder=0)
        for power, side in ((-0.5, "d$^{-1/2}$"), (-1.0, "d$^{-1}$")):
            guide = 0.5 * (found.sizes / found.sizes[0]) ** power
            right.loglog(found.sizes, guide, color="0.8", lw=0.8, zorder=0)
            right.annotate(
                side, (found.sizes[-1], guide[-1]), (7, 0), fontsize=7, color="0.4",
                textcoords="offset points", va="center",
            )  # fmt: skip
        left.set_ylabel("largest error on at most d pixels")
        right.set_ylabel("what is missing of the limit, as a share")
        for axes in (left, right):
            axes.set_xlabel("pixels d")
        figure.legend(loc="outside upper center", ncols=3)
    return figure


def add_flags(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def draw(arguments: argparse.Namespace) -> list[Path]:
    """Five errors over the size of the image."""
    figure = draw_convergence(compute_convergence(), width_in=arguments.width)
    return save_all({"finite_images": figure}, arguments)
