"""Label-marginal terms of three classes on the simplex: Liu 2022, Proposition 1.

A point of the triangle is a predicted marginal, a corner an image of one class. Arrows
point downhill along the simplex; lines follow them from evenly spread starts to the end
that each reaches.
"""

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
from jax import Array
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.tri import Triangulation

from figures import flags, style
from figures.output import save_all
from jaxseg.losses.marginal import Marginals, dice_bias_penalty, kl_penalty, l1_penalty

Penalty = Callable[[Marginals], Array]
TERMS: dict[str, Penalty] = {
    "DB, bias of log-Dice": dice_bias_penalty,
    "KL divergence": kl_penalty,
    "L1 distance": l1_penalty,
}
ACTUAL = (0.5, 0.3, 0.2)
INSIDE = 1e-3  # the least proportion of the grid: logs are finite there
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])


@dataclasses.dataclass(frozen=True)
class Term:
    """A label-marginal term over the simplex.

    Attributes:
      name: of the term.
      actual: ``[3]`` proportions of the ground truth.
      shares: ``[N, 3]`` predicted marginals.
      values: ``[N]`` of the term.
      slopes: ``[N, 3]`` gradients, less their mean: along the simplex.
      paths: ``[S, T, 3]`` descents from S starts.
    """

    name: str
    actual: np.ndarray
    shares: np.ndarray
    values: np.ndarray
    slopes: np.ndarray
    paths: np.ndarray

    @property
    def minimiser(self) -> np.ndarray:
        """``[3]``, the marginal of the grid where the term is smallest."""
        return self.shares[np.argmin(self.values)]


def grid(parts: int, inside: float = INSIDE) -> np.ndarray:
    """``[N, 3]`` even points of the simplex, drawn in by `inside` from its sides."""
    points = [
        (i, j, parts - i - j) for i in range(parts + 1) for j in range(parts + 1 - i)
    ]
    return inside + (1 - 3 * inside) * np.array(points, float) / parts


def compute_term(
    name: str, penalty: Penalty, actual: Sequence[float], *, parts: int = 60
) -> Term:
    """Values, slopes and descents of the sum of a term over the classes."""
    truth = jnp.array(actual)

    def total(share: Array) -> Array:
        return jnp.sum(penalty(Marginals.of_proportions(share, truth)))

    def along(share: Array) -> Array:
        slope = jax.grad(total)(share)
        return slope - slope.mean()

    shares = grid(parts)
    values = jax.jit(jax.vmap(total))(shares)
    slopes = jax.jit(jax.vmap(along))(shares)
    starts = grid(6, inside=0.04)
    return Term(
        name,
        np.array(actual),
        shares,
        np.asarray(values),
        np.asarray(slopes),
        np.asarray(_descend(along, jnp.array(starts))),
    )


def _descend(along: Callable[[Array], Array], starts: Array, steps: int = 400) -> Array:
    """Steps of one length downhill, shorter near the end, kept inside the simplex."""

    def inward(share: Array) -> Array:
        """Downhill, without what would leave through a side."""
        way = -along(share)
        for _ in range(2):  # at most two sides meet
            free = (share > 1.01 * INSIDE) | (way > 0)
            mean = jnp.sum(way * free) / jnp.maximum(free.sum(), 1)
            way = jnp.where(free, way - mean, 0)
        return way

    def step(share: Array, rate: Array) -> tuple[Array, Array]:
        way = inward(share)
        moved = share + rate * way / jnp.maximum(jnp.linalg.norm(way), 1e-9)
        moved = jnp.maximum(moved, INSIDE)
        moved = moved / moved.sum()
        return moved, moved

    rates = 0.01 * jnp.linspace(1, 0, steps)
    descend = jax.vmap(lambda share: jax.lax.scan(step, share, rates)[1])
    paths = jax.jit(descend)(starts)
    return jnp.concatenate([starts[:, None], paths], axis=1)


def to_plane(shares: np.ndarray) -> np.ndarray:
    """``[..., 3]`` proportions to ``[..., 2]`` places in the triangle."""
    return shares @ CORNERS


def draw_terms(terms: Sequence[Term], *, width_in: float = style.WIDTH_IN) -> Figure:
    """A triangle per term."""
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 0.42 * width_in), layout="constrained")
        for axes, term in zip(figure.subplots(1, len(terms)), terms, strict=True):
            _triangle(figure, axes, term)
        shares = ", ".join(f"{share:g}" for share in terms[0].actual)
        figure.suptitle(
            f"true proportions ({shares}), marked ★; dots: ends of the descents; "
            "circle: smallest value",
            fontsize=8,
        )
    return figure


def _triangle(figure: Figure, axes: Axes, term: Term) -> None:
    places = to_plane(term.shares)
    drawn = axes.tricontourf(
        Triangulation(*places.T), term.values, levels=14, cmap=style.SURFACE
    )
    coarse = grid(10, inside=0.02)
    nearest = [np.argmin(((term.shares - point) ** 2).sum(-1)) for point in coarse]
    downhill = to_plane(-term.slopes[nearest])
    length = np.linalg.norm(downhill, axis=-1, keepdims=True)
    axes.quiver(
        *places[nearest].T, *(downhill / np.maximum(length, 1e-9)).T, color="white",
        edgecolor="black", linewidth=0.3, scale=22, width=0.009, pivot="mid",
    )  # fmt: skip
    for path in term.paths:
        axes.plot(*to_plane(path).T, color="white", lw=0.7, alpha=0.8)
    ends = to_plane(term.paths[:, -1])
    axes.plot(*ends.T, "o", color="white", ms=3.5, mec="black", mew=0.5, zorder=5)
    axes.plot(
        *to_plane(term.actual), marker="*", color="#D55E00", ms=11, mec="black",
        mew=0.5, zorder=6,
    )  # fmt: skip
    axes.plot(
        *to_plane(term.minimiser), marker="o", ms=9, mfc="none", mec="black", mew=1.4,
        zorder=7, clip_on=False,
    )  # fmt: skip
    outline = CORNERS[[0, 1, 2, 0]]
    axes.plot(*outline.T, color="black", lw=0.8, zorder=4)
    for index, (place, ha, va, shift) in enumerate(
        zip(CORNERS, ("left", "right", "center"), ("top", "top", "bottom"),
            ((-2, -6), (2, -6), (0, 5)), strict=True)
    ):  # fmt: skip
        axes.annotate(
            f"all class {index + 1}", place, shift, textcoords="offset points", ha=ha,
            va=va, fontsize=7,
        )  # fmt: skip
    axes.set(aspect="equal", xlim=(-0.06, 1.06), ylim=(-0.12, 0.99))
    axes.set_title(term.name, pad=2)
    axes.set_axis_off()
    bar = figure.colorbar(
        drawn, ax=axes, orientation="horizontal", shrink=0.75, pad=0.02
    )
    bar.ax.xaxis.set_major_locator(MaxNLocator(4))
    bar.set_label("value", fontsize=7)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """``--shares``."""
    parser.add_argument(
        "--shares",
        type=float,
        nargs=3,
        default=ACTUAL,
        metavar=("A", "B", "C"),
        help="true proportions of the three classes (default 0.5 0.3 0.2)",
    )


def draw(arguments: argparse.Namespace) -> list[Path]:
    """The bias of log-Dice beside the two regularisers."""
    actual = flags.shares_of(arguments.shares, "--shares")
    terms = [compute_term(name, term, actual) for name, term in TERMS.items()]
    return save_all({"simplex": draw_terms(terms, width_in=arguments.width)}, arguments)
