"""What Liu 2022 found, judged on our scores.

The smallest effects that count were fixed before any score was seen: a point of Dice or
IoU, where the paper's own gains over cross-entropy are 1 to 2 points; a twentieth of
the rival's HD95, a tenth of its error in the proportions of an image; 5 % of a region's
size or of the regions.
"""

import functools
from collections.abc import Callable, Sequence

import numpy as np

from experiments.label_marginals import scores
from experiments.protocol.finding import EQUAL, Finding, Rule, judge
from experiments.protocol.report import means
from experiments.protocol.task import Task
from experiments.protocol.tasks import even, mean_iou
from jaxseg.statistics import weighted_means
from theory.printed import liu

LEAST = 0.01
LEAST_DISTANCE = 0.05
LEAST_PROPORTION = 0.1
LEAST_RATIO = 0.05
NET = liu.NETWORKS.index("Res50-Unet")


def findings(tasks: Sequence[Task], points: Sequence[Task] = ()) -> list[Finding]:
    """All findings that the losses and data sets at hand allow to judge.

    Args:
      tasks: of the comparison.
      points: of the ablation.
    """
    of_kind: dict[str, list[Rule]] = {
        "binary": [*_binary(), *_PROPORTIONS, *_THIRDS],
        "volume": [*_volume(), *_PROPORTIONS],
        "scene": [*_scene(), *_CLASSES, *_PROPORTIONS],
    }
    rules: list[Rule] = []
    for kind, some in of_kind.items():
        rules += [functools.partial(_judge_kind, kind=kind, rule=rule) for rule in some]
    found = judge(rules, tasks)
    return found + judge(_ablation(), points)


def _judge_kind(task: Task, *, kind: str, rule: Rule) -> Finding | None:
    return rule(task) if task.kind == kind else None


# --- Tables 2 to 4: which loss beats which --------------------------------------------


def _retina(column: int, *losses: str) -> str:
    """The paper's numbers on Retinal Lesions for Res50-Unet, and over all networks."""
    return ", ".join(
        f"{m} {liu.RETINA[m][NET][column]} "
        f"(mean of 4 networks {np.mean([x[column] for x in liu.RETINA[m]]):.1f})"
        for m in losses
    )


def _organs(column: int, *losses: str) -> str:
    """The paper's means of organ and tumour."""
    return ", ".join(
        f"{m} {liu.ORGANS[m]['pancreas'][column][2]} and "
        f"{liu.ORGANS[m]['liver'][column][2]}"
        for m in losses
    )


def _score(
    task: Task,
    *,
    pair: tuple[str, str],
    paper: str,
    source: str,
    column: str = "dice",
    equal: bool = False,
) -> Finding | None:
    """Mean scores per case; a distance counts as better where it is smaller."""
    if not task.has(*pair):
        return None
    distance = column == "hd95"
    name = {"dice": "Dice", "hd95": "HD95", "nsd": "NSD"}[column]
    verb = "agrees with" if equal else "beats"
    lead = task.lead(
        column, pair[:1], pair[1:], sign=-1 if distance else 1, relative=distance
    )
    return Finding(
        claim=f"{pair[0]} {verb} {pair[1]} in {name}",
        source=source,
        paper=paper,
        ours=means(task, column, *pair, digits=1 if distance else 3),
        parts={name: lead},
        unit=f"of {pair[1]}'s HD95" if distance else name,
        smallest=LEAST_DISTANCE if distance else LEAST,
        rule=EQUAL if equal else "larger",
        losses=pair,
    )


def _binary() -> list[Rule]:
    """Of images of two classes."""
    table = functools.partial(functools.partial, _score)
    rivals = ("CE", "Focal", "Dice", "logDice", "GDice", "DiceCE", "LogDiceCE")
    found = [
        table(pair=("CE+L1", other), paper=_retina(0, "CE+L1", other), source="Table 2")
        for other in rivals
    ]
    found += [
        table(pair=("CE+KL", other), paper=_retina(0, "CE+KL", other), source="Table 2")
        for other in ("CE", "Dice")
    ]
    return [
        *found,
        table(pair=("CE+L1", "CE"), column="hd95", source="Table 2",
              paper=f"mm: {_retina(1, 'CE+L1', 'CE')}"),
        table(pair=("CE+L1", "CE+KL"), source="Table 2, section 2.6",
              paper=_retina(0, "CE+L1", "CE+KL")),
        table(pair=("Dice", "CE"), source="abstract: imbalance",
              paper=_retina(0, "Dice", "CE")),
        table(pair=("DiceBiasCE", "DiceCE"), equal=True, source="section 3.1, Table 2",
              paper=_retina(0, "DiceBiasCE", "DiceCE")),
    ]  # fmt: skip


