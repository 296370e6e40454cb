"""Statistics of scores per case: tests, rankings, intervals and outcomes.

Tables are ``[methods, cases]``, the larger the better; nan is a missing score. See
`scores` for the rules, and each function for its paper.
"""

from jaxseg.statistics.bootstrap import (
    Difference,
    Marks,
    bootstrap_difference,
    table_marks,
)
from jaxseg.statistics.findings import Outcome, judge_difference, judge_equivalence
from jaxseg.statistics.proportions import ShareDifference, share_difference
from jaxseg.statistics.ranking import (
    MeanRanks,
    mean_ranks,
    rank_scores,
    ranks,
    significance_scores,
)
from jaxseg.statistics.runs import Estimate, bootstrap_runs
from jaxseg.statistics.scores import align
from jaxseg.statistics.sizes import SizeCurves, size_curves
from jaxseg.statistics.stability import (
    RankStability,
    bootstrap_ranks,
    kendall_tau,
    kendall_taus,
)
from jaxseg.statistics.wilcoxon import PairwiseTests, holm, pairwise_tests

__all__ = [
    "Difference",
    "Estimate",
    "Marks",
    "MeanRanks",
    "Outcome",
    "PairwiseTests",
    "RankStability",
    "ShareDifference",
    "SizeCurves",
    "align",
    "bootstrap_difference",
    "bootstrap_ranks",
    "bootstrap_runs",
    "holm",
    "judge_difference",
    "judge_equivalence",
    "kendall_tau",
    "kendall_taus",
    "mean_ranks",
    "pairwise_tests",
    "rank_scores",
    "ranks",
    "share_difference",
    "significance_scores",
    "size_curves",
    "table_marks",
]
