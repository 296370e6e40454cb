"""Settled claims as a table and as JSON."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from jaxseg.files import write_text
from theory.claim import Evidence, Settled, Verdict
from theory.proofs import standing

WIDTH = 88
_OPTIONAL = ("correction", "readings", "counterexample")


def to_plain(value: Any) -> Any:
    """`value` in JSON's own types: fractions as "p/q", what is not finite as null."""
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): to_plain(entry) for key, entry in value.items()}
    if isinstance(value, (str, bool)) or value is None:
        return value
    if isinstance(value, (list, tuple)):
        return [to_plain(entry) for entry in value]
    if isinstance(value, frozenset):
        return [to_plain(entry) for entry in sorted(value)]
    plain = np.asarray(value).tolist()
    if isinstance(plain, list):
        return to_plain(plain)
    if isinstance(plain, float):
        return plain + 0.0 if math.isfinite(plain) else None
    return plain


def evidence_record(name: str, evidence: Evidence) -> dict[str, Any]:
    """One check's evidence; the slack is a number, or null where undecided."""
    return {
        "check": name,
        "method": evidence.method,
        "holds": evidence.holds,
        "slack": to_plain(float(evidence.slack)),
        "tolerance": evidence.tolerance,
        "cases": evidence.cases,
        "witness": to_plain(evidence.witness),
    }


def record(settled: Settled) -> dict[str, Any]:
    """One claim as JSON; all but `seconds` is the same in every run.

    A claim with a theorem has `proof`, with `checked` if Coq has accepted it here.
    """
    claim = settled.claim
    facts = {
        name: to_plain(getattr(claim, name))
        for name in ("id", "source", "where", "statement", "assumes", "verdict")
    }
    answers = {
        name: to_plain(getattr(claim, name))
        for name in _OPTIONAL
        if getattr(claim, name) is not None
    }
    return {
        **facts,
        **answers,
        **_proof_record(claim.id),
        "values": to_plain(claim.reference_values()),
        "evidence": [evidence_record(*pair) for pair in settled.evidence.items()],
        "seconds": round(settled.seconds, 3),
    }


def _proof_record(claim: str) -> dict[str, Any]:
    here = standing.here()
    if claim not in here.theorems:
        return {}
    theorem = here.theorems[claim]
    return {
        "proof": {
            "theorem": claim,
            "file": f"theory/proofs/{theorem.module}.v",
            "statement": theorem.statement,
            "checked": claim in here.checked,
        }
    }


def json_text(results: Sequence[Settled]) -> str:
    """A list of one object per claim."""
    return json.dumps([record(settled) for settled in results], indent=1)


def write_json(path: Path, results: Sequence[Settled]) -> None:
    """`json_text` as a file, whole or not at all."""
    write_text(path, json_text(results) + "\n")


COLOURS = {
    Verdict.HOLDS: "32",
    Verdict.CORRECTED: "33",
    Verdict.FAILS: "31",
    Verdict.DEPENDS: "36",
    "CONTRADICTED": "1;31",
}
"""Of words in the table, as codes of a terminal."""


def table(results: Sequence[Settled], *, colours: bool = False) -> str:
    """One line per claim, and at the end how many there are and have been proved.

    Args:
      results: at least one.
      colours: whether to colour verdicts, for a terminal.
    """
    head = (
        "id",
        "source",
        "verdict",
        "worst slack",
        "cases",
        "methods",
        "seconds",
        "evidence",
    )
    rows = [head, *map(_row, results)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = [
        "  ".join(
            _painted(cell, cell.ljust(width), colours)
            for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    proved = standing.here().summary(settled.claim.id for settled in results)
    return "\n".join([*lines, tally(results), *([proved] if proved else [])])


def tally(results: Sequence[Settled]) -> str:
    """How many claims there are of each verdict, and what their evidence says."""
    verdicts = Counter(settled.claim.verdict for settled in results)
    counts = ", ".join(f"{verdicts[v]} {v}" for v in Verdict if verdicts[v])
    against = sum(not settled.consistent for settled in results)
    said = f"evidence contradicts {against}" if against else "all evidence agrees"
    return f"{len(results)} claims: {counts}; {said}"


def _painted(word: str, cell: str, colours: bool) -> str:
    code = COLOURS.get(word)
    painted = f"\x1b[{code}m{word}\x1b[0m"
    return painted + cell[len(word) :] if colours and code else cell


def _row(settled: Settled) -> tuple[str, ...]:
    claim, evidence = settled.claim, settled.evidence.values()
    proof = ["proof"] if claim.id in standing.here().checked else []
    return (
        claim.id,
        claim.source,
        str(claim.verdict),
        number(settled.worst.slack),
        f"{sum(e.cases for e in evidence):,}",
        ", ".join([*proof, *dict.fromkeys(e.method for e in evidence)]),
        f"{settled.seconds:.1f}",
        "ok" if settled.consistent else "CONTRADICTED",
    )


def number(value: float | Fraction) -> str:
    """Two digits of a slack."""
    return f"{float(value) + 0.0:.2g}"
