"""Mean scores by the size of the object: Eelbode 2020, section IV-C and Fig. 4."""

import dataclasses

import numpy as np

from jaxseg.statistics.scores import as_table


@dataclasses.dataclass(frozen=True)
class SizeCurves:
    """Mean scores of M methods in G groups of cases of rising size.

    Attributes:
      edges: ``[G]`` sizes, the percentiles ``100 / G, 200 / G, ..., 100``; a case of
        just this size lies below.
      sizes: ``[G]`` mean size of each group; nan for an empty one.
      within: ``[M, G]`` mean score of each group (the paper's figure).
      below: ``[M, G]`` mean score of all cases up to each edge.
      cases: ``[M, G]`` scores in each group.
    """

    edges: np.ndarray
    sizes: np.ndarray
    within: np.ndarray
    below: np.ndarray
    cases: np.ndarray


def _ratio(totals: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)


def size_curves(
    sizes: np.ndarray, scores: np.ndarray, *, groups: int = 10
) -> SizeCurves:
    """Scores averaged between and below percentiles of the object's size.

    Cases without an object (size 0 or nan) are left out. A missing score counts in no
    mean, for its method; means of nothing are nan. Equal sizes stay together, so groups
    may differ in number and be empty.

    Example:
      >>> sizes, scores = np.array([1, 2, 10, 20]), np.array([[0.2, 0.4, 0.8, 0.9]])
      >>> curves = size_curves(sizes, scores, groups=2)
      >>> curves.edges.tolist(), curves.within.round(2).tolist()
      ([6.0, 20.0], [[0.3, 0.85]])

    Args:
      sizes: ``[N]`` object sizes, >= 0, in pixels or as shares.
      scores: ``[M, N]``; nan is missing.
      groups: at least 1.

    Raises:
      ValueError: shapes disagree, a size is negative, or no case has an object.
    """
    table, size = as_table(scores), np.asarray(sizes, np.float64)
    if size.shape != table.shape[1:]:
        raise ValueError(f"sizes {size.shape} for scores {table.shape}")
    if groups < 1 or (size < 0).any():
        raise ValueError("groups must be at least 1 and sizes at least 0")
    has_object = size > 0
    if not has_object.any():
        raise ValueError("no case has an object")
    size, table = size[has_object], table[:, has_object]
    edges = np.quantile(size, np.arange(1, groups + 1) / groups)
    member = np.searchsorted(edges[:-1], size)[:, None] == np.arange(groups)  # [N, G]
    known = ~np.isnan(table)
    totals, cases = np.nan_to_num(table) @ member, known.astype(int) @ member
    return SizeCurves(
        edges=edges,
        sizes=_ratio(size @ member, member.sum(axis=0)),
        within=_ratio(totals, cases),
        below=_ratio(totals.cumsum(axis=1), cases.cumsum(axis=1)),
        cases=cases,
    )
