"""The `jaxseg` command: its subcommands, and one place where mistakes are answered."""

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from jaxseg import __version__, rooms
from jaxseg.cli.answers import answer
from jaxseg.cli.options import Parser

EXAMPLES = """\
examples:
  jaxseg demo                                       the whole idea, in minutes
  jaxseg losses                                     what losses there are
  jaxseg check --data DIR                           what data there are, and problems
  jaxseg train --data DIR --loss dice_ce --steps 2000 --size 128 160 --out runs/a
  jaxseg evaluate --run runs/a --data DIR --split test
  jaxseg predict --run runs/a --images DIR/test/images --out masks

Compiled programs are kept in $XDG_CACHE_HOME/jaxseg (~/.cache/jaxseg), up to 4 GB;
JAX_COMPILATION_CACHE_DIR=DIR names another place, JAX_ENABLE_COMPILATION_CACHE=0 keeps
none.
"""
COMMANDS = {
    "demo": "verify, draw, train and evaluate once, on embedded data",
    "losses": "list the losses, or explain one",
    "check": "look through a data folder once, and make folds",
    "train": "train a network with a loss of the catalog",
    "calibrate": "fit a run's probabilities to frequencies on held-back cases",
    "evaluate": "score a run on held-back cases",
    "predict": "write masks for a folder of images or volumes",
}
"""Each is a module of this package with `EXAMPLES`, `add_flags` and `main`."""
ROOMS = {
    "theory": "settle the papers' claims about losses, or explain one",
    "study": "try the papers' findings again: which loss for these data?",
    "figures": "draw losses, claims and results",
}
"""Each is a package with a command line of its own, see `jaxseg.rooms`."""
CACHE_BYTES = 4 * 10**9


def parser(only: str | None = None) -> Parser:
    """The command line of all subcommands.

    Args:
      only: command whose module alone is imported; the others are listed.
    """
    main_parser = Parser(
        prog="jaxseg",
        description="Segmentation losses in JAX: train with them, see and trust them.",
        epilog=EXAMPLES,
    )
    main_parser.add_argument(
        "-V", "--version", action="version", version=f"jaxseg {__version__}"
    )
    commands = main_parser.add_subparsers(
        required=True, metavar="COMMAND", parser_class=Parser
    )
    for name, summary in COMMANDS.items():
        if only not in (None, name):
            commands.add_parser(name, help=summary)
            continue
        module = importlib.import_module(f"jaxseg.cli.{name}")
        added = commands.add_parser(
            name, help=summary, description=module.__doc__, epilog=module.EXAMPLES
        )
        module.add_flags(added)
        added.set_defaults(run_command=module.main)
    for name, summary in ROOMS.items():
        commands.add_parser(name, help=summary)
    return main_parser


def keep_programs() -> None:
    """Keeps compiled programs, where the environment does not say otherwise."""
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    place = Path(home) / "jaxseg"
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:  # nothing can be kept there: everything is compiled anew
        return
    if not os.access(place, os.W_OK):
        return
    import jax

    jax.config.update("jax_compilation_cache_dir", str(place))
    jax.config.update("jax_compilation_cache_max_size", CACHE_BYTES)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; 0 if it did its work, 2 after a user's mistake.

    A command may return another status: `jaxseg check` 1 if it found errors.
    """
    given = list(sys.argv[1:] if argv is None else argv)

    def work() -> int | None:
        if given and given[0] in ROOMS:
            keep_programs()
            return rooms.command(given[0])(given[1:])
        only = given[0] if given and given[0] in COMMANDS else "none"
        arguments = parser(only).parse_args(given)
        keep_programs()
        return arguments.run_command(arguments)

    name = f"jaxseg {given[0]}" if given and given[0] in ROOMS else "jaxseg"
    return answer(name, work, last=argv is None)
