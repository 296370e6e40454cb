"""What Ma 2021 found, judged on our scores.

The smallest effects that count were fixed before any score was seen: 0.01 in Dice where
the paper's own differences are larger than that, one rank where ranks are compared.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from experiments.odyssey.losses import by_name
from experiments.odyssey.scores import RESAMPLES, Task, case_ranks
from experiments.protocol.report import Finding
from jaxseg.statistics import (
    Difference,
    RankStability,
    bootstrap_difference,
    judge_difference,
    judge_equivalence,
    kendall_tau,
)

COMPOUND = ("DiceBD", "DiceCE", "DiceFocal", "DiceHD", "DiceTopK", "ELL")
POPULAR = ("IoU", "Dice", "CE")
DICE_FORMS = ("BatchSquareDice", "SampleDice", "SampleSquareDice")
LEAST_DICE = 0.01
LEAST_RANK = 1.0
LEAST_TAU = 0.3
PLACES = 3
"""A loss that the paper has first counts as found again among so many."""
Tasks = Sequence[Task]


def findings(tasks: Tasks, stable: dict[str, RankStability]) -> list[Finding]:
    """All findings that the losses and data sets at hand allow to judge."""
    rules: list[Callable[[Tasks, dict[str, RankStability]], Finding | None]] = [
        compounds_lead,
        dice_topk_first,
        popular_lead_the_rest,
        *COMPARISONS,
        forms_of_dice_agree,
        metrics_agree,
    ]
    found = [rule(tasks, stable) for rule in rules]
    orders = [order_agrees(task) for task in tasks]
    return [finding for finding in [*found, *orders] if finding is not None]


def _has(tasks: Tasks, *methods: str) -> bool:
    return bool(tasks) and set(methods) <= set(tasks[0].methods)


def _of_difference(
    difference: Difference,
    *,
    smallest: float,
    unit: str,
    equal: bool = False,
    **texts: str,
) -> Finding:
    judge = judge_equivalence if equal else judge_difference
    return Finding(
        effect=difference.mean,
        low=difference.low,
        high=difference.high,
        unit=unit,
        smallest=smallest,
        cases=difference.cases,
        outcome=judge(
            difference.mean, difference.low, difference.high, smallest=smallest
        ),
        **texts,
    )


def _joined(tasks: Tasks, method: str) -> np.ndarray:
    return np.concatenate([task.of("dice", method) for task in tasks])


def _means(tasks: Tasks, *methods: str) -> str:
    values = ", ".join(f"{m} {_joined(tasks, m).mean():.3f}" for m in methods)
    return f"{values} ({', '.join(task.name for task in tasks)})"


def compounds_lead(tasks: Tasks, _: object) -> Finding | None:
    """Compound losses against all others, by rank within cases."""
    names = tasks[0].methods
    inside = np.array([name in COMPOUND for name in names])
    if not inside.any() or inside.all():
        return None
    places = case_ranks(tasks)
    ours, others = places[inside].mean(0), places[~inside].mean(0)
    return _of_difference(
        bootstrap_difference(others, ours),
        smallest=LEAST_RANK,
        unit="ranks",
        claim="Compound losses with Dice lead",
        source="section 4.4, Fig. 10",
        paper="DiceTopK, DiceFocal, DiceHD, DiceBD in front of 27",
        ours=f"mean rank {ours.mean():.1f} of the compounds, {others.mean():.1f} of "
        "the others",
    )


def dice_topk_first(tasks: Tasks, stable: dict[str, RankStability]) -> Finding | None:
    """The paper's winner among the first three."""
    if not _has(tasks, "DiceTopK") or len(tasks[0].methods) <= 2 * PLACES:
        return None
    found, k = stable["DSC+NSD"], tasks[0].methods.index("DiceTopK")
    edge = PLACES + 0.5
    effect, low, high = (
        float(edge - x) for x in (found.ranks[k], found.rank_high[k], found.rank_low[k])
    )
    return Finding(
        claim=f"DiceTopK is first (here: among the first {PLACES})",
        source="section 5.1, Fig. 11",
        paper="rank 1 by DSC+NSD, by DSC and by NSD",
        ours=f"rank {found.ranks[k]:g} of {len(found.ranks)}, in resamples "
        f"{found.rank_low[k]:g} to {found.rank_high[k]:g}",
        effect=effect,
        low=low,
        high=high,
        unit=f"ranks ahead of {edge:g}",
        smallest=0.5,
        cases=sum(len(task.cases) for task in tasks),
        outcome=judge_difference(effect, low, high, smallest=0.5),
    )


