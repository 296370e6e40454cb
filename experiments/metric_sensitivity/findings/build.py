"""What findings are made of, and the smallest effects that count.

These were fixed before any score was seen: 0.01 in overlap scores, half of that where
the paper's own differences are smaller (the two norms of soft Dice, the virtual data
sets), 0.0005 in accuracy (the paper's own mean difference is 0.0004), two pixels in
Hausdorff distance, 0.1 per cent of the image in volume.
"""

from collections.abc import Callable, Sequence
from typing import Any

from experiments.metric_sensitivity.judgement import Effect
from experiments.metric_sensitivity.scores import Task
from experiments.protocol.report import Finding
from jaxseg.statistics import Outcome

LEAST = 0.01
LEAST_SMALL = 0.005
LEAST_ACCURACY = 0.0005
LEAST_PIXELS = 2.0
LEAST_VOLUME = 0.1
LEAST_TAU = 0.9
Tasks = Sequence[Task]
Judge = Callable[[Effect, float], Outcome]


def having(tasks: Tasks, *methods: str) -> list[Task]:
    """The data sets on which these losses were tried."""
    return [task for task in tasks if task.has(*methods)]


def finding(
    effect: Effect, judge: Judge, smallest: float, *, unit: str, **texts: Any
) -> Finding:
    """A finding judged by its effect, or with the outcome among the texts."""
    return Finding(
        effect=effect.mean,
        low=effect.low,
        high=effect.high,
        cases=effect.cases,
        unit=unit,
        smallest=smallest,
        outcome=texts.pop("outcome", None) or judge(effect, smallest),
        **texts,
    )


def from_to(
    tasks: Tasks, score: str, worse: Sequence[str], better: Sequence[str]
) -> str:
    """Means of both sides on each data set."""
    digits = 1 if score == "hausdorff" else 4 if score == "hamming" else 3
    return "; ".join(
        f"{task.name} {task.mean(score, *worse):.{digits}f} → "
        f"{task.mean(score, *better):.{digits}f}"
        for task in tasks
    )
