"""The Lovász extension of the Jaccard loss against the soft Jaccard loss.

Left: both where every pixel has the same error, for objects of several shares of the
image. Right: predictions drawn at random, among them some with equal errors; the Lovász
loss is never above the soft one (claim N03).
"""

import argparse
import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from figures import style
from figures.output import save_all
from jaxseg import links
from jaxseg.cli import options
from jaxseg.losses import jaccard_loss, lovasz_loss
from theory.beyond.relaxations import largest_gap

PIXELS = 100
OBJECTS = (1, 10, 50)
DRAWS = 300


@dataclasses.dataclass(frozen=True)
class Relaxations:
    """Two relaxations of the Jaccard loss.

    Attributes:
      errors: ``[N]`` common errors of all pixels.
      lovasz: size of the object to ``[N]`` losses at these errors.
      soft: the same of the soft Jaccard loss.
      drawn: size of the object to ``[M, 2]`` Lovász and soft losses of predictions
        drawn at random.
      pixels: of the image.
    """

    errors: np.ndarray
    lovasz: dict[int, np.ndarray]
    soft: dict[int, np.ndarray]
    drawn: dict[int, np.ndarray]
    pixels: int


@jax.jit
def _both_losses(errors: jax.Array, labels: jax.Array) -> jax.Array:
    """``[M, 2]`` losses of predictions with errors ``[M, pixels]``."""

    def losses(error: jax.Array) -> jax.Array:
        probs = jnp.where(labels == 1, 1 - error, error)[:, None]
        found = [
            lovasz_loss(probs, labels, link=links.identity),
            jaccard_loss(probs, labels, link=links.identity),
        ]
        return jnp.stack(found)

    return jax.vmap(losses)(errors)


def compute_relaxations(
    *, pixels: int = PIXELS, objects: tuple[int, ...] = OBJECTS, seed: int = 0
) -> Relaxations:
    """By the library's losses."""
    errors = np.linspace(0, 1, 101)
    numbers = np.random.default_rng(seed)
    level = numbers.uniform(size=(DRAWS, 1))
    spread = numbers.choice([0.0, 0.05, 0.3], size=(DRAWS, 1))
    drawn = np.clip(level + spread * numbers.normal(size=(DRAWS, pixels)), 0, 1)
    lovasz, soft, scattered = {}, {}, {}
    for size in objects:
        labels = (jnp.arange(pixels) < size).astype(int)
        equal = np.broadcast_to(errors[:, None], (len(errors), pixels))
        lovasz[size], soft[size] = np.asarray(_both_losses(equal, labels)).T
        scattered[size] = np.asarray(_both_losses(drawn, labels))
    return Relaxations(errors, lovasz, soft, scattered, pixels)


def draw_relaxations(found: Relaxations, *, width_in: float = style.WIDTH_IN) -> Figure:
    """Curves at the left, a scatter at the right."""
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 3.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        for index, size in enumerate(found.soft):
            colour, mark = style.COLOURS[index], style.MARKERS[index]
            left.plot(
                found.errors, found.soft[size], color=colour, marker=mark, ms=3.5,
                markevery=(10 + 5 * index, 25),
                label=f"soft Jaccard, object {size / found.pixels:.0%} of the image",
            )  # fmt: skip
            gap = largest_gap(found.pixels, size)
            place = np.sqrt(size) / (np.sqrt(size) + np.sqrt(found.pixels))
            left.plot(
                [place, place], [place, place + gap], color=colour, lw=0.9, ls=":"
            )
            left.annotate(
                f"{gap:.2f}", (place, place + gap / 2), (2, 0), fontsize=7,
                textcoords="offset points", color=colour,
            )  # fmt: skip
            right.plot(
                *found.drawn[size].T, ls="none", marker=mark, ms=3, mfc="none",
                color=colour, alpha=0.8,
            )  # fmt: skip
        lovasz = next(iter(found.lovasz.values()))
        left.plot(
            found.errors, lovasz, color="black", ls="--", label="Lovász, any object"
        )
        right.plot([0, 1], [0, 1], color="black", ls="--", lw=1)
        left.set(
            xlabel="error e of every pixel", ylabel="loss", xlim=(0, 1), ylim=(0, 1)
        )
        right.set(
            xlabel="Lovász loss", ylabel="soft Jaccard loss", xlim=(0, 1), ylim=(0, 1)
        )
        figure.legend(loc="outside upper center", ncols=2)
    return figure


def add_flags(parser: argparse.ArgumentParser) -> None:
    """``--seed``."""
    parser.add_argument(
        "--seed",
        type=options.at_least(0),
        default=0,
        metavar="N",
        help="of the predictions drawn at random (default 0)",
    )


def draw(arguments: argparse.Namespace) -> list[Path]:
    """Both relaxations."""
    found = compute_relaxations(seed=arguments.seed)
    figure = draw_relaxations(found, width_in=arguments.width)
    return save_all({"lovasz_gap": figure}, arguments)
