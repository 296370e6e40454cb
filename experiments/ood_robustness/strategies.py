"""The five strategies of Galdran 2022."""

from experiments.protocol.method import Method, foreground

FOREGROUND = {"background": 0.0}
"""Dice of the lesion alone: the paper's losses are binary."""
STRATEGIES: tuple[Method, ...] = (
    Method(name="CE", paper="BCE", title="cross-entropy, eq. (2)",
           loss="cross_entropy"),
    Method(name="Dice", title="squared Dice of each image, eq. (5)",
           loss="dice_squared_per_image", weigh=foreground),
    Method(name="hard", paper="BCE→Dice", hyper=FOREGROUND,
           title="CE, then Dice for the last tenth of the steps, eq. (8)",
           loss="ce_to_dice_hard"),
    Method(name="soft", paper="BCE⇝Dice", hyper=FOREGROUND,
           title="from CE to Dice, linearly over the run, eq. (7)",
           loss="ce_to_dice_linear"),
    Method(name="CE+Dice", paper="BCE+Dice", title="their sum, eq. (6)",
           hyper=FOREGROUND, loss="ce_dice_per_image"),
)  # fmt: skip
"""In the order of the paper's tables."""
NAMES = tuple(strategy.name for strategy in STRATEGIES)
