"""`python -m experiments NAME`: runs a study and writes its rows."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments import distance_speed, speed
from jaxseg.cli import options
from jaxseg.cli.progress import bar
from jaxseg.errors import UserError
from jaxseg.files import write_rows

EXAMPLES = """\
examples:
  python -m experiments speed
  make peers && python -m experiments speed --peers .venv-peers/bin/python
  python -m experiments speed --shape 1 128 128 128 --classes 4 --losses dice lovasz
  python -m experiments distance --peers .venv-peers/bin/python

studies:
  speed      milliseconds of value and gradient of each loss on this machine
  distance   milliseconds of exact distance maps, of the Hausdorff loss and of steps of
             training under boundary losses
"""


def parser() -> options.Parser:
    """The command line."""
    parsed = options.Parser(
        prog="python -m experiments", description=__doc__, epilog=EXAMPLES
    )
    defaults = speed.Config()
    positive = options.at_least(1)
    add = parsed.add_argument
    add(
        "name",
        type=options.one_of(["speed", "distance"]),
        metavar="NAME",
        help="which study",
    )
    add(
        "--shape",
        type=positive,
        nargs="+",
        metavar="N",
        help="pixels, such as 8 256 256 (default: that with 2, 4 and 20 classes, and "
        "1 128 128 128 with 4)",
    )
    add(
        "--classes",
        type=options.at_least(2),
        nargs="+",
        default=(4,),
        metavar="C",
        help="numbers of classes, with --shape (default 4)",
    )
    add(
        "--losses",
        type=options.loss_name,
        nargs="+",
        default=defaults.losses,
        metavar="NAME",
        help="losses of the catalog (default all)",
    )
    add(
        "--rounds",
        type=positive,
        default=defaults.rounds,
        metavar="N",
        help="how often all is measured, in turn with --peers (default 3)",
    )
    add(
        "--repeats",
        type=positive,
        default=defaults.repeats,
        metavar="N",
        help="timed calls of each in a round (default 10)",
    )
    add(
        "--peers",
        type=Path,
        metavar="PYTHON",
        help="a Python with the other libraries, to measure those in the same run",
    )
    add(
        "--out",
        type=Path,
        metavar="DIR",
        help="where rows.jsonl goes (default runs/NAME)",
    )
    return parsed  # fmt: skip


def cases(shape: Sequence[int] | None, classes: Sequence[int]) -> tuple:
    """What to measure: one shape with each number of classes, or the defaults."""
    if shape is None:
        return speed.Config().cases
    return tuple((tuple(shape), count) for count in classes)


def run_speed(arguments: argparse.Namespace, out: Path) -> None:
    """Measures every loss, prints the table, writes the rows."""
    config = speed.Config(
        cases=cases(arguments.shape, arguments.classes),
        losses=tuple(arguments.losses),
        rounds=arguments.rounds,
        repeats=arguments.repeats,
    )
    turns = len(config.losses) + (arguments.peers is not None)
    total = len(config.cases) * config.rounds * turns
    with bar(total, "speed", "loss") as progress:

        def tick(what: str) -> None:
            progress.set_postfix_str(what)
            progress.update()

        rows, peers = speed.run(config, tick, arguments.peers)
    if peers:
        write_rows(out / "peers.jsonl", peers)
    print(speed.table(rows))
    write_rows(out / "rows.jsonl", rows)


def run_distance(arguments: argparse.Namespace, out: Path) -> None:
    """Measures distance maps, prints the table, writes the rows."""
    config = distance_speed.Config(repeats=arguments.repeats)
    libraries = 2 + len(config.losses) + (arguments.peers is not None)
    turns = config.rounds * libraries
    with bar(turns, "distance", "turn") as progress:

        def tick(what: str) -> None:
            progress.set_postfix_str(what)
            progress.update()

        rows = distance_speed.run(config, tick, arguments.peers)
    print(distance_speed.table(rows))
    write_rows(out / "rows.jsonl", rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs, prints the table, writes the rows; 2 after a user's mistake."""
    try:
        arguments = parser().parse_args(argv)
        out = options.made_folder(arguments.out or Path("runs") / arguments.name)
        {"speed": run_speed, "distance": run_distance}[arguments.name](arguments, out)
        print(f"wrote {out / 'rows.jsonl'}")
    except UserError as error:
        print(f"experiments: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
