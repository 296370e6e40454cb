"""The paper's findings, each with what counts and the verdict on our rows.

Least effects were fixed before any strategies were compared: half a point of Dice, a
point of the challenge score over images with and without a lesion, a tenth of the
images without one, a tenth of the calibration error of cross-entropy, 0.05 in the area
under the ROC curve.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from experiments.ood_robustness import scores
from experiments.ood_robustness.strategies import NAMES
from experiments.protocol.finding import Finding, Rule, judge
from experiments.protocol.report import means
from experiments.protocol.results import Results
from experiments.protocol.task import Task
from experiments.protocol.tasks import tasks_of
from jaxseg.statistics import Estimate, share_difference, weighted_means
from theory.printed.galdran import INSIDE, MIXED, REJECTED

PAPERS_DATA: Mapping[str, str] = {
    "polyps": "polyps",
    "polyps_cvc": "polyps",
    "foot_ulcer": "foot ulcers",
}
"""Which of the paper's data a data set stands in for."""
INSIDE_TABLE = {"polyps": "Table 3", "foot ulcers": "Table 1"}
MIXED_TABLE = {"polyps": "Table 4", "foot ulcers": "Table 2"}
LEAST_DICE = 0.005
LEAST_SCORE = 0.01
LEAST_SHARE = 0.1
LEAST_CALIBRATION = 0.1
LEAST_AREA = 0.05
LOST = (0.02, 0.05, 0.1)
"""Shares of the images with a lesion that may be lost by rejecting small areas."""


def tasks_by_part(results: Results) -> dict[str, list[Task]]:
    """The tables of each part; all with the curves of the held-back folds.

    Images that are said to be free of a lesion and show one are left out. Members are
    several runs on the same images.
    """
    rows = scores.kept(results.rows)
    some = dataclasses.replace(results, rows=rows)
    found: dict[str, list[Task]] = {}
    curves: dict[str, Task] = {}
    for part in dict.fromkeys(["fold", *(row["part"] for row in rows)]):
        run = (lambda row: row["fold"]) if part == "member" else scores.seed
        case = scores.place
        tasks = tasks_of(
            some, NAMES, run=run, case=case, keep=lambda row, p=part: row["part"] == p
        )
        if part == "fold":
            curves = {task.name: task for task in tasks}
        found[part] = [
            task
            if part == "fold" or task.name not in curves
            else dataclasses.replace(
                task, curves=curves[task.name].curves, collapsed=(), including=None
            )
            for task in tasks
        ]
    return found


def findings_of(parts: Mapping[str, Sequence[Task]]) -> list[Finding]:
    """All findings that the rows speak about."""
    inside: list[Rule] = [
        functools.partial(_inside, pair=("CE+Dice", "CE"), claim="Adding Dice to CE"),
        functools.partial(_inside, pair=("soft", "CE"), claim="Soft fine-tuning"),
    ]  # fmt: skip
    found = judge(inside, parts["fold"])
    mixed: list[Rule] = [
        functools.partial(_rejections, pair=pair)
        for pair in (("CE", "CE+Dice"), ("CE", "Dice"), ("CE", "soft"),
                     ("hard", "CE+Dice"))
    ]  # fmt: skip
    mixed += [
        functools.partial(_mixed, pair=pair)
        for pair in (("CE", "CE+Dice"), ("hard", "CE+Dice"), ("soft", "CE+Dice"),
                     ("CE+Dice", "Dice"))
    ]  # fmt: skip
    mixed += [
        _dice_is_last,
        _calibration,
        functools.partial(_area_tells, pair=("CE", "CE+Dice")),
        functools.partial(_area_tells, pair=("CE", "Dice")),
        *(functools.partial(_at_equal_loss, pair=("CE", "CE+Dice"), lost=lost)
          for lost in LOST),
    ]  # fmt: skip
    found += judge(mixed, parts.get("ensemble", []))
    uses = (
        ("ensemble", "member", "Ensembles score higher than their members"),
        ("mirrored", "ensemble", "Test-time augmentation helps an ensemble"),
        ("pseudo", "mirrored", "A round of pseudo-labels helps"),
    )
    for better, worse, claim in uses:
        rule = functools.partial(_use, others=parts.get(worse, []), claim=claim)
        found += judge([rule], parts.get(better, []))
    return found


def _paper(task: Task) -> str | None:
    return PAPERS_DATA.get(task.dataset)


def _printed(
    tables: Mapping[str, Mapping[str, Sequence[float]]],
    task: Task,
    pair: tuple[str, str],
    unit: str,
) -> str:
    """The paper's mean difference over encoders, and for how many it is positive."""
    paper = _paper(task)
    if paper is None:
        return "–"
    one, two = (np.array(tables[paper][name]) for name in pair)
    difference = one - two
    more = int((difference > 0).sum())
    return (
        f"{difference.mean():+.1f} {unit} on average, "
        f"more in {more} of {len(difference)} encoders"
    )


