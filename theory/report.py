"""Settled claims as a table, as JSON and as prose."""

import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from jaxseg.files import write_text
from theory.claim import Claim, Evidence, Settled

WIDTH = 88
_OPTIONAL = ("correction", "readings", "counterexample")


def as_json(value: Any) -> Any:
    """`value` in JSON's own types: fractions as "p/q", what is not finite as null."""
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): as_json(entry) for key, entry in value.items()}
    if isinstance(value, (str, bool)) or value is None:
        return value
    if isinstance(value, (list, tuple)):
        return [as_json(entry) for entry in value]
    plain = np.asarray(value).tolist()
    if isinstance(plain, list):
        return as_json(plain)
    if isinstance(plain, float):
        return plain + 0.0 if math.isfinite(plain) else None
    return plain


def evidence_record(name: str, evidence: Evidence) -> dict[str, Any]:
    """One check's evidence; the slack is a number, or null where undecided."""
    return {
        "check": name,
        "method": evidence.method,
        "holds": evidence.holds,
        "slack": as_json(float(evidence.slack)),
        "tolerance": evidence.tolerance,
        "cases": evidence.cases,
        "witness": as_json(evidence.witness),
    }


def record(settled: Settled) -> dict[str, Any]:
    """One claim as JSON; all but `seconds` is the same in every run."""
    claim = settled.claim
    facts = {
        name: as_json(getattr(claim, name))
        for name in ("id", "source", "where", "statement", "assumes", "verdict")
    }
    answers = {
        name: as_json(getattr(claim, name))
        for name in _OPTIONAL
        if getattr(claim, name) is not None
    }
    return {
        **facts,
        **answers,
        "values": as_json(claim.reference_values()),
        "evidence": [evidence_record(*pair) for pair in settled.evidence.items()],
        "seconds": round(settled.seconds, 3),
    }


def write_json(path: Path, results: Sequence[Settled]) -> None:
    """A list of one object per claim, whole or not at all."""
    text = json.dumps([record(settled) for settled in results], indent=1)
    write_text(path, text + "\n")


def table(results: Sequence[Settled]) -> str:
    """One line per claim."""
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
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def _row(settled: Settled) -> tuple[str, ...]:
    claim, evidence = settled.claim, settled.evidence.values()
    return (
        claim.id,
        claim.source,
        str(claim.verdict),
        _number(settled.worst.slack),
        f"{sum(e.cases for e in evidence):,}",
        ", ".join(dict.fromkeys(e.method for e in evidence)),
        f"{settled.seconds:.1f}",
        "ok" if settled.consistent else "CONTRADICTED",
    )


def _number(value: float | Fraction) -> str:
    return f"{float(value) + 0.0:.2g}"


def explanation(settled: Settled) -> str:
    """Everything about one claim, for a reader."""
    claim = settled.claim
    parts = [f"{claim.id}  {claim.source}, {claim.where}", f"Verdict: {claim.verdict}"]
    parts += [
        _paragraph(title, text)
        for title, text in (
            ("Statement", claim.statement),
            ("Assumes", claim.assumes),
            ("Correction", claim.correction),
        )
        if text
    ]
    parts += [
        _paragraph(f"Reading: {reading}", answer)
        for reading, answer in (claim.readings or {}).items()
    ]
    if claim.counterexample:
        parts.append(_paragraph("Counterexample", claim.counterexample))
    parts.append(_paragraph("Proof", claim.proof))
    parts.append(_values(claim))
    parts.append("Evidence\n" + evidence_lines(settled.evidence))
    return "\n\n".join(parts)


def _paragraph(title: str, text: str) -> str:
    body = textwrap.fill(
        text,
        WIDTH,
        initial_indent="  ",
        subsequent_indent="  ",
        break_on_hyphens=False,
    )
    return f"{textwrap.fill(title, WIDTH)}\n{body}"


def _values(claim: Claim) -> str:
    values = claim.reference_values()
    width = max(map(len, values))
    lines = [f"  {name:<{width}}  {value:.12g}" for name, value in values.items()]
    return "\n".join(["Reference values", *lines])


def evidence_lines(found: Mapping[str, Evidence], *, says: Any = None) -> str:
    """One indented line per check; `says` turns evidence into a word."""
    says = says or (lambda evidence: "ok" if evidence.holds else "CONTRADICTED")
    width = max(map(len, found))
    return "\n".join(
        f"  {name:<{width}}  {says(evidence)}: slack {_number(evidence.slack)}, "
        f"{evidence.cases:,} cases, {evidence.method}; {_witness(evidence)}"
        for name, evidence in found.items()
    )


def _witness(evidence: Evidence, limit: int = 72) -> str:
    text = json.dumps(as_json(evidence.witness), ensure_ascii=False)
    text = text.replace('"', "")[1:-1]
    return text if len(text) <= limit else text[: limit - 3] + "..."
