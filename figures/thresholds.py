"""Loss of the mask that a threshold cuts from posteriors, the best threshold marked.

The posteriors are those of one large image, a logistic function of normal scores. The
marked threshold is the one that claim N05 computes from the best value alone: half the
best Dice for Dice, and never 1/2 unless the prediction is perfect.
"""

import argparse
import dataclasses
from fractions import Fraction
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from figures import style
from figures.output import save_all
from jaxseg.cli import options
from jaxseg.counts import SoftCounts, tversky_index
from theory.beyond.thresholds import tversky

PIXELS = 20_000
INDICES = {
    "Dice": (0.5, 0.5),
    "Jaccard": (1.0, 1.0),
    "F$_2$": (0.2, 0.8),
    "Tversky, α = 0.7, β = 0.3": (0.7, 0.3),
}
"""Each as Tversky weights (alpha, beta)."""


@dataclasses.dataclass(frozen=True)
class ThresholdCurve:
    """Expected loss over the threshold.

    Attributes:
      thresholds: ``[N]`` in (0, 1).
      losses: ``[N]``, one minus the index of the expected counts.
      best: the threshold that the theory computes from the largest index.
      least: the loss there.
    """

    thresholds: np.ndarray
    losses: np.ndarray
    best: float
    least: float


def posteriors(pixels: int, mean: float, spread: float, seed: int = 0) -> np.ndarray:
    """``[pixels]`` probabilities of foreground, sorted from large to small."""
    scores = np.random.default_rng(seed).normal(mean, spread, pixels)
    return np.sort(1 / (1 + np.exp(-scores)))[::-1]


def compute_curve(eta: np.ndarray, alpha: float, beta: float) -> ThresholdCurve:
    """The loss of every mask ``eta >= threshold``."""
    _, threshold = tversky(Fraction(alpha), Fraction(beta))
    taken = np.arange(len(eta) + 1)
    hits = np.concatenate([[0.0], np.cumsum(eta)])
    masks = SoftCounts.of_sets(hits, taken - hits, hits[-1] - hits, float(len(eta)))
    scores = np.asarray(tversky_index(masks, alpha=alpha, beta=beta))
    thresholds = np.linspace(0.002, 0.998, 499)
    number = np.searchsorted(-eta, -thresholds, side="right")
    best = float(scores.max())
    return ThresholdCurve(
        thresholds, 1 - scores[number], float(threshold(Fraction(best))), 1 - best
    )


def draw_curves(
    eta: np.ndarray,
    curves: dict[str, ThresholdCurve],
    *,
    width_in: float = style.WIDTH_IN,
) -> Figure:
    """A histogram of the posteriors at the left, the curves at the right."""
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 2.8), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 2))
        left.hist(eta, bins=40, range=(0, 1), color="0.6")
        left.set(
            xlabel="posterior of foreground", ylabel="pixels", yscale="log",
            title=f"mean {eta.mean():.3f}",
        )  # fmt: skip
        for (name, curve), line in zip(curves.items(), style.lines(), strict=False):
            right.plot(curve.thresholds, curve.losses, label=name, **line)
            right.plot(
                curve.best, curve.least, "*", color=line["color"], ms=10, mec="black",
                mew=0.5, zorder=5, clip_on=False,
            )  # fmt: skip
        right.axvline(0.5, color="0.6", lw=0.8, zorder=0)
        right.set(
            xlabel="threshold on the posterior; ★ the best one by theory",
            ylabel="expected loss of the mask", xlim=(0, 1), ylim=(0, 1.02),
        )  # fmt: skip
        right.legend(loc="lower right")
    return figure


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Mean and spread of the scores."""
    add = parser.add_argument
    add(
        "--mean",
        type=options.number_in(-20, 20),
        default=-2.5,
        metavar="X",
        help="of the scores (default -2.5: foreground is rare)",
    )
    add(
        "--spread",
        type=options.number_in(0, 20, ends=False),
        default=2.0,
        metavar="X",
        help="standard deviation of the scores (default 2)",
    )


def draw(arguments: argparse.Namespace) -> list[Path]:
    """Four indices."""
    eta = posteriors(PIXELS, arguments.mean, arguments.spread)
    curves = {name: compute_curve(eta, *weights) for name, weights in INDICES.items()}
    figure = draw_curves(eta, curves, width_in=arguments.width)
    return save_all({"thresholds": figure}, arguments)
