"""`jaxseg check`: what a data folder holds, every problem by name, and folds of it."""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from jaxseg.cli import options
from jaxseg.cli.label_flags import add_labels, labels_from_flags
from jaxseg.cli.progress import bar
from jaxseg.cli.train_data import lost_objects
from jaxseg.data.check import DataReport, Problem, check_folder
from jaxseg.data.collection import list_cases, splits
from jaxseg.data.folds import make_folds
from jaxseg.data.geometry import extents
from jaxseg.errors import UserError, number_of
from jaxseg.files import write_json
from jaxseg.training.sources import SPLITS

EXAMPLES = """\
examples:
  jaxseg check --data DIR                 counts, sizes, classes and every problem
  jaxseg check --data DIR --json          the same for programs
  jaxseg check --data DIR --labels 0=background 255=polyp
  jaxseg check --data DIR --folds 5 --seed 0 --out folds.json
  jaxseg train --data DIR --folds folds.json --fold 0 --loss dice_ce ...

Errors are what training refuses: files that cannot be read, sizes that do not fit,
values of masks that mean no class. Notes are what it takes: how values are read, empty
masks, copies of an image, copies in two splits. Exit status 1 if there is an error.
Folds keep copies together.
"""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    add = parser.add_argument
    add("--data", required=True, type=Path, metavar="DIR", help="data folder")
    add_labels(parser)
    add(
        "--classes",
        dest="num_classes",
        type=options.at_least(2, at_most=255),
        metavar="N",
        help="number of classes (default: from dataset.json, or the training masks)",
    )
    add(
        "--size",
        type=options.at_least(1),
        nargs=2,
        metavar=("H", "W"),
        help="images: also count the objects that vanish at this size of training",
    )
    add(
        "--spacing",
        type=options.number_in(0, 1000, ends=False),
        nargs=3,
        metavar=("X", "Y", "Z"),
        help="volumes: also count the objects that vanish at this voxel size",
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
            arguments.data, labels_from_flags(arguments), tick=progress.update
        )
    report = _note_lost_objects(report, arguments.size, arguments.spacing)
    print(
        json.dumps(report.to_json(), indent=2)
        if arguments.json
        else format_report(report)
    )
    if arguments.folds is not None and arguments.out is not None:
        if not report.sound:
            raise UserError(
                f"--folds: {arguments.data} has errors that training would refuse"
            )
        folds = make_folds(
            report.hashes(chosen),
            arguments.folds,
            arguments.seed,
            report.patients(chosen),
        )
        write_json(arguments.out, folds.to_json())
        if not arguments.json:
            sizes = ", ".join(str(len(fold)) for fold in folds.members)
            print(f"wrote {arguments.out}: folds of {sizes} cases")
    return 0 if report.sound else 1


def _note_lost_objects(
    report: DataReport, size: list[int] | None, spacing_mm: list[float] | None
) -> DataReport:
    """The report with a note for each split that loses objects."""
    if report.labels is None or (size is None and spacing_mm is None):
        return report
    flag, kind = ("--size", "images") if size is not None else ("--spacing", "volumes")
    if report.kind != kind:
        raise UserError(f"{flag} goes with {kind}, not with {report.kind}")
    notes = []
    for split, cases in report.splits.items():
        if cases:
            lost = lost_objects(cases, report.labels, size, spacing_mm)
            text = None if lost is None else lost.text()
            if text is not None:
                notes.append(Problem("note", "shrunk", f"{split}: {text}"))
    return dataclasses.replace(report, problems=report.problems + notes)


def _count(folder: Path, names: list[str]) -> int:
    """Cases of all splits that can be listed."""
    total = 0
    for split in names:
        try:
            total += len(list_cases(folder, split))
        except UserError:  # the check itself tells
            continue
    return total


def format_report(report: DataReport) -> str:
    """The report as lines of text."""
    content = report.to_json()
    known = report.labels is not None
    classes = f"{report.num_classes} classes" if known else "classes unknown"
    lines = [f"{report.folder}: {report.kind}, {classes}"]
    if report.labels is not None and not report.labels.plain:
        lines.append(f"masks: {report.labels.told()}")
    splits_known = sorted(content["splits"].items(), key=lambda item: _place(item[0]))
    for split, facts in splits_known:
        lines += [f"{split}: {number_of(facts['cases'], 'case')}", *_facts(facts)]
    for gravity, title in (("error", "errors"), ("note", "notes")):
        some = [p["text"] for p in content["problems"] if p["gravity"] == gravity]
        of_them = title[:-1] if len(some) == 1 else title
        lines.append(f"{len(some)} {of_them}" + (":" if some else ""))
        lines += [f"  {text}" for text in some]
    return "\n".join(lines)


def _place(split: str) -> tuple[int, str]:
    """Training first, then validation and test, then all else by name."""
    return (SPLITS.index(split) if split in SPLITS else len(SPLITS), split)


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
    low, middle, high = (extents(values[kind]) for kind in ("min", "median", "max"))
    return low if low == high else f"{low} to {high}, median {middle}"
