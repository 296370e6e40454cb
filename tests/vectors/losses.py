"""Cases of losses: values from the oracles, gradients by their differences."""

import functools
from collections.abc import Callable, Iterator

import numpy as np

from jaxseg.losses import CATALOG
from tests.losses import boundary_oracle, oracle
from tests.losses.market import EXCLUSIVE, ORACLES
from tests.vectors.inputs import Input

DIGITS = 8
COMMON = (
    "cross_entropy", "focal", "dice", "dice_squared", "jaccard", "tversky",
    "generalized_dice", "dice_ce", "dice_focal",
)  # fmt: skip
Oracle = Callable[..., float]


def _overlap(index: Callable[..., float], **hyper: float) -> Oracle:
    bound = functools.partial(index, **hyper)
    return functools.partial(oracle.overlap, index=bound)


VARIANTS: tuple[tuple[str, dict[str, float], Oracle], ...] = (
    ("dice", {"smooth": 1.0}, _overlap(oracle.dice, smooth=1.0)),
    ("jaccard", {"smooth": 1.0}, _overlap(oracle.jaccard, smooth=1.0)),
    ("tversky", {"alpha": 0.3, "beta": 0.7},
     _overlap(oracle.tversky, alpha=0.3, beta=0.7)),
    ("focal", {"gamma": 0.5}, functools.partial(oracle.focal, gamma=0.5)),
    ("topk", {"fraction": 0.25}, functools.partial(oracle.topk, fraction=0.25)),
    ("log_dice", {"smooth": 1.0}, functools.partial(oracle.log_dice, smooth=1.0)),
    ("mbls", {"margin": 1.0},
     functools.partial(ORACLES["mbls"], margin=1.0)),
)  # fmt: skip


def cases(inputs: dict[str, Input]) -> Iterator[dict]:
    """Every loss on every input, without values."""
    for name, entry in CATALOG.items():
        settings = {k: v for k, v in entry.defaults.items() if v is not None}
        for key, data in inputs.items():
            if name in EXCLUSIVE and data.link == "sigmoid" and _several(data):
                continue
            if name in COMMON or not data.common:
                yield {"loss": name, "input": key, "settings": settings}
    for name, changed, _ in VARIANTS:
        defaults = CATALOG[name].defaults
        settings = {k: v for k, v in defaults.items() if v is not None} | changed
        for key, data in inputs.items():
            if not data.common:
                yield {"loss": name, "input": key, "settings": settings}


def _several(data: Input) -> bool:
    return data.scores.shape[-1] > 1


def oracle_of(case: dict) -> Oracle:
    """What computes the value of a case."""
    for name, changed, found in VARIANTS:
        settings = case["settings"]
        if name == case["loss"] and changed.items() <= settings.items():
            return found
    return ORACLES[case["loss"]]


def value_of(case: dict, data: Input, loss: Oracle | None = None) -> float:
    """The loss in float64."""
    return _at(loss or oracle_of(case), data, data.scores)


def _at(loss: Oracle, data: Input, scores: np.ndarray) -> float:
    options = {"link": data.link, "weights": data.class_weights, "where": data.where}
    with np.errstate(all="ignore"):
        return float(loss(scores, data.labels, **options))


def with_constant_weight(case: dict, data: Input) -> Oracle:
    """The loss whose gradient counts: weights that follow the value are constants."""
    if case["loss"] != "dice_hd":
        return oracle_of(case)
    hausdorff = functools.partial(oracle.mean_over_images, boundary_oracle.hausdorff)
    dice = ORACLES["dice"]
    share = _at(dice, data, data.scores)
    ratio = _at(hausdorff, data, data.scores) / share if share else 0.0

    def loss(*args, **options):
        return hausdorff(*args, **options) + ratio * dice(*args, **options)

    return loss


def slope_at(loss: Oracle, data: Input, place: tuple[int, ...]) -> float:
    """Derivative by one score: five-point differences, of no kink in between."""
    if data.where is not None and not data.where[place[:-1]]:
        return 0.0
    for h in (1e-3, 1e-4, 1e-5, 1e-6):
        around = []
        for step in (-2, -1, 1, 2):
            moved = data.scores.copy()
            moved[place] += step * h
            around.append(_at(loss, data, moved))
        wide, near = (around[3] - around[0]) / (4 * h), (around[2] - around[1]) / 2 / h
        if abs(wide - near) < 1e-5 * max(abs(near), 0.1):
            return near + (near - wide) / 3
    raise ArithmeticError(f"a kink at {place} of {data.about}")


def gradient_of(case: dict, data: Input) -> np.ndarray | None:
    """Of the scores; None where there is none."""
    if not data.smooth:
        return None
    loss = with_constant_weight(case, data)
    slopes = [slope_at(loss, data, place) for place in np.ndindex(data.scores.shape)]
    return np.reshape(slopes, data.scores.shape)


def rounded(value: float) -> float:
    """To `DIGITS` significant digits; differences below 1e-10 are none."""
    return float(f"{value:.{DIGITS}g}") if abs(value) > 1e-10 else 0.0
