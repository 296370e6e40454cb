"""What Eelbode 2020 found, judged on our scores.

Least effects were fixed before any score was seen: 0.01 in overlap scores, half of that
where the paper's own differences are smaller (the two norms of soft Dice, the virtual
data sets); a twentieth of the rival's share of wrong pixels, a tenth of its Hausdorff
distance or volume difference; tau 0.9 where two scores are said to order losses alike.
"""

import functools
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from experiments.metric_sensitivity.methods import (
    CE,
    DICE,
    METRIC_SENSITIVE,
    OURS,
    SQUARED,
    SWEEP,
    WCE,
    tversky_name,
)
from experiments.metric_sensitivity.methods import (
    EQUAL as EQUAL_WEIGHTS,
)
from experiments.metric_sensitivity.scores import DISTANCES, TITLES, score, size
from experiments.protocol.finding import EQUAL, NO_WORSE, Finding, Rule, judge
from experiments.protocol.report import means
from experiments.protocol.task import Task
from jaxseg.statistics import Estimate, kendall_tau, weighted_means
from theory.printed import eelbode

LEAST = 0.01
LEAST_SMALL = 0.005
LEAST_ERROR = 0.05
LEAST_ELSEWHERE = 0.1
LEAST_TAU = 0.9
Virtual = Mapping[str, Sequence[tuple[float, Task]]]


def findings(tasks: Sequence[Task], virtual: Virtual) -> list[Finding]:
    """All findings that the losses and data sets at hand allow to judge.

    Args:
      tasks: the data sets.
      virtual: the virtual data sets of some of them.
    """
    two = [
        *_leads(eelbode.CORE, "Table II"),
        functools.partial(_lead, "dice", (CE,), (WCE,), printed=eelbode.CORE["dice"],
                          source="Table II, IV-B3"),
        functools.partial(_agree, printed=eelbode.CORE["dice"], source="Table II"),
        functools.partial(_lead, "dice", (DICE,), (SQUARED,), source="Table I",
                          printed=eelbode.NORMS["dice"], smallest=LEAST_SMALL),
        _orders_alike,
        *_sweep(sweep_means(), "Table III"),
        functools.partial(_matching, "f_half", (0.8, 0.2)),
        functools.partial(_matching, "f_three_halves", (0.3, 0.7)),
        functools.partial(_matching, "f_two", (0.2, 0.8)),
        _accuracy,
        functools.partial(_elsewhere, "hausdorff"),
        functools.partial(_elsewhere, "volume"),
        _lead_at_all_sizes,
        _lead_shrinks_with_size,
    ]  # fmt: skip
    found = judge(two, [task for task in tasks if not task.several])
    groups = {name: group for name, group in virtual.items() if len(group) > 1}
    of_virtual: list[Rule] = [
        functools.partial(rule, groups=groups)
        for rule in (_at_all_ratios, _at_the_largest, _no_trend)
    ]
    found += judge(of_virtual, [group[0][1] for group in groups.values()])
    several = [
        *_leads({"dice": eelbode.MULTI["dice"]}, "Table VI, several classes"),
        *_sweep(eelbode.MULTI_SWEEP["dice"], "Table VII, several classes")[:2],
    ]
    return found + judge(several, [task for task in tasks if task.several])


def lead(
    task: Task,
    name: str,
    better: Sequence[str],
    worse: Sequence[str],
    *,
    relative: bool = False,
) -> Estimate:
    """How far some losses lead others; distances count downwards."""
    sign = -1 if name in DISTANCES else 1
    return task.lead(score(name), better, worse, sign=sign, relative=relative)


def compare_means(
    task: Task, name: str, worse: Sequence[str], better: Sequence[str]
) -> str:
    """The means of the worse and of the better losses, as "0.71 → 0.74"."""
    digits = 1 if name == "hausdorff" else 4 if name == "error" else 3
    one, two = (task.mean(score(name), *some) for some in (worse, better))
    return f"{one:.{digits}f} → {two:.{digits}f}"


# --- Tables I and II: cross-entropy and the metric-sensitive losses -------------------


def _leads(tables: Mapping[str, eelbode.Rows], source: str) -> list[Rule]:
    """Metric-sensitive losses against cross-entropy, weighted or not."""
    pairs = [(name, CE) for name in tables] + [("dice", WCE)]
    return [
        functools.partial(
            _lead, name, METRIC_SENSITIVE, (over,), printed=tables[name], source=source
        )
        for name, over in pairs
    ]


