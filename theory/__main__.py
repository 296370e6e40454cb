"""``python -m theory``: settles the claims, or explains one, or tries the false ones.

Settling all takes about half a minute on two cores.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from jaxseg.cli.options import Parser
from jaxseg.errors import UserError
from theory.claim import Settled, settle, try_twins
from theory.registry import CLAIMS, find
from theory.report import evidence_lines, explanation, table, write_json

CONTRADICTED, USAGE = 1, 2


def _parser(prog: str, description: str, examples: Sequence[str]) -> Parser:
    epilog = "examples:\n" + "\n".join(f"  {line}" for line in examples)
    return Parser(prog=prog, description=description, epilog=epilog)


def _settle_parser() -> Parser:
    parser = _parser(
        "python -m theory",
        "Settles claims of the papers and prints a table, progress on stderr.\n"
        "The exit status is 1 if any evidence contradicts its recorded verdict.\n"
        "Two more commands: `show ID` explains a claim, `twins` tries false ones.",
        (
            "python -m theory",
            "python -m theory E18 L06",
            "python -m theory --json claims.json",
            "python -m theory show E18",
            "python -m theory twins",
        ),
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="claims; all by default")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write one object per claim"
    )
    return parser


def _show_parser() -> Parser:
    parser = _parser(
        "python -m theory show",
        "Explains one claim: statement, hypotheses, verdict, proof, values, evidence.",
        ("python -m theory show E18", "python -m theory show L12"),
    )
    parser.add_argument("id", metavar="ID", help=", ".join(CLAIMS))
    return parser


def _twins_parser() -> Parser:
    parser = _parser(
        "python -m theory twins",
        "Runs false versions of every check; each must be refuted by a witness.\n"
        "The exit status is 1 if any is not.",
        ("python -m theory twins", "python -m theory twins E18 L06"),
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="claims; all by default")
    return parser


def _check_writable(path: Path) -> None:
    if not path.parent.is_dir():
        raise UserError(f"the folder {path.parent} of --json {path} does not exist")
    if path.is_dir():
        raise UserError(f"the --json file {path} is a folder")


def _settle(argv: Sequence[str]) -> int:
    options = _settle_parser().parse_args(argv)
    claims = find(options.ids)
    if options.json is not None:
        _check_writable(options.json)
    results = []
    for number, claim in enumerate(claims, start=1):
        settled = settle(claim)
        results.append(settled)
        print(f"{number}/{len(claims)} {_progress(settled)}", file=sys.stderr)
    print(table(results))
    if options.json is not None:
        write_json(options.json, results)
    return 0 if all(settled.consistent for settled in results) else CONTRADICTED


def _progress(settled: Settled) -> str:
    outcome = "ok" if settled.consistent else "CONTRADICTED"
    return f"{settled.claim.id} {outcome}, {settled.seconds:.1f} s"


def _show(argv: Sequence[str]) -> int:
    options = _show_parser().parse_args(argv)
    (claim,) = find([options.id])
    settled = settle(claim)
    print(explanation(settled))
    return 0 if settled.consistent else CONTRADICTED


def _twins(argv: Sequence[str]) -> int:
    options = _twins_parser().parse_args(argv)
    status = 0
    for claim in find(options.ids):
        found = try_twins(claim)
        missed = [name for name, evidence in found.items() if not evidence.refutes]
        print(f"{claim.id}: {len(found) - len(missed)} of {len(found)} refuted")
        print(evidence_lines(found, says=_outcome), flush=True)
        status = CONTRADICTED if missed else status
    return status


def _outcome(evidence) -> str:
    return "refuted" if evidence.refutes else "NOT REFUTED"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    commands = {"show": _show, "twins": _twins}
    try:
        if argv and argv[0] in commands:
            return commands[argv[0]](argv[1:])
        return _settle(argv)
    except UserError as error:
        print(f"theory: {error}", file=sys.stderr)
        return USAGE


if __name__ == "__main__":
    sys.exit(main())
