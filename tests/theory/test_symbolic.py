import math

import sympy

from theory.engines import symbolic

X, Y = sympy.symbols("x y", positive=True)


def test_an_identity_holds():
    found = symbolic.identity((X + Y) ** 2, X**2 + 2 * X * Y + Y**2)
    assert found.holds
    assert found.slack == 0
    assert found.cases == symbolic.PROBES


def test_a_false_one_gets_a_witness():
    found = symbolic.identity(X / (X + Y), X / (X + 2 * Y))
    assert found.refutes
    x, y = found.witness["x"], found.witness["y"]
    assert found.slack == -float(x / (x + y) - x / (x + 2 * y))


def test_numbers_without_symbols():
    assert symbolic.identity(sympy.sqrt(8), 2 * sympy.sqrt(2)).holds
    assert symbolic.identity(sympy.sqrt(2), sympy.Rational(7, 5)).refutes


def test_the_worst_of_several():
    found = symbolic.identities([(X, X), (X, X + 3), (X, X + 1)])
    assert found.slack == -3
    assert found.cases == 3  # no symbol is left to probe


def test_equal_at_probes_but_not_proved_is_undecided(monkeypatch):
    monkeypatch.setattr(sympy, "simplify", lambda expression: X)
    found = symbolic.identity(X - Y, X - Y)
    assert math.isnan(found.slack)
    assert not found.holds
    assert not found.refutes
