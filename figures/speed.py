"""How long each loss takes beside the fastest other library that has it."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import flags, style
from figures.output import save_all
from jaxseg.errors import UserError
from jaxseg.files import read_rows

INCHES_A_LOSS = 0.15


def draw_speed(rows: Sequence[dict[str, Any]]) -> Figure:
    """One panel a shape and number of classes: milliseconds of value and gradient.

    Args:
      rows: of the speed study; those with ``peer_milliseconds`` get a second mark.
    """
    cases = list(dict.fromkeys((tuple(row["shape"]), row["classes"]) for row in rows))
    names = list(dict.fromkeys(row["loss"] for row in rows))[::-1]
    height = 1.1 + INCHES_A_LOSS * len(names)
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(2.1 + 1.7 * len(cases), height), layout="constrained")
        panels = figure.subplots(1, len(cases), sharey=True, squeeze=False)[0]
        for axes, (shape, classes) in zip(panels, cases, strict=True):
            of_case = {
                row["loss"]: row
                for row in rows
                if (tuple(row["shape"]), row["classes"]) == (shape, classes)
            }
            _draw_case(axes, names, of_case)
            axes.set_title(f"{' × '.join(map(str, shape))}, {classes} classes")
        panels[0].set_yticks(range(len(names)), names)
        handles, labels = panels[0].get_legend_handles_labels()
        columns = 1 if len(cases) == 1 else 3
        figure.legend(handles, labels, loc="outside upper center", ncols=columns)
    return figure


def _draw_case(
    axes: Axes, names: Sequence[str], rows: dict[str, dict[str, Any]]
) -> None:
    places = {name: place for place, name in enumerate(names)}
    mine = [(row["milliseconds"], places[name]) for name, row in rows.items()]
    peers = [
        (row["peer_milliseconds"], places[name])
        for name, row in rows.items()
        if "peer_milliseconds" in row
    ]
    for name, row in rows.items():
        if "peer_milliseconds" in row:
            ends = row["milliseconds"], row["peer_milliseconds"]
            axes.plot(ends, [places[name]] * 2, color="0.75", linewidth=1, zorder=1)
    floors = [row["milliseconds"] * row["share_of_floor"] for row in rows.values()]
    floor = sum(floors) / len(floors)
    axes.axvline(
        floor, color="0.5", linestyle=":", label="logits read twice, gradient written"
    )
    times, heights = zip(*mine, strict=True)
    axes.scatter(times, heights, s=16, color=style.COLOURS[0], label="jaxseg")
    if peers:
        times, heights = zip(*peers, strict=True)
        axes.scatter(
            times,
            heights,
            s=18,
            color=style.COLOURS[1],
            marker="D",
            facecolor="white",
            label="fastest other library",
        )
    axes.set_xscale("log")
    axes.set_xlabel("ms, value and gradient")
    axes.grid(axis="y", color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The folder."""
    flags.add_folder(parser, "folder of `jaxseg study speed`")


def draw(arguments: argparse.Namespace) -> list[Path]:
    """Times of the speed study whose rows the folder holds.

    Raises:
      UserError: there are no rows, or they are of something else.
    """
    rows = arguments.folder / "rows.jsonl"
    found = read_rows(rows)
    if not found or not all("share_of_floor" in row for row in found):
        raise UserError(f"{rows} holds no rows of `jaxseg study speed`")
    arguments.out = flags.folder_beside(arguments, arguments.folder)
    return save_all({"speed": draw_speed(found)}, arguments)
