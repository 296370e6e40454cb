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
from jaxseg.statistics.estimates import (
    Estimate,
    estimate,
    number_names,
    pooled,
    redrawn,
    weighted_means,
)
from jaxseg.statistics.findings import (
    Outcome,
    judge_difference,
    judge_equivalence,
    judge_no_worse,
)
from jaxseg.statistics.proportions import share_difference
from jaxseg.statistics.ranking import (
    MeanRanks,
    mean_ranks,
    rank_scores,
    ranks,
    significance_scores,
)
from jaxseg.statistics.scores import align
from jaxseg.statistics.sizes import SizeCurves, size_curves
from jaxseg.statistics.stability import (
    RankStability,
    bootstrap_ranks,
    kendall_tau,
    kendall_taus,
    rank_stability,
)
from jaxseg.statistics.wilcoxon import (
    PairwiseTests,
    holm,
    pairwise_tests,
    resampled_wins,
)

__all__ = [
    "Difference",
    "Estimate",
    "Marks",
    "MeanRanks",
    "Outcome",
    "PairwiseTests",
    "RankStability",
    "SizeCurves",
    "align",
    "bootstrap_difference",
    "bootstrap_ranks",
    "estimate",
    "holm",
    "judge_difference",
    "judge_equivalence",
    "judge_no_worse",
    "kendall_tau",
    "kendall_taus",
    "mean_ranks",
    "number_names",
    "pairwise_tests",
    "pooled",
    "rank_scores",
    "rank_stability",
    "ranks",
    "redrawn",
    "resampled_wins",
    "share_difference",
    "significance_scores",
    "size_curves",
    "table_marks",
    "weighted_means",
]
