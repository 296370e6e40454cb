"""The 27 losses of Ma 2021 and any other, by the catalog's names."""

import argparse
from collections.abc import Mapping

from experiments.protocol.method import Method, Weigh, balanced, foreground, inverse
from jaxseg.cli import options
from jaxseg.errors import UserError

WEIGHTS: Mapping[str, Weigh] = {
    "inverse": inverse,
    "balanced": balanced,
    "foreground": foreground,
}
"""What may follow a loss's name: weights of its classes."""
PAPER: Mapping[str, str] = {
    "Asym": "asymmetric",
    "CE": "cross_entropy",
    "Dice": "dice",
    "DiceBD": "dice_bd",
    "DiceCE": "dice_ce",
    "DiceFocal": "dice_focal",
    "DiceHD": "dice_hd",
    "DiceTopK": "dice_topk",
    "ELL": "exponential_logarithmic",
    "Focal": "focal",
    "FocalTversky": "focal_tversky",
    "GDice": "generalized_dice",
    "IoU": "jaccard",
    "Lovász": "lovasz",
    "pCE": "distance_cross_entropy",
    "pGDice": "penalized_generalized_dice",
    "SS": "sensitivity_specificity",
    "TopK": "topk",
    "Tversky": "tversky:alpha=0.3,beta=0.7",
    "WCE": "cross_entropy:inverse",
    "TopK-30%": "topk:fraction=0.3",
    "TopK-50%": "topk:fraction=0.5",
    "TopK-70%": "topk:fraction=0.7",
    "TopK-90%": "topk:fraction=0.9",
    "BatchSquareDice": "dice_squared",
    "SampleDice": "dice_per_image",
    "SampleSquareDice": "dice_squared_per_image",
}
"""The paper's names of its losses to ours."""
PRINTED = {ours: theirs for theirs, ours in PAPER.items()}
PRETRAIN = {"lovasz": "cross_entropy", "dice_bd": "dice", "dice_hd": "dice"}
"""Losses that the paper fine-tunes with, and what it trains with before."""


def method_of(name: str) -> Method:
    """A loss by a name of the catalog, with what may follow it.

    Args:
      name: such as "dice", "topk:fraction=0.3", "dice:foreground", or the paper's.

    Raises:
      UserError: there is no such loss, hyper-parameter or weight.
    """
    name = PAPER.get(name, name)
    text, *more = name.split(":")
    try:
        loss = options.loss_name(text)
    except argparse.ArgumentTypeError as error:
        raise UserError(f"--losses: {error}") from None
    weights = [part for part in more if part in WEIGHTS]
    settings = [s for part in more if part not in WEIGHTS for s in part.split(",")]
    return Method(
        name=name,
        loss=loss,
        hyper=options.hyper_parameters(loss, settings),
        weigh=WEIGHTS[weights[0]] if weights else None,
        pretrain=PRETRAIN.get(name),
        paper=PRINTED.get(name, ""),
    )


def loss_of(text: str) -> str:
    """Type of ``--losses``: our name of the loss."""
    return method_of(text).name


def flags_of(method: Method) -> str:
    """What `jaxseg train` is told of a loss, but for class weights."""
    flags = [f"--loss {method.loss}"]
    flags += [f"--hyper {name}={value:g}" for name, value in method.hyper.items()]
    if method.pretrain:
        flags.append(f"--pretrain-loss {method.pretrain}")
    return " ".join(flags)
