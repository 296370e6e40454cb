"""Wilcoxon's signed-rank test of all pairs of methods, with Holm's correction.

One formula serves small and large samples, with ties: the statistic is the sum of the
signed ranks, whose variance under the null is the sum of the squared ranks. scipy's own
test enumerates all signs one by one when there are ties, too slow for hundreds of
pairs, and takes the normal distribution for ties in more than 13 cases.
"""

import dataclasses

import numpy as np
import scipy

from jaxseg.statistics.scores import as_table, differences

EXACT_UP_TO = 50


def signed_ranks(difference: np.ndarray) -> np.ndarray:
    """Ranks of the sizes with the signs of the differences.

    Args:
      difference: ``[..., N]``; nan is missing.

    Returns:
      ``[..., N]``: ties share the mean rank; 0 where the difference is 0 or missing,
      which count nowhere (Wilcoxon's own way with zeros).
    """
    known = np.nan_to_num(difference, nan=0.0)
    left_out = np.sum(known == 0, axis=-1, keepdims=True)
    ranks = scipy.stats.rankdata(np.abs(known), axis=-1) - left_out
    return np.where(known == 0, 0.0, np.sign(known) * ranks)


def exact_p_value(signed: np.ndarray) -> float:
    """Two-sided p-value over all signs that the ranks could have had.

    Args:
      signed: ``[N]`` signed ranks, multiples of 1/2, at most 50 not 0.

    Returns:
      In (0, 1]; 1 where all are 0.
    """
    doubled = np.rint(2 * np.abs(signed[signed != 0])).astype(int)
    ways = np.zeros(doubled.sum() + 1)  # ways[s]: subsets of the ranks with sum s / 2
    ways[0] = 1.0
    for rank in doubled:
        ways[rank:] += ways[:-rank]
    sums = np.abs(2 * np.arange(len(ways)) - doubled.sum())
    extreme = sums >= np.rint(2 * abs(signed.sum()))
    return float(ways[extreme].sum() / ways.sum())


def p_values(signed: np.ndarray, *, exact_up_to: int = EXACT_UP_TO) -> np.ndarray:
    """Two-sided p-values of the signed-rank test.

    Args:
      signed: ``[P, N]`` signed ranks.
      exact_up_to: samples with more ranks than this, or than 50, take the normal
        distribution (no continuity correction, as scipy's default).

    Returns:
      ``[P]`` in (0, 1]; 1 where no difference is left.

    Source: Wilcoxon 1945; with ties, Pratt and Gibbons 1981, section 3.
    """
    total, spread = signed.sum(axis=-1), np.sqrt((signed**2).sum(axis=-1))
    z = np.abs(total) / np.where(spread > 0, spread, 1.0)
    p = 2 * scipy.special.ndtr(-z)
    counts = np.count_nonzero(signed, axis=-1)
    for k in np.flatnonzero(counts <= min(exact_up_to, EXACT_UP_TO)):
        p[k] = exact_p_value(signed[k])
    return np.maximum(p, np.finfo(float).tiny)


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's p-values: their number below a level keeps the family's error below it.

    The k-th smallest of m is multiplied by ``m - k + 1``, and is at least as large as
    those before it and at most 1.

    Example:
      >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
      [0.03, 0.06, 0.06]

    Args:
      p: ``[m]`` p-values of all tests of the family.

    Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(np.arange(len(p), 0, -1) * p[order])
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(steps, 1.0)
    return corrected


@dataclasses.dataclass(frozen=True)
class PairwiseTests:
    """Tests of all pairs of M methods; entry ``[a, b]`` compares a with b.

    Attributes:
      effect: ``[M, M]`` in [-1, 1], positive where a is better: rank-biserial
        correlation, the sum of the signed ranks over the sum of the ranks.
      p: ``[M, M]`` two-sided p-values, 1 on the diagonal.
      p_holm: ``[M, M]`` the same, corrected for all M (M - 1) / 2 pairs.
      cases: ``[M, M]`` cases in which both have a score.
      differ: ``[M, M]`` of these, cases in which the scores differ.
    """

    effect: np.ndarray
    p: np.ndarray
    p_holm: np.ndarray
    cases: np.ndarray
    differ: np.ndarray

    def better(self, *, level: float = 0.05, corrected: bool = True) -> np.ndarray:
        """``[M, M]`` bool: a is significantly better than b, ``p < level``."""
        p = self.p_holm if corrected else self.p
        return (p < level) & (self.effect > 0)


