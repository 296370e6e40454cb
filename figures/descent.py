"""Gradient descent on one small image from many starts, and where each start ends.

The image has 8 x 8 pixels, 6 of them in the object; each pixel's score is free. A
descent is drawn by the mean probability inside the object and outside: (0, 1), upper
left, is the truth; (0, 0) an empty mask, (1, 1) a full one.
"""

import argparse
import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures import flags, style
from figures.output import save_all
from jaxseg import links
from jaxseg.cli import options
from jaxseg.losses import Loss

SIDE = 8
STARTS = 24
STEPS = 600
LENGTH = 0.35  # of a step in the scores, in the root mean square
SHOWN = flags.parse_losses(
    {
        "cross_entropy": {},
        "dice": {},
        "log_dice": {},
        "lovasz": {},
        "dice_bias": {},
        "marginal_kl": {"temperature": 1.0},
    }
)
ENDS = {
    "the truth": ("o", "#009E73"),
    "an empty mask": ("s", "#D55E00"),
    "a full mask": ("D", "#0072B2"),
    "another mask": ("X", "#000000"),
}


@dataclasses.dataclass(frozen=True)
class Descents:
    """Descents of one loss from several starts.

    Attributes:
      name: of the loss.
      inside: ``[S, T]`` mean probabilities of the object's pixels.
      outside: ``[S, T]`` of all others.
      masks: ``[S, 8, 8]`` bool, the prediction at the end.
      truth: ``[8, 8]`` bool.
    """

    name: str
    inside: np.ndarray
    outside: np.ndarray
    masks: np.ndarray
    truth: np.ndarray

    @property
    def ends(self) -> list[str]:
        """What each start ended in, one of `ENDS`."""
        return [_kind(mask, self.truth) for mask in self.masks]


def _kind(mask: np.ndarray, truth: np.ndarray) -> str:
    if np.array_equal(mask, truth):
        return "the truth"
    if not mask.any():
        return "an empty mask"
    return "a full mask" if mask.all() else "another mask"


def small_truth() -> np.ndarray:
    """``[8, 8]`` bool, an object of 2 x 3 pixels."""
    truth = np.zeros((SIDE, SIDE), bool)
    truth[2:4, 3:6] = True
    return truth


def compute_descents(
    loss: Loss, name: str, *, starts: int = STARTS, steps: int = STEPS, seed: int = 0
) -> Descents:
    """Descends in the scores by steps of one length, falling to 0 towards the end.

    The direction is the gradient's; were its length kept, flat losses would not move.
    """
    truth = small_truth()
    labels = jnp.array(truth, int)[None]
    noise_key, level_key = jax.random.split(jax.random.key(seed))
    scores = jax.random.normal(noise_key, (starts, SIDE, SIDE))
    level = jax.random.uniform(level_key, (starts, 2), minval=-3, maxval=3)
    scores = scores + jnp.where(truth, level[:, :1, None], level[:, 1:, None])

    def value(score: jax.Array) -> jax.Array:
        return loss(score[None, ..., None], labels, link=links.sigmoid)

    def means(score: jax.Array) -> tuple[jax.Array, jax.Array]:
        probs = jax.nn.sigmoid(score)
        inside = jnp.sum(probs * truth) / truth.sum()
        return inside, jnp.sum(probs * ~truth) / (~truth).sum()

    def step(score: jax.Array, rate: jax.Array):
        slope = jax.grad(value)(score)
        size = jnp.sqrt(jnp.mean(jnp.square(slope)))
        moved = score - rate * slope / jnp.maximum(size, 1e-12)
        return moved, means(moved)

    def run(score: jax.Array):
        rates = LENGTH * jnp.linspace(1, 0, steps)
        last, (inside, outside) = jax.lax.scan(step, score, rates)
        first = means(score)
        return (
            last > 0,
            jnp.concatenate([first[0][None], inside]),
            jnp.concatenate([first[1][None], outside]),
        )

    masks, inside, outside = map(np.asarray, jax.jit(jax.vmap(run))(scores))
    return Descents(name, inside, outside, masks, truth)


def draw_descents(
    descents: Sequence[Descents], *, width_in: float = style.WIDTH_IN
) -> Figure:
    """A panel per loss."""
    columns = min(3, len(descents))
    rows = math.ceil(len(descents) / columns)
    with mpl.rc_context(style.settings()):
        figure = Figure(
            figsize=(width_in, 0.95 * rows * width_in / max(columns, 2) + 0.6),
            layout="constrained",
        )
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for axes, one in zip(grid.flat, descents, strict=False):
            _panel(axes, one)
        for axes in list(grid.flat)[len(descents) :]:
            axes.set_axis_off()
        figure.supxlabel("mean probability outside the object", fontsize=8)
        figure.supylabel("mean probability inside the object", fontsize=8)
        handles = [
            Line2D([], [], ls="none", marker=marker, color=colour, ms=5,
                             label=f"ends in {end}")
            for end, (marker, colour) in ENDS.items()
        ]  # fmt: skip
        figure.legend(handles=handles, loc="outside upper center", ncols=4)
    return figure


def _panel(axes: Axes, one: Descents) -> None:
    ends = one.ends
    for inside, outside, end in zip(one.inside, one.outside, ends, strict=True):
        marker, colour = ENDS[end]
        axes.plot(outside, inside, color=colour, lw=0.7, alpha=0.8)
        axes.plot(outside[0], inside[0], ".", color="0.45", ms=3)
        axes.plot(
            outside[-1], inside[-1], marker, color=colour, ms=5, mec="white", mew=0.5,
            clip_on=False, zorder=5,
        )  # fmt: skip
    reached = sum(end == "the truth" for end in ends)
    axes.set(
        title=f"{one.name}\n{reached} of {len(ends)} end in the truth",
        xlim=(0, 1),
        ylim=(0, 1),
        aspect="equal",
        xticks=[0, 0.5, 1],
        yticks=[0, 0.5, 1],
    )


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Losses, number of starts, seed."""
    flags.add_losses(parser, SHOWN)
    add = parser.add_argument
    add(
        "--starts",
        type=options.at_least(1, at_most=200),
        default=STARTS,
        metavar="N",
        help=f"how many (default {STARTS})",
    )
    add(
        "--seed",
        type=options.at_least(0),
        default=0,
        metavar="N",
        help="of the starts (default 0)",
    )


def draw(arguments: argparse.Namespace) -> list[Path]:
    """Descents of the losses asked for, or of six."""
    descents = [
        compute_descents(
            one.loss, one.label, starts=arguments.starts, seed=arguments.seed
        )
        for one in flags.losses_of(arguments, SHOWN)
    ]
    name = "descent" + flags.suffix(arguments)
    return save_all(
        {name: draw_descents(descents, width_in=arguments.width)}, arguments
    )
