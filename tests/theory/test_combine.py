import math
from fractions import Fraction

from theory.claim import Evidence
from theory.engines.combine import worst_of


def of(slack, cases, name):
    return Evidence(slack, 0.0, cases, "enumeration", {"name": name})


def test_the_least_slack_with_all_cases():
    found = worst_of([of(0.5, 3, "a"), of(Fraction(-1, 3), 4, "b"), of(0, 5, "c")])
    assert (found.slack, found.cases, found.witness) == (
        Fraction(-1, 3),
        12,
        {"name": "b"},
    )


def test_the_first_of_equals_and_undecided_before_all():
    tied = [of(0, 1, "first"), of(0, 1, "second")]
    assert worst_of(tied).witness == {"name": "first"}
    found = worst_of([of(-1, 1, "violated"), of(math.nan, 2, "open")])
    assert math.isnan(found.slack)
    assert not found.holds
