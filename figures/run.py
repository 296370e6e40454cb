"""Pictures of a training run, from its stored rows: curves.png and samples.png."""

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from figures import flags, style
from figures.output import save
from jaxseg.data.overlay import overlay
from jaxseg.errors import UserError
from jaxseg.files import read_json, read_rows


def draw_curves(rows: Sequence[Mapping[str, Any]], loss: str) -> Figure:
    """Training loss and validation Dice against the step, from ``metrics.jsonl``."""
    losses = [(row["step"], row["loss"]) for row in rows if "loss" in row]
    dice = [
        (row["step"], row["validation_dice"])
        for row in rows
        if row.get("validation_dice") is not None
    ]
    with mpl.rc_context(style.settings()):
        figure = Figure(figsize=(6.5, 2.4), layout="constrained")
        panels = figure.subplots(1, 2 if dice else 1, squeeze=False)[0]
        steps, values = np.array(losses).T
        panels[0].plot(steps, values, color="0.75", lw=0.8, label="single batches")
        smooth = running_mean(values, max(len(values) // 20, 1))
        panels[0].plot(steps, smooth, color=style.COLOURS[0], label="running mean")
        panels[0].set(xlabel="optimizer step", ylabel=f"loss: {loss}")
        panels[0].legend()
        if dice:
            panels[1].plot(*np.array(dice).T, "o-", color=style.COLOURS[1], ms=4)
            panels[1].set(
                xlabel="optimizer step", ylabel="validation Dice, mean over cases",
                ylim=(0, 1.02),
            )  # fmt: skip
    return figure


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Mean over up to `width` values ending at each."""
    total = np.cumsum(np.concatenate([[0.0], values]))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - width, 0)
    return (total[ends] - total[starts]) / (ends - starts)


def _enlarge(pixels: np.ndarray, times: int) -> np.ndarray:
    return np.repeat(np.repeat(pixels, times, axis=0), times, axis=1)


def draw_samples(arrays: Mapping[str, np.ndarray]) -> Figure:
    """A sheet of cases: image, ground truth and prediction as outlines.

    Args:
      arrays: ``image_k`` [H, W, C] uint8, ``labels_k`` and ``predicted_k`` [H, W], and
        ``name_k``, for k = 0, 1, ...
    """
    count = sum(name.startswith("image_") for name in arrays)
    height, width = arrays["image_0"].shape[:2]
    across = 6.5 / count
    with mpl.rc_context(style.settings()):
        figure = Figure(
            figsize=(6.5 + 0.3, 3 * across * height / width + 0.45),
            layout="constrained",
        )
        grid = figure.subplots(3, count, squeeze=False)
        for k in range(count):
            image = arrays[f"image_{k}"]
            times = max(1, math.ceil(200 / min(image.shape[:2])))  # for fine outlines
            for row, mask in enumerate((None, "labels", "predicted")):
                axes = grid[row, k]
                shown = np.zeros(image.shape[:2], int)
                if mask is not None:
                    shown = arrays[f"{mask}_{k}"].astype(int)
                shown = np.where(shown == 255, 0, shown)
                drawn = overlay(_enlarge(image, times), _enlarge(shown, times))
                axes.imshow(drawn)
                axes.set(xticks=[], yticks=[])
                for spine in axes.spines.values():
                    spine.set_visible(False)
            name = str(arrays[f"name_{k}"])
            grid[0, k].set_title(
                name if len(name) < 14 else f"{name[:12]}…", fontsize=7
            )
        for row, label in enumerate(("image", "ground truth", "prediction")):
            grid[row, 0].set_ylabel(label)
    return figure


def draw_run(folder: Path, out: Path, formats: Sequence[str], dpi: int) -> list[Path]:
    """Whatever the folder has rows for: curves, samples.

    Raises:
      UserError: the folder holds neither.
    """
    metrics, samples = folder / "metrics.jsonl", folder / "samples.npz"
    paths = []
    if metrics.is_file():
        loss = read_json(folder / "config.json").get("loss", "?")
        curves = draw_curves(read_rows(metrics), loss)
        paths += save(curves, out, "curves", formats, dpi=dpi)
    if samples.is_file():
        try:
            with np.load(samples, allow_pickle=False) as arrays:
                sheet = draw_samples(dict(arrays))
        except (ValueError, OSError, KeyError) as error:
            raise UserError(f"{samples} is damaged: {error}") from error
        paths += save(sheet, out, "samples", formats, dpi=dpi)
    if not paths:
        raise UserError(f"{folder} is no run: it has neither metrics nor samples")
    return paths


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The folder."""
    flags.add_folder(parser, "folder of the run")


def draw(arguments: argparse.Namespace) -> list[Path]:
    """PNG only, unless another format is asked for."""
    formats = (arguments.format or "png",)
    out = flags.folder_beside(arguments, arguments.folder)
    return draw_run(arguments.folder, out, formats, arguments.dpi)
