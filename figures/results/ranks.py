"""Ranks of losses and how they change with the scores used: Ma 2021, Figs 10 and 11.

The first picture has the rank score of every loss, best first. The second has a line
per loss over the schemes, by rank; ties share the mean of their ranks.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from figures import style
from figures.output import save_all
from figures.results import rows as table
from jaxseg import statistics
from jaxseg.errors import UserError
from jaxseg.losses import CATALOG

FAMILY_COLOURS = {
    "pixel": style.COLOURS[1],
    "region": style.COLOURS[0],
    "boundary": style.COLOURS[2],
    "marginal": style.COLOURS[3],
    "compound": "#4d4d4d",
}
OTHER = "0.6"
Interval = tuple[float, float, float]  # score, low, high


def compute_intervals(
    rows: Sequence[table.Row],
) -> dict[str, dict[str, Interval]]:
    """By scheme and loss: score and the ends of its interval.

    Raises:
      UserError: a loss has two scores in one scheme.
    """
    found: dict[str, dict[str, Interval]] = {}
    for row in rows:
        scheme, loss = table.label(row, "scheme", ""), table.label(row, "loss")
        score = table.number(row, "score")
        low = table.number(row, "low") if "low" in row else score
        high = table.number(row, "high") if "high" in row else score
        if loss in found.setdefault(scheme, {}):
            raise UserError(f"ROWS: {loss} has two scores in the scheme {scheme!r}")
        found[scheme][loss] = score, low, high
    return found


def ranks(scores: Mapping[str, Interval]) -> dict[str, float]:
    """Rank of each loss, 1 for the largest score; ties share the mean rank."""
    values = np.array([score for score, _, _ in scores.values()])
    return dict(zip(scores, statistics.ranks(values).tolist(), strict=True))


def families_of(rows: Sequence[table.Row]) -> dict[str, str]:
    """Family of each loss: what its row says, or the catalog of its name."""
    known = {name: entry.family for name, entry in CATALOG.items()}
    return known | {
        table.label(row, "loss"): table.label(row, "family")
        for row in rows
        if "family" in row
    }


def draw_ranks(
    scheme: str,
    scores: Mapping[str, Interval],
    families: Mapping[str, str],
    *,
    width_in: float = style.WIDTH_IN,
) -> Figure:
    """Bars in falling order, with intervals where there are any."""
    names = sorted(scores, key=lambda loss: -scores[loss][0])
    values = np.array([scores[name] for name in names])
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, 3.0), layout="constrained")
        axes = figure.subplots()
        colours = [FAMILY_COLOURS.get(families.get(n, ""), OTHER) for n in names]
        axes.bar(range(len(names)), values[:, 0], color=colours, width=0.7)
        spread = np.abs(values[:, 1:] - values[:, :1]).T
        if spread.any():
            axes.errorbar(
                range(len(names)), values[:, 0], spread, fmt="none", ecolor="black",
                elinewidth=0.8, capsize=2,
            )  # fmt: skip
        axes.set_xticks(range(len(names)), names, rotation=60, ha="right")
        axes.set(ylabel="rank score, larger is better", title=scheme)
        shown = {c: f for f, c in FAMILY_COLOURS.items() if c in colours}
        handles = [
            mpl.patches.Patch(color=colour, label=family)  # type: ignore[attr-defined]
            for colour, family in shown.items()
        ]
        if handles:
            axes.legend(handles=handles, loc="upper right")
    return figure


def draw_stability(
    scores: Mapping[str, Mapping[str, Interval]], *, width_in: float = style.WIDTH_IN
) -> Figure:
    """A line per loss over the schemes; names at both ends."""
    schemes = list(scores)
    by_scheme = [ranks(scores[scheme]) for scheme in schemes]
    names = [name for name in by_scheme[0] if all(name in r for r in by_scheme)]
    with mpl.rc_context(style.settings()):
        figure = Figure(
            figsize=(width_in, 0.8 + 0.16 * len(names)), layout="constrained"
        )
        axes = figure.subplots()
        lines = style.marked_lines()
        for name, line in zip(names, lines, strict=False):
            axes.plot(range(len(schemes)), [r[name] for r in by_scheme], **line)
        for end, ha, shift in ((0, "right", -6), (len(schemes) - 1, "left", 6)):
            tied = table.group(names, lambda name, end=end: by_scheme[end][name])
            for rank, group in tied.items():
                axes.annotate(
                    ", ".join(group), (end, rank), (shift, 0),
                    textcoords="offset points", ha=ha, va="center", fontsize=7,
                )  # fmt: skip
        axes.set_xticks(range(len(schemes)), schemes)
        room = _room_at_the_left(by_scheme[0], names, len(schemes), width_in)
        axes.set(ylabel="rank", xlim=(-room, len(schemes) - 0.1))
        axes.invert_yaxis()
        axes.spines["bottom"].set_visible(False)
    return figure


def _room_at_the_left(
    places: Mapping[str, float], names: Sequence[str], schemes: int, width_in: float
) -> float:
    """Units of the axis that the longest of the names at its left end takes."""
    tied = table.group(names, lambda name: places[name]).values()
    inches = 0.062 * max(len(", ".join(group)) for group in tied) + 0.15
    inches = min(inches, 0.6 * width_in)
    return max(0.9, inches * (schemes - 0.1) / (width_in - 0.6 - inches))


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Rows."""
    table.add_rows(parser, "loss", "family", "scheme", "score", "low", "high")


def draw(arguments: argparse.Namespace) -> list[Path]:
    """Scores of the first scheme, and the ranks of all if there are more."""
    rows = table.load(arguments.rows)
    scores, families = compute_intervals(rows), families_of(rows)
    first = next(iter(scores))
    width = arguments.width
    figures = {"ranks": draw_ranks(first, scores[first], families, width_in=width)}
    if len(scores) > 1:
        figures["rank_stability"] = draw_stability(scores, width_in=width)
    return save_all(figures, arguments)
