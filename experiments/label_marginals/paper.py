"""The scores that Liu 2022 prints, by our names of its losses."""

from collections.abc import Mapping

import numpy as np

RETINA: Mapping[str, tuple[tuple[float, float], ...]] = {
    "CE": ((51.4, 85.5), (52.4, 85.5), (52.7, 80.6), (52.7, 84.3)),
    "Focal": ((51.2, 84.4), (51.2, 88.6), (52.9, 80.9), (51.8, 84.4)),
    "Dice": ((52.0, 84.8), (52.3, 89.2), (52.0, 82.2), (53.2, 81.9)),
    "logDice": ((51.7, 86.0), (52.7, 85.8), (52.0, 81.7), (53.5, 82.2)),
    "GDice": ((51.9, 86.7), (52.4, 90.0), (53.4, 80.8), (53.7, 86.8)),
    "DiceCE": ((51.6, 85.7), (52.1, 87.9), (53.2, 80.9), (53.0, 82.3)),
    "LogDiceCE": ((52.2, 81.6), (52.6, 84.1), (53.2, 78.4), (53.4, 82.6)),
    "DiceBiasCE": ((51.7, 82.7), (51.8, 86.1), (53.4, 78.7), (53.2, 83.0)),
    "CE+KL": ((52.7, 83.3), (52.8, 82.7), (53.8, 77.1), (53.8, 80.2)),
    "CE+L1": ((52.8, 80.7), (53.1, 81.2), (54.5, 75.0), (54.3, 77.0)),
}
"""Table 2, Retinal Lesions: (DSC in %, HD95 in mm) of four networks."""
NETWORKS = ("Res34-FPN", "Res34-Unet", "Res50-FPN", "Res50-Unet")

ORGANS: Mapping[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "CE": ((61.7, 43.2), (78.4, 55.1)),
    "Focal": ((62.0, 43.9), (80.1, 56.1)),
    "Dice": ((61.1, 40.4), (80.7, 56.4)),
    "logDice": ((62.1, 44.1), (79.6, 55.9)),
    "DiceCE": ((62.4, 44.0), (81.2, 56.7)),
    "LogDiceCE": ((62.3, 43.9), (80.1, 57.2)),
    "CE+KL": ((64.1, 45.3), (79.3, 55.1)),
    "CE+L1": ((64.9, 46.6), (81.6, 57.9)),
}
"""Table 3: mean (DSC, NSD) in % of Pancreas and of Liver."""

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

_ROWS = """\
CE 97.2 80.6 90.0 38.2 51.3 55.7 60.5 72.2 91.0 58.6 92.3 75.6 48.5 92.5 50.5 67.7 56.3 50.2 71.6 68.5
Focal 97.1 78.8 89.5 37.9 48.9 51.8 56.9 67.6 90.6 56.9 92.6 73.1 42.8 92.0 47.5 57.5 46.1 49.2 68.4 65.5
Dice 95.9 77.6 87.7 41.1 47.6 56.0 66.2 74.8 90.0 59.6 93.1 77.3 55.8 91.1 10.0 63.9 34.6 53.6 73.6 65.8
logDice 94.0 70.8 85.6 33.2 39.1 50.6 62.2 69.6 88.4 52.1 88.1 74.2 50.7 89.2 34.8 55.3 31.7 48.0 70.7 62.5
DiceCE 97.0 79.7 89.7 43.4 48.6 55.4 61.4 71.7 91.0 57.4 92.6 75.5 48.6 92.5 44.4 63.6 52.1 51.8 71.5 67.8
LogDiceCE 96.9 78.6 89.8 40.4 48.3 57.1 65.4 74.6 90.7 57.2 92.5 77.0 52.7 92.4 47.9 65.0 50.6 51.4 72.6 68.5
CE+KL 97.2 79.6 90.0 39.6 51.2 54.8 60.3 71.5 91.0 59.7 92.9 75.2 49.0 92.7 55.6 72.5 65.6 51.3 70.9 69.5
CE+L1 97.4 80.2 90.1 37.9 51.9 55.7 61.0 72.1 91.0 58.9 93.5 75.7 49.8 92.8 54.9 70.2 62.8 54.0 71.6 69.6
"""  # noqa: E501

CITY: Mapping[str, tuple[float, ...]] = {
    line.split()[0]: tuple(map(float, line.split()[1:-1]))
    for line in _ROWS.splitlines()
}
"""Table 4, Res50-FPN, validation set: IoU in % of each class."""
CITY_MEANS: Mapping[str, tuple[float, float]] = {
    "CE": (68.5, 72.1),
    "Focal": (65.5, 69.3),
    "Dice": (65.8, 59.4),
    "logDice": (62.5, 63.3),
    "DiceCE": (67.8, 71.7),
    "LogDiceCE": (68.5, 71.0),
    "CE+KL": (69.5, 72.6),
    "CE+L1": (69.6, 73.4),
}
"""Table 4: mIoU in % of Res50-FPN and of Res101-FPN."""

CAMVID_CLASSES: Mapping[str, str] = {
    "sky": "sky",
    "building": "building",
    "pole": "pole",
    "road": "road",
    "pavement": "sidewalk",
    "tree": "vegetation",
    "sign": "traffic sign",
    "fence": "fence",
    "car": "car",
    "pedestrian": "person",
    "bicyclist": "bike",
}
"""The classes of camvid, in their order, to the nearest ones of Cityscapes."""


def city(loss: str, name: str) -> float:
    """IoU in % of a loss and a class of Cityscapes."""
    return CITY[loss][CITY_CLASSES.index(name)]


def city_mean(loss: str, *, below: float = np.inf, above: float = 0.0) -> float:
    """Mean IoU in % of the classes whose proportion in % is in ``[above, below)``."""
    chosen = [
        score
        for score, share in zip(CITY[loss], CITY_SHARES, strict=True)
        if above <= share < below
    ]
    return float(np.mean(chosen))
