"""Tables of scores, one per method and case, and their differences by pairs.

A table is ``[M, N]``: M methods, N cases, **the larger the better** (negate distances).
nan is a missing score, such as a distance on an empty mask; a comparison of two methods
drops the cases where either is missing, and counts those it kept. A paper that calls a
missing score zero (Ma 2021, footnote 10) is followed by ``np.nan_to_num`` beforehand.
"""

from collections.abc import Hashable, Iterable

import numpy as np

DIGITS = 12


def as_table(scores: np.ndarray, *, rank: int = 2) -> np.ndarray:
    """The scores in float64, checked.

    Args:
      scores: of ``rank`` axes, the last two methods and cases.
      rank: 2 for one table, 3 for tables of several metrics.

    Raises:
      ValueError: another number of axes, no method, or an infinite score.
    """
    table = np.asarray(scores, np.float64)
    if table.ndim != rank or 0 in table.shape[:-1]:
        wanted = "[metrics, methods, cases]" if rank == 3 else "[methods, cases]"
        raise ValueError(f"scores of shape {table.shape}, wanted {wanted}")
    if np.isinf(table).any():
        raise ValueError("an infinite score: give nan (missing) or a finite penalty")
    return table


def differences(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``first - second``, rounded to twelve digits of the largest score.

    Without rounding, 0.9 - 0.8 and 0.8 - 0.7 would be no tie.

    Args:
      first: ``[..., N]`` scores.
      second: ``[..., N]`` scores of the same cases.

    Returns:
      ``[..., N]``; nan where either is missing.
    """
    largest = np.maximum(np.abs(first), np.abs(second))
    scale = np.max(largest, axis=-1, keepdims=True, where=largest > 0, initial=0.0)
    scale = np.where(scale > 0, scale, 1.0)
    return np.round((first - second) / scale, DIGITS) * scale


def align(
    records: Iterable[tuple[str, Hashable, float]],
) -> tuple[list[str], list[Hashable], np.ndarray]:
    """A table from ``(method, case, score)``, in the order of first appearance.

    Average the seeds of a case first: they are no cases of their own.

    Example:
      >>> records = [("dice", 1, 0.9), ("ce", 1, 0.8), ("ce", 2, 0.7)]
      >>> methods, cases, table = align(records)
      >>> methods, cases, table.tolist()
      (['dice', 'ce'], [1, 2], [[0.9, nan], [0.8, 0.7]])

    Returns:
      Methods, cases and ``[M, N]`` scores, nan where a method lacks a case.

    Raises:
      ValueError: a method has two scores of one case.
    """
    found: dict[tuple[str, Hashable], float] = {}
    for method, case, score in records:
        if (method, case) in found:
            raise ValueError(f"{method} has two scores of the case {case!r}")
        found[method, case] = score
    methods = list(dict.fromkeys(method for method, _ in found))
    cases = list(dict.fromkeys(case for _, case in found))
    rows = [[found.get((method, case), np.nan) for case in cases] for method in methods]
    return methods, cases, np.array(rows, np.float64).reshape(len(methods), len(cases))