def _volume() -> list[Rule]:
    """The rules of what the paper says on volumes."""
    return [
        functools.partial(
            _score,
            pair=pair,
            column=column,
            source="Table 3, pancreas and liver",
            paper=_organs(place, *pair),
        )
        for place, column in enumerate(("dice", "nsd"))
        for pair in (("CE+L1", "CE"), ("CE+KL", "CE"), ("CE+L1", "Dice"))
    ]


def _iou(
    task: Task,
    *,
    pair: tuple[str, str],
    claim: str = "",
    paper: str = "",
    source: str = "Table 4",
    classes: Callable[[Task], np.ndarray] | None = None,
) -> Finding | None:
    """Mean IoU over classes, all pixels of the cases pooled."""
    chosen = None if classes is None else classes(task)
    if not task.has(*pair) or (chosen is not None and not chosen.any()):
        return None

    def statistic(weights: np.ndarray) -> np.ndarray:
        one, two = (mean_iou(task, m, weights, chosen) for m in pair)
        return one - two

    told = ", ".join(
        f"{m} {np.nanmean(mean_iou(task, m, even(task), chosen)):.3f}" for m in pair
    )
    unit = "mIoU" if classes is None else "IoU"
    printed = "; ".join(f"{m} {_city(m)}" for m in pair if m in liu.CITY_MEANS)
    return Finding(
        claim=claim or f"{pair[0]} beats {pair[1]} in mIoU",
        source=source,
        paper=paper or printed,
        ours=told,
        parts={unit: task.estimate(statistic)},
        unit=unit,
        smallest=LEAST,
        losses=pair,
    )


def _city(loss: str) -> str:
    one, two = liu.CITY_MEANS[loss]
    return f"{one} and {two}"


def _scene() -> list[Rule]:
    """Of images of several classes, all counted."""
    pairs = (
        ("CE+L1", "CE"), ("CE+L1", "Dice"), ("CE+L1", "DiceCE"), ("CE+KL", "CE"),
        ("CE", "Dice"), ("CE", "logDice"), ("CE", "Focal"),
    )  # fmt: skip
    return [
        functools.partial(
            _iou,
            pair=("CE+L1/K", "CE"),
            claim="With the released code's mean over classes, CE+L1 beats CE in mIoU",
            paper=f"CE+L1 {_city('CE+L1')}; CE {_city('CE')}",
            source="Table 4, authors' code",
        ),
        *(functools.partial(_iou, pair=pair) for pair in pairs),
    ]


# --- small and large regions, and their proportions: section 3.1 ----------------------


def _large(task: Task) -> np.ndarray:
    return ~scores.small(task)


_NEAR = ("pole", "traffic sign", "fence", "person", "bike")
_SMALL_PRINTED = ", ".join(
    f"{m} {np.mean([liu.city(m, c) for c in _NEAR]):.1f} and "
    f"{liu.city_mean(m, below=2):.1f}"
    for m in ("Dice", "CE")
)


def _small_classes_gain_most(task: Task) -> Finding | None:
    """The gain of CE+L1 over CE on small classes less that on large ones, if any.

    Where large classes lose, small ones must gain by themselves: they are then compared
    with no gain.
    """
    small = scores.small(task)
    if not task.has("CE+L1", "CE") or small.all() or not small.any():
        return None

    def gain(weights: np.ndarray, classes: np.ndarray) -> np.ndarray:
        one, two = (mean_iou(task, m, weights, classes) for m in ("CE+L1", "CE"))
        return one - two

    ours = [float(np.nanmean(gain(even(task), kind))) for kind in (small, ~small)]
    theirs = [
        liu.city_mean("CE+L1", **kind) - liu.city_mean("CE", **kind)
        for kind in ({"below": 2.0}, {"above": 2.0})
    ]
    return Finding(
        claim="Small classes gain most from the L1 term",
        source="Table 4, section 3.1",
        paper=f"{theirs[0]:+.1f} below 2 % of the pixels, {theirs[1]:+.1f} above",
        ours=f"{ours[0]:+.3f} and {ours[1]:+.3f}",
        parts={
            "IoU": task.estimate(
                lambda weights: (
                    gain(weights, small) - np.maximum(gain(weights, ~small), 0)
                )
            )
        },
        unit="IoU",
        smallest=LEAST,
        losses=("CE+L1", "CE"),
    )


