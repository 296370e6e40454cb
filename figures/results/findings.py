"""Effects of a study with their intervals, by verdict: what it says at a glance.

A line per claim, in multiples of the least effect that counts: right of 1 it is worth
the name, left of 0 it is against the paper. An interval without an end is unknown.
"""

import argparse
import textwrap
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from figures import style
from figures.output import save_all
from figures.results import rows as table

COLOURS = {"replicated": 2, "not replicated": 1, "undecided": 6}
"""By the first words of the verdict, of `style.COLOURS`."""
REACH = 30.0
"""Multiples at which the picture ends."""
WIDE = 50


def draw_findings(
    rows: Sequence[table.Row], *, width_in: float = style.WIDTH_IN
) -> Figure:
    """One line a finding, the first on top."""
    height = 0.9 + 0.34 * len(rows)
    labels = []
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, height), layout="constrained")
        axes = figure.subplots()
        axes.axvspan(0, 1, color="0.93", lw=0, zorder=0)
        axes.axvline(0, color="0.5", lw=0.8)
        shown = set()
        for place, row in enumerate(rows):
            verdict = table.label(row, "verdict").partition(":")[0]
            colour = style.COLOURS[COLOURS.get(verdict, 6)]
            effect, low, high = (
                table.number(row, x) for x in ("effect", "low", "high")
            )
            ends = [max(low, -REACH), min(high, REACH)]
            ends = [
                -REACH if low != low else ends[0],
                REACH if high != high else ends[1],
            ]
            axes.plot(ends, [place, place], color=colour, lw=1.5, alpha=0.6)
            if effect == effect:
                name = verdict if verdict not in shown else None
                shown.add(verdict)
                axes.plot(
                    max(min(effect, REACH), -REACH), place, "o", ms=4, color=colour,
                    label=name,
                )  # fmt: skip
            labels.append(textwrap.fill(table.label(row, "claim"), WIDE))
        axes.set_yticks(range(len(rows)), labels, fontsize=7)
        axes.set(
            ylim=(len(rows) - 0.4, -0.6), xlim=(-REACH, REACH),
            xlabel="effect / least that counts (right: as the paper says)",
        )  # fmt: skip
        axes.set_xscale("symlog", linthresh=1)
        axes.set_xticks([-30, -10, -3, -1, 0, 1, 3, 10, 30])
        axes.set_xticklabels(["-30", "-10", "-3", "-1", "0", "1", "3", "10", "30"])
        axes.minorticks_off()
        axes.legend(loc="lower right", frameon=True, edgecolor="none")
    return figure


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Rows."""
    table.add_rows(parser, "claim", "effect", "low", "high", "verdict")


def draw(arguments: argparse.Namespace) -> list[Path]:
    """All findings of the rows."""
    rows = table.load(arguments.rows)
    return save_all(
        {"findings": draw_findings(rows, width_in=arguments.width)}, arguments
    )
