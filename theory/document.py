"""The claims as a document: errata first, then every statement, then what is new."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from theory.claim import Claim, Settled, Verdict
from theory.proofs import sources

FILE = Path(__file__).with_name("REPORT.md")
GALLERY = "../figures/gallery"
PAPERS = {
    "Eelbode 2020": "Eelbode et al. 2020, Optimization for medical image segmentation",
    "Liu 2022": "Liu et al. 2022, Do we really need Dice?",
    "Ma 2021": "Ma et al. 2021, Loss odyssey in medical image segmentation",
    "Galdran 2022": "Galdran et al. 2022, On the optimal combination of cross-entropy "
    "and soft Dice losses",
}
NEW = "beyond the papers"
FIGURES: Mapping[str, tuple[str, ...]] = {
    "E18": ("finite_images.png",),
    "E27": ("tversky_plane.png",),
    "E31": ("eelbode_fig1.png", "tversky_plane.png"),
    "E32": ("eelbode_fig1.png",),
    "E34": ("eelbode_fig2.png",),
    "L06": ("simplex.png",),
    "L09": ("marginals.png",),
    "L19": ("marginals.png",),
    "L20": ("marginals.png",),
    "L22": ("marginals.png",),
    "L23": ("temperature.png",),
    "L24": ("temperature.png",),
    "N03": ("lovasz_gap.png",),
    "N05": ("thresholds.png",),
    "N25": ("pull.png",),
    "N27": ("hamming_prevalence.png",),
}
"""Pictures in the gallery that show what a claim says."""

HEAD = """# The mathematics of four papers, checked by machine

Written by `python -m theory report` from the claims and their evidence; the tests
compare it with both. {tally}

* **holds**: as printed. **holds-corrected**: not as printed, but with the correction
  given. **fails**: no small correction saves it. **depends**: the text allows several
  readings, and they have different answers.
* `python -m theory show E18` prints one claim with its worst cases as Python code;
  `python -m theory` gathers all evidence anew; `python -m theory twins` runs the false
  version of each check, which its witness must refute.
* How a check looks: *enumeration* tries all cases of some size in exact arithmetic,
  *interval* bounds a function over a box with certainty, *symbolic* is algebra,
  *search* is gradient ascent from many starts, *samples* are random draws.
* A *proof* is a theorem in Coq, for images of every size: {proved} claims have one.
  `make proofs` checks them; [proofs/README.md](proofs/README.md) tells what they say.

"""
ERRATA = """## Errata

What is printed and not so, with a case that can be redone by hand. Where the text
allows a reading under which it is right, see the next section.

"""
READINGS = """## Right on one reading

"""


def _cell(text: str) -> str:
    """Text in a table: no line ends, bars, tags or emphasis by accident."""
    return re.sub(r"([|<>*])", r"\\\1", " ".join(text.split()))


def _of(claims: Iterable[Claim], source: str, *verdicts: Verdict) -> list[Claim]:
    return [c for c in claims if c.source == source and c.verdict in verdicts]


def _link(claim: Claim) -> str:
    return f"[{claim.id}](#{claim.id.lower()})"


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


def errata(claims: Sequence[Claim]) -> str:
    """What fails or needs a correction, by paper."""
    lines = []
    for source, title in PAPERS.items():
        wrong = _of(claims, source, Verdict.FAILS, Verdict.CORRECTED)
        rows = [
            (
                _link(claim),
                _cell(claim.where),
                _cell(claim.statement),
                _cell(claim.correction or ""),
                _cell(claim.counterexample or claim.proof),
            )
            for claim in wrong
        ]
        head = ("claim", "where", "printed", "corrected", "by hand")
        lines += [f"### {title}", "", *_rows(head, rows)]
    return "\n".join(lines) + "\n"


def readings(claims: Sequence[Claim]) -> str:
    """What is true on one reading and false on another, by paper."""
    lines = []
    for source, title in PAPERS.items():
        rows = [
            (
                _link(claim),
                _cell(claim.where),
                _cell(claim.statement),
                "<br>".join(
                    f"*{_cell(reading)}*: {_cell(answer)}"
                    for reading, answer in (claim.readings or {}).items()
                ),
            )
            for claim in _of(claims, source, Verdict.DEPENDS)
        ]
        head = ("claim", "where", "printed", "readings")
        lines += [f"### {title}", "", *_rows(head, rows)]
    return "\n".join(lines) + "\n"


def section(settled: Settled) -> str:
    """All about one claim."""
    claim = settled.claim
    parts = [f"#### {claim.id}", f"**{claim.verdict}** ({_cell(claim.where)})"]
    parts.append(f"> {_cell(claim.statement)}")
    for title, text in (
        ("Assumes", claim.assumes),
        ("Correction", claim.correction),
        ("Counterexample", claim.counterexample),
    ):
        if text:
            parts.append(f"*{title}.* {_cell(text)}")
    if claim.readings:
        parts.append(
            "\n".join(
                f"* *{_cell(reading)}*: {_cell(answer)}"
                for reading, answer in claim.readings.items()
            )
        )
    parts.append(f"*Proof.* {_cell(claim.proof)}")
    values = claim.reference_values().items()
    parts.append("*Numbers.* " + ", ".join(f"`{k}` {_number(v)}" for k, v in values))
    parts.append("*Evidence.* " + _evidence(settled) + ".")
    for name in FIGURES.get(claim.id, ()):
        parts.append(f"![{claim.id}]({GALLERY}/{name})")
    return "\n\n".join(parts) + "\n\n"


def _number(value: float) -> str:
    return f"{0.0 if abs(value) < 1e-12 else value:.6g}"


def _evidence(settled: Settled) -> str:
    """The theorem, then the checks and how they looked.

    Boxes of an interval search are not counted.
    """
    theorem = sources.theorems().get(settled.claim.id)
    said = []
    if theorem:
        said.append(f"theorem [{theorem.claim}](proofs/{theorem.module}.v) (proof)")
    for name, found in settled.evidence.items():
        counted = "" if found.method == "interval" else f", {found.cases:,} cases"
        said.append(f"{_cell(name)} ({found.method}{counted})")
    return "; ".join(said)


def head(claims: Sequence[Claim]) -> str:
    """Title, how to read it, and what there is."""
    verdicts = Counter(claim.verdict for claim in claims)
    counts = ", ".join(f"{verdicts[v]} {v}" for v in Verdict if verdicts[v])
    proved = sum(claim.id in sources.theorems() for claim in claims)
    return HEAD.format(tally=f"{len(claims)} statements: {counts}.", proved=proved)


def document(results: Sequence[Settled]) -> str:
    """The whole document."""
    claims = [settled.claim for settled in results]
    parts = [head(claims), ERRATA, errata(claims), READINGS, readings(claims)]
    parts.append("## All statements\n\n")
    for source, title in {**PAPERS, NEW: ""}.items():
        name = f"## New results\n\n{_INTRODUCTION}" if source == NEW else f"### {title}"
        parts.append(f"{name}\n\n")
        parts += [section(s) for s in results if s.claim.source == source]
    return "".join(parts).rstrip() + "\n"


_INTRODUCTION = (
    "Statements that the papers do not make, each with a proof or a certificate."
)
