"""Label-marginal penalties over the predicted foreground share: Liu 2022, Fig. 2."""

import argparse
from pathlib import Path

import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from figures import style
from figures.output import save_all
from jaxseg.cli import options
from jaxseg.losses.marginal import (
    Marginals,
    dice_bias_penalty,
    kl_penalty,
    l1_penalty,
)

LABELS = {
    "DB": "DB, Dice over both classes",
    "DB1": "DB$_1$, Dice of the foreground",
    "KL": "KL divergence",
    "L1": "L1 distance",
}


def penalties(shares: np.ndarray, actual: float) -> dict[str, np.ndarray]:
    """Each penalty at predicted foreground shares ``[N]`` in (0, 1)."""
    proportions = jnp.stack([1 - shares, shares], axis=-1)
    truth = jnp.array([1 - actual, actual])
    rows = [Marginals.of_proportions(predicted, truth) for predicted in proportions]
    return {
        "DB": np.array([dice_bias_penalty(row).sum() for row in rows]),
        "DB1": np.array([dice_bias_penalty(row)[1] for row in rows]),
        "KL": np.array([kl_penalty(row).sum() for row in rows]),
        "L1": np.array([l1_penalty(row).sum() for row in rows]),
    }


def draw_penalties(
    shares: np.ndarray,
    curves: dict[str, np.ndarray],
    actual: float,
    *,
    width_in: float = style.WIDTH_IN,
) -> Figure:
    """The curves, on the whole range and near zero, each with its minimum marked."""
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 2.7), layout="constrained")
        whole, near = figure.subplots(1, 2)
        for index, (name, values) in enumerate(curves.items()):
            colour, dash = style.COLOURS[index], style.DASHES[index]
            lowest = int(np.argmin(values))
            for axes in (whole, near):
                axes.plot(shares, values, color=colour, ls=dash, label=LABELS[name])
                axes.plot(
                    shares[lowest], values[lowest], "o", color=colour, markersize=5,
                    clip_on=False, zorder=4,
                )  # fmt: skip
        for axes, right in ((whole, 1.0), (near, 0.25)):
            axes.axvline(actual, color="0.6", lw=0.8, zorder=0)
            axes.set(
                xlim=(0, right),
                ylim=(-2.5, 2.0),
                xlabel=r"predicted foreground share $\hat p_1$",
            )
        whole.set_ylabel("penalty, nats (L1: no unit)")
        whole.annotate(
            rf"truth $\hat y_1$ = {actual:g}", (actual, 1.75), (4, 0),
            textcoords="offset points", fontsize=7, color="0.35",
        )  # fmt: skip
        whole.set_title("whole range", loc="left")
        near.set_title("near zero; dots mark minima", loc="left")
        whole.legend(loc="lower right", bbox_to_anchor=(1.0, 0.02))
    return figure


def add_flags(parser: argparse.ArgumentParser) -> None:
    """``--share``."""
    parser.add_argument(
        "--share",
        type=options.number_in(0, 1, ends=False),
        default=0.1,
        metavar="X",
        help="true share of foreground (default 0.1, as in the paper)",
    )


def draw(arguments: argparse.Namespace) -> list[Path]:
    """Four penalties over the predicted share."""
    fine = np.linspace(0.001, 0.02, 20)
    shares = np.concatenate([fine, np.linspace(0.025, 0.975, 191), 1 - fine[::-1]])
    curves = penalties(shares, arguments.share)
    figure = draw_penalties(shares, curves, arguments.share, width_in=arguments.width)
    return save_all({"marginals": figure}, arguments)
