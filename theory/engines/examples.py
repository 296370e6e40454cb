"""Worked examples: named numbers against arithmetic that a reader can redo."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from theory.claim import Evidence


def agree(
    found: Mapping[str, Any], expected: Mapping[str, Any], *, tolerance: float = 0.0
) -> Evidence:
    """Evidence that `found` has the `expected` numbers, each by its name.

    Exact, and of all cases, where all numbers are ints or fractions.

    Args:
      found: what the code says.
      expected: what the hand says, at least one; other names in `found` are ignored.
      tolerance: for rounding.
    """
    gaps = {name: abs(found[name] - value) for name, value in expected.items()}
    worst = max(gaps, key=lambda name: math.inf if _is_nan(gaps[name]) else gaps[name])
    exact = all(isinstance(gap, int | Fraction) for gap in gaps.values())
    gap = Fraction(gaps[worst]) if exact else float(gaps[worst])
    witness = {"number": worst, "found": found[worst], "expected": expected[worst]}
    method = "enumeration" if exact else "samples"
    return Evidence(-gap, tolerance, len(gaps), method, witness)


def _is_nan(number: Any) -> bool:
    return number != number
