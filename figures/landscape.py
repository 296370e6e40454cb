"""Loss landscape of a trained network: a plane through its weights, a line to another.

The plane is spanned by two random directions scaled filter by filter (Li 2018,
arXiv:1712.09913). With --to the line between two trained networks of one kind is drawn
as well, and with --eigenvalues the sharpest curvatures of the loss there. Losses are
those of training images without augmentation, at many weights at a time by vmap; on a
CPU a few minutes, on an accelerator seconds.
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from figures import flags, style
from figures.landscape_values import (
    Line,
    Plane,
    compute_line,
    compute_plane,
    some_images,
)
from figures.output import save_all
from figures.spectrum import Spectrum, compute_spectrum
from jaxseg.cli import options
from jaxseg.cli.runs import load_run


def shown_losses(losses: np.ndarray) -> tuple[np.ndarray, str]:
    """The losses or, where positive and of many magnitudes, their logs; and a name."""
    if 0 < 20 * losses.min() < losses.max():
        return np.log10(losses), "log$_{10}$ of the loss"
    return losses, "loss"


def draw_plane(plane: Plane, loss: str, *, width_in: float = style.WIDTH_IN) -> Figure:
    """The loss at the left, and the Dice of the masks at the right."""
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 0.46 * width_in), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        losses, unit = shown_losses(plane.losses)
        for axes, values, title, name in (
            (left, losses, f"loss: {loss}", unit),
            (right, plane.dice, "masks", "mean Dice of the foreground"),
        ):
            levels = MaxNLocator(14).tick_values(values.min(), values.max())
            drawn = axes.contourf(
                plane.axis, plane.axis, values, levels=levels, cmap=style.SURFACE
            )
            axes.contour(
                plane.axis, plane.axis, values, levels=levels, colors="white",
                linewidths=0.3,
            )  # fmt: skip
            axes.plot(0, 0, "*", color="#D55E00", ms=10, mec="black", mew=0.5)
            axes.set(title=title, xlabel="first direction", aspect="equal")
            figure.colorbar(drawn, ax=axes, shrink=0.8, label=name)
        left.set_ylabel("second direction")
    return figure


def draw_line(
    line: Line, ends: tuple[str, str], *, width_in: float = style.WIDTH_IN
) -> Figure:
    """Losses at the left, Dice at the right, over the way from one to the other."""
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        for (name, values), look in zip(
            line.losses.items(), style.lines(), strict=False
        ):
            left.plot(line.shares, values, label=name, **look)
        left.legend()
        left.set_ylabel("loss")
        right.plot(line.shares, line.dice, color="black")
        right.set(ylabel="mean Dice of the foreground", ylim=(0, 1.02))
        for axes in (left, right):
            axes.set_xlabel("share of the way")
            axes.set_xticks([0, 0.5, 1], [f"0\n{ends[0]}", "0.5", f"1\n{ends[1]}"])
            for end in (0, 1):
                axes.axvline(end, color="0.8", lw=0.8, zorder=0)
    return figure


def draw_spectra(
    spectra: dict[str, Spectrum], *, width_in: float = style.WIDTH_IN
) -> Figure:
    """Outer eigenvalues by network: of the Hessian and of its Gauss-Newton part."""
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 2.6), layout="constrained")
        panels = figure.subplots(1, len(spectra), squeeze=False, sharey=True)[0]
        for axes, (name, spectrum) in zip(panels, spectra.items(), strict=True):
            for label, values, marker, color in (
                ("Hessian", spectrum.hessian, "o", "#0072B2"),
                ("Gauss-Newton part", spectrum.gauss_newton, "x", "#D55E00"),
            ):
                places = np.arange(1, len(values) + 1)
                axes.plot(places, values, marker, label=label, color=color, ms=5)
            axes.axhline(0, color="0.7", lw=0.8, zorder=0)
            sharpest = np.abs(spectrum.hessian).max()
            axes.set(title=f"{name}: sharpness {sharpest:.3g}", xlabel="rank")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        panels[0].set_ylabel("eigenvalue in the weights")
        panels[0].legend()
    return figure


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Runs, and how fine and how far."""
    add = parser.add_argument
    add("--run", required=True, type=Path, metavar="DIR", help="folder of the run")
    add("--to", type=Path, metavar="DIR", help="another run, for the line to it")
    add(
        "--points",
        type=options.at_least(3, at_most=201),
        default=21,
        metavar="N",
        help="along each axis (default 21)",
    )
    add(
        "--reach",
        type=options.number_in(0, 100, ends=False),
        default=1.0,
        metavar="X",
        help="of the plane, in norms of the filters (default 1)",
    )
    add(
        "--images",
        type=options.at_least(1),
        default=8,
        metavar="N",
        help="how many the losses are of (default 8)",
    )
    add(
        "--eigenvalues",
        type=options.at_least(1, at_most=50),
        metavar="N",
        help="also draw the N largest in size of the loss's Hessian at the weights",
    )
    add(
        "--chunk",
        type=options.at_least(1),
        default=4,
        metavar="N",
        help="weights evaluated at a time (default 4; more on an accelerator)",
    )
    add(
        "--seed",
        type=options.at_least(0),
        default=0,
        metavar="N",
        help="of the directions (default 0)",
    )


def draw(arguments: argparse.Namespace) -> list[Path]:
    """The plane around the run, and the line to another if there is one."""
    run, objective, state = load_run(arguments.run)
    batch = some_images(run.config, arguments.images)
    arguments.out = flags.folder_beside(arguments, arguments.run)
    common = {"points": arguments.points, "chunk": arguments.chunk}
    figures = {}
    networks = {arguments.run.name: (objective, state.variables)}
    if arguments.to is not None:
        other, other_objective, other_state = load_run(arguments.to)
        objectives = {run.config.loss: objective}
        objectives.setdefault(other.config.loss, other_objective)
        line = compute_line(
            objectives, state.variables, other_state.variables, batch, **common
        )
        ends = arguments.run.name, arguments.to.name
        figures["landscape_line"] = draw_line(line, ends, width_in=arguments.width)
        networks[arguments.to.name] = other_objective, other_state.variables
    if arguments.eigenvalues:
        spectra = {
            name: compute_spectrum(*network, batch, count=arguments.eigenvalues)
            for name, network in networks.items()
        }
        figures["landscape_spectrum"] = draw_spectra(spectra, width_in=arguments.width)
    plane = compute_plane(
        objective, state.variables, batch, reach=arguments.reach, seed=arguments.seed,
        **common,
    )  # fmt: skip
    figures["landscape"] = draw_plane(plane, run.config.loss, width_in=arguments.width)
    return save_all(figures, arguments)
