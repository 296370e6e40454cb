"""What Liu 2022 found, judged on our scores."""

import dataclasses
from collections.abc import Sequence

from experiments.label_marginals.ablation import ablation
from experiments.label_marginals.comparisons import COMPARISONS
from experiments.label_marginals.regions import REGIONS
from experiments.label_marginals.tasks import Point, Task
from experiments.protocol.report import Finding


def findings(
    tasks: Sequence[Task], points: Sequence[tuple[Task, Sequence[Point]]] = ()
) -> list[Finding]:
    """All findings that the losses and data sets at hand allow to judge.

    Args:
      tasks: of each data set the first network is asked about regions, too.
      points: of the ablation, with the task they belong to.
    """
    found: list[tuple[Task, Finding | None]] = []
    first: dict[str, Task] = {}
    for task in tasks:
        found += [(task, finding) for finding in COMPARISONS[task.kind](task)]
        if first.setdefault(task.dataset, task) is task:
            found += [(task, rule(task)) for rule in REGIONS[task.kind]]
    for task, series in points:
        found += [(task, finding) for finding in ablation(task, series)]
    return [
        dataclasses.replace(finding, where=task.name)
        for task, finding in found
        if finding is not None
    ]
