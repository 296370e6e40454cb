"""What Ma 2021 found, judged on our scores.

The smallest effects that count were fixed before any score was seen: 0.01 in Dice where
the paper's own differences are larger than that, half a place where places are told.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np

from experiments.odyssey.losses import PAPER, PRINTED
from experiments.odyssey.scores import (
    DICE,
    NSD,
    STRONG,
    papers_scores,
    printed,
    stability,
)
from experiments.protocol.finding import EQUAL, Finding, Rule, judge
from experiments.protocol.learning import failed
from experiments.protocol.report import means
from experiments.protocol.task import Score, Task
from jaxseg.statistics import Estimate, kendall_tau, weighted_means
from theory.printed.ma import RANKED

LEADERS = ("dice_topk", "dice_focal", "dice_hd", "dice_bd")
"""The compound losses that the paper names as dominating."""
COMPOUND = (*LEADERS, "dice_ce", "exponential_logarithmic")
POPULAR = ("jaccard", "dice", "cross_entropy")
DICE_FORMS = ("dice_squared", "dice_per_image", "dice_squared_per_image")
LEAST_DICE = 0.01
LEAST_PLACE = 0.5
LEAST_TAU = 0.3
FIRST = 3
"""A loss that the paper has first counts as found again among so many."""
FEWEST = 6
"""Losses below which no order is judged."""


def findings(tasks: Sequence[Task]) -> list[Finding]:
    """All findings that the losses and data sets at hand allow to judge."""
    rules: list[Rule] = [
        leaders_lead,
        first_is_among_the_first,
        popular_lead_the_singles,
        *COMPARISONS,
        forms_of_dice_agree,
        metrics_agree,
        order_agrees,
    ]
    return judge(rules, tasks)


def _places(
    task: Task, names: Sequence[str], among: Sequence[str], edge: int
) -> dict[str, Estimate]:
    """How far each loss is ahead of the place after `edge`, by rank score."""
    found = stability((task,), "DSC+NSD", among)
    parts = {}
    for name in names:
        k = list(among).index(name)
        ends = found.ranks[k], found.rank_high[k], found.rank_low[k]
        value, low, high = (float(edge + 0.5 - place) for place in ends)
        part = Estimate.of_interval(value, low, high, len(task.cases))
        units = len(np.unique(task.groups))
        parts[name] = dataclasses.replace(part, units=units)
    return parts


def _join_places(parts: dict[str, Estimate], edge: int) -> str:
    places = ", ".join(f"{n} {edge + 0.5 - p.value:g}" for n, p in parts.items())
    return f"places: {places}"


def leaders_lead(task: Task) -> Finding | None:
    """The places of the four compound losses that the paper names, among all."""
    names = [name for name in LEADERS if task.has(name)]
    edge = len(task.methods) // 3
    if len(names) < len(LEADERS) or edge < len(LEADERS):
        return None
    parts = _places(task, names, task.methods, edge)
    return Finding(
        claim="DiceTopK, DiceFocal, DiceHD and DiceBD lead (here: all in the first "
        "third)",
        source="section 4.4, Fig. 10",
        paper="the first four of 27",
        ours=f"{_join_places(parts, edge)} of {len(task.methods)}",
        parts=parts,
        unit=f"places ahead of {edge + 0.5:g}",
        smallest=LEAST_PLACE,
        losses=task.methods,
    )


def first_is_among_the_first(task: Task) -> Finding | None:
    """The paper's winner among the first three."""
    if not task.has("dice_topk") or len(task.methods) <= 2 * FIRST:
        return None
    parts = _places(task, ["dice_topk"], task.methods, FIRST)
    return Finding(
        claim=f"DiceTopK is first (here: among the first {FIRST})",
        source="section 5.1, Fig. 11",
        paper="rank 1 by DSC+NSD, by DSC and by NSD",
        ours=f"{_join_places(parts, FIRST)} of {len(task.methods)}",
        parts=parts,
        unit=f"places ahead of {FIRST + 0.5:g}",
        smallest=LEAST_PLACE,
        losses=task.methods,
    )


def popular_lead_the_singles(task: Task) -> Finding | None:
    """IoU, Dice and CE among the losses that are no compounds."""
    singles = tuple(name for name in task.methods if name not in COMPOUND)
    edge = len(singles) // 3
    if not task.has(*POPULAR) or edge < len(POPULAR):
        return None
    parts = _places(task, POPULAR, singles, edge)
    return Finding(
        claim="Without compounds, IoU, Dice and cross-entropy lead (here: all in the "
        "first third)",
        source="section 4.4",
        paper="the first three of the single losses",
        ours=f"{_join_places(parts, edge)} of {len(singles)}",
        parts=parts,
        unit=f"places ahead of {edge + 0.5:g}",
        smallest=LEAST_PLACE,
        losses=singles,
    )


