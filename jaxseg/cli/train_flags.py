"""The flags of `jaxseg train`, made from the settings of a run, and a few more."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxseg.cli import options
from jaxseg.cli.label_flags import add_labels
from jaxseg.training.config import SETTINGS, Rate, Share
from jaxseg.training.memory import CPU_GB
from jaxseg.training.search import MA_FINE_TUNING_RATES, MA_RATES
from jaxseg.training.settings import Group, Setting, limits

EXAMPLES = """\
examples:
  jaxseg train --data synthetic --loss dice_ce --out runs/first --steps 300
  jaxseg train --data DIR --loss tversky --hyper alpha=0.3 --hyper beta=0.7 \\
      --size 128 160 --steps 2000 --out runs/tversky
  jaxseg train --data DIR --pretrain-loss cross_entropy --pretrain-steps 1000 \\
      --loss lovasz --steps 2000 --out runs/tuned     fine-tune with a fresh optimizer
  jaxseg train --data VOLUMES --size 32 48 32 --batch-size 2 --loss dice_ce \\
      --steps 1000 --out runs/volumes                 patches of a 3D data set
  jaxseg train --data VOLUMES --plan --memory-gb 11 --loss dice_ce --steps 20000 \
      --out runs/planned                              patch, batch, levels by the data
  jaxseg train ... --out runs/tversky --resume     take up a run that was stopped

DIR holds train/images/* and train/masks/*, or another layout of docs/data.md; what the
values of masks mean is found by all of them together and told in a line. VOLUMES is a
Decathlon folder with dataset.json. What there is for validation is scored as training
goes on. --out gets config.json, metrics.jsonl, events of
TensorBoard, checkpoints (the newest two and the best), curves.png and samples.png.

Several processes: pass --coordinator HOST:PORT --processes N --process-id K to each, or
--coordinator auto under SLURM, Open MPI or on a TPU pod; --out lies on a shared disk.
"""


GROUPS: dict[Group, str] = {
    "data": "data",
    "loss": "loss",
    "optimizer": "optimizer",
    "network": "network",
    "course": "course of the training",
}
NEEDED = ("data", "loss", "steps")
"""Settings that a new run must be given."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds a flag for each setting that has one, and what is not a setting."""
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="folder of the run"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="take up the run in --out where its newest checkpoint left it; no other "
        "flag is needed, and one that is given must agree with the run or change "
        "nothing of its weights",
    )
    for group, title in GROUPS.items():
        within = parser.add_argument_group(title)
        for about in SETTINGS.values():
            if about.group == group:
                add_setting(within, about)
        _MORE.get(group, lambda _: None)(within)
    _add_processes(parser.add_argument_group("several processes"))


def add_setting(parser: argparse._ActionsContainer, about: Setting) -> None:
    """Adds the flag of a setting; where it is not given its value is None."""
    more: dict[str, Any] = {}
    if about.name == "hyper":
        more["action"] = "append"
    elif about.many:
        more["nargs"] = about.count or "+"
    parser.add_argument(
        f"--{about.flag}",
        dest=about.name,
        type=parser_of(about),
        metavar=about.metavar or metavar_of(about),
        help=help_of(about).replace("%", "%%"),
        **more,
    )


def help_of(about: Setting) -> str:
    """What ``--help`` says of a setting: what it is, its legal names, its default."""
    text = about.help
    if about.names and about.name not in LOSSES:
        text += f", one of {', '.join(about.names)}"
    default = about.said_default
    return f"{text} (default: {default})" if default else text


LOSSES = ("loss", "pretrain_loss")


def parser_of(about: Setting) -> Any:
    """Text to one value of a setting, refused out of its range."""
    if about.name in LOSSES:
        return options.loss_name
    if about.names:
        return options.one_of(about.names)
    base, meta = limits(about.each)
    if base is int:
        return options.at_least(int(meta.ge or 0), at_most=meta.le)  # pyright: ignore
    if base is float:
        return options.number_within(about.each)
    return str


def metavar_of(about: Setting) -> str:
    """What stands for a value in ``--help``."""
    if about.names:
        return "NAME"
    return {int: "N", float: "X"}.get(limits(about.each)[0], "TEXT")


def _data(parser: argparse._ActionsContainer) -> None:
    add_labels(parser)
    add = parser.add_argument
    add(
        "--foreground-share",
        type=options.number_in(0, 1, ends=False),
        metavar="X",
        help="synthetic: share of pixels in lesions (default: 0.08)",
    )
    add(
        "--lesion-free",
        type=options.number_within(Share),
        metavar="X",
        help="synthetic: probability of an image without lesions (default: 0.2)",
    )


def _optimizer(parser: argparse._ActionsContainer) -> None:
    add = parser.add_argument
    add(
        "--search-rates",
        type=options.number_within(Rate),
        nargs="+",
        metavar="X",
        help="try these learning rates in short runs first and take the one with the "
        "best Dice in the last validation; pre-training keeps its own (Ma 2021: "
        f"{_join(MA_RATES)}; after --pretrain-loss {_join(MA_FINE_TUNING_RATES)})",
    )
    add(
        "--search-steps",
        type=options.at_least(1),
        metavar="N",
        help="length of each short run, pre-training's share included (default: a "
        "tenth of the steps)",
    )


def _join(rates: Sequence[float]) -> str:
    return " ".join(f"{rate:g}" for rate in rates)


def _network(parser: argparse._ActionsContainer) -> None:
    add = parser.add_argument
    add(
        "--plan",
        action="store_true",
        help="choose what is not given of --size, --batch-size, --spacing, --width, "
        "--coarse-maps and the U-Net's levels by nnU-Net's rules, from the data and "
        "--memory-gb, and say what was chosen",
    )
    add(
        "--memory-gb",
        type=options.number_in(0, 1e6, ends=False),
        metavar="X",
        help="memory of a device that a plan may use (default: what it has; on a CPU a "
        f"third of the machine's, at most {CPU_GB:g})",
    )


_MORE: dict[Group, Any] = {"data": _data, "optimizer": _optimizer, "network": _network}


def _add_processes(parser: argparse._ActionsContainer) -> None:
    add = parser.add_argument
    add(
        "--coordinator",
        metavar="HOST:PORT",
        help="train with several processes: address of the first, or 'auto'",
    )
    add(
        "--processes",
        type=options.at_least(1),
        metavar="N",
        help="how many processes there are",
    )
    add(
        "--process-id",
        type=options.at_least(0),
        metavar="K",
        help="number of this process, from 0",
    )