def _inside(task: Task, *, pair: tuple[str, str], claim: str) -> Finding | None:
    if not task.has(*pair):
        return None
    return Finding(
        claim=f"{claim} raises Dice where there is a lesion",
        source=INSIDE_TABLE.get(_paper(task) or "", "Tables 1 and 3"),
        paper=_printed(INSIDE, task, pair, "points"),
        ours=means(task, scores.challenge, *pair),
        parts={"Dice": task.lead(scores.challenge, pair[:1], pair[1:])},
        unit="Dice",
        smallest=LEAST_DICE,
        losses=pair,
    )


def _judge_mixed(
    task: Task, pair: tuple[str, ...], parts: Mapping[str, Estimate], **texts
) -> Finding:
    """A finding on images with and without a lesion."""
    source = MIXED_TABLE.get(_paper(task) or "", "Tables 2 and 4")
    return Finding(parts=parts, losses=pair, **{"source": source, **texts})


def _rejections(task: Task, *, pair: tuple[str, str]) -> Finding | None:
    """Judged by Newcombe's interval."""
    free = task.only(task.of_case(scores.lesion_free) > 0)
    if not task.has(*pair) or not free.cases:
        return None
    one, two = (free.of(scores.rejected, name).mean(axis=0) >= 0.5 for name in pair)
    return _judge_mixed(
        task,
        pair,
        {"share": share_difference(one, two)},
        claim=f"{pair[0]} rejects more images without a lesion than {pair[1]}",
        paper=_printed(REJECTED, task, pair, "% of all images"),
        ours=f"{pair[0]} {one.sum()}, {pair[1]} {two.sum()} of {len(one)}",
        unit="of them",
        smallest=LEAST_SHARE,
    )


def _mixed(task: Task, *, pair: tuple[str, str]) -> Finding | None:
    if not task.has(*pair):
        return None
    return _judge_mixed(
        task,
        pair,
        {"score": task.lead(scores.challenge, pair[:1], pair[1:])},
        claim=f"With and without a lesion: {pair[0]} above {pair[1]}",
        paper=_printed(MIXED, task, pair, "points"),
        ours=means(task, scores.challenge, *pair),
        unit="score",
        smallest=LEAST_SCORE,
    )


def _dice_is_last(task: Task) -> Finding | None:
    others = [name for name in task.methods if name != "Dice"]
    if not task.has("Dice") or not others:
        return None
    printed, paper = "–", _paper(task)
    if paper is not None:
        table = {name: np.array(values) for name, values in MIXED[paper].items()}
        rest = np.min([x for name, x in table.items() if name != "Dice"], axis=0)
        below = rest - table["Dice"]
        printed = (
            f"last in {int((below > 0).sum())} of {len(below)} encoders, "
            f"by {below.mean():.1f} points on average"
        )
    return _judge_mixed(
        task,
        task.methods,
        {n: task.lead(scores.challenge, (n,), ("Dice",)) for n in others},
        claim="With and without a lesion: Dice is last",
        paper=printed,
        ours=means(task, scores.challenge, *task.methods),
        unit="score",
        smallest=LEAST_SCORE,
    )


def pooled_ece(task: Task, method: str, weights: np.ndarray) -> np.ndarray:
    """``[R, S]`` calibration error of all pixels of the cases; nan without bins."""
    m = task.methods.index(method)
    counts = task.counts(scores.bins)[m]  # [S, N, 3 * bins]
    if np.isnan(counts).all():
        return np.full((len(weights), len(counts)), np.nan)
    total = np.einsum("rn,snk->rsk", weights, np.nan_to_num(counts))
    number, confidence, hits = np.split(total, 3, axis=-1)
    pixels = number.sum(-1)
    found = np.abs(hits - confidence).sum(-1) / np.where(pixels > 0, pixels, 1)
    return np.where(pixels > 0, found, np.nan)


def _calibration(task: Task) -> Finding | None:
    """Calibration error of all pixels pooled, and Brier score: both must be worse."""
    if not task.has("Dice", "CE"):
        return None

    def excess(weights: np.ndarray) -> np.ndarray:
        dice, ce = (pooled_ece(task, name, weights) for name in ("Dice", "CE"))
        return (dice - ce) / ce

    even = np.full((1, len(task.cases)), 1 / len(task.cases))
    ece = ", ".join(
        f"{name} {np.nanmean(pooled_ece(task, name, even)):.4f}"
        for name in ("Dice", "CE")
        if not np.isnan(pooled_ece(task, name, even)).all()
    )
    return _judge_mixed(
        task,
        ("Dice", "CE"),
        {
            "ECE": task.estimate(excess),
            "Brier": task.lead(scores.brier, ("Dice",), ("CE",), relative=True),
        },
        claim="Probabilities of Dice are worse calibrated than those of CE",
        source="section 1, after Mehrtash 2020",
        paper="not measured",
        ours=f"pooled ECE {ece or 'not stored'}; Brier "
        f"{means(task, scores.brier, 'Dice', 'CE')}",
        unit="of CE's",
        smallest=LEAST_CALIBRATION,
    )


