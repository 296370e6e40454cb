"""Tables 2 to 4 of Liu 2022, by our names of its losses."""

import re
from collections.abc import Mapping

NETWORKS = ("Res34-FPN", "Res34-Unet", "Res50-FPN", "Res50-Unet")
_TABLE_2 = """\
CE 51.4 (0.1) 85.5 (2.0) 52.4 (0.5) 85.5 (3.7) 52.7 (0.1) 80.6 (2.6) 52.7 (0.3) 84.3 (4.1)
Focal 51.2 (0.2) 84.4 (4.9) 51.2 (0.8) 88.6 (4.9) 52.9 (0.4) 80.9 (2.8) 51.8 (0.6) 84.4 (1.9)
Dice 52.0 (0.7) 84.8 (3.3) 52.3 (0.7) 89.2 (2.4) 52.0 (0.7) 82.2 (4.0) 53.2 (0.1) 81.9 (4.0)
logDice 51.7 (0.9) 86.0 (4.4) 52.7 (0.5) 85.8 (0.2) 52.0 (1.0) 81.7 (3.6) 53.5 (0.5) 82.2 (2.8)
GDice 51.9 (0.7) 86.7 (2.7) 52.4 (0.5) 90.0 (1.3) 53.4 (0.3) 80.8 (2.4) 53.7 (0.4) 86.8 (3.2)
DiceCE 51.6 (0.7) 85.7 (3.0) 52.1 (0.1) 87.9 (2.7) 53.2 (0.5) 80.9 (1.7) 53.0 (0.9) 82.3 (2.7)
LogDiceCE 52.2 (0.5) 81.6 (6.7) 52.6 (0.4) 84.1 (2.4) 53.2 (0.5) 78.4 (2.1) 53.4 (0.3) 82.6 (2.1)
DiceBiasCE 51.7 (0.9) 82.7 (1.7) 51.8 (0.2) 86.1 (1.8) 53.4 (0.4) 78.7 (1.2) 53.2 (0.1) 83.0 (0.5)
CE+KL 52.7 (0.3) 83.3 (2.4) 52.8 (0.3) 82.7 (2.4) 53.8 (0.1) 77.1 (1.8) 53.8 (0.4) 80.2 (1.3)
CE+L1 52.8 (0.3) 80.7 (2.5) 53.1 (0.2) 81.2 (2.8) 54.5 (0.2) 75.0 (2.0) 54.3 (0.2) 77.0 (1.5)
"""  # noqa: E501


def _pairs(numbers: list[str]) -> tuple[tuple[float, float], ...]:
    values = list(map(float, numbers))
    return tuple(zip(values[::2], values[1::2], strict=True))


def _table_2(column: int) -> dict[str, tuple[tuple[float, float], ...]]:
    found = {}
    for line in _TABLE_2.splitlines():
        name, cells = line.split(" ", 1)
        both = re.findall(r"([\d.]+) \(([\d.]+)\)", cells)
        found[name] = _pairs([pair[column] for pair in both])
    return found


RETINA, RETINA_SPREAD = _table_2(0), _table_2(1)
"""Table 2, Retinal Lesions: (DSC in %, HD95 in mm) of `NETWORKS`, and their standard
deviations over three runs."""

_TABLE_3 = """\
CE 81.8 41.6 61.7 59.9 26.5 43.2 96.6 60.2 78.4 69.4 40.9 55.1
Focal 81.6 42.4 62.0 59.4 28.3 43.9 96.6 63.7 80.1 69.5 42.7 56.1
Dice 78.9 43.3 61.1 54.5 26.2 40.4 96.4 65.0 80.7 67.7 45.0 56.4
logDice 81.9 42.2 62.1 61.0 27.3 44.1 96.2 62.9 79.6 67.8 44.1 55.9
DiceCE 81.8 43.0 62.4 59.9 28.0 44.0 96.5 65.9 81.2 68.2 45.3 56.7
LogDiceCE 81.4 43.2 62.3 59.9 27.9 43.9 96.6 63.7 80.1 69.6 44.6 57.2
CE+KL 82.1 46.2 64.1 60.3 30.4 45.3 96.5 62.0 79.3 69.4 40.8 55.1
CE+L1 82.2 47.6 64.9 61.1 32.0 46.6 96.6 66.5 81.6 69.1 46.7 57.9
"""
ORGANS: Mapping[str, Mapping[str, tuple[tuple[float, ...], ...]]] = {
    name: {
        organ: (values[k : k + 3], values[k + 3 : k + 6])
        for organ, k in (("pancreas", 0), ("liver", 6))
    }
    for name, values in (
        (line.split()[0], tuple(map(float, line.split()[1:])))
        for line in _TABLE_3.splitlines()
    )
}
"""Table 3: DSC and NSD in %, each of organ, tumour and their mean."""

