"""The 27 losses of Ma 2021 by the paper's names, with its scores."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Method:
    """A loss as the paper trains it.

    Attributes:
      name: in the paper.
      loss: in the catalog.
      hyper: hyper-parameters that are not the catalog's defaults.
      weighs_classes: whether classes are weighed by the inverse of their share.
      pretrain: loss of the first half of the steps, where the paper fine-tunes.
      table: where its scores are printed: 2, 3 (TopK variants) or 4 (Dice variants).
      scores: the paper's mean (DSC, NSD) for liver, liver tumour, pancreas and
        multi-organ.
    """

    name: str
    loss: str
    hyper: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    weighs_classes: bool = False
    pretrain: str | None = None
    table: int = 2
    scores: tuple[tuple[float, float], ...]


METHODS: tuple[Method, ...] = (
    Method(name="Asym", loss="asymmetric",
           scores=((.9315, .6905), (.6134, .4114), (.8234, .6239), (.7526, .6088))),
    Method(name="CE", loss="cross_entropy",
           scores=((.9672, .7962), (.5641, .3715), (.8221, .6321), (.8483, .7200))),
    Method(name="Dice", loss="dice",
           scores=((.9547, .7598), (.6187, .4291), (.8362, .6688), (.8449, .7136))),
    Method(name="DiceBD", loss="dice_bd", pretrain="dice",
           scores=((.9629, .7702), (.6262, .4375), (.8397, .6713), (.8450, .7105))),
    Method(name="DiceCE", loss="dice_ce",
           scores=((.9624, .7743), (.6009, .4114), (.8249, .6298), (.8512, .7293))),
    Method(name="DiceFocal", loss="dice_focal",
           scores=((.9566, .7583), (.5951, .4078), (.8416, .6721), (.8554, .7339))),
    Method(name="DiceHD", loss="dice_hd", pretrain="dice",
           scores=((.9556, .7314), (.6291, .4390), (.8408, .6646), (.8531, .7257))),
    Method(name="DiceTopK", loss="dice_topk",
           scores=((.9690, .8092), (.6125, .4208), (.8375, .6598), (.8512, .7308))),
    Method(name="ELL", loss="exponential_logarithmic",
           scores=((.9347, .7254), (.5903, .4047), (.8344, .6508), (.8375, .6689))),
    Method(name="Focal", loss="focal",
           scores=((.9587, .7528), (.4675, .2781), (.8016, .6034), (.8173, .6642))),
    Method(name="FocalTversky", loss="focal_tversky",
           scores=((.9320, .6986), (.6193, .4178), (.8229, .6190), (.7497, .6013))),
    Method(name="GDice", loss="generalized_dice",
           scores=((.9474, .7337), (.5486, .3501), (.8285, .6478), (.0132, .0018))),
    Method(name="IoU", loss="jaccard",
           scores=((.9568, .7709), (.6079, .4273), (.8353, .6605), (.8439, .7160))),
    Method(name="Lovász", loss="lovasz", pretrain="cross_entropy",
           scores=((.9294, .6639), (.6083, .4205), (.8309, .6521), (.6568, .3845))),
    Method(name="pCE", loss="distance_cross_entropy",
           scores=((.9655, .7852), (.5876, .3829), (.8358, .6580), (.8349, .6967))),
    Method(name="pGDice", loss="penalized_generalized_dice",
           scores=((.6449, .3455), (.4526, .2879), (.8156, .6204), (.0595, .0209))),
    Method(name="SS", loss="sensitivity_specificity",
           scores=((.9591, .7571), (.4527, .1941), (.7799, .4781), (.7589, .4958))),
    Method(name="TopK", loss="topk",
           scores=((.6924, .1073), (.5995, .4051), (.8406, .6709), (.8527, .7323))),
    Method(name="Tversky", loss="tversky", hyper={"alpha": 0.3, "beta": 0.7},
           scores=((.9390, .6991), (.6120, .4045), (.8260, .6249), (.8371, .6787))),
    Method(name="WCE", loss="cross_entropy", weighs_classes=True,
           scores=((.8284, .2665), (.2697, .0314), (.4744, .0496), (.6904, .2335))),
    Method(name="TopK-30%", loss="topk", hyper={"fraction": 0.3}, table=3,
           scores=((.9621, .7766), (.5212, .3430), (.8350, .6616), (.8420, .7182))),
    Method(name="TopK-50%", loss="topk", hyper={"fraction": 0.5}, table=3,
           scores=((.9657, .7881), (.5128, .3237), (.8253, .6508), (.8519, .7241))),
    Method(name="TopK-70%", loss="topk", hyper={"fraction": 0.7}, table=3,
           scores=((.9648, .7842), (.5644, .3677), (.8301, .6528), (.8422, .7141))),
    Method(name="TopK-90%", loss="topk", hyper={"fraction": 0.9}, table=3,
           scores=((.9649, .7854), (.5874, .3967), (.8311, .6475), (.8448, .7119))),
    Method(name="BatchSquareDice", loss="dice_squared", table=4,
           scores=((.9566, .7633), (.6101, .4253), (.8427, .6724), (.8418, .7104))),
    Method(name="SampleDice", loss="dice_per_image", table=4,
           scores=((.9345, .7266), (.6033, .4176), (.8392, .6673), (.8390, .7106))),
    Method(name="SampleSquareDice", loss="dice_squared_per_image", table=4,
           scores=((.9463, .7418), (.6167, .4384), (.8388, .6674), (.8407, .7095))),
)  # fmt: skip
"""Of the paper's 27 losses: 20 of its Table 2, four more shares of its Table 3 (its
thresholds mostly failed there and are not ranked), three more forms of its Table 4."""


def by_name() -> dict[str, Method]:
    """The methods by the paper's names."""
    return {method.name: method for method in METHODS}
