"""The command line of the studies that measure milliseconds."""

import argparse
import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from experiments import distance_speed, speed, step_speed, worker_speed
from jaxseg.cli import options
from jaxseg.cli.progress import bar
from jaxseg.files import write_rows


class Table(Protocol):
    """Rows to text."""

    def __call__(self, rows: Any, /) -> str:
        """The table."""
        ...


def add_speed(parser: argparse.ArgumentParser) -> None:
    """Flags of the study of losses."""
    defaults = speed.Config()
    add = parser.add_argument
    add(
        "--shape",
        type=options.at_least(1),
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
        type=options.at_least(1),
        default=defaults.rounds,
        metavar="N",
        help="how often all is measured, in turn with --peers (default 3)",
    )
    add_common(parser)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Flags of all studies that measure milliseconds."""
    add = parser.add_argument
    add(
        "--repeats",
        type=options.at_least(1),
        default=speed.Config().repeats,
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


def cases(shape: Sequence[int] | None, classes: Sequence[int]) -> tuple:
    """What to measure: one shape with each number of classes, or the defaults."""
    if shape is None:
        return speed.Config().cases
    return tuple((tuple(shape), count) for count in classes)


def run_speed(arguments: argparse.Namespace) -> None:
    """Measures every loss, prints the table, writes the rows."""
    out = _make_out(arguments, "speed")
    config = speed.Config(
        cases=cases(arguments.shape, arguments.classes),
        losses=tuple(arguments.losses),
        rounds=arguments.rounds,
        repeats=arguments.repeats,
    )
    turns = len(config.losses) + (arguments.peers is not None)
    total = len(config.cases) * config.rounds * turns
    with ticks(total, "speed", "loss") as tick:
        rows, peers = speed.run(config, tick, arguments.peers)
    if peers:
        write_rows(out / "peers.jsonl", peers)
    _tell(out, rows, speed.table)


def run_distance(arguments: argparse.Namespace) -> None:
    """Measures distance maps, prints the table, writes the rows."""
    out = _make_out(arguments, "distance")
    config = distance_speed.Config(repeats=arguments.repeats)
    libraries = 2 + len(config.losses) + (arguments.peers is not None)
    turns = config.rounds * libraries
    with ticks(turns, "distance", "turn") as tick:
        rows = distance_speed.run(config, tick, arguments.peers)
    _tell(out, rows, distance_speed.table)


def run_step_speed(arguments: argparse.Namespace) -> None:
    """Measures training steps, prints the table, writes the rows."""
    out = _make_out(arguments, "step_speed")
    config = step_speed.Config(repeats=arguments.repeats)
    turns = config.rounds * (len(config.cases) + (arguments.peers is not None))
    with ticks(turns, "step_speed", "turn") as tick:
        rows = step_speed.run(config, tick, arguments.peers)
    _tell(out, rows, step_speed.table)


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Flags of the comparison of workers."""
    defaults = worker_speed.Config()
    add = parser.add_argument
    add("--cases", nargs="+", type=options.one_of(defaults.cases), metavar="NAME",
        default=defaults.cases, help=f"of {', '.join(defaults.cases)}")  # fmt: skip
    add("--seconds", type=options.number_in(0, 3600, ends=False), metavar="S",
        default=defaults.seconds, help="of each way in a turn")  # fmt: skip
    add("--rounds", type=options.at_least(1), metavar="N",
        default=defaults.rounds, help="turns")  # fmt: skip
    add("--out", type=Path, metavar="DIR",
        help="where rows.jsonl goes (default runs/NAME)")  # fmt: skip


def run_workers(arguments: argparse.Namespace) -> None:
    """Measures ways to share the cores, prints the table, writes the rows."""
    out = _make_out(arguments, "worker_speed")
    config = worker_speed.Config(
        cases=tuple(arguments.cases),
        seconds=arguments.seconds,
        rounds=arguments.rounds,
    )
    total = 2 * config.rounds * len(config.cases)
    with ticks(total, "worker_speed", "turn") as tick:
        rows = worker_speed.run(config, tick)
    _tell(out, rows, worker_speed.table)


@contextlib.contextmanager
def ticks(total: int, what: str, unit: str) -> Iterator[Callable[[str], None]]:
    """A progress line and the function that moves it on by one, told what is done."""
    with bar(total, what, unit) as progress:

        def tick(what: str) -> None:
            progress.set_postfix_str(what)
            progress.update()

        yield tick


def _make_out(arguments: argparse.Namespace, name: str) -> Path:
    return options.make_folder(arguments.out or Path("runs") / name)


def _tell(out: Path, rows: list, table: Table) -> None:
    print(table(rows))
    write_rows(out / "rows.jsonl", rows)
    print(f"wrote {out / 'rows.jsonl'}")