CITY_CLASSES: tuple[str, ...] = (
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light",
    "traffic sign", "vegetation", "terrain", "sky", "person", "rider", "car", "truck",
    "bus", "train", "motorbike", "bike",
)  # fmt: skip
CITY_SHARES: tuple[float, ...] = (
    32.6, 5.4, 20.2, 0.6, 0.8, 1.1, 0.2, 0.5, 14.1, 1.0, 3.6, 1.1, 0.1, 6.2, 0.2, 0.2,
    0.2, 0.1, 0.4,
)  # fmt: skip
"""Table 4: mean proportion of the regions of each class, in %."""
CITY_NETWORKS = ("Res50-FPN", "Res101-FPN")
_TABLE_4 = (
    """\
CE 97.2 80.6 90.0 38.2 51.3 55.7 60.5 72.2 91.0 58.6 92.3 75.6 48.5 92.5 50.5 67.7 56.3 50.2 71.6 68.5
Focal 97.1 78.8 89.5 37.9 48.9 51.8 56.9 67.6 90.6 56.9 92.6 73.1 42.8 92.0 47.5 57.5 46.1 49.2 68.4 65.5
Dice 95.9 77.6 87.7 41.1 47.6 56.0 66.2 74.8 90.0 59.6 93.1 77.3 55.8 91.1 10.0 63.9 34.6 53.6 73.6 65.8
logDice 94.0 70.8 85.6 33.2 39.1 50.6 62.2 69.6 88.4 52.1 88.1 74.2 50.7 89.2 34.8 55.3 31.7 48.0 70.7 62.5
DiceCE 97.0 79.7 89.7 43.4 48.6 55.4 61.4 71.7 91.0 57.4 92.6 75.5 48.6 92.5 44.4 63.6 52.1 51.8 71.5 67.8
LogDiceCE 96.9 78.6 89.8 40.4 48.3 57.1 65.4 74.6 90.7 57.2 92.5 77.0 52.7 92.4 47.9 65.0 50.6 51.4 72.6 68.5
CE+KL 97.2 79.6 90.0 39.6 51.2 54.8 60.3 71.5 91.0 59.7 92.9 75.2 49.0 92.7 55.6 72.5 65.6 51.3 70.9 69.5
CE+L1 97.4 80.2 90.1 37.9 51.9 55.7 61.0 72.1 91.0 58.9 93.5 75.7 49.8 92.8 54.9 70.2 62.8 54.0 71.6 69.6
""",  # noqa: E501
    """\
CE 97.8 82.4 91.0 46.5 55.3 57.2 62.6 72.3 91.5 60.7 94.2 76.1 50.7 93.6 68.4 77.2 64.8 54.9 72.6 72.1
Focal 97.7 81.9 90.8 48.2 54.1 54.4 59.0 69.4 91.0 60.2 93.7 74.7 47.8 93.0 59.3 67.3 51.9 52.1 70.5 69.3
Dice 96.4 79.6 88.1 0.0 50.6 58.4 69.0 76.0 90.2 60.4 93.7 78.7 60.0 91.4 35.1 0.0 26.8 0.0 74.5 59.4
logDice 95.2 73.9 86.4 31.5 39.2 52.4 63.3 70.4 88.6 53.0 92.2 74.6 52.1 89.4 37.1 57.3 31.1 42.7 71.5 63.3
DiceCE 97.6 81.8 90.9 46.7 52.8 59.5 68.5 76.8 91.3 59.5 94.0 78.3 57.1 93.5 56.9 72.1 56.6 53.2 74.5 71.7
LogDiceCE 97.2 79.9 90.2 42.5 52.2 57.6 66.7 74.8 90.9 59.6 93.7 77.7 57.4 92.9 56.4 72.1 58.9 54.2 74.0 71.0
CE+KL 97.8 82.6 91.1 45.4 56.8 57.4 63.4 72.5 91.5 61.3 94.0 76.7 52.4 93.7 69.2 78.3 64.5 57.1 72.8 72.6
CE+L1 97.8 82.9 91.2 48.0 56.8 57.7 63.8 72.7 91.6 61.2 93.8 76.9 52.8 93.8 77.1 80.0 67.1 57.2 73.1 73.4
""",  # noqa: E501
)


def _table_4(text: str) -> dict[str, tuple[float, ...]]:
    return {
        line.split()[0]: tuple(map(float, line.split()[1:]))
        for line in text.splitlines()
    }


CITY: tuple[Mapping[str, tuple[float, ...]], ...] = tuple(map(_table_4, _TABLE_4))
"""Table 4, validation set: of `CITY_NETWORKS`, loss to the IoU in % of each class, and
at the end their mean as printed."""
CITY_MEANS: Mapping[str, tuple[float, float]] = {
    name: (CITY[0][name][-1], CITY[1][name][-1]) for name in CITY[0]
}
"""Table 4: mIoU in % of both networks."""


def city(loss: str, name: str, network: int = 0) -> float:
    """IoU in % of a loss and a class of Cityscapes."""
    return CITY[network][loss][CITY_CLASSES.index(name)]


def city_mean(loss: str, *, below: float = 1e9, above: float = 0.0) -> float:
    """Mean IoU in % of the classes whose proportion in % is in ``[above, below)``."""
    chosen = [
        score
        for score, share in zip(CITY[0][loss], CITY_SHARES, strict=False)
        if above <= share < below
    ]
    return sum(chosen) / len(chosen)
