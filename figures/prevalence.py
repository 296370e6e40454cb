"""How well weighted Hamming similarity can follow Dice, by the share of foreground.

At each share r of foreground the weight gamma is the best one for r. Lines are the
formulas of claim N27, dots a search over gammas and over rates of true and false
positives.
"""

import argparse
import dataclasses
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from figures import style
from figures.output import save_all
from theory.beyond import prevalence

SEARCHED = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 1 / 3, 0.5, 0.65, 0.8, 0.95)


@dataclasses.dataclass(frozen=True)
class BestWeights:
    """The least worst case of |D - H_gamma| over gamma, and its gamma.

    Attributes:
      shares: ``[N]`` of foreground.
      errors: ``[N]`` by formula.
      gammas: ``[N]`` by formula.
      searched: share to (error, gamma) found on a grid.
    """

    shares: np.ndarray
    errors: np.ndarray
    gammas: np.ndarray
    searched: dict[float, tuple[float, float]]


def search(share: float, *, points: int = 241) -> tuple[float, float]:
    """Error and gamma by trying gammas and rates; the error is a little too small."""
    rates = np.linspace(0, 1, points)
    fine = np.geomspace(1e-5, 1, points)  # false positives may be far more numerous
    found, false = np.meshgrid(rates, np.concatenate([[0], fine]))
    gammas = np.linspace(0, 1, 401)
    dice_gap = prevalence.gap(share, 0.0, found, false)  # H_0 - D
    slope = found - (1 - false)  # H_gamma is linear in gamma
    worst = [float(np.abs(dice_gap + gamma * slope).max()) for gamma in gammas]
    best = int(np.argmin(worst))
    return worst[best], float(gammas[best])


def compute_best_weights() -> BestWeights:
    """Formulas on a fine grid, searches at a few shares."""
    shares = np.concatenate(
        [np.geomspace(5e-4, 0.1, 100), np.linspace(0.105, 0.995, 90)]
    )
    best = np.array([prevalence.best(float(share)) for share in shares])
    return BestWeights(
        shares, best[:, 0], best[:, 1], {share: search(share) for share in SEARCHED}
    )


def draw_best_weights(best: BestWeights, *, width_in: float = style.WIDTH_IN) -> Figure:
    """Error at the left, weight at the right."""
    first, second = style.COLOURS[:2]
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        found = list(best.searched)
        for axes, curve, column in ((left, best.errors, 0), (right, best.gammas, 1)):
            axes.semilogx(best.shares, curve, color=first, label="formula")
            axes.semilogx(
                found, [pair[column] for pair in best.searched.values()], "o", ms=4,
                color=second, clip_on=False, label="search over rates",
            )  # fmt: skip
            axes.set(xlabel="share of foreground r", ylim=(0, 1), xlim=(5e-4, 1))
            for place in (prevalence.THIRD, prevalence.PLATEAU, prevalence.LAST):
                axes.axvline(place, color="0.85", lw=0.8, zorder=0)
        left.set_ylabel("least worst-case |D − H$_γ$|")
        right.set_ylabel("the γ that has it")
        left.legend(loc="upper right")
    return figure


def add_flags(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def draw(arguments: argparse.Namespace) -> list[Path]:
    """Error and weight over the share."""
    figure = draw_best_weights(compute_best_weights(), width_in=arguments.width)
    return save_all({"hamming_prevalence": figure}, arguments)