_CLASSES: list[Rule] = [
    functools.partial(
        _iou,
        pair=("Dice", "CE"),
        classes=scores.small,
        claim="Dice beats CE on classes below 2 % of the pixels",
        paper="pole, sign, fence, person and bike, and all 13 below 2 %: "
        + _SMALL_PRINTED,
    ),
    functools.partial(
        _iou,
        pair=("CE", "Dice"),
        classes=_large,
        claim="CE beats Dice on classes from 2 % of the pixels",
        paper=", ".join(f"{m} {liu.city_mean(m, above=2):.1f}" for m in ("CE", "Dice")),
    ),
    _small_classes_gain_most,
]


def _proportions(
    task: Task, *, pair: tuple[str, str], claim: str, source: str, paper: str
) -> Finding | None:
    """L1 distance of predicted and true proportions of each image."""
    if not task.has(*pair):
        return None
    lead = task.lead(
        scores.proportion_error, pair[:1], pair[1:], sign=-1, relative=True
    )
    return Finding(
        claim=claim,
        source=source,
        paper=paper,
        ours="L1 distance of an image's proportions: "
        + means(task, scores.proportion_error, *pair, digits=4),
        parts={"L1": lead},
        unit=f"of {pair[1]}'s L1 distance",
        smallest=LEAST_PROPORTION,
        losses=pair,
    )


_PROPORTIONS: list[Rule] = [
    functools.partial(
        _proportions,
        pair=("CE+L1", "CE"),
        claim="The L1 term brings predicted proportions closer to the true ones",
        source="section 3.1, Fig. 4",
        paper="pictures (Fig. 4)",
    ),
    functools.partial(
        _proportions,
        pair=("CE", "Dice"),
        claim="Cross-entropy gets the proportions of regions better than Dice",
        source="Propositions 1 and 2",
        paper="an argument, no number",
    ),
]


def _dice_under_segments_large(task: Task) -> Finding | None:
    """Predicted over true pixels of the largest third, CE against Dice."""
    if not task.has("CE", "Dice") or not scores.sizes_differ(task):
        return None
    large = scores.thirds(task) == 2
    true, runs = scores.actual(task)[large].sum(), len(task.runs)
    told = ", ".join(
        f"{m} {np.nansum(task.of(scores.predicted, m)[:, large]) / runs / true:.3f}"
        for m in ("CE", "Dice")
    )
    return Finding(
        claim="Dice under-segments large regions, more than CE",
        source="section 3.1, Fig. 4",
        paper="pictures (Fig. 4)",
        ours=f"predicted over true pixels of the largest third: {told}",
        parts={"size": scores.size_gap(task, "CE", "Dice")},
        unit="of the size",
        smallest=LEAST_RATIO,
        losses=("CE", "Dice"),
    )


def _ce_misses_small(task: Task) -> Finding | None:
    """Share of the smallest third of which nothing is found, CE against CE+L1."""
    if not task.has("CE", "CE+L1") or not scores.sizes_differ(task):
        return None
    small = scores.thirds(task) == 0
    parts = [
        np.where(small, task.of(scores.missed, m), np.nan) for m in ("CE", "CE+L1")
    ]
    return Finding(
        claim="CE misses small regions that CE+L1 finds",
        source="section 3.1, Fig. 4",
        paper="pictures (Fig. 4)",
        ours="share missed of the smallest third: CE "
        f"{np.nanmean(parts[0]):.3f}, CE+L1 {np.nanmean(parts[1]):.3f}",
        parts={"share": task.gap(*parts)},
        unit="of the regions",
        smallest=LEAST_RATIO,
        losses=("CE", "CE+L1"),
    )


def _small_regions_gain_most(task: Task) -> Finding | None:
    """Gain of CE+L1 over CE in Dice, smallest third less largest third, if any."""
    if not task.has("CE", "CE+L1") or not scores.sizes_differ(task):
        return None
    gap = task.of("dice", "CE+L1") - task.of("dice", "CE")
    small, large = (np.where(scores.thirds(task) == k, gap, np.nan) for k in (0, 2))
    tumours, organs = (
        ", ".join(
            f"{liu.ORGANS['CE+L1'][o][0][k] - liu.ORGANS['CE'][o][0][k]:+.1f}"
            for o in ("pancreas", "liver")
        )
        for k in (1, 0)
    )
    return Finding(
        claim="Small regions gain most from the L1 term",
        source="section 3.1, Table 3",
        paper=f"tumours {tumours}, organs {organs} (pancreas, liver)",
        ours=f"smallest third {np.nanmean(small):+.3f}, largest "
        f"{np.nanmean(large):+.3f}",
        parts={
            "Dice": task.estimate(
                lambda weights: (
                    weighted_means(small, weights)
                    - np.maximum(weighted_means(large, weights), 0)
                )
            )
        },
        unit="Dice",
        smallest=LEAST,
        losses=("CE", "CE+L1"),
    )


