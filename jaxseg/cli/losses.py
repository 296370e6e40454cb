"""`jaxseg losses`: what losses there are, and one in full."""

import argparse
import inspect
from collections.abc import Mapping

from jaxseg.cli import options
from jaxseg.losses import CATALOG
from jaxseg.losses.cards import summary
from jaxseg.losses.entry import Entry, SpecialCase
from jaxseg.losses.ranges import range_of

EXAMPLES = """\
examples:
  jaxseg losses                 all of them, by family
  jaxseg losses tversky         formula, source and hyper-parameters of one
"""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    parser.add_argument("name", nargs="?", type=options.loss_name, metavar="NAME")


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
    facts = {
        "formula": entry.formula,
        "source": f"{entry.paper}: {entry.equation}",
        "in Python": entry.function,
        "hyper-parameters": _list_ranges(entry) or "none",
        "range": _range(entry),
        "empty masks": _empty(entry),
        "equals": "\n".join(_case(case) for case in entry.special_cases),
    }
    lines = [f"{entry.name}   ({entry.family})"]
    for name, text in facts.items():
        for number, line in enumerate(text.splitlines()):
            lines.append(f"  {'' if number else name:<18}{line}")
    lines += ["", "found by machine on images of 2 x 3 pixels and two classes"]
    lines += [f"  {title:<31}{said}" for title, said in summary(entry.name)]
    return "\n".join([*lines, "", inspect.getdoc(entry.build) or ""])


def _list_ranges(entry: Entry) -> str:
    """Defaults with their ranges, one a line."""
    lines = []
    for name, value in entry.defaults.items():
        legal = range_of(entry.name, name)
        lines.append(f"{name}={value!r}" + (f", {legal}" if legal else ""))
    return "\n".join(lines)


def _settings(hyper: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in hyper.items())


def _range(entry: Entry) -> str:
    low, high = (f"{bound:.4g}".replace("inf", "∞") for bound in entry.bounds)
    perfect = (
        "depends on the labels at a perfect prediction"
        if entry.perfect is None
        else f"{entry.perfect:g} at a perfect prediction"
    )
    return f"{low} to {high} under a softmax; {perfect}"


def _empty(entry: Entry) -> str:
    no_pixel = "0 where no pixel counts"
    if entry.learns_from_empty:
        return f"{no_pixel}; an image without foreground has a gradient"
    return (
        f"{no_pixel}; where foreground is the only class, an image\n"
        "without it has no gradient, whatever is predicted"
    )


def _case(case: SpecialCase) -> str:
    with_mine = f"with {_settings(case.hyper)}" if case.hyper else "on hard labels"
    other = f"{case.name}({_settings(case.other)})" if case.other else case.name
    return f"{other} {with_mine}"
