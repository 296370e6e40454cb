"""The command line of the audit of other libraries."""

import argparse
from pathlib import Path

from experiments import audit, audit_report
from experiments.peer_calls import LIBRARIES
from jaxseg.cli import options
from jaxseg.errors import UserError
from jaxseg.files import write_json, write_rows, write_text

SUMMARY = "what other libraries say to the golden vectors (docs/vectors.json)"
REPORT = "report.md"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the audit."""
    names = tuple(library.name for library in LIBRARIES)
    add = parser.add_argument
    add(
        "--peers",
        type=Path,
        metavar="PYTHON",
        help="a Python with more of the libraries, such as `make peers` builds",
    )
    add(
        "--only",
        type=options.one_of(names),
        metavar="LIBRARY",
        help=f"one of {', '.join(names)} (default all)",
    )
    add(
        "--out",
        type=Path,
        metavar="DIR",
        help="where report.md, rows.jsonl and versions.json go (default runs/audit)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Asks, prints a line for each library and loss, writes the report.

    Raises:
      UserError: no library that is asked for is installed.
    """
    only = arguments.only
    libraries = [x for x in LIBRARIES if only in (None, x.name)]
    vectors = audit.read_vectors()
    out = options.make_folder(arguments.out or Path("runs") / "audit")
    given = arguments.peers
    pythons = [*([] if given is None else [given]), audit.own_python()]
    rows, versions = audit.audit(vectors, pythons, libraries)
    if not rows:
        names = ", ".join(library.name for library in libraries)
        raise UserError(
            f"not installed: {names}; --peers PYTHON names a Python that has more"
        )
    print(audit_report.summary(rows, versions))
    write_rows(out / "rows.jsonl", rows)
    write_json(out / "versions.json", versions)
    write_text(out / REPORT, audit_report.report(rows, versions))
    print(f"wrote {out / REPORT}, rows.jsonl and versions.json")
