"""Flags of the commands that use trained networks: windows, flips, thresholds."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from jaxseg.cli import options
from jaxseg.cli.runs import SCALING, load_trained, open_run
from jaxseg.errors import UserError
from jaxseg.training import checkpoints
from jaxseg.training.cases import TrainedNetwork
from jaxseg.training.config import RunConfig
from jaxseg.training.inference import Inference
from jaxseg.training.loop import Run
from jaxseg.training.memory import require_window_memory
from jaxseg.training.sources import labels_of
from jaxseg.training.thresholds import DECISIONS, Rule

BEST = "dice"


def add_runs(parser: argparse.ArgumentParser) -> None:
    """Adds --run, of one or several, and --best."""
    add = parser.add_argument
    add(
        "--run",
        required=True,
        action="extend",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="folder of a run; several give the mean of their probabilities",
    )
    add(
        "--best",
        nargs="?",
        const="dice",
        type=options.one_of(get_args(checkpoints.Best)),
        metavar="NAME",
        help="use the checkpoints with the best validation, by 'dice' or by 'loss' "
        "(after --keep-best loss), not the newest (default where NAME is left out: "
        "dice)",
    )


def add_windows(parser: argparse.ArgumentParser) -> None:
    """Adds how a network sees images."""
    add = parser.add_argument
    add(
        "--window",
        type=options.at_least(1),
        nargs="+",
        metavar=("H", "W"),
        help="overlapping windows of this size over images at their own size (default: "
        "whole images resized to the size of training; volumes: the training patch)",
    )
    add(
        "--overlap",
        type=options.number_in(0, 0.95),
        default=0.5,
        metavar="X",
        help="least share of a window that its neighbour covers too (default 0.5)",
    )
    add("--mirror", action="store_true", help="average over all flips of the image")


def add_use(parser: argparse.ArgumentParser) -> None:
    """Adds how runs are used."""
    add_windows(parser)
    add = parser.add_argument
    add(
        "--uncalibrated",
        action="store_true",
        help="leave out what jaxseg calibrate has fitted to a run",
    )
    add(
        "--threshold",
        type=_threshold,
        metavar="X",
        help="foreground is where background's probability is below 1 - X, and a "
        "region where its own exceeds X; 'dice' takes, for each image and class, the "
        "threshold whose mask has the largest expected Dice (default: the most "
        "probable class, and 0.5 for regions)",
    )
    add(
        "--decide",
        type=options.one_of(list(DECISIONS)),
        metavar="RULE",
        help="make masks by what each image's probabilities say is best, in place of a "
        "threshold: "
        + "; ".join(f"'{name}', {what}" for name, what in DECISIONS.items()),
    )


def load(run: Run, arguments: argparse.Namespace) -> TrainedNetwork:
    """A run's network as the flags say, and a note if it is calibrated."""
    network = load_trained(
        run, best=arguments.best, calibrated=not arguments.uncalibrated
    )
    if network.scaling is not None:
        print(f"note: calibrated by {run.folder / SCALING} ({network.scaling.method})")
    return network


def rule_of(arguments: argparse.Namespace) -> Rule:
    """How the flags say to make masks.

    Raises:
      UserError: they say two things.
    """
    if arguments.decide is not None and arguments.threshold is not None:
        raise UserError(
            f"--decide {arguments.decide} and --threshold {arguments.threshold} are "
            "two ways to make a mask: give one of them"
        )
    return arguments.decide or arguments.threshold


def open_runs(folders: Sequence[Path]) -> list[Run]:
    """The runs, by their settings, all of one kind.

    Raises:
      UserError: a folder is no run, is given twice, or differs from the first in its
        classes, channels or dimensions.
    """
    found: list[Run] = []
    for number, folder in enumerate(folders):
        if folder.resolve() in (other.resolve() for other in folders[:number]):
            raise UserError(f"--run {folder} is given twice")
        run = open_run(folder)
        found.append(run)
        here, there = _kind(run.config), _kind(found[0].config)
        for (what, mine), (_, first) in zip(here, there, strict=True):
            if mine != first:
                raise UserError(
                    f"--run {folder} has {mine} {what} but --run {folders[0]} has "
                    f"{first}"
                )
    return found


def class_names(config: RunConfig) -> tuple[str, ...]:
    """What the data of a run call its classes, by id, or its regions."""
    return labels_of(config).found


def _kind(config: RunConfig) -> tuple[tuple[str, int], ...]:
    return (
        ("classes", config.num_classes),
        ("regions", 0 if config.regions is None else config.outputs),
        ("channels", config.channels),
        ("dimensions", len(config.size)),
    )


def inference(arguments: argparse.Namespace, config: RunConfig) -> Inference:
    """How the flags say to use networks.

    Raises:
      UserError: the window has another number of axes than the images.
    """
    window = arguments.window
    if window is not None and len(window) != len(config.size):
        wanted = "H W" if len(config.size) == 2 else "X Y Z"
        raise UserError(
            f"--window {' '.join(map(str, window))}: expected {wanted}, one number "
            "for each axis"
        )
    if window is not None:
        require_window_memory(config, tuple(window))
    return Inference(
        window=None if window is None else tuple(window),
        overlap=arguments.overlap,
        mirror=arguments.mirror,
    )


def _threshold(text: str) -> float | str:
    if text == BEST:
        return text
    try:
        return options.number_in(0, 1, ends=False)(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, nor is it {BEST!r}") from None