def _lead(
    name: str,
    better: Sequence[str],
    worse: Sequence[str],
    task: Task,
    *,
    printed: eelbode.Rows,
    source: str,
    smallest: float = LEAST,
) -> Finding | None:
    """Some losses against another by an overlap."""
    if not task.has(*better, *worse):
        return None
    mean, wins, columns = eelbode.gap(better, worse[0], printed)
    who = "Metric-sensitive losses have" if len(better) > 1 else f"{better[0]} has"
    return Finding(
        claim=f"{who} a higher {TITLES[name]} than {worse[0]}",
        source=source,
        paper=f"{mean:+.3f} on average, higher in {wins} of {columns}",
        ours=compare_means(task, name, worse, better),
        parts={TITLES[name]: lead(task, name, better, worse)},
        unit=TITLES[name],
        smallest=smallest,
        losses=(*better, *worse),
    )


def _pairs(task: Task, names: Sequence[str]) -> dict[str, Estimate]:
    return {
        f"{a} − {b}": lead(task, "dice", (a,), (b,))
        for a, b in itertools.combinations(names, 2)
    }


def _agree(task: Task, *, printed: eelbode.Rows, source: str) -> Finding | None:
    """Each pair of soft Dice, soft Jaccard and Lovász."""
    if not task.has(*METRIC_SENSITIVE):
        return None
    averages = [np.mean(printed[name]) for name in METRIC_SENSITIVE]
    return Finding(
        claim="The metric-sensitive losses do not differ in Dice",
        source=source,
        paper=f"means at most {np.ptp(averages):.3f} apart, no difference significant",
        ours=means(task, score("dice"), *METRIC_SENSITIVE),
        parts=_pairs(task, METRIC_SENSITIVE),
        unit="Dice",
        smallest=LEAST,
        rule=EQUAL,
        losses=METRIC_SENSITIVE,
    )


def _orders_alike(task: Task) -> Finding | None:
    """Order of all losses by mean Dice and by mean Jaccard."""
    names = tuple(name for name in task.methods if name not in OURS)
    if len(names) < 3:
        return None

    def tau(weights: np.ndarray) -> np.ndarray:
        tables = [
            np.stack(
                [weighted_means(task.of(score(s), n), weights).mean(-1) for n in names],
                axis=-1,
            )
            for s in ("dice", "jaccard")
        ]
        return kendall_tau(*tables)[:, None]

    theirs = []
    for k, name in enumerate(eelbode.DATASETS):
        both = []
        for s in ("dice", "jaccard"):
            swept = dict(zip(eelbode.WEIGHTS, eelbode.SWEEP[s][name], strict=True))
            del swept[EQUAL_WEIGHTS[0]], swept[EQUAL_WEIGHTS[2]]  # soft Dice, Jaccard
            both.append(
                [*(row[k] for row in eelbode.CORE[s].values()), *swept.values()]
            )
        theirs.append(kendall_tau(np.array(both[0]), np.array(both[1])))
    return Finding(
        claim="Dice and Jaccard put the losses in one order",
        source="IV-B1",
        paper=f"tau {np.mean(theirs):.2f} on average over its data sets",
        ours=f"tau over {len(names)} losses",
        parts={"tau": task.estimate(tau)},
        unit="Kendall's tau",
        smallest=LEAST_TAU,
        losses=names,
    )


# --- Tables III, VII and B.1: Tversky weights -----------------------------------------


def printed_at(values: Sequence[float], weights: tuple[float, float]) -> float:
    """What the paper prints for a pair of weights."""
    return values[eelbode.WEIGHTS.index(weights)]


def sweep_means(name: str = "dice") -> tuple[float, ...]:
    """The paper's means over its data sets, for each of its weights."""
    rows = list(eelbode.SWEEP[name].values())
    return tuple(float(value) for value in np.mean(rows, axis=0))


def _sweep(printed: Sequence[float], source: str) -> list[Rule]:
    return [
        functools.partial(rule, printed=printed, source=source)
        for rule in (_half_is_unbeaten, _extremes_lose, _equal_weights_agree)
    ]


def _leads_over_dice(task: Task, names: Sequence[str]) -> dict[str, Estimate]:
    return {f"{DICE} − {n}": lead(task, "dice", (DICE,), (n,)) for n in names}


def _half_is_unbeaten(
    task: Task, *, printed: Sequence[float], source: str
) -> Finding | None:
    """Tversky weights of 1/2 against each other pair that adds up to 1."""
    pairs = [pair for pair in SWEEP if pair != EQUAL_WEIGHTS[0]]
    others = [tversky_name(*pair) for pair in pairs if task.has(tversky_name(*pair))]
    if not task.has(DICE) or not others:
        return None
    value, best = max((printed_at(printed, pair), pair) for pair in pairs)
    return Finding(
        claim="No unequal Tversky weights beat 0.5/0.5 in Dice",
        source=source,
        paper=f"0.5/0.5 {printed_at(printed, EQUAL_WEIGHTS[0]):.3f}, best rival "
        f"{best[0]:g}/{best[1]:g} {value:.3f}",
        ours=means(task, score("dice"), DICE, *others),
        parts=_leads_over_dice(task, others),
        unit="Dice",
        smallest=LEAST,
        rule=NO_WORSE,
        losses=(DICE, *others),
    )


