"""Random hill climbing on many starts at once: for what has no useful slope."""

from collections.abc import Callable, Mapping

import numpy as np

Cases = Mapping[str, np.ndarray]
"""Names to ``[N, ...]``, one case a row."""

WIDEST, NARROWEST = 3.0, 1e-3


def rows(cases: Cases, index: np.ndarray) -> dict[str, np.ndarray]:
    """The cases at these places."""
    return {name: values[index] for name, values in cases.items()}


def climb(
    objective: Callable[[Cases], np.ndarray],
    starts: Cases,
    *,
    moving: tuple[str, ...],
    rounds: int = 40,
    seed: int = 0,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Steps of shrinking size, kept where they raise the objective.

    Every tenth round the better half takes the places of the worse one.

    Args:
      objective: of cases to ``[N]``; nan counts as -inf.
      starts: where to begin.
      moving: names of the cases' parts that may move; the rest goes with its case.
      rounds: how many steps.
      seed: of the steps.

    Returns:
      Values ``[N]`` and cases, the best of each start or of what took its place.
    """
    rng = np.random.default_rng(seed)
    best = dict(starts)
    values = _clean(objective(best))
    for number, width in enumerate(np.geomspace(WIDEST, NARROWEST, rounds)):
        tried = dict(best)
        for name in moving:
            tried[name] = best[name] + width * rng.standard_normal(best[name].shape)
        found = _clean(objective(tried))
        better = found > values
        values = np.where(better, found, values)
        for name in moving:
            mask = better.reshape(-1, *[1] * (best[name].ndim - 1))
            best[name] = np.where(mask, tried[name], best[name])
        if number % 10 == 9:
            order = np.argsort(-values, kind="stable")[: (len(values) + 1) // 2]
            order = np.concatenate([order, order])[: len(values)]
            values, best = values[order], rows(best, order)
    return values, best


def _clean(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, float)
    return np.where(np.isnan(values), -np.inf, values)
