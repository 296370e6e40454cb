"""The `jaxseg` command: its subcommands, and one place where mistakes are answered."""

import sys
import warnings
from collections.abc import Sequence

from jaxseg import __version__
from jaxseg.cli import check, demo, evaluate, losses, predict, train
from jaxseg.cli.options import Parser
from jaxseg.cli.pipes import reader_left
from jaxseg.errors import MISTAKE, UserError, tell

EXAMPLES = """\
examples:
  jaxseg demo                                       the whole idea, in minutes
  jaxseg losses                                     what losses there are
  jaxseg check --data DIR                           what data there are, and problems
  jaxseg train --data DIR --loss dice_ce --steps 2000 --size 128 160 --out runs/a
  jaxseg evaluate --run runs/a --data DIR --split test
  jaxseg predict --run runs/a --images DIR/test/images --out masks

beside it: python -m theory (the papers' claims), python -m figures (pictures)
"""


def parser() -> Parser:
    """The command line of all subcommands."""
    main_parser = Parser(
        prog="jaxseg",
        description="Segmentation losses in JAX: train with them, see and trust them.",
        epilog=EXAMPLES,
    )
    main_parser.add_argument(
        "--version", action="version", version=f"jaxseg {__version__}"
    )
    commands = main_parser.add_subparsers(
        required=True, metavar="COMMAND", parser_class=Parser
    )
    for module in (demo, losses, check, train, evaluate, predict):
        module.add_parser(commands)
    return main_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; 0 if it did its work, 2 after a user's mistake.

    A command may return another status: `jaxseg check` 1 if it found errors.
    """
    warnings.showwarning = _show_warning
    try:
        arguments = parser().parse_args(argv)
        status = arguments.run_command(arguments) or 0
        sys.stdout.flush()
    except UserError as error:
        tell(error)
        return MISTAKE
    except KeyboardInterrupt:
        print("jaxseg: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return reader_left()
    return status


def _show_warning(message, *_, **__) -> None:
    """One line on stderr instead of Python's two."""
    print(f"jaxseg: warning: {message}", file=sys.stderr)
