"""``python -m theory``: settles the claims, or explains one, or tries the false ones.

Settling all takes one to three minutes on two cores, the longer time where nothing is
in JAX's compilation cache yet.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from jaxseg import rooms
from jaxseg.cli.answers import answer
from jaxseg.cli.options import Parser, at_least, loss_name
from jaxseg.cli.progress import bar
from jaxseg.errors import UserError
from jaxseg.files import write_text
from jaxseg.losses import CATALOG
from theory import document
from theory.claim import Claim, Evidence, Settled, settle, try_twins
from theory.explain import evidence_lines, findings, introduction
from theory.proofs import assistant, sources, standing
from theory.proofs.report import lines_of
from theory.registry import CLAIMS, find
from theory.report import json_text, table, write_json
from theory.settling import settle_all

CONTRADICTED = 1
STDOUT = Path("-")


def _parser(prog: str, description: str, examples: Sequence[str]) -> Parser:
    epilog = "examples:\n" + "\n".join(f"  {line}" for line in examples)
    return Parser(prog=prog, description=description, epilog=epilog)


def _add_processes(parser: Parser) -> None:
    parser.add_argument(
        "--processes",
        type=at_least(1),
        default=min(2, os.cpu_count() or 1),
        metavar="N",
        help="how many to use for many claims; default %(default)s",
    )


def _settle_parser() -> Parser:
    parser = _parser(
        "jaxseg theory",
        "Settles claims of the papers and prints a table, progress on stderr.\n"
        "The exit status is 1 if any evidence contradicts its recorded verdict.\n"
        "More commands: `show ID` explains a claim, `twins` tries false ones,\n"
        "`proofs` has theorems checked by Coq, `card NAME` tells what a loss is\n"
        "like, `report` writes REPORT.md.",
        (
            "jaxseg theory",
            "jaxseg theory E18 L06",
            "jaxseg theory --json claims.json",
            "jaxseg theory show E18",
            "jaxseg theory twins",
            "jaxseg theory proofs",
            "jaxseg theory card dice",
            "jaxseg theory report",
        ),
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="claims; all by default")
    parser.add_argument(
        "--json",
        type=Path,
        nargs="?",
        const=STDOUT,
        metavar="FILE",
        help="also write one object per claim; without FILE print them, not the table",
    )
    _add_processes(parser)
    return parser


def _show_parser() -> Parser:
    parser = _parser(
        "jaxseg theory show",
        "Explains one claim: statement, hypotheses, verdict, proof, values, evidence.",
        ("jaxseg theory show E18", "jaxseg theory show L12"),
    )
    parser.add_argument("id", metavar="ID", help=", ".join(CLAIMS))
    return parser


def _twins_parser() -> Parser:
    parser = _parser(
        "jaxseg theory twins",
        "Runs false versions of every check; each must be refuted by a witness.\n"
        "The exit status is 1 if any is not.",
        ("jaxseg theory twins", "jaxseg theory twins E18 L06"),
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="claims; all by default")
    return parser


def _report_parser() -> Parser:
    parser = _parser(
        "jaxseg theory report",
        "Settles all claims and writes them as a document, the errata first.\n"
        "The exit status is 1 if any evidence contradicts its recorded verdict.",
        ("jaxseg theory report", "jaxseg theory report --out claims.md"),
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=document.FILE if rooms.in_checkout() else Path(document.FILE.name),
        metavar="FILE",
        help="where to; default %(default)s",
    )
    _add_processes(parser)
    return parser


def _check_writable(path: Path, flag: str) -> None:
    if not path.parent.is_dir():
        raise UserError(f"the folder {path.parent} of {flag} {path} does not exist")
    if path.is_dir():
        raise UserError(f"the {flag} file {path} is a folder")


def _settle_with_progress(claims: Sequence[Claim], processes: int) -> list[Settled]:
    """Settles the claims behind a line with rate and time left."""
    line = bar(len(claims), "claims", "claim")

    def done(settled: Settled) -> None:
        if not settled.consistent:
            line.write(f"{settled.claim.id} CONTRADICTED", file=sys.stderr)
        line.set_postfix_str(settled.claim.id, refresh=False)
        line.update()

    with line:
        return settle_all(claims, processes=processes, done=done)


def _status(results: Sequence[Settled]) -> int:
    return 0 if all(settled.consistent for settled in results) else CONTRADICTED


def _settle(argv: Sequence[str]) -> int:
    options = _settle_parser().parse_args(argv)
    claims = find(options.ids)
    if options.json not in (None, STDOUT):
        _check_writable(options.json, "--json")
    results = _settle_with_progress(claims, options.processes)
    if options.json == STDOUT:
        print(json_text(results))
        return _status(results)
    print(table(results, colours=_colours()))
    if options.json is not None:
        write_json(options.json, results)
    return _status(results)


def _colours() -> bool:
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def _show(argv: Sequence[str]) -> int:
    options = _show_parser().parse_args(argv)
    (claim,) = find([options.id])
    print(introduction(claim), end="\n\n", flush=True)  # to be read in the meantime
    settled = settle(claim)
    print(findings(settled))
    return _status([settled])


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


def _proofs_parser() -> Parser:
    parser = _parser(
        "jaxseg theory proofs",
        "Has Coq check the theorems, which hold for images of every size, and prints\n"
        "each beside its claim: its file compiles, it rests on no axiom but those of\n"
        "the reals, the negation of its false twin is proved, and its own proof is\n"
        "refused for the twin. The exit status is 1 if any of this is not so.",
        ("jaxseg theory proofs", "jaxseg theory proofs E18 L06"),
    )
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help="claims with a theorem; all by default"
    )
    _add_processes(parser)
    return parser


def _proofs(argv: Sequence[str]) -> int:
    options = _proofs_parser().parse_args(argv)
    known = sources.theorems()
    for claim in find(options.ids) if options.ids else ():
        if claim.id not in known:
            stated = ", ".join(known)
            raise UserError(f"claim {claim.id} has no theorem; these have: {stated}")
    version = assistant.need_coq()
    outcomes = []
    with bar(len(options.ids or known), "theorems", "theorem") as line:

        def done(outcome: assistant.Outcome) -> None:
            line.write(lines_of(CLAIMS[outcome.theorem.claim], outcome))
            line.update()

        outcomes = assistant.check(options.ids, processes=options.processes, done=done)
    proved = [outcome.theorem.claim for outcome in outcomes if outcome.proved]
    standing.remember(proved, version)
    print(f"{len(proved)} of {len(outcomes)} theorems proved, Coq {version}")
    return 0 if len(proved) == len(outcomes) else CONTRADICTED


def _outcome(evidence: Evidence) -> str:
    return "refuted" if evidence.refutes else "NOT REFUTED"


def _card_parser() -> Parser:
    parser = _parser(
        "jaxseg theory card",
        "What a loss is like: range, minimisers, convexity, Lipschitz constant of the\n"
        "gradient, invariances, images without foreground, confident mistakes. All is\n"
        "found out anew; without NAME a table of all losses. --write keeps the cards\n"
        "in the file that `jaxseg losses NAME` reads. All take a few minutes.",
        ("jaxseg theory card dice", "jaxseg theory card --write"),
    )
    parser.add_argument("names", nargs="*", type=loss_name, metavar="NAME")
    parser.add_argument(
        "--write", action="store_true", help="write the file; all losses, no NAME"
    )
    return parser


def _card(argv: Sequence[str]) -> int:
    options = _card_parser().parse_args(argv)
    if options.write and options.names:
        raise UserError("--write takes no NAME: it writes the cards of all losses")
    # here, since examining losses takes more to load than explaining a claim
    from theory.cards import card as cards

    names = options.names or list(CATALOG)
    found = {}
    with bar(len(names), "losses", "loss") as line:
        for name in names:
            found[name] = cards.card_of(name)
            line.update()
    if options.write:
        cards.write(found)
    if options.names:
        print("\n\n".join(cards.explanation(n, card) for n, card in found.items()))
    else:
        print(cards.table(found))
    return 0


def _report(argv: Sequence[str]) -> int:
    options = _report_parser().parse_args(argv)
    _check_writable(options.out, "--out")
    results = _settle_with_progress(list(CLAIMS.values()), options.processes)
    write_text(options.out, document.document(results))
    return _status(results)


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "show": _show,
    "twins": _twins,
    "proofs": _proofs,
    "card": _card,
    "report": _report,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    given = list(sys.argv[1:] if argv is None else argv)

    def work() -> int:
        if given and given[0] in COMMANDS:
            return COMMANDS[given[0]](given[1:])
        return _settle(given)

    return answer("jaxseg theory", work, last=argv is None)


if __name__ == "__main__":
    sys.exit(main())
