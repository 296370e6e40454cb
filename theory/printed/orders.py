"""Whether a printed table says what the text says that it does."""

import itertools
from collections.abc import Mapping, Sequence
from fractions import Fraction

from theory.claim import Evidence
from theory.engines import enumeration

Columns = Mapping[str, Mapping[str, float]]
"""Column, such as a network, to what each loss has there."""


def exact(number: float) -> Fraction:
    """A number as it is printed."""
    return Fraction(str(number))


def columns_of(table: Mapping[str, Sequence[float]], names: Sequence[str]) -> Columns:
    """A table of a row for each loss, by column."""
    return {
        name: {loss: row[k] for loss, row in table.items()}
        for k, name in enumerate(names)
    }


def lead(columns: Columns, first: Sequence[str], others: Sequence[str]) -> Evidence:
    """How far the first are above the others in every column, at the closest."""

    def slack(case: tuple[str, str, str]) -> Fraction:
        column, one, other = case
        return exact(columns[column][one]) - exact(columns[column][other])

    def describe(case: tuple[str, str, str]) -> dict:
        column, *pair = case
        return {"column": column, **{loss: columns[column][loss] for loss in pair}}

    cases = [c for c in itertools.product(columns, first, others) if c[1] != c[2]]
    return enumeration.worst_case(cases, slack, describe=describe)


def others(columns: Columns, *names: str) -> tuple[str, ...]:
    """All losses but these."""
    losses = next(iter(columns.values()))
    return tuple(loss for loss in losses if loss not in names)
