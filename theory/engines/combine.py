"""Several searches as one piece of evidence."""

import dataclasses
from collections.abc import Iterable

from theory.claim import Evidence


def worst_of(found: Iterable[Evidence]) -> Evidence:
    """The first evidence of least slack, or with nan, with the cases of all.

    Args:
      found: at least one; the tolerance of the worst stays.
    """
    every = list(found)
    undecided = [evidence for evidence in every if evidence.slack != evidence.slack]
    ranked = undecided or sorted(every, key=lambda evidence: evidence.slack)
    return dataclasses.replace(ranked[0], cases=sum(each.cases for each in every))
