"""The sweep of Tversky weights."""

import itertools
from collections.abc import Sequence

import numpy as np

from experiments.metric_sensitivity import paper
from experiments.metric_sensitivity.findings.build import (
    LEAST,
    Tasks,
    finding,
    from_to,
    having,
)
from experiments.metric_sensitivity.judgement import (
    is_equal,
    is_larger,
    is_no_worse,
    lead,
    together,
)
from experiments.metric_sensitivity.methods import (
    ALL_WEIGHTS,
    DICE,
    EQUAL,
    SWEEP,
    tversky_name,
)
from experiments.metric_sensitivity.scores import NAMES
from experiments.protocol.report import Finding


def _printed(values: Sequence[float], weights: tuple[float, float]) -> float:
    return values[ALL_WEIGHTS.index(weights)]


def sweep_means(score: str = "dice") -> tuple[float, ...]:
    """The paper's means over its data sets, for each of `ALL_WEIGHTS`."""
    rows = list(paper.SWEEP[score].values())
    return tuple(float(value) for value in np.mean(rows, axis=0))


def half_is_unbeaten(
    tasks: Tasks, printed: Sequence[float], source: str
) -> Finding | None:
    """Tversky weights of 1/2 against each other pair that adds up to 1."""
    others = [
        tversky_name(*pair)
        for pair in SWEEP
        if pair != EQUAL[0] and tasks[0].has(tversky_name(*pair))
    ]
    tasks = having(tasks, DICE, *others)
    if not tasks or not others:
        return None
    effects = [lead(tasks, "dice", (DICE,), (other,)) for other in others]
    closest = int(np.argmin([effect.mean for effect in effects]))
    best = max((_printed(printed, pair), pair) for pair in SWEEP if pair != EQUAL[0])
    rival = others[closest]
    return finding(
        effects[closest],
        is_no_worse,
        LEAST,
        unit=f"Dice, sDice − {rival}",
        outcome=together([is_no_worse(effect, LEAST) for effect in effects]),
        claim="No unequal Tversky weights beat 0.5/0.5 in Dice (best rival)",
        source=source,
        paper=f"0.5/0.5 {_printed(printed, EQUAL[0]):.3f}, best rival "
        f"{best[1][0]:g}/{best[1][1]:g} {best[0]:.3f}",
        ours=from_to(tasks, "dice", (rival,), (DICE,)),
    )


def extremes_lose(
    tasks: Tasks, printed: Sequence[float], source: str
) -> Finding | None:
    """Tversky weights of 1/2 against 0.1/0.9 and 0.9/0.1."""
    ends = [tversky_name(*SWEEP[0]), tversky_name(*SWEEP[-1])]
    tasks = having(tasks, DICE, *ends)
    if not tasks:
        return None
    effects = [lead(tasks, "dice", (DICE,), (end,)) for end in ends]
    theirs = " and ".join(
        f"{_printed(printed, EQUAL[0]) - _printed(printed, pair):+.3f}"
        for pair in (SWEEP[0], SWEEP[-1])
    )
    weaker = int(np.argmin([effect.mean for effect in effects]))
    return finding(
        effects[weaker],
        is_larger,
        LEAST,
        unit=f"Dice, sDice − {ends[weaker]}",
        outcome=together([is_larger(effect, LEAST) for effect in effects]),
        claim="Extreme Tversky weights, 0.1/0.9 and 0.9/0.1, lose Dice (weaker side)",
        source=source,
        paper=f"0.5/0.5 {theirs}",
        ours="; ".join(
            f"{task.name} " + " / ".join(
                f"{task.mean('dice', m):.3f}" for m in (ends[0], DICE, ends[1])
            )
            for task in tasks
        ),
    )  # fmt: skip


def equal_weights_agree(
    tasks: Tasks, printed: Sequence[float], source: str
) -> Finding | None:
    """Tversky weights 1/2, 3/4 and 1."""
    names = [tversky_name(*pair) for pair in EQUAL]
    tasks = having(tasks, *names)
    if not tasks:
        return None
    pairs = list(itertools.combinations(names, 2))
    effects = [lead(tasks, "dice", (a,), (b,)) for a, b in pairs]
    widest = int(np.argmax([abs(effect.mean) for effect in effects]))
    theirs = " / ".join(f"{_printed(printed, pair):.3f}" for pair in EQUAL)
    return finding(
        effects[widest],
        is_equal,
        LEAST,
        unit=f"Dice, {pairs[widest][0]} − {pairs[widest][1]}",
        outcome=together([is_equal(effect, LEAST) for effect in effects]),
        claim="Equal Tversky weights 0.5, 0.75 and 1 do not differ (widest pair)",
        source=source,
        paper=theirs,
        ours="; ".join(
            f"{task.name} " + " / ".join(f"{task.mean('dice', m):.3f}" for m in names)
            for task in tasks
        ),
    )


def matching_weights_win(
    tasks: Tasks, score: str, weights: tuple[float, float]
) -> Finding | None:
    """The Tversky weights of an F-score against 0.5/0.5, by that score.

    F-beta is the Tversky index with alpha = 1 / (1 + beta^2): 0.8/0.2 is F0.5, 0.2/0.8
    is F2, and 0.3/0.7 the weights tried that are nearest to F1.5's 0.31/0.69.
    """
    name = tversky_name(*weights)
    tasks = having(tasks, DICE, name)
    if not tasks:
        return None
    printed = sweep_means(score)
    theirs = _printed(printed, weights) - _printed(printed, EQUAL[0])
    return finding(
        lead(tasks, score, (name,), (DICE,)),
        is_larger,
        LEAST,
        unit=NAMES[score],
        claim=f"{NAMES[score]} is better served by its own Tversky weights, "
        f"{weights[0]:g}/{weights[1]:g}, than by 0.5/0.5",
        source="Table B.1",
        paper=f"{theirs:+.3f} on average",
        ours=from_to(tasks, score, (DICE,), (name,)),
    )
