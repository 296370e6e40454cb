"""Cases as images with outlines, predictions of several runs side by side: Liu, Fig. 4.

Reads ``samples.npz`` of runs or evaluations of the same cases. Under each prediction
stands its Dice coefficient over the foreground.
"""

import argparse
import dataclasses
import math
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style
from figures.output import save_all
from jaxseg.counts import SoftCounts, dice_index
from jaxseg.data.overlay import overlay
from jaxseg.errors import UserError

VOID = 255


@dataclasses.dataclass(frozen=True)
class Case:
    """One case with the masks of several runs.

    Attributes:
      name: of the case.
      image: ``[H, W, C]`` uint8.
      labels: ``[H, W]`` class ids, 255 where a pixel does not count.
      masks: by run, ``[H, W]`` class ids.
    """

    name: str
    image: np.ndarray
    labels: np.ndarray
    masks: dict[str, np.ndarray]

    def dice(self, run: str) -> float:
        """Of foreground against background, all classes taken together."""
        counted = self.labels != VOID
        actual, predicted = (self.labels > 0)[counted], (self.masks[run] > 0)[counted]
        masks = SoftCounts.of_sets(
            float(np.sum(actual & predicted)),
            float(np.sum(predicted & ~actual)),
            float(np.sum(actual & ~predicted)),
            float(counted.sum()),
        )
        return float(dice_index(masks))


def read_cases(specs: list[str]) -> list[Case]:
    """Cases that all runs have, in the order of the first.

    Raises:
      UserError: a file is missing or damaged, or the runs have no case in common.
    """
    by_run: dict[str, dict[str, dict[str, np.ndarray]]] = {}
    for spec in specs:
        name, equals, folder = spec.partition("=")
        path = Path(folder if equals else spec) / "samples.npz"
        if not path.is_file():
            raise UserError(f"RUN {path.parent} has no {path.name}")
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = dict(stored)
            count = sum(key.startswith("name_") for key in arrays)
            by_run[name if equals else path.parent.name] = {
                str(arrays[f"name_{k}"]): {
                    part: arrays[f"{part}_{k}"]
                    for part in ("image", "labels", "predicted")
                }
                for k in range(count)
            }
        except (ValueError, OSError, KeyError) as error:
            raise UserError(f"{path} is damaged: {error}") from error
    first = next(iter(by_run.values()))
    common = [name for name in first if all(name in found for found in by_run.values())]
    if not common:
        raise UserError(f"RUN {', '.join(by_run)}: they have no case in common")
    return [
        Case(
            name,
            first[name]["image"],
            first[name]["labels"],
            {run: found[name]["predicted"] for run, found in by_run.items()},
        )
        for name in common
    ]


def draw_sheet(cases: list[Case], *, width_in: float = style.WIDTH_IN) -> Figure:
    """A row per case: image, ground truth, a mask per run."""
    runs = list(cases[0].masks)
    columns = 2 + len(runs)
    across = (width_in - 0.4) / columns
    heights = [across * c.image.shape[0] / c.image.shape[1] + 0.2 for c in cases]
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(width_in, sum(heights) + 0.3), layout="constrained")
        grid = figure.subplots(
            len(cases), columns, squeeze=False, height_ratios=heights
        )
        for line, case in zip(grid, cases, strict=True):
            show_outlines(line[0], case.image, np.zeros(case.labels.shape, int))
            show_outlines(line[1], case.image, case.labels)
            line[0].set_ylabel(case.name[:16], fontsize=7)
            for axes, run in zip(line[2:], runs, strict=True):
                show_outlines(axes, case.image, case.masks[run])
                axes.set_xlabel(f"Dice {case.dice(run):.2f}", fontsize=7, labelpad=2)
        for axes, title in zip(grid[0], ("image", "ground truth", *runs), strict=True):
            axes.set_title(title)
    return figure


def show_outlines(axes: Axes, image: np.ndarray, mask: np.ndarray) -> None:
    """An image ``[H, W, C]`` uint8 with the outlines of a mask ``[H, W]`` of ids."""
    times = max(1, math.ceil(200 / min(image.shape[:2])))  # for fine outlines

    def enlarged(pixels: np.ndarray) -> np.ndarray:
        return np.repeat(np.repeat(pixels, times, axis=0), times, axis=1)

    shown = np.where(mask == VOID, 0, mask).astype(int)
    axes.imshow(overlay(enlarged(image), enlarged(shown)))
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Folders of runs."""
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="[NAME=]RUN",
        help="folders with samples.npz, of runs or of `jaxseg evaluate`",
    )


def draw(arguments: argparse.Namespace) -> list[Path]:
    """The cases that all runs have."""
    cases = read_cases(arguments.runs)
    return save_all({"sheet": draw_sheet(cases, width_in=arguments.width)}, arguments)
