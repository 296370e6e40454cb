"""Tables 1 to 4 of Galdran 2022, by the names of our strategies."""

from collections.abc import Mapping

ENCODERS = (
    "MobileNet", "ResNet18", "ResNet34", "ResNet50", "ResNeXt50", "ResNet101",
    "ResNeXt101", "ResNet152",
)  # fmt: skip

INSIDE: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "foot ulcers": {  # Table 1
        "CE": (74.85, 74.73, 76.21, 76.37, 76.38, 76.55, 78.51, 77.07),
        "Dice": (77.45, 76.90, 77.73, 76.94, 77.72, 76.89, 77.32, 76.73),
        "hard": (75.93, 76.20, 77.66, 77.04, 77.14, 77.36, 78.59, 77.95),
        "soft": (77.91, 77.57, 78.13, 78.02, 78.60, 78.04, 79.48, 78.52),
        "CE+Dice": (77.94, 77.80, 78.69, 78.13, 78.82, 78.46, 78.97, 78.30),
    },
    "polyps": {  # Table 3
        "CE": (88.66, 89.25, 90.22, 90.36, 90.45, 90.49, 91.05, 90.47),
        "Dice": (88.63, 88.99, 89.02, 88.82, 89.47, 88.36, 88.33, 88.83),
        "hard": (88.62, 89.28, 89.78, 90.13, 89.97, 90.30, 90.69, 90.78),
        "soft": (89.42, 89.96, 90.40, 90.71, 90.70, 90.88, 91.11, 90.97),
        "CE+Dice": (89.38, 89.55, 90.59, 90.67, 90.84, 90.96, 91.18, 90.64),
    },
}
"""Tables 1 and 3: mean Dice in per cent of held-back images, by encoder."""

MIXED: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "foot ulcers": {  # Table 2
        "CE": (65.73, 66.05, 68.14, 68.03, 67.65, 67.92, 68.70, 68.82),
        "Dice": (65.24, 64.47, 64.84, 65.21, 64.85, 63.98, 64.45, 65.09),
        "hard": (65.35, 66.21, 67.60, 68.26, 67.99, 68.29, 68.03, 67.63),
        "soft": (66.25, 66.10, 66.53, 65.87, 66.51, 65.09, 66.62, 66.21),
        "CE+Dice": (65.56, 66.57, 66.25, 64.99, 66.87, 65.29, 65.49, 66.32),
    },
    "polyps": {  # Table 4
        "CE": (86.64, 87.72, 88.40, 88.40, 88.85, 89.33, 90.41, 90.48),
        "Dice": (81.10, 80.66, 82.89, 81.20, 83.40, 81.36, 81.54, 81.66),
        "hard": (86.90, 87.19, 89.78, 89.67, 89.06, 89.12, 90.26, 89.77),
        "soft": (86.90, 86.65, 87.35, 88.30, 89.15, 88.15, 90.48, 88.66),
        "CE+Dice": (83.91, 85.17, 85.78, 85.22, 85.22, 87.92, 89.65, 88.67),
    },
}
"""Tables 2 and 4: mean challenge score in per cent of ensembles on images with and
without lesions, by encoder."""

REJECTED: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "foot ulcers": {  # Table 2
        "CE": (6.5, 7, 7, 7, 8, 8, 5, 7),
        "Dice": (2, 1, 1, 1, 0, 1, 0.5, 0.5),
        "hard": (3.5, 5, 4.5, 4.5, 4, 5, 4, 4.5),
        "soft": (1.5, 1, 1.5, 1.5, 1.5, 1, 1, 1),
        "CE+Dice": (2, 1, 1, 0.5, 1.5, 2, 1, 1),
    },
    "polyps": {  # Table 4
        "CE": (6, 7, 7, 7, 7, 7, 8, 8),
        "Dice": (1, 0, 3, 1, 2, 1, 0, 1),
        "hard": (6, 6, 8, 8, 7, 8, 8, 8),
        "soft": (6, 5, 5, 6, 6, 6, 8, 7),
        "CE+Dice": (3, 4, 4, 4, 3, 6, 7, 6),
    },
}
"""Tables 2 and 4: per cent of all images with an empty prediction, by encoder."""
LESION_FREE_SHARE = {"polyps": 9.0}
"""Per cent of the test images without a lesion; of foot ulcers it is not printed."""