def _by_kind(
    task: Task, pair: tuple[str, str], of_kinds: Callable[..., np.ndarray]
) -> Estimate:
    """Difference of two strategies in what areas on both kinds of images tell.

    `of_kinds` takes areas ``[N]`` and weights ``[R, N]`` with and without a lesion.
    """
    free = task.of_case(scores.lesion_free) > 0
    areas = [task.of(scores.found_share, name) for name in pair]

    def statistic(weights: np.ndarray) -> np.ndarray:
        one, two = (
            np.stack(
                [of_kinds(a[~free], weights[:, ~free], a[free], weights[:, free])
                 for a in area], axis=-1
            )
            for area in areas
        )  # fmt: skip
        return one - two

    return task.estimate(statistic)


def roc_area(
    sick: np.ndarray, of_sick: np.ndarray, free: np.ndarray, of_free: np.ndarray
) -> np.ndarray:
    """``[R]`` chance that an image with a lesion has the larger area; ties half."""
    larger = (sick[:, None] > free) + 0.5 * (sick[:, None] == free)
    total = of_sick.sum(-1) * of_free.sum(-1)
    found = np.einsum("rn,nm,rm->r", of_sick, larger, of_free, optimize=True)
    return np.where(total > 0, found / np.where(total > 0, total, 1), np.nan)


def share_rejected(
    sick: np.ndarray,
    of_sick: np.ndarray,
    free: np.ndarray,
    of_free: np.ndarray,
    *,
    lost: float,
) -> np.ndarray:
    """``[R]`` share of images without a lesion that are rejected by their area.

    The area is the largest at which at most `lost` of those with one are rejected.
    """
    order = np.argsort(sick, kind="stable")
    total = of_sick.sum(-1, keepdims=True)
    below = np.cumsum(of_sick[:, order], axis=-1) / np.where(total > 0, total, 1)
    kept = (below <= lost + 1e-9).sum(-1)  # so many smallest ones may be lost
    edge = np.sort(sick)[np.minimum(kept, len(sick) - 1)]  # the next one stays
    inside = free < edge[:, None]
    weight = of_free.sum(-1)
    found = (of_free * inside).sum(-1)
    return np.where(weight > 0, found / np.where(weight > 0, weight, 1), np.nan)


def _both_kinds(task: Task, pair: tuple[str, str]) -> bool:
    free = task.of_case(scores.lesion_free) > 0
    return task.has(*pair) and 0 < free.sum() < len(free)


def _area_tells(task: Task, *, pair: tuple[str, str]) -> Finding | None:
    if not _both_kinds(task, pair):
        return None
    return _judge_mixed(
        task,
        pair,
        {"area under the ROC curve": _by_kind(task, pair, roc_area)},
        claim=f"Predicted areas tell images with and without a lesion apart better "
        f"with {pair[0]} than with {pair[1]}",
        source="abstract; not measured there",
        paper="no number",
        ours=", ".join(f"{n} {scores.separation(task, n):.3f}" for n in pair),
        unit="area under the ROC curve",
        smallest=LEAST_AREA,
    )


def _at_equal_loss(task: Task, *, pair: tuple[str, str], lost: float) -> Finding | None:
    if not _both_kinds(task, pair):
        return None
    at = functools.partial(share_rejected, lost=lost)
    return _judge_mixed(
        task,
        pair,
        {"share": _by_kind(task, pair, at)},
        claim=f"With {100 * lost:g} % of the lesions lost, {pair[0]} rejects more "
        f"images without one than {pair[1]}",
        source="abstract; not measured there",
        paper="no number",
        ours="areas below that of all but so many lesions are rejected",
        unit="of them",
        smallest=LEAST_SHARE,
    )


def _use(task: Task, *, others: Sequence[Task], claim: str) -> Finding | None:
    """Ensembles, flips and pseudo-labels, over the strategies that have both."""
    other = next((one for one in others if one.name == task.name), None)
    if other is None or other.steps != task.steps:
        return None
    shared = tuple(name for name in task.methods if other.has(name))
    if not shared or other.cases != task.cases:
        return None
    one, two = (x.of(scores.challenge, *shared) for x in (task, other))
    means_of = [
        weighted_means(x, np.ones((1, len(task.cases)))).mean() for x in (one, two)
    ]
    return Finding(
        claim=claim,
        source="section 3.2, challenge entry",
        paper="no number",
        ours=f"{means_of[0]:.3f} with, {means_of[1]:.3f} without",
        parts={
            "score": task.gap(one.mean(0, keepdims=True), two.mean(0, keepdims=True))
        },
        unit="score",
        smallest=LEAST_DICE,
        losses=shared,
    )
