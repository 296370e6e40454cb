"""The report: errata first, every claim once, pictures that exist."""

import re

import pytest

from theory import document
from theory.claim import Verdict
from theory.registry import CLAIMS

TEXT = document.FILE.read_text()


def test_what_needs_no_evidence_is_as_the_claims_say():
    claims = list(CLAIMS.values())
    assert TEXT.startswith(document.head(claims) + document.ERRATA)
    assert document.errata(claims) in TEXT
    assert document.readings(claims) in TEXT


def test_errata_come_first_and_can_be_checked_by_hand():
    errata = TEXT[TEXT.index("## Errata") : TEXT.index("## Right on one reading")]
    rows = re.findall(r"^\| \[(\w+)\]\(#\w+\) \|(.*)\|$", errata, re.MULTILINE)
    wrong = {
        name
        for name, claim in CLAIMS.items()
        if claim.verdict in (Verdict.FAILS, Verdict.CORRECTED)
        and claim.source in document.PAPERS
    }
    assert {name for name, _ in rows} == wrong
    for name, row in rows:
        cells = re.split(r"(?<!\\)\|", row)
        assert len(cells) == 4, name
        assert all(cell.strip() for cell in cells), name
        assert CLAIMS[name].counterexample, name


def test_every_claim_has_one_section():
    assert re.findall(r"^#### (\w+)$", TEXT, re.MULTILINE) == list(CLAIMS)
    assert TEXT.index("## New results") < TEXT.index("#### N01")


@pytest.mark.parametrize("name", document.FIGURES)
def test_figures_of_claims_exist(name):
    assert name in CLAIMS
    for picture in document.FIGURES[name]:
        assert (document.FILE.parent / document.GALLERY / picture).is_file()
