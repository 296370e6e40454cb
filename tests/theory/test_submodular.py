import itertools
import math
from fractions import Fraction

import pytest

from theory.engines.submodular import diamonds


def by_subsets(function, firsts, seconds):
    """Least f(A) + f(B) - f(A or B) - f(A and B) over all pairs of subsets."""
    elements = [(k, i) for k, n in enumerate((firsts, seconds)) for i in range(n)]
    subsets = [
        frozenset(chosen)
        for size in range(len(elements) + 1)
        for chosen in itertools.combinations(elements, size)
    ]

    def value(chosen):
        first = sum(kind == 0 for kind, _ in chosen)
        return function(first, len(chosen) - first)

    return min(
        value(a) + value(b) - value(a | b) - value(a & b)
        for a in subsets
        for b in subsets
    )


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: Fraction(min(a + b, 2)),  # a matroid's rank
        lambda a, b: Fraction((a + b) ** 2),
        lambda a, b: Fraction(a * b),
        lambda a, b: Fraction(a * (2 - b)),
        lambda a, b: Fraction(a - b),
    ],
)
def test_diamonds_decide_as_all_pairs_of_subsets_do(function):
    found = min(diamond.excess for diamond in diamonds(function, 2, 2))
    assert (found < 0) == (by_subsets(function, 2, 2) < 0)


def test_their_number():
    # pairs of the first kind, mixed, of the second: 2 * 5 + 3 * 4 + 4 * 3
    assert len(list(diamonds(lambda a, b: Fraction(0), 3, 4))) == 2 * 5 + 12 + 12
    assert list(diamonds(lambda a, b: Fraction(0), 1, 0)) == []
    assert math.isclose(next(diamonds(lambda a, b: a * a, 2, 0)).excess, -2)
