"""`jaxseg demo`: the whole idea once, small: verify, draw, train, evaluate."""

import argparse
import itertools
import subprocess
import sys
import time
from pathlib import Path

from jaxseg.cli import extras, options
from jaxseg.errors import UserError

EXAMPLES = """\
example:
  jaxseg demo --out demo        five to ten minutes on two cores

Settles the claims of the four papers, draws loss surfaces,
trains a small U-Net on synthetic lesions, scores it on held-back cases, some
of them without a lesion, and names every file that it wrote.
"""
TRAINING = (
    "--data", "synthetic", "--loss", "dice_ce", "--steps", "400", "--size", "64", "64",
    "--depth", "3", "--width", "8", "--learning-rate", "0.003",
)  # fmt: skip


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="a new folder (default demo, or demo-2, demo-3, ... if that is taken)",
    )


def main(arguments: argparse.Namespace) -> None:
    """Runs the four commands that a user would run, each in its own process."""
    extras.require("train", "theory", "figures")
    out = options.fresh_folder(arguments.out or _free_folder())
    run = str(out / "run")
    start = time.perf_counter()
    commands = [
        ("What the papers claim, and whether it is so",
         ["theory", "--json", str(out / "theory.json")]),
        ("Losses as pictures", ["figures", "surface", "--out", str(out / "figures")]),
        ("Training on synthetic lesions",
         ["train", *TRAINING, "--out", run]),
        ("Held-back cases, some without a lesion",
         ["evaluate", "--run", run, "--data", "synthetic"]),
    ]  # fmt: skip
    for title, command in commands:
        print(f"\n== {title}\n$ jaxseg {' '.join(command)}", flush=True)
        done = subprocess.run([sys.executable, "-m", "jaxseg", *command], check=False)
        if done.returncode:
            raise UserError(
                f"jaxseg {' '.join(command)} ended with status {done.returncode}"
            )
    print(f"\n== Done in {time.perf_counter() - start:.0f} seconds. Files written:")
    for path in sorted(out.rglob("*")):
        if path.is_file() and "checkpoints" not in path.parts:
            print(f"  {path}")
    print(f"  {out / 'run' / 'checkpoints'}")
    print(
        "\nThe same on your own images (DIR/images beside DIR/masks; the first command "
        "tells how they are read):\n"
        "  jaxseg check --data DIR\n"
        "  jaxseg train --data DIR --loss dice_ce --size 128 160 --steps 2000 --out "
        "runs/mine\n  jaxseg evaluate --run runs/mine --data DIR --split test"
    )


def _free_folder() -> Path:
    """The first of demo, demo-2, demo-3, ... that is not there yet."""
    names = (Path("demo" if k == 1 else f"demo-{k}") for k in itertools.count(1))
    return next(path for path in names if not path.exists())
