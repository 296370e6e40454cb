import dataclasses
import math
from fractions import Fraction

import jax.numpy as jnp
import pytest

from theory.claim import Check, Claim, Evidence, UndecidedError, Verdict, settle


def evidence(slack, tolerance=0.0, witness=None):
    return Evidence(slack, tolerance, 1, "samples", witness or {"x": 1})


def claim(**change):
    facts = {
        "id": "X01",
        "source": "nobody",
        "where": "nowhere",
        "statement": "1 <= 2",
        "assumes": "nothing",
        "verdict": Verdict.HOLDS,
        "proof": "count",
        "checks": (Check("one", lambda: evidence(1.0)),),
        "twins": (Check("two", lambda: evidence(-1.0)),),
        "values": {"one": 1.0},
    }
    return Claim(**{**facts, **change})


@pytest.mark.parametrize(
    ("slack", "tolerance", "holds", "refutes"),
    [
        (1.0, 0.0, True, False),
        (0.0, 0.0, True, False),
        (-1e-9, 1e-8, True, False),
        (-1e-7, 1e-8, False, True),
        (Fraction(-1, 10**30), 0.0, False, True),
        (math.nan, 1.0, False, False),
        (-math.inf, 0.0, False, True),
    ],
)
def test_evidence_by_its_slack(slack, tolerance, holds, refutes):
    found = evidence(slack, tolerance)
    assert (found.holds, found.refutes) == (holds, refutes)


def test_without_a_witness_nothing_is_refuted():
    assert not Evidence(-1.0, 0.0, 1, "samples", {}).refutes


@pytest.mark.parametrize(
    ("verdict", "field"),
    [
        (Verdict.CORRECTED, "correction"),
        (Verdict.FAILS, "counterexample"),
        (Verdict.DEPENDS, "readings"),
    ],
)
def test_a_verdict_comes_with_its_reason(verdict, field):
    with pytest.raises(ValueError, match=f"needs a {field}"):
        claim(verdict=verdict)
    reason = {"a": "b"} if field == "readings" else "because"
    assert claim(verdict=verdict, **{field: reason}).verdict == verdict


def test_unknown_verdicts_and_repeated_names_are_refused():
    with pytest.raises(ValueError, match="not a valid Verdict"):
        claim(verdict="perhaps")
    once = Check("one", lambda: evidence(1.0))
    with pytest.raises(ValueError, match="distinct names"):
        claim(checks=(once, once))
    with pytest.raises(ValueError, match="distinct names"):
        claim(twins=())


def test_settle_reports_the_contradiction():
    good = Check("good", lambda: evidence(Fraction(1, 3)))
    bad = Check("bad", lambda: evidence(-0.5, 0.1))
    assert settle(claim(checks=(good,))).consistent
    both = settle(claim(checks=(good, bad)))
    assert not both.consistent
    assert both.worst is both.evidence["bad"]


def test_checks_run_in_float64():
    def run():
        return evidence(0.0, witness={"dtype": str(jnp.zeros(1).dtype)})

    found = settle(claim(checks=(Check("dtype", run),))).evidence["dtype"]
    assert found.witness == {"dtype": "float64"}


def test_an_engine_that_gives_up_contradicts():
    def run():
        raise UndecidedError("too many boxes")

    settled = settle(claim(checks=(Check("open", run),)))
    assert not settled.consistent
    assert settled.evidence["open"].witness == {"undecided": "too many boxes"}
    assert settled.worst is settled.evidence["open"]


def test_values_may_be_computed():
    assert claim(values=lambda: {"x": 2.0}).reference_values() == {"x": 2.0}


def test_claims_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        claim().id = "X02"  # pyright: ignore[reportAttributeAccessIssue]
