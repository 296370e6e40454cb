"""Learning rates that fall when a loss stops falling, and stopping then."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import jax
import numpy as np
from jax import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlateauRule:
    """When to lower the learning rate, and how far.

    Attributes:
      watch: the loss of validation, or of the training steps since the last look.
      factor: what the rate is multiplied with.
      patience: looks without a new lowest value before that; a look is a validation,
        where there is one, every `evaluate_every` steps.
      smoothing: weight of the past in the moving average that is watched, in [0, 1).
      lowest_rate: the rate never falls below.
      source: where the rule is printed.
    """

    watch: Literal["validation", "training"]
    factor: float
    patience: int
    smoothing: float = 0.0
    lowest_rate: float = 0.0
    source: str


PLATEAUS: Mapping[str, PlateauRule] = MappingProxyType(
    {
        "halving": PlateauRule(
            watch="validation",
            factor=0.5,
            patience=5,
            source="Liu 2022, Retinal Lesions: halved after 5 epochs",
        ),
        "fifths": PlateauRule(
            watch="validation",
            factor=0.2,
            patience=5,
            source="Eelbode 2020, section V-B; the patience is not printed",
        ),
        "moving_average": PlateauRule(
            watch="training",
            factor=0.2,
            patience=50,
            smoothing=0.93,
            lowest_rate=1e-6,
            source="Ma 2021, section 3.2; the average's weight is nnU-Net's",
        ),
    }
)
"""By the name on the command line."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Plateau:
    """What a rule remembers, part of the training state; all scalars.

    Attributes:
      scale: what the schedule, whose highest value is 1, is multiplied with: the
        run's learning rate, lowered by the rule; float32. It is here, and not in the
        compiled step, so that runs at several rates share the step.
      average: moving average of what is watched, float32; infinite before the first.
      best: its lowest value, float32.
      waited: looks since then or since the rate was last lowered, int32.
      stale: looks since the lowest value, int32.
      total: sum of the training losses since the last look, float32.
      count: how many, int32.
    """

    scale: Array | np.ndarray
    average: Array | np.ndarray
    best: Array | np.ndarray
    waited: Array | np.ndarray
    stale: Array | np.ndarray
    total: Array | np.ndarray
    count: Array | np.ndarray


def fresh_plateau(learning_rate: float = 1.0) -> Plateau:
    """Before the first step of a run at a learning rate."""
    rate, zero, far = np.float32(learning_rate), np.float32(0), np.float32(np.inf)
    none = np.int32(0)
    return Plateau(*map(np.asarray, (rate, far, far, none, none, zero, none)))


def update_plateau(
    before: Plateau, rule: PlateauRule | None, validation: float | None
) -> Plateau:
    """After a look at the losses.

    Args:
      before: on the host.
      rule: None only counts looks without improvement.
      validation: loss of validation, if there is one.
    """
    training = float(before.total) / max(int(before.count), 1)
    watched = training if validation is None else validation
    if rule is not None and rule.watch == "training":
        watched = training
    past = 0.0 if rule is None or np.isinf(before.average) else rule.smoothing
    average = past * float(before.average) + (1 - past) * watched if past else watched
    better = np.float32(average) < before.best
    waited, stale = (
        (0, 0) if better else (int(before.waited) + 1, int(before.stale) + 1)
    )
    scale = float(before.scale)
    if rule is not None and waited >= rule.patience:
        scale, waited = max(scale * rule.factor, rule.lowest_rate), 0
    best = average if better else float(before.best)
    zero, none = np.float32(0), np.int32(0)
    values = (
        *map(np.float32, (scale, average, best)),
        *map(np.int32, (waited, stale)),
        zero,
        none,
    )
    return Plateau(*map(np.asarray, values))