def _extremes_lose(
    task: Task, *, printed: Sequence[float], source: str
) -> Finding | None:
    """Tversky weights of 1/2 against 0.1/0.9 and 0.9/0.1."""
    pairs = SWEEP[0], SWEEP[-1]
    ends = [tversky_name(*pair) for pair in pairs]
    if not task.has(DICE, *ends):
        return None
    half = printed_at(printed, EQUAL_WEIGHTS[0])
    theirs = " and ".join(f"{half - printed_at(printed, pair):+.3f}" for pair in pairs)
    return Finding(
        claim="Extreme Tversky weights, 0.1/0.9 and 0.9/0.1, lose Dice",
        source=source,
        paper=f"0.5/0.5 {theirs}",
        ours=means(task, score("dice"), ends[0], DICE, ends[1]),
        parts=_leads_over_dice(task, ends),
        unit="Dice",
        smallest=LEAST,
        losses=(DICE, *ends),
    )


def _equal_weights_agree(
    task: Task, *, printed: Sequence[float], source: str
) -> Finding | None:
    """Tversky weights 1/2, 3/4 and 1."""
    names = [tversky_name(*pair) for pair in EQUAL_WEIGHTS]
    if not task.has(*names):
        return None
    return Finding(
        claim="Equal Tversky weights 0.5, 0.75 and 1 do not differ",
        source=source,
        paper=" / ".join(f"{printed_at(printed, x):.3f}" for x in EQUAL_WEIGHTS),
        ours=means(task, score("dice"), *names),
        parts=_pairs(task, names),
        unit="Dice",
        smallest=LEAST,
        rule=EQUAL,
        losses=tuple(names),
    )


def _matching(name: str, weights: tuple[float, float], task: Task) -> Finding | None:
    """The Tversky weights of an F-score against 0.5/0.5, by that score.

    F-beta is the Tversky index with alpha = 1 / (1 + beta^2): 0.8/0.2 is F0.5, 0.2/0.8
    is F2, and 0.3/0.7 the weights tried that are nearest to F1.5's 0.31/0.69.
    """
    own = tversky_name(*weights)
    if not task.has(DICE, own):
        return None
    printed = sweep_means(name)
    theirs = printed_at(printed, weights) - printed_at(printed, EQUAL_WEIGHTS[0])
    return Finding(
        claim=f"{TITLES[name]} is better served by its own Tversky weights, "
        f"{weights[0]:g}/{weights[1]:g}, than by 0.5/0.5",
        source="Table B.1",
        paper=f"{theirs:+.3f} on average",
        ours=compare_means(task, name, (DICE,), (own,)),
        parts={TITLES[name]: lead(task, name, (own,), (DICE,))},
        unit=TITLES[name],
        smallest=LEAST,
        losses=(DICE, own),
    )


# --- Table IV: scores that are no overlap ---------------------------------------------


def _accuracy(task: Task) -> Finding | None:
    """Cross-entropy against soft Dice by the share of wrong pixels."""
    if not task.has(CE, DICE):
        return None
    mean, wins, columns = eelbode.gap((CE,), DICE, eelbode.OTHER["hamming"])
    return Finding(
        claim="CE has a higher accuracy than sDice",
        source="Table IV",
        paper=f"{mean:+.4f} on average, higher in {wins} of {columns}",
        ours=f"{TITLES['error']} {compare_means(task, 'error', (DICE,), (CE,))}",
        parts={"error": lead(task, "error", (CE,), (DICE,), relative=True)},
        unit="of sDice's wrong pixels",
        smallest=LEAST_ERROR,
        losses=(CE, DICE),
    )


def _elsewhere(name: str, task: Task) -> Finding | None:
    """Soft Dice against cross-entropy by a distance or a volume."""
    if not task.has(CE, DICE):
        return None
    printed = eelbode.OTHER[name]
    theirs = "; ".join(
        f"{dataset} {a:.1f} → {b:.1f}"
        for dataset, a, b in zip(
            eelbode.OTHER_DATASETS, printed[CE], printed[DICE], strict=True
        )
    )
    return Finding(
        claim=f"sDice is not inferior to CE in {TITLES[name]}",
        source="Table IV",
        paper=theirs,
        ours=compare_means(task, name, (CE,), (DICE,)),
        parts={TITLES[name]: lead(task, name, (DICE,), (CE,), relative=True)},
        unit=f"of CE's {TITLES[name]}",
        smallest=LEAST_ELSEWHERE,
        rule=NO_WORSE,
        losses=(CE, DICE),
    )


