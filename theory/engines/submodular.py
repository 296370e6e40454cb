"""Submodularity of set functions that only count elements of two kinds."""

import functools
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

SetFunction = Callable[[int, int], Fraction]
"""Value of a set with so many elements of the first and of the second kind."""

PAIRS = ((1, 0), (1, 0)), ((1, 0), (0, 1)), ((0, 1), (0, 1))


class Diamond(NamedTuple):
    """A set of `first` and `second` elements and two more, x and y.

    `excess` = f(A + x) + f(A + y) - f(A) - f(A + x + y), negative where f is not
    submodular.
    """

    excess: Fraction
    first: int
    second: int
    added: str


def diamonds(function: SetFunction, firsts: int, seconds: int) -> Iterator[Diamond]:
    """All diamonds of the subsets of so many elements of either kind.

    A function on finite sets is submodular if and only if no excess is negative. With
    fewer than two elements there is no diamond.
    """
    function = functools.cache(function)
    for x, y in PAIRS:
        added = "".join("12"[kind == (0, 1)] for kind in (x, y))
        for first in range(firsts + 1 - x[0] - y[0]):
            for second in range(seconds + 1 - x[1] - y[1]):
                alone = function(first + x[0], second + x[1])
                alone += function(first + y[0], second + y[1])
                both = function(first + x[0] + y[0], second + x[1] + y[1])
                excess = alone - function(first, second) - both
                yield Diamond(excess, first, second, added)
