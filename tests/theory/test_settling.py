"""Claims settled in several processes are the same as in one."""

import pytest

from theory.claim import Verdict, settle
from theory.registry import CLAIMS
from theory.report import record
from theory.settling import FEW, settle_all


def without_seconds(results):
    records = [record(settled) for settled in results]
    assert all(entry.pop("seconds") >= 0 for entry in records)
    return records


def test_few_claims_stay_in_this_process(monkeypatch):
    monkeypatch.setattr("theory.settling.multiprocessing", None)
    told = []
    results = settle_all([CLAIMS["E17"]], processes=2, done=told.append)
    assert told == results
    assert results[0].consistent


@pytest.mark.slow
def test_all_claims_in_two_processes():
    """Two runs agree in every number, the order is that of the registry."""
    claims = list(CLAIMS.values())
    assert len(claims) > FEW
    told = []
    results = settle_all(claims, processes=2, done=told.append)
    assert [settled.claim.id for settled in results] == list(CLAIMS)
    assert len(told) == len(claims)
    assert {settled.claim.verdict for settled in results} == set(Verdict)
    here = [settle(claim) for claim in claims]
    assert without_seconds(results) == without_seconds(here)