def popular_lead_the_rest(tasks: Tasks, _: object) -> Finding | None:
    """IoU, Dice and CE against the other losses that are no compounds."""
    names = tasks[0].methods
    popular = np.array([name in POPULAR for name in names])
    rest = ~popular & np.array([name not in COMPOUND for name in names])
    if popular.sum() < len(POPULAR) or not rest.any():
        return None
    places = case_ranks(tasks)
    ours, others = places[popular].mean(0), places[rest].mean(0)
    return _of_difference(
        bootstrap_difference(others, ours),
        smallest=LEAST_RANK,
        unit="ranks",
        claim="Without compounds, IoU, Dice and cross-entropy lead",
        source="section 4.4",
        paper="the first three of the single losses",
        ours=f"mean rank {ours.mean():.1f}, {others.mean():.1f} of the other singles",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """One loss said to have a higher Dice than another, on some kind of task.

    Attributes:
      better, worse: names of the losses.
      on: whether a task is of that kind.
      claim, source, paper: see `Finding`.
    """

    better: str
    worse: str
    on: Callable[[Task], bool]
    claim: str
    source: str
    paper: str

    def __call__(self, tasks: Tasks, _: object) -> Finding | None:
        """Judges it; None where a loss or such a task is not at hand."""
        chosen = [task for task in tasks if self.on(task)]
        if not _has(chosen, self.better, self.worse):
            return None
        pair = (_joined(chosen, name) for name in (self.better, self.worse))
        return _of_difference(
            bootstrap_difference(*pair),
            smallest=LEAST_DICE,
            unit="Dice",
            claim=self.claim,
            source=self.source,
            paper=self.paper,
            ours=_means(chosen, self.better, self.worse),
        )


def _mild(task: Task) -> bool:
    return not task.strong and task.num_classes == 2


COMPARISONS = (
    Comparison(
        better="CE",
        worse="WCE",
        on=lambda _: True,
        claim="Cross-entropy weighed by inverse class frequency is worse than plain",
        source="Table 2, section 4.4",
        paper="WCE 0.828, 0.270, 0.474, 0.690; CE 0.967, 0.564, 0.822, 0.848",
    ),
    Comparison(
        better="Dice",
        worse="CE",
        on=lambda task: task.strong,
        claim="Dice beats cross-entropy where foreground is rare",
        source="Table 2, liver tumour",
        paper="Dice 0.619, CE 0.564",
    ),
    Comparison(
        better="CE",
        worse="Dice",
        on=_mild,
        claim="Cross-entropy beats Dice where foreground is not rare",
        source="Table 2, liver",
        paper="CE 0.967, Dice 0.955",
    ),
    Comparison(
        better="TopK-30%",
        worse="TopK",
        on=_mild,
        claim="The worst 10 % of the pixels are too few where objects are large",
        source="Table 3, liver",
        paper="TopK-30% 0.962, TopK-10% 0.692",
    ),
    Comparison(
        better="Dice",
        worse="GDice",
        on=lambda task: task.num_classes > 2,
        claim="Generalised Dice fails with many classes",
        source="Table 2, multi-organ",
        paper="Dice 0.845, GDice 0.013",
    ),
)


def forms_of_dice_agree(tasks: Tasks, _: object) -> Finding | None:
    """The form of Dice that differs most from the default."""
    here = [name for name in DICE_FORMS if _has(tasks, "Dice", name)]
    if not here:
        return None
    pairs = {
        name: bootstrap_difference(_joined(tasks, "Dice"), _joined(tasks, name))
        for name in here
    }
    name = max(pairs, key=lambda name: abs(pairs[name].mean))
    return _of_difference(
        pairs[name],
        smallest=LEAST_DICE,
        unit="Dice",
        equal=True,
        claim="Squared or not, batch or sample: the forms of Dice differ little",
        source="Table 4",
        paper="means 0.814, 0.813, 0.804, 0.811",
        ours=f"{_means(tasks, 'Dice', *here)}; most: {name}",
    )


def metrics_agree(tasks: Tasks, stable: dict[str, RankStability]) -> Finding | None:
    """The ranking by DSC against that by NSD."""
    if len(tasks[0].methods) < 6:
        return None
    return _agreement(
        tasks,
        lambda tables: (
            np.mean([t[0].mean(-1) for t in tables], axis=0),
            np.mean([t[1].mean(-1) for t in tables], axis=0),
        ),
        claim="The ranking hardly changes between DSC and NSD",
        source="section 5.1, Fig. 11",
        paper=f"tau {_paper_tau():.2f} between the mean DSC and NSD of Table 2",
        ours=f"rank scores by DSC and by NSD: tau "
        f"{kendall_tau(stable['DSC'].scores, stable['NSD'].scores):.2f}",
    )


def order_agrees(task: Task) -> Finding | None:
    """Our order of the losses on a task against the paper's on the nearest one."""
    if len(task.methods) < 6:
        return None
    column, name = paper_task(task)
    known = by_name()
    theirs = np.array([known[m].scores[column][0] for m in task.methods])
    return _agreement(
        [task],
        lambda tables: (tables[0][0].mean(-1), theirs),
        claim=f"The order of the losses by mean DSC on {task.name} is the paper's",
        source=f"Tables 2 to 4, {name}",
        paper="(its own order)",
        ours=f"Kendall's tau over {len(task.methods)} losses",
    )


def paper_task(task: Task) -> tuple[int, str]:
    """Column and name of the paper's task that a data set is nearest to."""
    if task.num_classes > 2:
        return 3, "multi-organ"
    return (1, "liver tumour") if task.strong else (0, "liver")


def _paper_tau() -> float:
    means = np.array([np.mean(m.scores, axis=0) for m in by_name().values()])
    return kendall_tau(means[:, 0], means[:, 1])


def _agreement(
    tasks: Tasks,
    pair: Callable[[list[np.ndarray]], tuple[np.ndarray, np.ndarray]],
    **texts: str,
) -> Finding:
    """Kendall's tau of two orders with a percentile interval over resampled cases."""
    tables = [task.better_is_larger(("dice", "nsd")) for task in tasks]
    rng = np.random.default_rng(0)

    def redrawn() -> float:
        draws = [rng.integers(t.shape[2], size=t.shape[2]) for t in tables]
        some = [t[..., k] for t, k in zip(tables, draws, strict=True)]
        return kendall_tau(*pair(some))

    found = [redrawn() for _ in range(5 * RESAMPLES)]
    low, high = (float(x) for x in np.quantile(found, [0.025, 0.975]))
    effect = kendall_tau(*pair(tables))
    low, high = min(low, effect), max(high, effect)
    return Finding(
        effect=effect,
        low=low,
        high=high,
        unit="tau",
        smallest=LEAST_TAU,
        cases=sum(len(task.cases) for task in tasks),
        outcome=judge_difference(effect, low, high, smallest=LEAST_TAU),
        **texts,
    )
