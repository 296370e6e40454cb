"""The catalog of losses by family, and what they have in common: Ma 2021, Fig. 1.

Boxes are the entries of the catalog; those that Ma prints have a bold frame. An arrow
leads from a loss to one that it becomes for some hyper-parameters: a compound to its
terms, alone.
"""

import argparse
import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from figures import style
from figures.output import save_all
from jaxseg.losses import CATALOG
from jaxseg.losses.entry import Entry

FAMILIES = {
    "region": "region: overlaps",
    "compound": "compound: sums",
    "pixel": "pixel: distributions",
    "boundary": "boundary: distances",
    "marginal": "marginal: proportions",
}
COLUMNS = (("region",), ("compound",), ("pixel", "boundary", "marginal"))
LEFTS, BOX = (0.42, 2.55, 4.62), 1.46  # inches of a page of 6.5
ROW, GAP, HEAD = 0.215, 0.2, 0.24  # inches
FILLS = ("#dbe9f5", "#eeeeee", "#fbe3d3", "#d6efe6", "#f5e3ee")


@dataclasses.dataclass(frozen=True)
class Taxonomy:
    """What is drawn.

    Attributes:
      members: by family, the names in the order of the catalog.
      special: pairs (loss, what it becomes for some hyper-parameters).
      of_ma: names of the losses that Ma 2021 prints.
    """

    members: Mapping[str, tuple[str, ...]]
    special: tuple[tuple[str, str], ...]
    of_ma: frozenset[str]


def compute_taxonomy(catalog: Mapping[str, Entry] = CATALOG) -> Taxonomy:
    """Families and special cases as the catalog has them."""
    members = {
        family: tuple(name for name, e in catalog.items() if e.family == family)
        for family in FAMILIES
    }
    special = dict.fromkeys(
        (name, case.name) for name, e in catalog.items() for case in e.special_cases
    )
    of_ma = frozenset(n for n, e in catalog.items() if re.search("Ma 2021", e.paper))
    return Taxonomy(members, tuple(special), of_ma)


def positions(taxonomy: Taxonomy) -> tuple[dict[str, tuple[int, float]], float]:
    """Column and distance from the top, in inches, of each box; and the height."""
    places, lowest = {}, 0.0
    for column, families in enumerate(COLUMNS):
        top = 0.0
        for family in families:
            top += HEAD
            for name in taxonomy.members[family]:
                places[name] = column, top
                top += ROW
            top += GAP
        lowest = max(lowest, top - 0.8 * GAP)
    return places, lowest


def draw_taxonomy(taxonomy: Taxonomy, *, width_in: float = style.WIDTH_IN) -> Figure:
    """Three columns of boxes with arrows."""
    places, height = positions(taxonomy)
    stretch = width_in / style.WIDTH_IN
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, height))
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width_in), ylim=(height, 0))
        axes.set_axis_off()
        for (family, title), fill in zip(FAMILIES.items(), FILLS, strict=True):
            column, top = places[taxonomy.members[family][0]]
            left = stretch * LEFTS[column]
            axes.text(left, top - 0.05, title, fontsize=8, weight="bold")
            for name in taxonomy.members[family]:
                _box(axes, left, places[name][1], stretch * BOX, name, fill,
                     bold=name in taxonomy.of_ma)  # fmt: skip
        for start, end in taxonomy.special:
            _arrow(axes, places[start], places[end], stretch)
    return figure


def _box(
    axes: Axes,
    left: float,
    top: float,
    width: float,
    name: str,
    fill: str,
    *,
    bold: bool,
) -> None:
    frame = FancyBboxPatch(
        (left, top), width, 0.8 * ROW, boxstyle="round,pad=0,rounding_size=0.04",
        facecolor=fill, edgecolor="black" if bold else "0.6",
        linewidth=1.1 if bold else 0.5, zorder=3,
    )  # fmt: skip
    axes.add_patch(frame)
    middle = left + width / 2, top + 0.42 * ROW
    axes.text(*middle, name, fontsize=7, ha="center", va="center", zorder=4)


def _arrow(
    axes: Axes, start: tuple[int, float], end: tuple[int, float], stretch: float
) -> None:
    """From side to side between columns; within one, a bow on its free side."""
    (column, top), (other, other_top) = start, end

    def side(at: int, *, right: bool) -> float:
        return stretch * (LEFTS[at] + (BOX if right else 0))

    if column == other:
        right = column != 0
        bend = 0.32 if (other_top < top) == right else -0.32
        ends = side(column, right=right), side(other, right=right)
        bend *= min(1.0, 1.6 / max(abs(top - other_top), 0.5))
    else:
        ends = side(column, right=other > column), side(other, right=other < column)
        bend = 0.0
    axes.add_patch(
        FancyArrowPatch(
            (ends[0], top + 0.4 * ROW),
            (ends[1], other_top + 0.4 * ROW),
            connectionstyle=f"arc3,rad={bend}",
            arrowstyle="-|>",
            mutation_scale=6,
            linewidth=0.7,
            color="0.25",
            shrinkA=0,
            shrinkB=0,
            zorder=2,
        )
    )


def add_flags(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def draw(arguments: argparse.Namespace) -> list[Path]:
    """All entries of the catalog."""
    figure = draw_taxonomy(compute_taxonomy(), width_in=arguments.width)
    return save_all({"taxonomy": figure}, arguments)
