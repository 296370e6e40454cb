"""How firm a ranking is: under other metrics and under other cases."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxseg.statistics.estimates import redrawn
from jaxseg.statistics.ranking import as_tasks, rank_scores, ranks


def kendall_tau(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Kendall's tau-b of two rankings.

    Example:
      >>> float(kendall_tau(np.array([1, 2, 3]), np.array([1, 3, 2])))
      0.3333333333333333

    Args:
      first: ``[..., M]`` ranks or scores.
      second: ``[..., M]`` ranks or scores of the same methods.

    Returns:
      ``[...]`` in [-1, 1]: 1 for the same order. Where a ranking has no order, all its
      methods tied, 1 if the other has none either and 0 if it has.
    """
    one, two = (
        np.sign(x[..., :, None] - x[..., None, :])
        for x in (np.asarray(first, float), np.asarray(second, float))
    )
    agree, untied, others = (
        np.sum(x, axis=(-1, -2)) for x in (one * two, one**2, two**2)
    )
    ordered = np.sqrt(untied * others)
    found = agree / np.where(ordered > 0, ordered, 1.0)
    return np.where((untied == 0) & (others == 0), 1.0, found)


def kendall_taus(scores: np.ndarray) -> np.ndarray:
    """Agreement of the rankings of K schemes, such as DSC, NSD and both.

    Example:
      >>> kendall_taus(np.array([[0.9, 0.8, 0.7], [0.5, 0.6, 0.7]])).tolist()
      [[1.0, -1.0], [-1.0, 1.0]]

    Args:
      scores: ``[K, M]`` scores of the methods, the larger the better in all schemes.

    Returns:
      ``[K, K]`` tau-b, 1 on the diagonal.

    Source: the schemes are those of Ma 2021, section 5.1; it prints no number.
    """
    places = ranks(np.asarray(scores, np.float64))
    return kendall_tau(places[:, None], places)


@dataclasses.dataclass(frozen=True)
class RankStability:
    """Scores and ranks of M methods, and where they fall when cases are redrawn.

    Attributes:
      scores: ``[M]`` of the cases as they are.
      score_low, score_high: ``[M]`` ends of the percentile interval over resamples.
      ranks: ``[M]`` of the cases as they are, 1 is best, ties share the mean.
      rank_low, rank_high: ``[M]`` ends of their interval.
      shares: ``[M, M]`` share of resamples in which a method (row) has a rank (column,
        from 1); k tied methods share k ranks evenly, so rows and columns sum to 1.
      agreement: mean tau-b of the resamples' rankings with that of the cases as they
        are.
    """

    scores: np.ndarray
    score_low: np.ndarray
    score_high: np.ndarray
    ranks: np.ndarray
    rank_low: np.ndarray
    rank_high: np.ndarray
    shares: np.ndarray
    agreement: float

    def rows(self, methods: Sequence[str], *, scheme: str) -> list[dict[str, Any]]:
        """Rows for a ranking's picture: scheme, loss, score, low, high and ranks."""
        columns = zip(
            methods, self.scores, self.score_low, self.score_high,
            self.ranks, self.rank_low, self.rank_high, strict=True,
        )  # fmt: skip
        names = ("score", "low", "high", "rank", "rank_low", "rank_high")
        return [
            {"scheme": scheme, "loss": method}
            | dict(zip(names, map(float, numbers), strict=True))
            for method, *numbers in columns
        ]


def rank_shares(places: np.ndarray) -> np.ndarray:
    """``[M, M]`` shares of the ranks ``[R, M]``; see `RankStability`."""
    methods = places.shape[1]
    tied = np.sum(places[:, :, None] == places[:, None, :], axis=2)
    best = places - (tied - 1) / 2
    rank = np.arange(1, methods + 1)
    inside = (rank >= best[..., None]) & (rank < (best + tied)[..., None])
    return np.mean(inside / tied[..., None], axis=0)


def bootstrap_ranks(
    tasks: Sequence[np.ndarray],
    *,
    units: Sequence[tuple[np.ndarray, np.ndarray]] | None = None,
    score: Callable[[Sequence[np.ndarray]], np.ndarray] = rank_scores,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> RankStability:
    """Ranks over resamples of the cases, drawn with replacement within each task.

    All metrics and methods of a case are drawn together. Where cases depend on one
    another, or were scored by the networks of several folds, so are those of a unit,
    and K - 1 of K folds are drawn before them, which makes their means vary as those of
    K folds do. With `rank_scores`, scores of
    resamples are larger than that of the cases on average, since cases drawn twice look
    like more cases: read the ranks rather than the score's interval, which is stretched
    to hold the score where it would not.

    Example:
      >>> draws = np.random.default_rng(0).random((2, 20))
      >>> scores = draws + np.array([[0.5], [0.0]])
      >>> found = bootstrap_ranks([scores[None]], resamples=200)
      >>> found.ranks.tolist(), found.shares.tolist()
      ([1.0, 2.0], [[0.99, 0.01], [0.01, 0.99]])

    Args:
      tasks: ``[J, M, N]`` each, N >= 1.
      units: of each task two rows of ``[N]`` whole numbers, equal for cases of one
        unit and for cases of one fold; None draws cases one by one.
      score: tasks to ``[M]``, the larger the better. For many methods pass
        ``functools.partial(rank_scores, exact_up_to=0)``, which is faster (20 methods
        in 4 tasks and 2 metrics of 100 cases: 20 ms a resample); for mean ranks,
        ``lambda tasks: -mean_ranks(tasks).ranks``.
      resamples: at least 1.
      confidence: of the intervals, in (0, 1).
      seed: the same seed, the same resamples.

    Raises:
      ValueError: tasks differ in metrics or methods, or one has no case.
    """
    checked = as_tasks(tasks)
    if not all(task.shape[2] for task in checked):
        raise ValueError("a task without cases cannot be resampled")
    cases = [np.arange(task.shape[2]) for task in checked]
    of = units or [(n, 0 * n) for n in cases]
    drawn = [
        redrawn(*pair, resamples=resamples, seed=seed + k) for k, pair in enumerate(of)
    ]
    observed = score(checked)
    found = [
        score([task[..., np.repeat(n, counts[r].astype(int))]
               for task, n, counts in zip(checked, cases, drawn, strict=True)])
        for r in range(resamples)
    ]  # fmt: skip
    return rank_stability(observed, np.array(found), confidence=confidence)


def rank_stability(
    scores: np.ndarray, resampled: np.ndarray, *, confidence: float = 0.95
) -> RankStability:
    """Where scores and ranks fall over resamples.

    Example:
      >>> resampled = np.array([[0.9, 0.8], [0.7, 0.8], [0.9, 0.7], [0.9, 0.6]])
      >>> rank_stability(np.array([0.9, 0.8]), resampled).shares.tolist()
      [[0.75, 0.25], [0.25, 0.75]]

    Args:
      scores: ``[M]`` of the cases as they are, the larger the better.
      resampled: ``[R, M]`` of resamples.
      confidence: of the intervals, in (0, 1).
    """
    observed, found = np.asarray(scores, np.float64), np.asarray(resampled)
    places, here = ranks(found), ranks(observed)
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(found, ends, axis=0)
    rank_low, rank_high = np.quantile(places, ends, axis=0)
    return RankStability(
        scores=observed,
        score_low=np.minimum(low, observed),
        score_high=np.maximum(high, observed),
        ranks=here,
        rank_low=rank_low,
        rank_high=rank_high,
        shares=rank_shares(places),
        agreement=float(np.mean(kendall_tau(here, places))),
    )
