"""Weights and temperatures: Fig. 3 and appendix C of Liu 2022."""

from collections.abc import Sequence

import numpy as np

from experiments.label_marginals.judge import LEAST, LEAST_PROPORTION, even, judged
from experiments.label_marginals.tasks import Point, Task, weighted_means
from experiments.protocol.report import Finding


def _series(
    points: Sequence[Point], loss: str, temperature: float | None
) -> dict[float, Point]:
    """The points of a loss by weight, at one temperature."""
    found = [p for p in points if p.loss == loss and p.temperature == temperature]
    return {p.weight: p for p in sorted(found, key=lambda p: p.weight)}


def _told(series: dict[float, Point]) -> str:
    return ", ".join(f"{k:g}: {p.dice.mean():.3f}" for k, p in series.items())


def _mean_dice(point: Point, weights: np.ndarray) -> np.ndarray:
    return weighted_means(point.dice, weights)


def ablation(task: Task, points: Sequence[Point]) -> list[Finding | None]:
    """All that the points allow to judge."""
    best = (("CE+L1", 10.0, 1.0), ("CE+KL", 10.0, 0.1), ("DiceCE", None, 0.1),
            ("LogDiceCE", None, 0.1))  # fmt: skip
    found: list[Finding | None] = [
        _best_weight(task, _series(points, loss, temperature), loss, weight)
        for loss, temperature, weight in best
    ]
    return [
        *found,
        _l1_is_flatter(task, points),
        _bias_drops(task, _series(points, "DiceBiasCE", None)),
        _temperature_helps(task, points),
    ]


def _best_weight(
    task: Task, series: dict[float, Point], loss: str, weight: float
) -> Finding | None:
    if weight not in series or len(series) < 2:
        return None
    others = [k for k in series if k != weight]

    def lead(weights: np.ndarray) -> np.ndarray:
        rest = np.stack([_mean_dice(series[k], weights) for k in others])
        return _mean_dice(series[weight], weights) - rest.max(axis=0)

    return judged(
        task.estimate(lead),
        smallest=LEAST,
        unit="Dice ahead of the next",
        claim=f"The best weight of {loss} is {weight:g}",
        source="Fig. 3",
        paper=f"{weight:g} of the weights tried",
        ours=f"Dice by weight: {_told(series)} ({task.name})",
    )


def _l1_is_flatter(task: Task, points: Sequence[Point]) -> Finding | None:
    one, two = (_series(points, loss, 10.0) for loss in ("CE+L1", "CE+KL"))
    if set(one) != set(two) or len(one) < 2:
        return None

    def spread(series: dict[float, Point], weights: np.ndarray) -> np.ndarray:
        means = np.stack([_mean_dice(p, weights) for p in series.values()])
        return np.ptp(means, axis=0)

    return judged(
        task.estimate(lambda weights: spread(two, weights) - spread(one, weights)),
        smallest=LEAST,
        unit="Dice",
        claim="L1 depends less on its weight than KL",
        source="section 3.1, Fig. 3",
        paper="curves (Fig. 3)",
        ours=f"Dice varies by {spread(one, even(task)).mean():.3f} with L1 and by "
        f"{spread(two, even(task)).mean():.3f} with KL over "
        f"{', '.join(f'{k:g}' for k in one)} ({task.name})",
    )


def _bias_drops(task: Task, series: dict[float, Point]) -> Finding | None:
    low = [k for k in series if k < 0.1]
    high = [k for k in series if k >= 0.1]
    if not low or not high:
        return None

    def drop(weights: np.ndarray) -> np.ndarray:
        least, most = (
            np.mean([_mean_dice(series[k], weights) for k in part], axis=0)
            for part in (low, high)
        )
        return least - most

    return judged(
        task.estimate(drop),
        smallest=LEAST,
        unit="Dice",
        claim="DiceBiasCE drops from weight 0.1 on",
        source="section 3.1, Fig. 3",
        paper="drops significantly",
        ours=f"Dice by weight: {_told(series)} ({task.name})",
    )


def _temperature_helps(task: Task, points: Sequence[Point]) -> Finding | None:
    found = {
        p.temperature or 0.0: p for p in points if p.loss == "CE+L1" and p.weight == 1.0
    }
    if not {1.0, 10.0} <= set(found):
        return None
    gap = found[1.0].proportion_errors - found[10.0].proportion_errors
    told = ", ".join(
        f"{k:g}: {found[k].proportion_errors.mean():.4f}" for k in sorted(found)
    )
    return judged(
        task.estimate(lambda weights: weighted_means(gap, weights)),
        smallest=LEAST_PROPORTION,
        unit="L1 distance",
        claim="Temperature 10 gets proportions better than 1",
        source="appendix C",
        paper="an argument, no number",
        ours=f"L1 distance of proportions with CE+L1 by temperature: {told} "
        f"({task.name})",
    )
