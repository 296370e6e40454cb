"""The papers' statements and the verdicts on them: docs/claims.md."""

from collections import Counter
from pathlib import Path

from theory.claim import Claim, Verdict
from theory.registry import CLAIMS

FILE = Path(__file__).parents[1] / "docs" / "claims.md"
TEXT = """# What the papers claim, and what holds

Each statement is an executable claim: `python -m theory show ID` prints its hypotheses,
proof, counterexample, reference numbers and evidence, `python -m theory` gathers the
evidence for all of them anew, and every checker has a false twin that it refutes. This
table is written by `python -m tests.readme` from the claims themselves.

"""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _answer(claim: Claim) -> str:
    """The correction, readings or counterexample behind a verdict."""
    parts = []
    if claim.correction:
        parts.append(claim.correction)
    if claim.readings:
        parts += [f"*{reading}*: {said}" for reading, said in claim.readings.items()]
    if claim.counterexample and claim.verdict in (Verdict.FAILS, Verdict.CORRECTED):
        parts.append(f"Counterexample: {claim.counterexample}")
    return "<br>".join(_cell(part) for part in parts)


def document() -> str:
    counts = Counter(claim.verdict for claim in CLAIMS.values())
    tally = ", ".join(f"{counts[v]} {v}" for v in Verdict if counts[v])
    lines = [
        f"{len(CLAIMS)} statements: {tally}.",
        "",
        "| id | where | statement | verdict | correction, readings, counterexample |",
        "|---|---|---|---|---|",
    ]
    for claim in CLAIMS.values():
        place = f"{claim.source}, {claim.where}" if claim.where else claim.source
        cells = claim.id, _cell(place), _cell(claim.statement), str(claim.verdict)
        lines.append(f"| {' | '.join(cells)} | {_answer(claim)} |")
    return TEXT + "\n".join(lines) + "\n"