def pairwise_tests(
    scores: np.ndarray, *, exact_up_to: int = EXACT_UP_TO
) -> PairwiseTests:
    """Signed-rank tests of all pairs of methods.

    Two methods with equal scores, or with no case in common, have effect 0 and p 1.

    Example:
      >>> draws = np.random.default_rng(0).random((2, 20))
      >>> scores = draws + np.array([[0.5], [0.0]])
      >>> tests = pairwise_tests(scores)
      >>> print(f"{tests.effect[0, 1]:.3f}, p = {tests.p[0, 1]:.1e}")
      0.819, p = 5.9e-04

    Args:
      scores: ``[M, N]``, the larger the better; nan is missing.
      exact_up_to: see `p_values`.

    Raises:
      ValueError: scores are no table, or one is infinite.
    """
    table = as_table(scores)
    methods = len(table)
    first, second = np.triu_indices(methods, 1)
    difference = differences(table[first], table[second])
    signed = signed_ranks(difference)
    ranks = np.abs(signed).sum(axis=-1)
    effect = signed.sum(axis=-1) / np.where(ranks > 0, ranks, 1.0)
    p = p_values(signed, exact_up_to=exact_up_to)
    cases = np.sum(~np.isnan(difference), axis=-1)

    def square(values: np.ndarray, diagonal: np.ndarray, sign: int = 1) -> np.ndarray:
        matrix = np.diag(diagonal).astype(values.dtype)
        matrix[first, second], matrix[second, first] = values, sign * values
        return matrix

    ones, zeros = np.ones(methods), np.zeros(methods)
    return PairwiseTests(
        effect=square(effect, zeros, -1),
        p=square(p, ones),
        p_holm=square(holm(p), ones),
        cases=square(cases, np.sum(~np.isnan(table), axis=-1)),
        differ=square(np.count_nonzero(signed, axis=-1), zeros),
    )


def resampled_wins(
    scores: np.ndarray, counts: np.ndarray, *, level: float = 0.05
) -> np.ndarray:
    """Which methods are significantly better than which, in each of R resamples.

    What `pairwise_tests` says, uncorrected and by the normal distribution, of tables in
    which each case stands as often as it was drawn; all resamples at once.

    Example:
      >>> draws = np.random.default_rng(0).random((2, 20))
      >>> scores = draws + np.array([[0.5], [0.0]])
      >>> resampled_wins(scores, np.ones((1, 20), int)).tolist()
      [[[False, True], [False, False]]]

    Args:
      scores: ``[M, N]``, the larger the better; nan is missing.
      counts: ``[R, N]`` how often each case is drawn.
      level: of each test.

    Returns:
      ``[R, M, M]`` bool, a (row) better than b.
    """
    table = as_table(scores)
    edge = -scipy.special.ndtri(level / 2)
    wins = np.zeros((len(counts), len(table), len(table)), bool)
    for a, b in zip(*np.triu_indices(len(table), 1), strict=True):
        gap = np.nan_to_num(differences(table[a], table[b]), nan=0.0)
        order = np.argsort(np.abs(gap), kind="stable")
        order = order[gap[order] != 0]
        if not len(order):
            continue
        size, drawn = np.abs(gap[order]), counts[:, order]
        starts = np.flatnonzero(np.diff(size, prepend=-1.0))
        tied = np.add.reduceat(drawn, starts, axis=1)
        middle = np.cumsum(tied, axis=1) - tied + (tied + 1) / 2
        ranks = np.repeat(middle, np.diff(starts, append=len(size)), axis=1)
        total = np.sum(drawn * ranks * np.sign(gap[order]), axis=1)
        spread = np.sqrt(np.sum(drawn * ranks**2, axis=1))
        z = total / np.where(spread > 0, spread, 1.0)
        wins[:, a, b], wins[:, b, a] = z > edge, z < -edge
    return wins
