"""The losses that Eelbode 2020 fine-tunes with, by the paper's names."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxseg.losses.class_balance import balanced_weights

CE, WCE = "CE", "wCE"
DICE, JACCARD, LOVASZ = "sDice", "sJaccard", "Lovász"
SQUARED = "sDice L2"
PER_IMAGE = "sDice per image"
AGAIN = "sDice, other seed"
OURS = (PER_IMAGE, AGAIN)
"""Not in the paper: Dice of each image instead of a batch, and what the seed does."""
METRIC_SENSITIVE = (DICE, JACCARD, LOVASZ)
CORE = (CE, WCE, *METRIC_SENSITIVE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Method:
    """A loss as the paper fine-tunes with it.

    Attributes:
      name: in the paper.
      loss: in the catalog.
      weights: (alpha, beta) of the Tversky index that its relaxation is of, if any:
        (1/2, 1/2) is soft Dice, (1, 1) soft Jaccard.
      foreground: whether the background's term is left out, as in the paper's losses of
        one sigmoid per structure.
      balanced: whether pixels are weighed by one over the share of their class.
      seed: of the order of the images and of augmentation.
    """

    name: str
    loss: str
    weights: tuple[float, float] | None = None
    foreground: bool = True
    balanced: bool = False
    seed: int = 0

    @property
    def hyper(self) -> dict[str, float]:
        """Hyper-parameters of the loss."""
        if self.loss != "tversky":
            return {}
        assert self.weights is not None
        return dict(zip(("alpha", "beta"), self.weights, strict=True))

    def class_weights(self, shares: Sequence[float]) -> tuple[float, ...] | None:
        """What the loss is called with on data with these shares of the classes."""
        if self.balanced:
            return tuple(float(weight) for weight in balanced_weights(np.array(shares)))
        if self.foreground:
            return (0.0, *(1.0 for _ in shares[1:]))
        return None


def tversky_name(alpha: float, beta: float) -> str:
    """The name of the method with these weights of false positives and negatives."""
    if (alpha, beta) == (0.5, 0.5):
        return DICE
    return JACCARD if (alpha, beta) == (1.0, 1.0) else f"sTversky {alpha:g}/{beta:g}"


SWEEP: tuple[tuple[float, float], ...] = tuple(
    (k / 10, (10 - k) / 10) for k in range(1, 10)
)
"""Weights with alpha + beta = 1, from recall to precision."""
EQUAL = ((0.5, 0.5), (0.75, 0.75), (1.0, 1.0))
ALL_WEIGHTS = (*SWEEP, *EQUAL[1:])
"""The columns of the paper's Tables III, VII and B.1."""


def _tversky(alpha: float, beta: float) -> Method:
    name = tversky_name(alpha, beta)
    return Method(name=name, loss="tversky", weights=(alpha, beta))


METHODS: tuple[Method, ...] = (
    Method(name=CE, loss="cross_entropy", foreground=False),
    Method(name=WCE, loss="cross_entropy", foreground=False, balanced=True),
    Method(name=DICE, loss="dice", weights=(0.5, 0.5)),
    Method(name=JACCARD, loss="jaccard", weights=(1.0, 1.0)),
    Method(name=LOVASZ, loss="lovasz"),
    Method(name=SQUARED, loss="dice_squared"),
    Method(name=PER_IMAGE, loss="dice_per_image"),
    Method(name=AGAIN, loss="dice", weights=(0.5, 0.5), seed=1),
    *(_tversky(*pair) for pair in ALL_WEIGHTS if pair not in (EQUAL[0], EQUAL[2])),
)


def by_name() -> dict[str, Method]:
    """The methods by name."""
    return {method.name: method for method in METHODS}
