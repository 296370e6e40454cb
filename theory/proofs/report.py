"""A theorem beside its claim, as text."""

import textwrap

from theory.claim import Claim
from theory.proofs.assistant import Outcome


def lines_of(claim: Claim, outcome: Outcome) -> str:
    """What is claimed, what is proved, and what Coq says about it."""
    theorem = outcome.theorem
    rests = "the axioms of the reals" if outcome.axioms else "no axiom"
    said = (
        f"proved, on {rests}; its false twin is refuted, and refused by its proof"
        if outcome.proved
        else f"NOT PROVED: {outcome.error}"
    )
    return "\n".join(
        [
            f"{claim.id}  {claim.source}, {claim.where}: {claim.verdict}",
            _entry("claim", claim.statement),
            *([_entry("corrected", claim.correction)] if claim.correction else []),
            _entry("theorem", theorem.statement, wrap=False),
            _entry(f"{theorem.module}.v", said),
            "",
        ]
    )


def _entry(title: str, text: str, *, wrap: bool = True) -> str:
    """A title and its text, which starts on the next line where it is long."""
    body = textwrap.fill(text, 84, break_on_hyphens=False) if wrap else text
    body = textwrap.dedent(f"  {body}") if not wrap else body
    return f"  {title}\n{textwrap.indent(body, ' ' * 4)}"
