"""What each loss outlines on the same cases, from small pictures kept in the rows.

A column per case, evenly spread over all, with the image above and a line per loss;
below each stands the share of its pixels that are predicted as foreground.
"""

import argparse
import base64
import binascii
import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from figures import style
from figures.output import save_all
from figures.results import rows as table
from figures.results.sheet import show_outlines
from jaxseg.cli import options
from jaxseg.errors import UserError
from jaxseg.training.sources import spread

CASES = 8


@dataclasses.dataclass(frozen=True)
class PredictedCase:
    """One case.

    Attributes:
      name: of the case.
      image: ``[H, W, 3]`` uint8.
      masks: by loss, ``[H, W]`` class ids.
      shares: by loss, predicted foreground pixels over pixels, at full size.
    """

    name: str
    image: np.ndarray
    masks: dict[str, np.ndarray]
    shares: dict[str, float]


def picture(text: str, column: str) -> Image.Image:
    """A picture kept as base64.

    Raises:
      UserError: it is none.
    """
    try:
        found = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
        found.load()
    except (binascii.Error, OSError) as error:
        raise UserError(f"column {column!r} holds no picture: {error}") from error
    return found


def compute_cases(rows: Sequence[table.Row], count: int) -> list[PredictedCase]:
    """Up to `count` of the cases whose image is kept, evenly spread.

    Raises:
      UserError: no row keeps both.
    """
    drawn = [row for row in rows if "mask" in row]
    cases = table.group(drawn, lambda row: table.label(row, "case"))
    images = {
        name: next((row["image"] for row in group if "image" in row), None)
        for name, group in cases.items()
    }
    names = sorted(name for name, image in images.items() if image is not None)
    if not names:
        raise UserError("no row has both columns 'image' and 'mask'")
    chosen = [names[k] for k in spread(range(len(names)), count)]
    return [
        PredictedCase(
            name,
            np.asarray(picture(images[name] or "", "image").convert("RGB")),
            {
                table.label(row, "loss"): np.asarray(picture(row["mask"], "mask"))
                for row in cases[name]
            },
            {
                table.label(row, "loss"): sum(row["predicted_pixels"][1:])
                / table.number(row, "pixels")
                for row in cases[name]
            },
        )
        for name in chosen
    ]


def draw_cases(
    cases: Sequence[PredictedCase], *, width_in: float = style.WIDTH_IN
) -> Figure:
    """A line for the images, then one per loss."""
    losses = list(dict.fromkeys(loss for case in cases for loss in case.masks))
    across = (width_in - 0.6) / len(cases)
    height = max(across * c.image.shape[0] / c.image.shape[1] for c in cases)
    lines = 1 + len(losses)
    with mpl.rc_context(style.settings()):
        figure = Figure(
            figsize=(width_in, lines * (height + 0.16) + 0.1), layout="constrained"
        )
        grid = figure.subplots(lines, len(cases), squeeze=False)
        for column, case in enumerate(cases):
            nothing = np.zeros(case.image.shape[:2], int)
            show_outlines(grid[0, column], case.image, nothing)
            for line, loss in enumerate(losses, start=1):
                axes = grid[line, column]
                show_outlines(axes, case.image, case.masks.get(loss, nothing))
                if loss in case.shares:
                    axes.set_xlabel(
                        _format_share(case.shares[loss]), fontsize=6, labelpad=1
                    )
        for line, title in enumerate(("image", *losses)):
            grid[line, 0].set_ylabel(title)
    return figure


def _format_share(share: float) -> str:
    return "rejected" if share == 0 else f"{100 * share:.1f} %"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Rows and how many cases."""
    table.add_rows(
        parser, "loss", "case", "image", "mask", "predicted_pixels", "pixels"
    )
    parser.add_argument(
        "--cases",
        type=options.at_least(1),
        default=CASES,
        metavar="N",
        help=f"how many (default {CASES})",
    )


def draw(arguments: argparse.Namespace) -> list[Path]:
    """All losses of the rows."""
    cases = compute_cases(table.load(arguments.rows), arguments.cases)
    return save_all(
        {"predictions": draw_cases(cases, width_in=arguments.width)}, arguments
    )
