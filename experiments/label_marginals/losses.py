"""The losses of Liu 2022 by the paper's names."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Method:
    """A loss as the paper trains it.

    Attributes:
      name: in the paper, but for ours.
      loss: in the catalog.
      weight_of: hyper-parameter that is the paper's lambda; None where there is none.
      weight: lambda, the best of the paper's Fig. 3.
      temperature: tau of the label marginals; None where there are none.
      per_class: whether lambda is divided by the number of classes.
      foreground_alone: whether it is over the foreground alone where there are two
        classes (the paper's Dice_1).
      binary: whether it is run on images of two classes.
      several: whether it is run on more classes.
    """

    name: str
    loss: str
    weight_of: str | None = None
    weight: float | None = None
    temperature: float | None = None
    per_class: bool = False
    foreground_alone: bool = False
    binary: bool = True
    several: bool = True

    def hyper(self, num_classes: int) -> dict[str, Any]:
        """Hyper-parameters that differ from the catalog's.

        The overlap term of a compound is a mean over all classes. With two classes its
        weight is doubled, so that the foreground's part has the weight lambda; the
        background's part, which the paper leaves out there, has hardly a gradient where
        the background is large.
        """
        hyper: dict[str, Any] = {}
        if self.weight_of is not None:
            assert self.weight is not None
            weight = self.weight / (num_classes if self.per_class else 1)
            mean = self.weight_of in ("dice", "log_dice") and num_classes == 2
            hyper[self.weight_of] = weight * (2 if mean else 1)
        if self.temperature is not None:
            hyper["temperature"] = self.temperature
        return hyper


METHODS: tuple[Method, ...] = (
    Method(name="CE", loss="cross_entropy"),
    Method(name="Focal", loss="focal"),
    Method(name="Dice", loss="dice", foreground_alone=True),
    Method(name="logDice", loss="log_dice", foreground_alone=True),
    Method(name="GDice", loss="generalized_dice", several=False),
    Method(name="DiceCE", loss="dice_ce", weight_of="dice", weight=0.1),
    Method(name="LogDiceCE", loss="log_dice_ce", weight_of="log_dice", weight=0.1),
    Method(
        name="DiceBiasCE",
        loss="dice_bias_ce",
        weight_of="weight",
        weight=0.01,
        several=False,
    ),
    Method(
        name="CE+KL", loss="ce_kl", weight_of="weight", weight=0.1, temperature=10.0
    ),
    Method(
        name="CE+L1", loss="ce_l1", weight_of="weight", weight=1.0, temperature=10.0
    ),
    Method(
        name="CE+L1/K",
        loss="ce_l1",
        weight_of="weight",
        weight=1.0,
        temperature=10.0,
        per_class=True,
        binary=False,
    ),
)
"""The paper's ten losses, and CE+L1 with the mean over classes of the authors' code in
the place of the printed sum. GDice and DiceBiasCE are in the paper for two classes only
(its Table 2). The weight of DiceBiasCE is below the 0.1 from which its scores drop."""


def by_name() -> Mapping[str, Method]:
    """The methods by name."""
    return {method.name: method for method in METHODS}
