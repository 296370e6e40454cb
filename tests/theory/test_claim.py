import dataclasses
import math
from fractions import Fraction

import jax.numpy as jnp
import pytest

from theory.claim import (
    Claim,
    Evidence,
    UndecidedError,
    Verdict,
    settle,
    try_twins,
)


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
        "values": {"one": 1.0},
    }
    return Claim(**{**facts, **change})


def with_checks(**checks):
    stated = claim()
    for name, run in checks.items():
        stated.check(name)(run)
    return stated


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


def test_unknown_verdicts_are_refused():
    with pytest.raises(ValueError, match="not a valid Verdict"):
        claim(verdict="perhaps")


def room(*, less=0):
    return evidence(1 - less)


def test_checks_and_twins_are_stated_below_the_claim():
    stated = claim()
    assert stated.check("one")(stated.twin("two less", less=2)(room)) is room
    assert [check.name for check in stated.checks] == ["one"]
    assert [twin.name for twin in stated.twins] == ["two less"]
    assert settle(stated).evidence["one"].slack == 1
    assert try_twins(stated)["two less"].slack == -1
    assert stated.whole() is stated


def test_a_check_needs_a_twin_and_a_name_of_its_own():
    stated = claim()
    with pytest.raises(ValueError, match="without a twin: all"):
        stated.whole()
    stated.check("one")(room)
    with pytest.raises(ValueError, match=r"without a twin: \['one'\]"):
        stated.whole()
    with pytest.raises(ValueError, match="X01: checks need distinct names, not 'one'"):
        stated.check("one")(room)
    stated.twin("two less", less=2)(room)
    with pytest.raises(ValueError, match="distinct names"):
        stated.twin("two less", less=3)(room)


def test_settle_reports_the_contradiction():
    def good():
        return evidence(Fraction(1, 3))

    assert settle(with_checks(good=good)).consistent
    both = settle(with_checks(good=good, bad=lambda: evidence(-0.5, 0.1)))
    assert not both.consistent
    assert both.worst is both.evidence["bad"]


def test_checks_run_in_float64():
    def run():
        return evidence(0.0, witness={"dtype": str(jnp.zeros(1).dtype)})

    found = settle(with_checks(dtype=run)).evidence["dtype"]
    assert found.witness == {"dtype": "float64"}


def test_an_engine_that_gives_up_contradicts():
    def run():
        raise UndecidedError("too many boxes")

    settled = settle(with_checks(open=run))
    assert not settled.consistent
    assert settled.evidence["open"].witness == {"undecided": "too many boxes"}
    assert settled.worst is settled.evidence["open"]


def test_values_may_be_computed():
    assert claim(values=lambda: {"x": 2.0}).reference_values() == {"x": 2.0}


def test_claims_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        claim().id = "X02"  # pyright: ignore[reportAttributeAccessIssue]
