"""How large everything is: as published, or a trial of two to three minutes."""

import dataclasses
from pathlib import Path

from jaxseg.losses import CATALOG

Case = tuple[tuple[int, ...], int]
"""Pixels of a batch, and classes."""
FIRST = (
    "cross_entropy", "dice", "dice_ce", "focal", "lovasz", "topk", "tversky", "jaccard",
    "generalized_dice", "dice_focal", "dice_topk", "dice_squared", "hausdorff",
    "boundary", "marginal_kl", "cldice",
)  # fmt: skip
"""Losses that are asked for most, measured first."""


def by_worth() -> tuple[str, ...]:
    """All losses of the catalog, those of `FIRST` before the others."""
    return (*FIRST, *(name for name in CATALOG if name not in FIRST))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What is measured; the defaults are the published run.

    Attributes:
      data: image folder to train on and to read; None makes synthetic lesions.
      weights: what the encoder starts from; None is random.
      losses: catalog names, in order.
      pixels: of the images that values are compared on.
      dtypes: of logits, the first being compared first.
      many: pixels of one pool for losses that rank all of them.
      scores: of surfaces, names in `jaxseg.metrics`.
      matrix: side of the matrices that show what TF32 does.
      cases: of the timed losses, in order.
      images: shape of the masks whose distances are timed.
      volume: shape of the same in three dimensions.
      bandwidth: float32 numbers that are added to, for the memory's speed.
      rounds: how often libraries take turns.
      seconds: that the timed calls of one thing in one round may take.
      networks: names of `step.CASES` that are timed, in order.
      step_dtypes: that their layers compute in.
      added: losses of which is told what they add to a step.
      spread: pixels of a batch in *parallel*, images first.
      width: channels of its U-Net.
      depth: halvings of that.
      steps: most steps of the real training.
      size: of its images.
      batch_size: of its batches.
      model: its network.
      together: networks that are trained at once in *study*.
      study_steps: most steps of each network there.
      strategies: of Galdran 2022, in order.
      simulated: devices that *parallel* simulates where there is one.
    """

    data: Path | None = None
    weights: str | None = "imagenet"
    losses: tuple[str, ...] = dataclasses.field(default_factory=by_worth)
    pixels: tuple[int, ...] = (2, 12, 10)
    dtypes: tuple[str, ...] = ("float32", "bfloat16", "float16")
    many: int = 2**18
    scores: tuple[str, ...] = ("hd95", "assd", "hausdorff")
    matrix: int = 1024
    cases: tuple[Case, ...] = (
        ((8, 256, 256), 4),
        ((32, 512, 512), 2),
        ((1, 128, 128, 128), 4),
        ((8, 256, 256), 20),
        ((8, 256, 256), 2),
    )
    images: tuple[int, ...] = (8, 512, 512)
    volume: tuple[int, ...] = (128, 128, 128)
    bandwidth: int = 2**27
    rounds: int = 3
    seconds: float = 0.3
    networks: tuple[str, ...] = (
        "U-Net 2D",
        "EfficientNet-Lite0",
        "U-Net 3D",
        "ResNet-34",
    )
    step_dtypes: tuple[str, ...] = ("float32", "bfloat16")
    added: tuple[str, ...] = ("cross_entropy", "dice_ce", "lovasz", "dice_hd")
    spread: tuple[int, ...] = (8, 64, 64)
    width: int = 8
    depth: int = 2
    steps: int = 1000
    size: tuple[int, int] = (256, 320)
    batch_size: int = 8
    model: str = "efficientnet_lite0_fpn"
    together: int = 5
    study_steps: int = 300
    strategies: tuple[str, ...] = ("CE", "CE+Dice", "Dice", "soft", "hard")
    simulated: int = 4


ON_CPU = Settings(
    many=2**16,
    volume=(64, 64, 64),
    cases=(((8, 256, 256), 4), ((1, 128, 128, 128), 4), ((8, 256, 256), 20)),
    bandwidth=2**25,
    rounds=2,
    seconds=0.1,
    networks=("2D", "3D", "EfficientNet"),
    size=(128, 160),
    together=2,
    strategies=("CE+Dice",),
)
"""What a processor of a few cores does in the same minutes."""
SMOKE = Settings(
    weights=None,
    losses=("dice_ce", "lovasz"),
    pixels=(2, 6, 5),
    dtypes=("float32", "bfloat16"),
    many=2**12,
    scores=("hd95",),
    matrix=64,
    cases=(((2, 32, 32), 4),),
    images=(2, 64, 64),
    volume=(16, 16, 16),
    bandwidth=2**20,
    rounds=1,
    seconds=0.02,
    networks=("tiny",),
    step_dtypes=("float32",),
    added=("dice_ce",),
    spread=(8, 16, 16),
    width=4,
    depth=1,
    steps=6,
    size=(32, 32),
    batch_size=4,
    model="unet",
    together=2,
    study_steps=4,
    strategies=("CE+Dice",),
    simulated=2,
)
"""Everything small: shows that all of it runs, and measures nothing."""
