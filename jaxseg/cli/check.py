"""`jaxseg check`: what a data folder holds, every problem by name, and folds of it."""

import argparse
import json
from pathlib import Path
from typing import Any

from jaxseg.cli import options
from jaxseg.cli.progress import bar
from jaxseg.data.check import Report, check_folder
from jaxseg.data.collection import list_cases, splits
from jaxseg.data.folds import make_folds
from jaxseg.errors import UserError
from jaxseg.files import write_json

EXAMPLES = """\
examples:
  jaxseg check --data DIR                 counts, sizes, classes and every problem
  jaxseg check --data DIR --json          the same for programs
  jaxseg check --data DIR --folds 5 --seed 0 --out folds.json
  jaxseg train --data DIR --folds folds.json --fold 0 --loss dice_ce ...

Errors are what training refuses: files that cannot be read, sizes that do not fit,
class ids out of range. Notes are what it takes: empty masks, copies of an image, copies
in two splits. Exit status 1 if there is an error. Folds keep copies together.
"""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    add = parser.add_argument
    add("--data", required=True, type=Path, metavar="DIR", help="data folder")
    add(
        "--classes",
        type=options.at_least(2, at_most=255),
        metavar="N",
        help="number of classes (default: from dataset.json, or the training masks)",
    )
    add("--json", action="store_true", help="print JSON in the place of text")
    add(
        "--folds",
        type=options.at_least(2),
        metavar="K",
        help="also divide cases into folds, written to --out",
    )
    add(
        "--split",
        action="append",
        metavar="S",
        help="splits whose cases the folds divide; may be repeated (default train)",
    )
    add(
        "--seed",
        type=options.at_least(0),
        default=0,
        metavar="N",
        help="of the folds (default 0)",
    )
    add("--out", type=Path, metavar="FILE", help="where the folds go")


def main(arguments: argparse.Namespace) -> int:
    """Checks, prints, and writes the folds; 1 if there is an error in the data."""
    chosen = arguments.split or ["train"]
    if (arguments.folds is None) != (arguments.out is None):
        raise UserError("--folds K and --out FILE go together")
    if arguments.out is not None and arguments.out.exists():
        raise UserError(f"--out {arguments.out} is there already")
    known = splits(arguments.data)
    for split in chosen:
        if arguments.folds is not None and split not in known:
            raise UserError(
                f"{arguments.data} has no split {split!r}: it has {', '.join(known)}"
            )
    with bar(_count(arguments.data, known), "checking", "case") as progress:
        report = check_folder(
            arguments.data, num_classes=arguments.classes, tick=progress.update
        )
    print(json.dumps(report.to_json(), indent=2) if arguments.json else as_text(report))
    if arguments.folds is not None and arguments.out is not None:
        if not report.sound:
            raise UserError(
                f"--folds: {arguments.data} has errors that training would refuse"
            )
        folds = make_folds(report.hashes(chosen), arguments.folds, arguments.seed)
        write_json(arguments.out, folds.to_json())
        if not arguments.json:
            sizes = ", ".join(str(len(fold)) for fold in folds.members)
            print(f"wrote {arguments.out}: folds of {sizes} cases")
    return 0 if report.sound else 1


def _count(folder: Path, names: list[str]) -> int:
    """Cases of all splits that can be listed."""
    total = 0
    for split in names:
        try:
            total += len(list_cases(folder, split))
        except UserError:  # the check itself tells
            continue
    return total


def as_text(report: Report) -> str:
    """The report as lines of text."""
    content = report.to_json()
    lines = [f"{report.folder}: {report.kind}, {report.num_classes} classes"]
    for split, facts in content["splits"].items():
        lines += [f"{split}: {facts['cases']} cases", *_facts(facts)]
    for gravity, title in (("error", "errors"), ("note", "notes")):
        some = [p["text"] for p in content["problems"] if p["gravity"] == gravity]
        lines.append(f"{len(some)} {title}" + (":" if some else ""))
        lines += [f"  {text}" for text in some]
    return "\n".join(lines)


def _facts(facts: dict[str, Any]) -> list[str]:
    shares = ", ".join(f"{100 * share:.3g} %" for share in facts["class_shares"])
    cases = ", ".join(str(count) for count in facts["cases_with_class"])
    foreground = facts["foreground_share"]
    rows = {
        "size": _extent(facts["shape"]),
        "channels": ", ".join(str(count) for count in facts["channels"]),
        "voxel size, mm": _extent(facts["spacing_mm"]) if "spacing_mm" in facts else "",
        "shares of classes": shares,
        "cases with class": cases,
        "foreground": f"mean {100 * foreground['mean']:.3g} %, from "
        f"{100 * foreground['min']:.3g} % to {100 * foreground['max']:.3g} %",
        "without foreground": str(facts["empty"]),
        "void": f"{100 * facts['void_share']:.3g} %" if facts["void_share"] else "",
    }
    return [f"  {name:<20}{value}" for name, value in rows.items() if value]


def _extent(values: dict[str, list]) -> str:
    low, middle, high = (
        "x".join(f"{n:g}" for n in values[kind]) for kind in ("min", "median", "max")
    )
    return low if low == high else f"{low} to {high}, median {middle}"
