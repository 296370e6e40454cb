"""How every picture looks: 8-point text, colours that all readers can tell apart."""

from typing import Any

# Okabe and Ito's colours, with a line style each so that grey print works too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), "-")
SURFACE = "cividis"


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
        **changes,
    }