def _lead(
    task: Task,
    *,
    better: str,
    worse: str,
    on: Callable[[Task], bool],
    claim: str,
    source: str,
    fails: bool = False,
) -> Finding | None:
    """One loss said to have a higher Dice than another, on some kind of task.

    Where the other is said to fail, it may have learned nothing, see `learning`.
    """
    if not on(task) or not task.has(better, worse):
        return None
    column = (
        slice(None) if on is _any else slice(printed(task)[0], printed(task)[0] + 1)
    )
    both = [task.curves.get(name) for name in (better, worse)]
    theirs = "; ".join(
        f"{PRINTED[name]} "
        + ", ".join(f"{x[0]:.3f}" for x in RANKED[PRINTED[name]][column] if x[0])
        for name in (better, worse)
    )
    return Finding(
        claim=claim,
        source=source,
        paper=theirs,
        ours=means(task, DICE, better, worse),
        parts={"Dice": task.lead(DICE, (better,), (worse,))},
        unit="Dice",
        smallest=LEAST_DICE,
        losses=(better,) if fails and failed(*both) else (better, worse),
    )


def _any(_: Task) -> bool:
    return True


def _mild(task: Task) -> bool:
    return task.foreground >= STRONG and not task.several


COMPARISONS: tuple[Rule, ...] = (
    functools.partial(
        _lead,
        better="cross_entropy",
        worse="cross_entropy:inverse",
        on=_any,
        claim="Cross-entropy weighed by inverse class frequency is worse than plain",
        source="Table 2, section 4.4",
    ),
    functools.partial(
        _lead,
        better="dice",
        worse="cross_entropy",
        on=lambda task: task.foreground < STRONG and not task.several,
        claim="Dice beats cross-entropy where foreground is rare",
        source="Table 2, liver tumour",
    ),
    functools.partial(
        _lead,
        better="cross_entropy",
        worse="dice",
        on=_mild,
        claim="Cross-entropy beats Dice where foreground is not rare",
        source="Table 2, liver",
    ),
    functools.partial(
        _lead,
        better=PAPER["TopK-30%"],
        worse="topk",
        on=_mild,
        claim="The worst 10 % of the pixels are too few where objects are large",
        source="Table 3, liver",
    ),
    functools.partial(
        _lead,
        better="dice",
        worse="generalized_dice",
        on=lambda task: task.several,
        claim="Generalised Dice fails with many classes",
        fails=True,
        source="Table 2, multi-organ",
    ),
)


def forms_of_dice_agree(task: Task) -> Finding | None:
    """Each other form of Dice against the default."""
    here = [name for name in DICE_FORMS if task.has("dice", name)]
    if not here:
        return None
    return Finding(
        claim="Squared or not, batch or sample: the forms of Dice differ little",
        source="Table 4",
        paper="means 0.814, 0.813, 0.804, 0.811",
        ours=means(task, DICE, "dice", *here),
        parts={name: task.lead(DICE, ("dice",), (name,)) for name in here},
        unit="Dice",
        smallest=LEAST_DICE,
        rule=EQUAL,
        losses=("dice", *here),
    )


def _mean_table(task: Task, score: Score, weights: np.ndarray) -> np.ndarray:
    """``[R, M]`` mean scores of all losses, over runs as well."""
    found = [
        weighted_means(task.of(score, name), weights).mean(-1) for name in task.methods
    ]
    return np.stack(found, axis=-1)


def metrics_agree(task: Task) -> Finding | None:
    """The order by mean DSC against that by mean NSD."""
    if len(task.methods) < FEWEST:
        return None

    def tau(weights: np.ndarray) -> np.ndarray:
        one, two = (_mean_table(task, score, weights) for score in (DICE, NSD))
        return kendall_tau(one, two)[:, None]

    theirs = np.array(list(RANKED.values()), float).mean(axis=1)
    return Finding(
        claim="The order of the losses hardly changes between DSC and NSD",
        source="section 5.1, Fig. 11",
        paper=f"tau {kendall_tau(theirs[:, 0], theirs[:, 1]):.2f} between the mean DSC "
        "and NSD of Tables 2 to 4",
        ours=f"Kendall's tau over {len(task.methods)} losses",
        parts={"tau": task.estimate(tau)},
        unit="tau",
        smallest=LEAST_TAU,
        losses=task.methods,
    )


def order_agrees(task: Task) -> Finding | None:
    """Our order of the losses on a task against the paper's on the nearest one."""
    names = [name for name in task.methods if name in PRINTED]
    if len(names) < FEWEST:
        return None
    theirs = np.array([papers_scores(task, name)[0] for name in names], float)
    chosen = [task.methods.index(name) for name in names]

    def tau(weights: np.ndarray) -> np.ndarray:
        ours = _mean_table(task, DICE, weights)[:, chosen]
        return kendall_tau(ours, np.broadcast_to(theirs, ours.shape))[:, None]

    return Finding(
        claim="The order of the losses by mean DSC is the paper's on its nearest task",
        source=f"Tables 2 to 4, {printed(task)[1]}",
        paper="(its own order)",
        ours=f"Kendall's tau over {len(names)} losses",
        parts={"tau": task.estimate(tau)},
        unit="tau",
        smallest=LEAST_TAU,
        losses=tuple(names),
    )
