"""Tables 2 to 4 of Ma 2021, by the paper's names of its losses."""

from collections.abc import Mapping

TASKS = ("liver", "liver tumour", "pancreas", "multi-organ")
Rows = Mapping[str, tuple[tuple[float | None, float | None], ...]]
"""Loss to the mean (DSC, NSD) of each task; None where the training failed."""


def _rows(text: str, *, average: bool = False) -> Rows:
    """Lines of a name and numbers; "-" is a training that failed."""
    found = {}
    for line in text.strip().splitlines():
        name, *cells = line.rsplit(" ", 8 + 2 * average)
        numbers = [None if cell == "-" else float(cell) for cell in cells]
        found[name] = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    return found


TABLE_2 = _rows("""
Asym .9315 .6905 .6134 .4114 .8234 .6239 .7526 .6088
CE .9672 .7962 .5641 .3715 .8221 .6321 .8483 .7200
Dice .9547 .7598 .6187 .4291 .8362 .6688 .8449 .7136
DiceBD .9629 .7702 .6262 .4375 .8397 .6713 .8450 .7105
DiceCE .9624 .7743 .6009 .4114 .8249 .6298 .8512 .7293
DiceFocal .9566 .7583 .5951 .4078 .8416 .6721 .8554 .7339
DiceHD .9556 .7314 .6291 .4390 .8408 .6646 .8531 .7257
DiceTopK .9690 .8092 .6125 .4208 .8375 .6598 .8512 .7308
ELL .9347 .7254 .5903 .4047 .8344 .6508 .8375 .6689
Focal .9587 .7528 .4675 .2781 .8016 .6034 .8173 .6642
FocalTversky .9320 .6986 .6193 .4178 .8229 .6190 .7497 .6013
GDice .9474 .7337 .5486 .3501 .8285 .6478 .0132 .0018
IoU .9568 .7709 .6079 .4273 .8353 .6605 .8439 .7160
Lovász .9294 .6639 .6083 .4205 .8309 .6521 .6568 .3845
pCE .9655 .7852 .5876 .3829 .8358 .6580 .8349 .6967
pGDice .6449 .3455 .4526 .2879 .8156 .6204 .0595 .0209
SS .9591 .7571 .4527 .1941 .7799 .4781 .7589 .4958
TopK .6924 .1073 .5995 .4051 .8406 .6709 .8527 .7323
Tversky .9390 .6991 .6120 .4045 .8260 .6249 .8371 .6787
WCE .8284 .2665 .2697 .0314 .4744 .0496 .6904 .2335
""")
TABLE_3 = _rows(
    """
TopK-10% .6924 .1073 .5995 .4051 .8406 .6709 .8527 .7323 .7463 .4789
TopK-Threshold (0.1) .0320 .0303 - - .0149 .0082 - - .0153 .0096
TopK-30% .9621 .7766 .5212 .3430 .8350 .6616 .8420 .7182 .7901 .6249
TopK-Threshold (0.3) .0348 .0284 - - .0026 .0048 - - .0094 .0083
TopK-50% .9657 .7881 .5128 .3237 .8253 .6508 .8519 .7241 .7889 .6217
TopK-Threshold (0.5) .0295 .0272 - - .0142 .0082 .7253 .5530 .1923 .1471
TopK-70% .9648 .7842 .5644 .3677 .8301 .6528 .8422 .7141 .8004 .6297
TopK-Threshold (0.7) .9090 .6689 - - - - .8432 .7228 .4381 .3479
TopK-90% .9649 .7854 .5874 .3967 .8311 .6475 .8448 .7119 .8071 .6354
TopK-Threshold (0.9) .9360 .7129 .4086 .2335 .7405 .5057 .8440 .7232 .7323 .5438
""",
    average=True,
)
"""The last pair of each row is the printed average."""
TABLE_4 = _rows(
    """
Dice .9547 .7598 .6187 .4291 .8362 .6688 .8449 .7136 .8136 .6428
BatchSquareDice .9566 .7633 .6101 .4253 .8427 .6724 .8418 .7104 .8128 .6428
SampleDice .9345 .7266 .6033 .4176 .8392 .6673 .8390 .7106 .8040 .6305
SampleSquareDice .9463 .7418 .6167 .4384 .8388 .6674 .8407 .7095 .8106 .6393
""",
    average=True,
)
RANKED: Rows = {
    **TABLE_2,
    **{name: row[:4] for name, row in TABLE_3.items()
       if name.endswith("%") and name != "TopK-10%"},
    **{name: row[:4] for name, row in TABLE_4.items() if name != "Dice"},
}  # fmt: skip
"""The 27 losses that the paper ranks: 20 of Table 2, four more shares of Table 3, three
more forms of Table 4."""
