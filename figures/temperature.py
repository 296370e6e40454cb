"""What the factor tau on the scores does to probabilities and estimated proportions.

Left: the softmax of two classes at several factors, Liu 2022, Fig. 5. Right: the
proportion of foreground that the sharpened softmax estimates. It tends to the share of
the predicted mask, and is that of a calibrated network's expected truth at tau = 1.
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
from jaxseg.losses.marginal import label_marginals

PIXELS = 2000
FACTORS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
IMAGES: dict[str, np.ndarray] = {
    "all pixels at p = 0.3": np.full(PIXELS, np.log(0.3 / 0.7)),
    "scores from N(−1, 1)": np.random.default_rng(0).normal(-1, 1, PIXELS),
    "scores from N(−4, 4)": np.random.default_rng(1).normal(-4, 4, PIXELS),
    "two pixels, z = 1 and z = −2": np.tile([1.0, -2.0], PIXELS // 2),
}
"""Scores of foreground against background, by name of the image."""


@dataclasses.dataclass(frozen=True)
class Sharpening:
    """Effects of the factor.

    Attributes:
      scores: ``[N]`` z of class 1, that of class 2 being 0.
      softmax: factor to ``[N]`` probabilities of class 1.
      factors: ``[F]`` over which proportions are estimated.
      estimated: by image, ``[F]`` proportions.
      expected: by image, the mean probability at tau = 1.
      mask: by image, the share of pixels with p > 1/2.
    """

    scores: np.ndarray
    softmax: dict[float, np.ndarray]
    factors: np.ndarray
    estimated: dict[str, np.ndarray]
    expected: dict[str, float]
    mask: dict[str, float]


def compute_sharpening() -> Sharpening:
    """By the library's link and label marginals."""
    scores = np.linspace(-4, 4, 161)
    pairs = jnp.stack([jnp.array(scores), jnp.zeros(len(scores))], axis=-1)
    softmax = {
        factor: np.asarray(links.softmax(links.softmax.sharpen(pairs, factor))[:, 0])
        for factor in FACTORS
    }
    factors = np.geomspace(0.1, 100, 61)

    @jax.jit
    def share(z: jax.Array) -> jax.Array:
        logits = jnp.stack([jnp.zeros(PIXELS), z], axis=-1)
        labels = jnp.zeros(PIXELS, int)

        def at(factor: jax.Array) -> jax.Array:
            return label_marginals(logits, labels, temperature=factor).predicted[1]

        return jax.vmap(at)(jnp.array(factors))

    return Sharpening(
        scores,
        softmax,
        factors,
        {name: np.asarray(share(jnp.array(z))) for name, z in IMAGES.items()},
        {name: float(np.mean(1 / (1 + np.exp(-z)))) for name, z in IMAGES.items()},
        {name: float(np.mean(z > 0)) for name, z in IMAGES.items()},
    )


def draw_sharpening(found: Sharpening, *, width_in: float = style.WIDTH_IN) -> Figure:
    """Softmax at the left, proportions at the right."""
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 3.0), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
        for (factor, probs), line in zip(
            found.softmax.items(), style.lines(), strict=False
        ):
            left.plot(found.scores, probs, label=f"τ = {factor:g}", **line)
        left.set(
            xlabel="z$_1$ (z$_2$ = 0)", ylabel="softmax of τ z, class 1", ylim=(0, 1)
        )
        left.legend(loc="upper left")
        for (name, shares), line in zip(
            found.estimated.items(), style.lines(), strict=False
        ):
            right.semilogx(found.factors, shares, label=name, **line)
            colour = line["color"]
            right.plot(1, found.expected[name], "o", color=colour, ms=5, mec="black")
            right.plot(
                found.factors[-1], found.mask[name], "s", color=colour, ms=5,
                mec="black", clip_on=False,
            )  # fmt: skip
        right.axvline(10, color="0.8", lw=0.8, zorder=0)
        right.set(
            xlabel="factor τ; circles: τ = 1, squares: share of the mask",
            ylabel="estimated share of foreground", ylim=(-0.01, 0.72), xlim=(0.1, 100),
        )  # fmt: skip
        right.annotate(
            "used by the paper", (10, 0.19), (3, 0), textcoords="offset points",
            rotation=90, fontsize=7, color="0.4", ha="left", va="bottom",
        )  # fmt: skip
        right.legend(loc="upper right")
    return figure


def add_flags(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def draw(arguments: argparse.Namespace) -> list[Path]:
    """Both panels."""
    figure = draw_sharpening(compute_sharpening(), width_in=arguments.width)
    return save_all({"temperature": figure}, arguments)