# --- IV-C: the size of the object, and the ratio of foreground to background ----------


def halves(task: Task) -> dict[str, Estimate]:
    """Leads over cross-entropy among the smaller and the larger objects.

    Nothing where sizes or losses to compare are lacking.
    """
    sizes = task.of_case(size)
    if not task.has(CE, *METRIC_SENSITIVE) or not np.ptp(sizes) > 0:
        return {}
    below = sizes <= np.median(sizes)
    return {
        name: lead(task.only(side), "dice", METRIC_SENSITIVE, (CE,))
        for name, side in (("smaller half", below), ("larger half", ~below))
    }


def _join_parts(parts: Mapping[str, Estimate]) -> str:
    return ", ".join(f"{name} {part.value:+.3f}" for name, part in parts.items())


def _lead_at_all_sizes(task: Task) -> Finding | None:
    parts = halves(task)
    if not parts:
        return None
    return Finding(
        claim="The lead over CE holds among small and among large objects",
        source="IV-C, Fig. 4",
        paper="for all sizes of object (a figure without numbers)",
        ours=_join_parts(parts),
        parts=parts,
        unit="Dice",
        smallest=LEAST,
        losses=(CE, *METRIC_SENSITIVE),
    )


def _lead_shrinks_with_size(task: Task) -> Finding | None:
    parts = halves(task)
    if not parts:
        return None
    small, large = parts.values()
    return Finding(
        claim="The lead over CE is larger for small objects",
        source="IV-C, Fig. 4: a converging trend",
        paper="losses approach one another (a figure without numbers)",
        ours=_join_parts(parts),
        parts={"small − large": small + -large},
        unit="Dice",
        smallest=LEAST,
        losses=(CE, *METRIC_SENSITIVE),
    )


def _virtual_datasets(task: Task, groups: Virtual) -> list[tuple[float, Task]]:
    """The virtual data sets beside a task, with both losses; at the task's steps."""
    found = []
    for ratio, one in groups.get(task.name, ()):
        for same in (one, *one.earlier, *([one.including] if one.including else [])):
            if same.steps == task.steps and same.has(CE, DICE):
                found.append((ratio, same))
                break
    return found


_GAP = eelbode.gap((DICE,), CE, eelbode.VIRTUAL["dice"])
_GAINS = np.subtract(eelbode.VIRTUAL["dice"][DICE], eelbode.VIRTUAL["dice"][CE])


def _ratio_finding(parts: dict[str, Estimate], **texts) -> Finding:
    given = {"smallest": LEAST_SMALL, "unit": "Dice", "source": "Table V"}
    return Finding(parts=parts, losses=(CE, DICE), **{**given, **texts})


def _at_all_ratios(task: Task, *, groups: Virtual) -> Finding | None:
    group = _virtual_datasets(task, groups)
    if len(group) < 2:
        return None
    return _ratio_finding(
        {f"at {r:g}": lead(one, "dice", (DICE,), (CE,)) for r, one in group},
        claim="sDice leads CE on virtual data sets of all ratios",
        paper=f"{_GAP[0]:+.3f} on average, higher at {_GAP[1]} of {_GAP[2]} ratios",
        ours="; ".join(
            f"{r:g}: {compare_means(t, 'dice', (CE,), (DICE,))}" for r, t in group
        ),
    )


def _at_the_largest(task: Task, *, groups: Virtual) -> Finding | None:
    group = _virtual_datasets(task, groups)
    if len(group) < 2:
        return None
    ratio, last = group[-1]
    return _ratio_finding(
        {f"at {ratio:g}": lead(last, "dice", (DICE,), (CE,))},
        claim=f"sDice leads CE even at the ratio {ratio:g}",
        paper=f"{_GAINS[-1]:+.3f}",
        ours=compare_means(last, "dice", (CE,), (DICE,)),
    )


def _no_trend(task: Task, *, groups: Virtual) -> Finding | None:
    group = _virtual_datasets(task, groups)
    if len(group) < 2 or len({one.cases for _, one in group}) > 1:
        return None

    def gains(some: Sequence[tuple[float, Task]]) -> np.ndarray:
        found = [t.of(score("dice"), DICE) - t.of(score("dice"), CE) for _, t in some]
        return np.mean(found, axis=0)

    low, high = gains(group[: len(group) // 2]), gains(group[-(len(group) // 2) :])
    return _ratio_finding(
        {"low − high": task.gap(low, high)},
        claim="The lead shows no trend with the ratio",
        paper=f"{_GAINS[:3].mean():+.3f} at low, {_GAINS[3:].mean():+.3f} at high "
        "ratios",
        ours=f"{np.nanmean(low):+.3f} at low, {np.nanmean(high):+.3f} at high ratios",
        rule=EQUAL,
        smallest=LEAST,
    )
