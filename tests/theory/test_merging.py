import math
from fractions import Fraction

import pytest

from theory.claim import Evidence, worst_of
from theory.engines.enumeration import worst_case


def of(slack, cases, name):
    return Evidence(slack, 0.0, cases, "enumeration", {"name": name})


def test_the_least_slack_with_all_cases():
    found = worst_of([of(0.5, 3, "a"), of(Fraction(-1, 3), 4, "b"), of(0, 5, "c")])
    assert (found.slack, found.cases, found.witness) == (
        Fraction(-1, 3),
        12,
        {"name": "b"},
    )


def test_the_first_of_equals():
    assert worst_of([of(0, 1, "first"), of(0, 1, "second")]).witness == {
        "name": "first"
    }


def test_what_is_undecided_is_not_lost():
    found = worst_of([of(0.5, 1, "holds"), of(math.nan, 2, "open"), of(0, 4, "tight")])
    assert math.isnan(found.slack)
    assert not found.holds
    assert not found.refutes
    assert found.cases == 7


def test_a_violation_stays_one_beside_what_is_undecided():
    found = worst_of([of(math.nan, 2, "open"), of(-1, 1, "violated")])
    assert found.refutes
    assert found.cases == 3


def test_a_small_violation_is_worse_than_a_larger_rounding():
    """-1e-9 violates an exact check; -1e-6 is within the tolerance of another."""
    rounded = Evidence(-1e-6, 1e-5, 1, "enumeration", {"name": "rounded"})
    exact = of(Fraction(-1, 10**9), 1, "exact")
    assert worst_of([rounded, exact]) == worst_of([exact, rounded])
    assert worst_of([rounded, exact]).refutes


def test_several_methods_are_not_one():
    searched = Evidence(1.0, 0.0, 1, "search", {"x": 1})
    with pytest.raises(ValueError, match="enumeration, search"):
        worst_of([of(0, 1, "a"), searched])


def test_cases_of_searches_within_a_case_are_counted():
    def slack(size):
        return of(Fraction(size), 10 * size, "inner").with_slack(Fraction(-size))

    found = worst_case([1, 2, 3], slack, describe=lambda size: {"size": size})
    assert (found.slack, found.cases, found.witness) == (-3, 60, {"size": 3})
    plain = worst_case([1, 2, 3], lambda size: Fraction(size), describe=lambda s: {})
    assert plain.cases == 3
