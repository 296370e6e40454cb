"""`python -m figures`: draws all pictures, or one, as PNG and SVG."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from figures import marginals, run, speed, surface
from figures.output import FORMATS, save
from jaxseg.cli import options
from jaxseg.errors import UserError
from jaxseg.files import read_json, read_rows
from jaxseg.losses import CATALOG

EXAMPLES = """\
examples:
  python -m figures --out pictures                     all pictures
  python -m figures surface --loss tversky --hyper alpha=0.3 --hyper beta=0.7
  python -m figures marginals --share 0.05 --format svg
  python -m figures run runs/polyps                    curves and samples of a run
  python -m figures speed runs/speed                   times of a speed study

pictures:
  surface     a loss over two pixels with its gradient field; --loss any of the catalog
  marginals   the label-marginal penalties of Liu 2022, Fig. 2; --share of foreground
  run         curves.png and samples.png of a training run's folder, put there
  speed       speed.png and speed.svg of a speed study's folder, put there
"""
SHOWN: Mapping[str, Mapping[str, float]] = {
    "cross_entropy": {},
    "dice": {},
    "dice_squared": {},
    "lovasz": {},
    "tversky": {"alpha": 0.3, "beta": 0.7},
    "marginal_kl": {"temperature": 1.0},
}


def parser() -> options.Parser:
    """The command line."""
    parsed = options.Parser(
        prog="python -m figures", description=__doc__, epilog=EXAMPLES
    )
    add = parsed.add_argument
    add(
        "name",
        nargs="?",
        default="all",
        metavar="NAME",
        type=options.one_of(["all", *PICTURES, *OF_FOLDERS]),
        help="which picture",
    )
    add("folder", nargs="?", type=Path, metavar="DIR", help="run, speed: the folder")
    add(
        "--out",
        type=Path,
        default=Path("pictures"),
        metavar="DIR",
        help="where pictures go, made if missing (default pictures)",
    )
    add(
        "--loss",
        type=options.loss_name,
        metavar="NAME",
        help=f"surface: one loss of the catalog (default {', '.join(SHOWN)})",
    )
    add(
        "--hyper",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="surface: hyper-parameter of --loss; may be repeated",
    )
    add(
        "--share",
        type=options.number_in(0, 1, ends=False),
        default=0.1,
        metavar="X",
        help="marginals: true share of foreground (default 0.1, as in the paper)",
    )
    add(
        "--format",
        type=options.one_of(FORMATS),
        metavar="F",
        help=f"one of {', '.join(FORMATS)} (default both)",
    )
    return parsed  # fmt: skip


def draw_surface(arguments: argparse.Namespace) -> list[Path]:
    """One loss, or six beside each other."""
    if arguments.loss is None:
        if arguments.hyper:
            raise UserError("--hyper needs --loss: it is a hyper-parameter of one loss")
        chosen, name = SHOWN, "surface"
    else:
        hyper = options.hyper_parameters(arguments.loss, arguments.hyper)
        chosen, name = {arguments.loss: hyper}, f"surface_{arguments.loss}"
    surfaces = [
        surface.compute_surface(
            CATALOG[loss].build(**hyper)(0.5),
            "\n".join(
                [loss, ", ".join(f"{k} = {v}" for k, v in hyper.items())]
            ).strip(),
        )
        for loss, hyper in chosen.items()
    ]
    return save(
        surface.draw_surfaces(surfaces), arguments.out, name, _formats(arguments)
    )


def draw_marginals(arguments: argparse.Namespace) -> list[Path]:
    """Four penalties over the predicted share."""
    fine = np.linspace(0.001, 0.02, 20)
    shares = np.concatenate([fine, np.linspace(0.025, 0.975, 191), 1 - fine[::-1]])
    curves = marginals.penalties(shares, arguments.share)
    figure = marginals.draw_penalties(shares, curves, arguments.share)
    return save(figure, arguments.out, "marginals", _formats(arguments))


PICTURES: Mapping[str, Callable[[argparse.Namespace], list[Path]]] = {
    "surface": draw_surface,
    "marginals": draw_marginals,
}


def draw_run(folder: Path) -> list[Path]:
    """Whatever the folder has rows for: curves, samples.

    Raises:
      UserError: the folder holds neither.
    """
    metrics, samples = folder / "metrics.jsonl", folder / "samples.npz"
    paths = []
    if metrics.is_file():
        loss = read_json(folder / "config.json").get("loss", "?")
        curves = run.draw_curves(read_rows(metrics), loss)
        paths += save(curves, folder, "curves", ("png",))
    if samples.is_file():
        try:
            with np.load(samples, allow_pickle=False) as arrays:
                sheet = run.draw_samples(dict(arrays))
        except (ValueError, OSError, KeyError) as error:
            raise UserError(f"{samples} is damaged: {error}") from error
        paths += save(sheet, folder, "samples", ("png",))
    if not paths:
        raise UserError(f"{folder} is no run: it has neither metrics nor samples")
    return paths


def draw_speed(folder: Path) -> list[Path]:
    """Times of the speed study whose rows the folder holds.

    Raises:
      UserError: there are no rows, or they are of something else.
    """
    rows = folder / "rows.jsonl"
    found = read_rows(rows) if rows.is_file() else []
    if not found or not all("share_of_floor" in row for row in found):
        raise UserError(f"{rows} holds no rows of `python -m experiments speed`")
    return save(speed.draw_speed(found), folder, "speed")


OF_FOLDERS: Mapping[str, Callable[[Path], list[Path]]] = {
    "run": draw_run,
    "speed": draw_speed,
}


def _formats(arguments: argparse.Namespace) -> Sequence[str]:
    return (arguments.format,) if arguments.format else FORMATS


def main(argv: Sequence[str] | None = None) -> int:
    """Draws; prints each file written; 2 after a user's mistake."""
    try:
        arguments = parser().parse_args(argv)
        draw_folder = OF_FOLDERS.get(arguments.name)
        if (draw_folder is None) != (arguments.folder is None):
            raise UserError(
                f"{' and '.join(OF_FOLDERS)} go with a folder, other pictures do not"
            )
        if draw_folder is not None:
            paths = draw_folder(arguments.folder)
        else:
            options.made_folder(arguments.out)
            names = PICTURES if arguments.name == "all" else [arguments.name]
            paths = [path for name in names for path in PICTURES[name](arguments)]
        for path in paths:
            print(path)
    except UserError as error:
        print(f"figures: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
