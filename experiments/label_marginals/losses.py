"""The losses of Liu 2022 by the paper's names."""

from collections.abc import Mapping

from experiments.protocol.method import Method, foreground

LOSSES: Mapping[str, str] = {
    "CE": "cross_entropy",
    "Focal": "focal",
    "Dice": "dice",
    "logDice": "log_dice",
    "GDice": "generalized_dice",
    "DiceCE": "dice_ce",
    "LogDiceCE": "log_dice_ce",
    "DiceBiasCE": "dice_bias_ce",
    "CE+KL": "ce_kl",
    "CE+L1": "ce_l1",
    "CE+L1/K": "ce_l1",
}
"""The paper's ten losses in the catalog, and CE+L1 with the mean over classes of the
authors' code in the place of the printed sum."""
NAMES = tuple(LOSSES)
WEIGHTS: Mapping[str, float] = {
    "DiceCE": 0.1, "LogDiceCE": 0.1, "DiceBiasCE": 0.01, "CE+KL": 0.1, "CE+L1": 1.0,
    "CE+L1/K": 1.0,
}  # fmt: skip
"""The paper's lambda, the best of its Fig. 3; that of DiceBiasCE is below the 0.1 from
which its scores drop."""
TEMPERATURES: Mapping[str, float] = {"CE+KL": 10.0, "CE+L1": 10.0, "CE+L1/K": 10.0}
"""The paper's tau."""
FOREGROUND = ("Dice", "logDice")
"""Of the foreground alone where there are two classes (the paper's Dice_1)."""
TERMS: Mapping[str, str] = {"DiceCE": "dice", "LogDiceCE": "log_dice"}
"""Hyper-parameter that lambda is; others call it ``weight``."""


def names_for(num_classes: int) -> tuple[str, ...]:
    """GDice and DiceBiasCE are in the paper for two classes alone (its Table 2)."""
    out = ("CE+L1/K",) if num_classes == 2 else ("GDice", "DiceBiasCE")
    return tuple(name for name in NAMES if name not in out)


def method_of(
    name: str,
    num_classes: int,
    *,
    weight: float | None = None,
    temperature: float | None = None,
) -> Method:
    """A loss as the paper trains it, at its best known settings where none are given.

    The overlap term of a compound is a mean over all classes. With two classes its
    weight is doubled, so that the foreground's part has the weight lambda; the
    background's part, which the paper leaves out there, has hardly a gradient where the
    background is large.
    """
    weight = WEIGHTS.get(name) if weight is None else weight
    temperature = TEMPERATURES.get(name) if temperature is None else temperature
    hyper: dict[str, float] = {}
    if weight is not None:
        factor = 2 if name in TERMS and num_classes == 2 else 1
        share = num_classes if name == "CE+L1/K" else 1
        hyper[TERMS.get(name, "weight")] = weight * factor / share
    if temperature is not None:
        hyper["temperature"] = temperature
    return Method(
        name=name,
        loss=LOSSES[name],
        hyper=hyper,
        weigh=foreground if name in FOREGROUND and num_classes == 2 else None,
        tags={"weight": weight, "temperature": temperature},
    )
