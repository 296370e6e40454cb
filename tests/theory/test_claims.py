"""Every claim is supported by its evidence, every false twin is refuted."""

import json
import math

import jax.numpy as jnp
import numpy as np
import pytest

from theory import document
from theory.claim import gather, settle, try_twins
from theory.explain import explanation, python_code
from theory.proofs import sources
from theory.registry import CLAIMS
from theory.report import record

KEYS = {
    "id",
    "source",
    "where",
    "statement",
    "assumes",
    "verdict",
    "values",
    "evidence",
    "seconds",
}
REPORT = document.FILE.read_text()


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


def check_evidence(result):
    failed = {k: e for k, e in result.evidence.items() if not e.holds}
    assert result.consistent, failed
    assert all(evidence.witness for evidence in result.evidence.values())
    assert all(evidence.cases > 0 for evidence in result.evidence.values())


def check_record(result):
    """Whole, and of JSON's own types and finite numbers."""
    found, claim = record(result), result.claim
    optional = {"correction", "readings", "counterexample"}
    proof = {"proof"} if claim.id in sources.theorems() else set()
    assert set(found) == KEYS | {key for key in optional if getattr(claim, key)} | proof
    assert json.loads(json.dumps(found), parse_constant=refuse) == found
    assert all(math.isfinite(value) for value in found["values"].values())
    for evidence, check in zip(found["evidence"], claim.checks, strict=True):
        assert evidence["check"] == check.name
        assert evidence["holds"] is True
        assert isinstance(evidence["slack"], float)
        assert isinstance(evidence["cases"], int)


def check_explanation(result):
    """Says everything, and its worst cases are Python."""
    claim = result.claim
    text = " ".join(explanation(result).split())
    parts = [claim.statement, claim.assumes, claim.proof, f"Verdict: {claim.verdict}"]
    parts += [claim.correction, claim.counterexample]
    parts += [word for pair in (claim.readings or {}).items() for word in pair]
    parts += [*claim.reference_values(), *(check.name for check in claim.checks)]
    assert [part for part in parts if part and part not in text] == []
    pasted = {}
    exec(python_code(result), pasted)
    for name, evidence in result.evidence.items():
        assert set(pasted["worst"][name]) == set(map(str, evidence.witness))


def check_report(result):
    assert document.section(result).rstrip() in REPORT, "run `python -m theory report`"


def check_twins(claim):
    missed = {k: e for k, e in try_twins(claim).items() if not e.refutes}
    assert not missed


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim(name):
    """Evidence, record, explanation, document and twins: settled once for all."""
    result = settle(CLAIMS[name])
    check_evidence(result)
    check_record(result)
    check_explanation(result)
    check_report(result)
    check_twins(CLAIMS[name])


def test_a_worst_case_pastes_as_what_it_was():
    result = settle(CLAIMS["L25"])
    pasted = {}
    exec(python_code(result), pasted)
    found, given = pasted["worst"]["one class"], result.evidence["one class"].witness
    np.testing.assert_array_equal(found["logits"], given["logits"])
    exact = result.evidence["linear, exact"].witness
    assert pasted["worst"]["linear, exact"] == exact


def test_every_checker_has_a_twin():
    for claim in CLAIMS.values():
        refuted = {getattr(twin.run, "func", twin.run) for twin in claim.twins}
        assert {check.run for check in claim.checks} <= refuted, claim.id


def test_all_engines_are_used():
    for method in ("enumeration", "interval", "symbolic", "search", "samples"):
        assert f"({method}" in REPORT


def test_checks_leave_the_precision_alone():
    gather(CLAIMS["E17"].checks[0])
    assert jnp.zeros(1).dtype == jnp.float32
