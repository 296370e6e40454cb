"""How hard a loss pulls at one pixel, over the probability it has, by size of object.

An image of 1024 pixels holds an object of some size. All pixels but one are right with
probability 0.9; that one, of the object or of the background, has foreground
probability p. Drawn is the modulus of the slope in its score; a gap is a slope of 0.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from figures import flags, style
from figures.flags import Chosen
from figures.output import save_all
from jaxseg import links
from jaxseg.cli import options
from jaxseg.losses import Loss

SIDE = 32
PIXELS = SIDE * SIDE
SURE = 0.9  # probability of the right class everywhere else
SIZES = (4, 32, 256)
SHOWN = flags.parse_losses(
    {
        "cross_entropy": {},
        "focal": {},
        "dice": {},
        "tversky": {"alpha": 0.3, "beta": 0.7},
        "lovasz": {},
        "ce_l1": {},
    }
)


def compute_pulls(
    losses: Sequence[Chosen], sizes: Sequence[int], probs: np.ndarray
) -> dict[tuple[bool, int], dict[str, np.ndarray]]:
    """By (is foreground, size of object), then by loss: ``[N]`` moduli of the slopes.

    Args:
      losses: of which the slopes are.
      sizes: pixels of the object.
      probs: ``[N]`` foreground probabilities of the pixel.
    """
    curves = {(kind, size): {} for kind in (True, False) for size in sizes}
    scores = jnp.array(np.log(probs / (1 - probs)))
    for one in losses:
        slopes = _slopes(one.loss)
        for (foreground, size), found in curves.items():
            place = 0 if foreground else PIXELS - 1
            labels = (jnp.arange(PIXELS) < size).astype(int)
            found[one.label] = np.abs(np.asarray(slopes(scores, labels, place)))
    return curves


def _slopes(loss: Loss) -> Callable[..., jax.Array]:
    """Slopes ``[N]`` at scores ``[N]`` of one pixel of an image with given labels."""
    sure = float(np.log(SURE / (1 - SURE)))

    def of_score(score: jax.Array, labels: jax.Array, place: jax.Array) -> jax.Array:
        scores = jnp.where(labels == 1, sure, -sure).at[place].set(score)
        return loss(
            scores.reshape(1, SIDE, SIDE, 1),
            labels.reshape(1, SIDE, SIDE),
            link=links.sigmoid,
        )

    return jax.jit(jax.vmap(jax.grad(of_score), in_axes=(0, None, None)))


def draw_pulls(
    probs: np.ndarray,
    curves: dict[tuple[bool, int], dict[str, np.ndarray]],
    *,
    width_in: float = style.WIDTH_IN,
) -> Figure:
    """Panels by kind of pixel and size of object, a curve per loss.

    Args:
      probs: ``[N]`` of the pixel.
      curves: by (is foreground, size of object), then by label: ``[N]`` slopes.
      width_in: printed width.
    """
    sizes = list(dict.fromkeys(size for _, size in curves))
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 4.6), layout="constrained")
        grid = figure.subplots(2, len(sizes), sharex=True, sharey=True, squeeze=False)
        for (foreground, size), values in curves.items():
            axes = grid[0 if foreground else 1, sizes.index(size)]
            for line, (label, slopes) in zip(
                style.lines(), values.items(), strict=False
            ):
                shown = np.where(slopes > 0, slopes, np.nan)
                axes.semilogy(probs, shown, label=label, **line)
            axes.grid(color="0.92", lw=0.5)
            kind = "inside" if foreground else "outside"
            axes.set_title(f"{kind} an object of {size}", loc="left")
        grid[0, 0].set(ylim=(1e-8, 1), xlim=(0, 1))
        figure.supxlabel("foreground probability p of the pixel", fontsize=8)
        figure.supylabel("|slope of the loss in the pixel's score|", fontsize=8)
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Losses and sizes."""
    flags.add_losses(parser, SHOWN)
    parser.add_argument(
        "--sizes",
        type=options.at_least(1, at_most=PIXELS - 1),
        nargs="+",
        default=SIZES,
        metavar="N",
        help=f"pixels of the object, below {PIXELS} (default 4 32 256)",
    )


def draw(arguments: argparse.Namespace) -> list[Path]:
    """Two kinds of pixel by sizes of object."""
    losses = flags.losses_of(arguments, SHOWN)
    probs = np.linspace(0.01, 0.99, 99)
    curves = compute_pulls(losses, arguments.sizes, probs)
    name = "pull" + flags.suffix(arguments)
    return save_all(
        {name: draw_pulls(probs, curves, width_in=arguments.width)}, arguments
    )
