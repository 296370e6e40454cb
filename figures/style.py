"""How every picture looks: 8-point text, colours that all readers can tell apart."""

import itertools
from collections.abc import Iterator
from typing import Any

# Okabe and Ito's colours, with a line style each so that grey print works too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), "-")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
SURFACE = "cividis"
WIDTH_IN = 6.5
"""Text width of a page, the printed width of most pictures."""


def settings(**changes: Any) -> Any:
    """Matplotlib settings, for `matplotlib.rc_context`."""
    return {
        "font.size": 8,
        "axes.titlesize": 8,
        "axes.labelsize": 8,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 7,
        "legend.frameon": False,
        "lines.linewidth": 1.3,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.dpi": 150,
        "svg.hashsalt": "jaxseg",
        "svg.fonttype": "path",
        "pdf.fonttype": 42,
        **changes,
    }


def lines() -> Iterator[dict[str, Any]]:
    """Colour and line style of the first, second, ... curve; no two are alike.

    Where the colours come round again they meet another line style.
    """
    for round_ in itertools.count():
        for index, colour in enumerate(COLOURS):
            dash = DASHES[(index + round_) % (len(DASHES) - 1)]
            yield {"color": colour, "linestyle": dash}


def marked_lines() -> Iterator[dict[str, Any]]:
    """The same with a marker each."""
    for index, line in enumerate(lines()):
        yield {**line, "marker": MARKERS[index % len(MARKERS)], "markersize": 4}
