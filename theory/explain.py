"""One claim in full, for a reader: what it says, what it rests on, how to see it."""

import functools
import json
import textwrap
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from theory.claim import Check, Claim, Evidence, Settled
from theory.proofs import standing
from theory.report import WIDTH, number, to_plain

IMPORTS = "import numpy as np\nfrom fractions import Fraction"


def explanation(settled: Settled) -> str:
    """Everything about one claim; its last part can be pasted into Python."""
    return f"{introduction(settled.claim)}\n\n{findings(settled)}"


def introduction(claim: Claim) -> str:
    """What is claimed and why it is so: all that needs no evidence."""
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
    parts += _theorem(claim)
    parts.append(_values(claim))
    return "\n\n".join(parts)


def findings(settled: Settled) -> str:
    """The evidence and its worst cases, which can be pasted into Python."""
    worst = textwrap.indent(python_code(settled), "  ")
    return (
        f"Evidence\n{evidence_lines(settled.evidence)}\n\n"
        f"Worst cases, in Python\n{worst}"
    )


def _paragraph(title: str, text: str) -> str:
    body = textwrap.fill(
        text,
        WIDTH,
        initial_indent="  ",
        subsequent_indent="  ",
        break_on_hyphens=False,
    )
    return f"{textwrap.fill(title, WIDTH)}\n{body}"


def _theorem(claim: Claim) -> list[str]:
    """The theorem that proves the claim for all sizes, if there is one."""
    here = standing.here()
    if claim.id not in here.theorems:
        return []
    theorem = here.theorems[claim.id]
    head = (
        f"Proof for all sizes: theorem {claim.id} of theory/proofs/{theorem.module}.v, "
        f"{here.says(claim.id)}"
    )
    statement = textwrap.indent(textwrap.dedent(f"  {theorem.statement}"), "  ")
    return [f"{textwrap.fill(head, WIDTH)}\n{statement}"]


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
        f"  {name:<{width}}  {says(evidence)}: slack {number(evidence.slack)}, "
        f"{evidence.cases:,} cases, {evidence.method}; {_witness(evidence)}"
        for name, evidence in found.items()
    )


def _witness(evidence: Evidence, limit: int = 72) -> str:
    text = json.dumps(to_plain(evidence.witness), ensure_ascii=False)
    text = text.replace('"', "")[1:-1]
    return text if len(text) <= limit else text[: limit - 3] + "..."


def python_code(settled: Settled) -> str:
    """Code that names each check's worst case, and, as comments, how to run it again.

    Two worst cases of equal names are kept apart by the check's name as a key.
    """
    lines = [IMPORTS, "worst = {}"]
    for check in settled.claim.checks:
        witness = settled.evidence[check.name].witness
        lines += [f"# {call(check)}", f"worst[{check.name!r}] = {literal(witness)}"]
    return "\n".join(lines)


def call(check: Check) -> str:
    """The line that runs a check, such as theory.liu.bias.least(shift=0.1)."""
    run = check.run
    options = ""
    if isinstance(run, functools.partial):
        options = ", ".join(f"{k}={literal(v)}" for k, v in run.keywords.items())
        run = run.func
    return f"{run.__module__}.{run.__name__}({options})"


def literal(value: Any) -> str:
    """`value` as a Python expression of numbers, fractions, arrays and text."""
    if isinstance(value, Mapping):
        items = (f"{str(key)!r}: {literal(entry)}" for key, entry in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, (list, tuple)):
        entries = ", ".join(map(literal, value))
        if isinstance(value, list):
            return f"[{entries}]"
        return f"({entries},)" if len(value) == 1 else f"({entries})"
    if isinstance(value, frozenset):
        return f"frozenset([{', '.join(map(literal, sorted(value)))}])"
    if isinstance(value, Fraction):
        return f"Fraction({value.numerator}, {value.denominator})"
    if isinstance(value, (str, bool, int)) or value is None:
        return repr(value)
    plain = np.asarray(value)
    if plain.dtype.kind not in "biuf":
        return repr(str(value))
    if plain.ndim == 0:
        return _number_literal(plain.item())
    return f"np.array({_list(plain.tolist())})"


def _list(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_list, value)) + "]"
    return _number_literal(value)


def _number_literal(value: float) -> str:
    text = repr(value)
    return text.replace("inf", "np.inf").replace("nan", "np.nan")
