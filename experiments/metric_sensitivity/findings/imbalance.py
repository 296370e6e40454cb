"""The size of the object, and the ratio of foreground to background."""

import numpy as np

from experiments.metric_sensitivity import paper
from experiments.metric_sensitivity.findings.build import (
    LEAST,
    LEAST_SMALL,
    Tasks,
    finding,
    from_to,
    having,
)
from experiments.metric_sensitivity.judgement import (
    between,
    is_equal,
    is_larger,
    lead,
    paired,
    together,
)
from experiments.metric_sensitivity.methods import CE, DICE, METRIC_SENSITIVE
from experiments.metric_sensitivity.scores import Task
from experiments.protocol.report import Finding


def halves(tasks: Tasks) -> list[np.ndarray]:
    """Leads over cross-entropy among the smaller and the larger objects of each set.

    Returns:
      Twice ``[N]`` over all cases, nan outside the half; nothing where sizes or losses
      to compare are lacking.
    """
    tasks = having(tasks, CE, *METRIC_SENSITIVE)
    parts = []
    for task in tasks:
        if np.ptp(task.sizes) > 0:
            gain = task.of("dice", *METRIC_SENSITIVE) - task.of("dice", CE)
            below = task.sizes <= np.median(task.sizes)
            parts.append([np.where(side, gain, np.nan) for side in (below, ~below)])
    return [np.concatenate(half) for half in zip(*parts, strict=True)]


def gains_of_halves(tasks: Tasks) -> list[tuple[str, float, float]]:
    """Name of each data set with the mean lead among small and among large objects."""
    found = []
    for task in tasks:
        if parts := halves([task]):
            small, large = (float(np.nanmean(half)) for half in parts)
            found.append((task.name, small, large))
    return found


def gains_by_size(tasks: Tasks) -> list[Finding]:
    """The lead over cross-entropy among small and among large objects."""
    parts = halves(tasks)
    if not parts:
        return []
    effects = [paired(half, np.zeros_like(half)) for half in parts]
    told = "; ".join(
        f"{name} small {small:+.3f}, large {large:+.3f}"
        for name, small, large in gains_of_halves(tasks)
    )
    weaker = int(np.argmin([effect.mean for effect in effects]))
    return [
        finding(
            effects[weaker],
            is_larger,
            LEAST,
            unit=f"Dice, {('smaller', 'larger')[weaker]} half",
            outcome=together([is_larger(effect, LEAST) for effect in effects]),
            claim="The lead over CE holds among small and among large objects "
            "(weaker half)",
            source="IV-C, Fig. 4",
            paper="for all sizes of object (a figure without numbers)",
            ours=told,
        ),
        finding(
            between(*parts),
            is_larger,
            LEAST,
            unit="Dice, small − large",
            claim="The lead over CE is larger for small objects",
            source="IV-C, Fig. 4: a converging trend",
            paper="losses approach one another (a figure without numbers)",
            ours=told,
        ),
    ]


def gains_by_ratio(virtual: dict[str, list[Task]]) -> list[Finding | None]:
    """The lead of soft Dice over cross-entropy on virtual data sets."""
    groups = [
        [task for task in tasks if task.has(CE, DICE)] for tasks in virtual.values()
    ]
    groups = [tasks for tasks in groups if len(tasks) > 1]
    if not groups:
        return []
    every = [task for tasks in groups for task in tasks]
    mean, wins, columns = paper.gap((DICE,), CE, paper.VIRTUAL["dice"])
    last = [tasks[-1] for tasks in groups]
    theirs = np.subtract(paper.VIRTUAL["dice"][DICE], paper.VIRTUAL["dice"][CE])

    def gains(tasks: Tasks) -> np.ndarray:
        found = [task.of("dice", DICE) - task.of("dice", CE) for task in tasks]
        return np.mean(found, axis=0)

    low, high = (
        np.concatenate([gains(part(tasks)) for tasks in groups])
        for part in (lambda t: t[: len(t) // 2], lambda t: t[-(len(t) // 2) :])
    )
    cases = np.concatenate([gains(tasks) for tasks in groups])
    return [
        finding(
            paired(cases, np.zeros_like(cases)),
            is_larger,
            LEAST_SMALL,
            unit="Dice",
            claim="sDice leads CE on virtual data sets of all ratios",
            source="Table V",
            paper=f"{mean:+.3f} on average, higher at {wins} of {columns} ratios",
            ours=from_to(every, "dice", (CE,), (DICE,)),
        ),
        finding(
            lead(last, "dice", (DICE,), (CE,)),
            is_larger,
            LEAST_SMALL,
            unit="Dice",
            claim=f"It leads even at the ratio {last[0].ratio:g}",
            source="Table V",
            paper=f"{theirs[-1]:+.3f}",
            ours=from_to(last, "dice", (CE,), (DICE,)),
        ),
        finding(
            paired(low, high),
            is_equal,
            LEAST,
            unit="Dice, low − high ratios",
            claim="The lead shows no trend with the ratio",
            source="Table V",
            paper=f"{theirs[:3].mean():+.3f} at low, {theirs[3:].mean():+.3f} at high "
            "ratios",
            ours=f"{np.nanmean(low):+.3f} at low, {np.nanmean(high):+.3f} at high "
            "ratios",
        ),
    ]
