"""A loss as a study trains with it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jaxseg.losses import CATALOG
from jaxseg.losses.class_balance import balanced_weights, inverse_frequency_weights

Shares = Sequence[float]
Weigh = Callable[[Shares], tuple[float, ...]]


def inverse(shares: Shares) -> tuple[float, ...]:
    """The reciprocal of each class's share, Ma 2021."""
    return tuple(map(float, inverse_frequency_weights(np.array(shares))))


def balanced(shares: Shares) -> tuple[float, ...]:
    """That over the number of classes, Eelbode 2020."""
    return tuple(map(float, balanced_weights(np.array(shares))))


def foreground(shares: Shares) -> tuple[float, ...]:
    """The background's term left out."""
    return (0.0, *(1.0 for _ in shares[1:]))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Method:
    """A loss with its settings.

    Attributes:
      name: on the command line, in rows and in tables.
      loss: in the catalog.
      hyper: hyper-parameters that are not the catalog's defaults.
      weigh: shares of the classes to the class weights that the loss is called with.
      pretrain: loss of the first half of the steps, where the paper fine-tunes.
      seed: added to that of a run.
      paper: what the paper calls it, if not its name.
      title: a few words.
      tags: what rows carry besides.
    """

    name: str
    loss: str
    hyper: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    weigh: Weigh | None = None
    pretrain: str | None = None
    seed: int = 0
    paper: str = ""
    title: str = ""
    tags: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        unknown = set(self.hyper) - set(CATALOG[self.loss].defaults)
        if unknown:
            raise ValueError(f"{self.name}: {self.loss} has no {sorted(unknown)}")

    @property
    def printed(self) -> str:
        """The paper's name of it."""
        return self.paper or self.name
