"""`jaxseg losses`: what losses there are, and one in full."""

import argparse
import inspect

from jaxseg.cli import options
from jaxseg.losses import CATALOG
from jaxseg.losses.catalog import Entry

EXAMPLES = """\
examples:
  jaxseg losses                 all of them, by family
  jaxseg losses tversky         formula, source and hyper-parameters of one
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the command's flags."""
    parser = commands.add_parser(
        "losses",
        help="list the losses, or explain one",
        description=__doc__,
        epilog=EXAMPLES,
    )
    parser.add_argument("name", nargs="?", type=options.loss_name, metavar="NAME")
    parser.set_defaults(run_command=main)


def main(arguments: argparse.Namespace) -> None:
    """Prints the list or the one."""
    print(explain(CATALOG[arguments.name]) if arguments.name else listing())


def listing() -> str:
    """All losses by family, one a line."""
    lines = []
    for family in dict.fromkeys(entry.family for entry in CATALOG.values()):
        lines.append(family)
        for entry in CATALOG.values():
            if entry.family == family:
                source = f"{entry.paper}: {entry.equation}"
                lines.append(f"  {entry.name:<28}{entry.formula}")
                lines.append(f"  {'':<28}{source}")
    return "\n".join(lines)


def explain(entry: Entry) -> str:
    """One loss in full."""
    defaults = ", ".join(f"{k}={v!r}" for k, v in entry.defaults.items()) or "none"
    return "\n".join(
        [
            f"{entry.name}   ({entry.family})",
            f"  formula           {entry.formula}",
            f"  source            {entry.paper}: {entry.equation}",
            f"  in Python         {entry.function}",
            f"  hyper-parameters  {defaults}",
            "",
            inspect.getdoc(entry.build) or "",
        ]
    )
