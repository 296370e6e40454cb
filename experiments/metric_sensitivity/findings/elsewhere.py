"""Scores that are no overlap: accuracy, surface distance, volume."""

import numpy as np

from experiments.metric_sensitivity import paper
from experiments.metric_sensitivity.findings.build import (
    LEAST_ACCURACY,
    Tasks,
    finding,
    from_to,
    having,
)
from experiments.metric_sensitivity.judgement import (
    is_larger,
    is_no_worse,
    lead,
    together,
)
from experiments.metric_sensitivity.methods import CE, DICE
from experiments.metric_sensitivity.scores import NAMES
from experiments.protocol.report import Finding


def accuracy_prefers_ce(tasks: Tasks) -> Finding | None:
    """Cross-entropy against soft Dice by the share of right pixels."""
    tasks = having(tasks, CE, DICE)
    if not tasks:
        return None
    mean, wins, columns = paper.gap((CE,), DICE, paper.OTHER["hamming"])
    return finding(
        lead(tasks, "hamming", (CE,), (DICE,)),
        is_larger,
        LEAST_ACCURACY,
        unit="accuracy",
        claim="CE has a higher accuracy than sDice",
        source="Table IV",
        paper=f"{mean:+.4f} on average, higher in {wins} of {columns}",
        ours=from_to(tasks, "hamming", (DICE,), (CE,)),
    )


def no_worse_elsewhere(
    tasks: Tasks, score: str, smallest: float, unit: str
) -> Finding | None:
    """Soft Dice against cross-entropy by a distance or a volume."""
    tasks = having(tasks, CE, DICE)
    if not tasks:
        return None
    printed = paper.OTHER[score]
    theirs = "; ".join(
        f"{name} {a:.1f} → {b:.1f}"
        for name, a, b in zip(
            paper.OTHER_DATASETS, printed[CE], printed[DICE], strict=True
        )
    )
    effects = [lead([task], score, (DICE,), (CE,)) for task in tasks]
    weakest = int(np.argmin([effect.low for effect in effects]))
    return finding(
        effects[weakest],
        is_no_worse,
        smallest,
        unit=f"{unit}, {tasks[weakest].name}",
        outcome=together([is_no_worse(effect, smallest) for effect in effects]),
        claim=f"sDice is on no data set inferior to CE in {NAMES[score]} (weakest)",
        source="Table IV",
        paper=theirs,
        ours=from_to(tasks, score, (CE,), (DICE,)),
    )