_THIRDS: list[Rule] = [
    _dice_under_segments_large,
    _ce_misses_small,
    _small_regions_gain_most,
]


# --- weights and temperatures: Fig. 3 and appendix C ----------------------------------


def _ablation() -> list[Rule]:
    """On the points of the ablation."""
    best = (("CE+L1", 10.0, 1.0), ("CE+KL", 10.0, 0.1), ("DiceCE", None, 0.1),
            ("LogDiceCE", None, 0.1))  # fmt: skip
    return [
        *(functools.partial(_best_weight, loss=loss, temperature=t, weight=w)
          for loss, t, w in best),
        _l1_is_flatter,
        _bias_drops,
        _temperature_helps,
    ]  # fmt: skip


def _join_means(task: Task, series: dict[float, str]) -> str:
    return ", ".join(f"{k:g}: {task.mean('dice', n):.3f}" for k, n in series.items())


def _means(task: Task, names: Sequence[str], weights: np.ndarray) -> np.ndarray:
    """``[P, R, S]`` mean Dice of some points."""
    return np.stack([weighted_means(task.of("dice", n), weights) for n in names])


def _best_weight(
    task: Task, *, loss: str, temperature: float | None, weight: float
) -> Finding | None:
    series = scores.weights_of(task, loss, temperature)
    if weight not in series or len(series) < 2:
        return None
    others = [name for k, name in series.items() if k != weight]

    def lead(weights: np.ndarray) -> np.ndarray:
        ours = _means(task, [series[weight]], weights)[0]
        return ours - _means(task, others, weights).max(axis=0)

    return Finding(
        claim=f"The best weight of {loss} is {weight:g}",
        source="Fig. 3",
        paper=f"{weight:g} of the weights tried",
        ours=f"Dice by weight: {_join_means(task, series)}",
        parts={"Dice": task.estimate(lead)},
        unit="Dice ahead of the next",
        smallest=LEAST,
        losses=tuple(series.values()),
    )


def _l1_is_flatter(task: Task) -> Finding | None:
    one, two = (scores.weights_of(task, loss, 10.0) for loss in ("CE+L1", "CE+KL"))
    if set(one) != set(two) or len(one) < 2:
        return None

    def spread(series: dict[float, str], weights: np.ndarray) -> np.ndarray:
        return np.ptp(_means(task, list(series.values()), weights), axis=0)

    return Finding(
        claim="L1 depends less on its weight than KL",
        source="section 3.1, Fig. 3",
        paper="curves (Fig. 3)",
        ours=f"Dice varies by {np.nanmean(spread(one, even(task))):.3f} with L1 and by "
        f"{np.nanmean(spread(two, even(task))):.3f} with KL over "
        f"{', '.join(f'{k:g}' for k in one)}",
        parts={
            "Dice": task.estimate(
                lambda weights: spread(two, weights) - spread(one, weights)
            )
        },
        unit="Dice",
        smallest=LEAST,
        losses=(*one.values(), *two.values()),
    )


def _bias_drops(task: Task) -> Finding | None:
    series = scores.weights_of(task, "DiceBiasCE", None)
    low = [name for k, name in series.items() if k < 0.1]
    high = [name for k, name in series.items() if k >= 0.1]
    if not low or not high:
        return None

    def drop(weights: np.ndarray) -> np.ndarray:
        least, most = (_means(task, part, weights).mean(axis=0) for part in (low, high))
        return least - most

    return Finding(
        claim="DiceBiasCE drops from weight 0.1 on",
        source="section 3.1, Fig. 3",
        paper="drops significantly",
        ours=f"Dice by weight: {_join_means(task, series)}",
        parts={"Dice": task.estimate(drop)},
        unit="Dice",
        smallest=LEAST,
        losses=tuple(series.values()),
    )


def _temperature_helps(task: Task) -> Finding | None:
    at = {t: scores.weights_of(task, "CE+L1", t).get(1.0) for t in (1.0, 10.0)}
    one, ten = at[1.0], at[10.0]
    if one is None or ten is None:
        return None
    return Finding(
        claim="Temperature 10 gets proportions better than 1",
        source="appendix C",
        paper="an argument, no number",
        ours="L1 distance of proportions with CE+L1: "
        + means(task, scores.proportion_error, one, ten, digits=4),
        parts={
            "L1": task.lead(
                scores.proportion_error, (ten,), (one,), sign=-1, relative=True
            )
        },
        unit="of that at 1",
        smallest=LEAST_PROPORTION,
        losses=(one, ten),
    )
