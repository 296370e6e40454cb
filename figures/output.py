"""Saving a figure so that the same figure gives the same bytes."""

import argparse
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from figures import style
from jaxseg.files import replacing

FORMATS = ("png", "svg", "pdf")
DEFAULT_FORMATS = ("png", "svg")
DPI = 200
SMALL_DPI, SMALL_COLOURS = 110, 128
_UNDATED = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
}


def save(
    figure: Figure,
    folder: Path,
    name: str,
    formats: Sequence[str] = DEFAULT_FORMATS,
    *,
    dpi: int = DPI,
) -> list[Path]:
    """Writes ``NAME.png`` and ``NAME.svg``, whole or not at all.

    Raises:
      UserError: a file cannot be written.
    """
    paths = []
    for kind in formats:
        path = folder / f"{name}.{kind}"
        with mpl.rc_context(style.settings()), replacing(path) as file:
            figure.savefig(file, format=kind, dpi=dpi, metadata=_UNDATED[kind])
        paths.append(path)
    return paths


def save_small(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Writes ``NAME.png`` of few pixels and colours, for a page on the web.

    Raises:
      UserError: the file cannot be written.
    """
    path, whole = folder / f"{name}.png", io.BytesIO()
    with mpl.rc_context(style.settings()):
        figure.savefig(whole, format="png", dpi=SMALL_DPI)
    image = Image.open(whole).convert("RGB")
    keeping_rare = Image.Quantize.MAXCOVERAGE  # a star of few pixels stays orange
    few = image.quantize(SMALL_COLOURS, keeping_rare, dither=Image.Dither.NONE)
    with replacing(path) as file:
        few.save(file, format="PNG", optimize=True)
    return [path]


def save_all(
    figures: Mapping[str, Figure], arguments: argparse.Namespace
) -> list[Path]:
    """Saves figures by name as ``--out``, ``--format``, ``--dpi``, ``--small`` say."""
    if arguments.small:
        return [
            path
            for name, figure in figures.items()
            for path in save_small(figure, arguments.out, name)
        ]
    formats = (arguments.format,) if arguments.format else DEFAULT_FORMATS
    return [
        path
        for name, figure in figures.items()
        for path in save(figure, arguments.out, name, formats, dpi=arguments.dpi)
    ]
