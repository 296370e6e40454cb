"""Saving a figure so that the same figure gives the same bytes."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from figures import style
from jaxseg.files import replacing

FORMATS = ("png", "svg")


def save(
    figure: Figure, folder: Path, name: str, formats: Sequence[str] = FORMATS
) -> list[Path]:
    """Writes ``NAME.png`` and ``NAME.svg``, whole or not at all.

    Raises:
      UserError: a file cannot be written.
    """
    paths = []
    for kind in formats:
        path = folder / f"{name}.{kind}"
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        with mpl.rc_context(style.settings()), replacing(path) as file:
            figure.savefig(file, format=kind, dpi=200, metadata=metadata)
        paths.append(path)
    return paths
