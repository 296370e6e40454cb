"""`python -m experiments NAME`: runs a study; without a name, lists them."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from experiments.accelerator import command as accelerator
from jaxseg.cli import options
from jaxseg.cli.answers import answer
from jaxseg.errors import UserError

EXAMPLES = """\
examples:
  jaxseg study odyssey --data DIR --scale cpu --workers 2
  jaxseg study odyssey --help
  jaxseg study odyssey --data DIR --scale cpu --cluster scheduler.json
  jaxseg study odyssey --scale cpu --status
  jaxseg study slurm --tasks 32 odyssey --data DIR --scale cpu > study.sh
  jaxseg study report experiments/reports/odyssey
  jaxseg study speed --losses dice cross_entropy
  make peers && jaxseg study speed --peers .venv-peers/bin/python
  jaxseg study audit --peers .venv-peers/bin/python
  jaxseg study accelerator --minutes 8 --out runs/gpu
"""
ACCELERATOR = "accelerator"
"""Runs where only JAX is installed, so that its name is looked at before all others."""


def measurements_of() -> dict[str, tuple[str, Callable, Callable]]:
    """What measures this library and others, by name: its summary, flags and run."""
    from experiments import audit_command, timings

    return {
        "audit": (
            audit_command.SUMMARY,
            audit_command.add_flags,
            audit_command.run,
        ),
        "speed": (
            "milliseconds of value and gradient of each loss on this machine",
            timings.add_speed,
            timings.run_speed,
        ),
        "distance": (
            "milliseconds of distance maps, Hausdorff losses and steps with them",
            timings.add_common,
            timings.run_distance,
        ),
        "step_speed": (
            "milliseconds of a U-Net's training step, 2D and 3D",
            timings.add_common,
            timings.run_step_speed,
        ),
        "worker_speed": (
            "jobs an hour of several workers of one core, and of one of all cores",
            timings.add_workers,
            timings.run_workers,
        ),
    }


def accelerator_parser() -> options.Parser:
    """The command line of the accelerator's command alone."""
    parsed = options.Parser(
        prog="jaxseg study accelerator",
        description=accelerator.__doc__,
        epilog=accelerator.EXAMPLES,
    )
    accelerator.add_flags(parsed)
    return parsed


def parser() -> options.Parser:
    """The command line."""
    from experiments.protocol import command, slurm
    from experiments.registry import STUDIES

    parsed = options.Parser(prog="jaxseg study", description=__doc__, epilog=EXAMPLES)
    commands = parsed.add_subparsers(dest="name", metavar="NAME", required=True)
    for name, study in STUDIES.items():
        added = commands.add_parser(
            name,
            help=f"{study.summary} ({study.paper})",
            description=study.description,
            epilog=study.examples,
        )
        command.add_flags(added, study)
    for name, (summary, add_flags, run) in measurements_of().items():
        added = commands.add_parser(name, help=summary, description=summary)
        add_flags(added)
        added.set_defaults(run=run)
    commands.add_parser(ACCELERATOR, help=accelerator.SUMMARY)
    batch = commands.add_parser(
        "slurm",
        help=slurm.SUMMARY,
        description=slurm.DESCRIPTION,
        epilog=slurm.EXAMPLES,
    )
    slurm.add_flags(batch)
    again = commands.add_parser(
        "report",
        help="write the report on stored results again",
        description="Computes a report again from the results kept beside it, and "
        "prints it; exit status 1 if it differs from the one that is kept.",
    )
    again.add_argument(
        "--write", action="store_true", help="keep it, with its pictures drawn anew"
    )
    again.add_argument("folder", type=Path, metavar="DIR", help="such as "
                       "experiments/reports/odyssey")  # fmt: skip
    again.set_defaults(run=report)
    return parsed


def report(arguments: argparse.Namespace) -> int:
    """Prints the report, or keeps it; 1 if another one is kept."""
    from experiments.protocol import command
    from experiments.registry import STUDIES

    folder: Path = arguments.folder
    about = command.read_results(folder).about
    name = str(about.get("study"))
    if name not in STUDIES:
        raise UserError(f"{folder} holds results of {name!r}, which is no study here")
    if arguments.write:
        for place in command.rewrite_report(STUDIES[name], folder):
            print(f"wrote {place}")
        return 0
    text = command.report_again(STUDIES[name], folder)
    print(text, end="")
    kept = folder / command.REPORT
    if kept.is_file() and kept.read_text() != text:
        print(f"{kept} differs from this", file=sys.stderr)
        return 1
    return 0


def write_script(argv: Sequence[str]) -> None:
    """Prints a batch script."""
    from experiments.protocol import slurm

    own, study = slurm.split(argv)
    arguments = parser().parse_args(own)
    print(slurm.script(arguments, study, parser().parse_args), end="")


def _require_known(name: str) -> None:
    """Refuses a name that there is not, with the nearest one."""
    from experiments.registry import STUDIES

    try:
        others = [*measurements_of(), ACCELERATOR, "report", "slurm"]
        options.one_of([*STUDIES, *others])(name)
    except argparse.ArgumentTypeError as error:
        raise UserError(f"{error}; see jaxseg study --help") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Runs; 2 after a user's mistake."""
    given = sys.argv[1:] if argv is None else list(argv)
    status = answer("jaxseg study", lambda: _run(given), last=argv is None)
    if argv is None and given[:1] == [ACCELERATOR]:
        # What was broken off may still compile: a tear-down would end in a crash.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def _run(argv: list[str]) -> int:
    if not argv:
        parser().print_help()
        return 0
    if argv[0] == ACCELERATOR:
        accelerator.run(accelerator_parser().parse_args(argv[1:]))
        return 0
    from experiments.protocol import command
    from experiments.registry import STUDIES

    if argv[0][0:1] != "-":
        _require_known(argv[0])
    if argv[0] == "slurm":
        write_script(argv)
        return 0
    arguments = parser().parse_args(argv)
    if arguments.name in STUDIES:
        command.run(STUDIES[arguments.name], arguments, argv)
        return 0
    return arguments.run(arguments) or 0


if __name__ == "__main__":
    sys.exit(main())
