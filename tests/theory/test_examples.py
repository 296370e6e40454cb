import math
from fractions import Fraction

from theory.engines import examples


def test_equal_numbers_agree_exactly():
    found = examples.agree({"a": Fraction(1, 3), "b": 2, "c": 9}, {"a": Fraction(2, 6)})
    assert (found.slack, found.cases, found.method) == (0, 1, "enumeration")
    assert found.holds


def test_the_worst_number_is_the_witness():
    found = examples.agree({"a": 1, "b": 5}, {"a": 2, "b": Fraction(1, 2)})
    assert found.slack == Fraction(-9, 2)
    assert found.witness == {"number": "b", "found": 5, "expected": Fraction(1, 2)}
    assert found.refutes


def test_floats_have_a_tolerance():
    close = examples.agree({"a": 1 + 1e-13}, {"a": 1.0}, tolerance=1e-12)
    assert close.holds
    assert close.method == "samples"
    assert not examples.agree({"a": 1.1}, {"a": 1.0}, tolerance=1e-12).holds


def test_nan_never_agrees():
    found = examples.agree({"a": 7.0, "b": math.nan}, {"a": 0.0, "b": 1.0}, tolerance=9)
    assert found.witness["number"] == "b"
    assert not found.holds
