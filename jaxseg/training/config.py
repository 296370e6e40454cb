"""What a run is: every choice that its result depends on."""

import dataclasses
from typing import Any, Literal, Self

from jaxseg.errors import UserError


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

    Attributes:
      data: data folder, or "synthetic".
      loss: name in the catalog.
      hyper: hyper-parameters of the loss that differ from its defaults.
      class_weights: that the loss is called with, one a class; None weighs none.
      steps: optimizer steps, >= 1, those of pre-training included.
      pretrain_loss: loss, with its defaults, of the first `pretrain_steps`; afterwards
        `loss` goes on from those weights with a fresh optimizer.
      pretrain_steps: >= 0 and less than `steps`.
      pretrain_learning_rate: its peak; None is `learning_rate`.
      batch_size: images a step, over all devices.
      size: (height, width) of the network's input, or (X, Y, Z) of a patch.
      seed: of initial weights, order, patches, augmentation and synthetic images.
      num_classes: classes, background included.
      channels: image channels.
      spacing: voxel size in millimetres that volumes are resampled to; None leaves them
        as they are, and for images.
      voxel_mm: voxel size of the network's input, resampled or not; None for images.
      windows: of volumes, for each channel the settings of a
        `jaxseg.data.intensity.Window` or None; None for images.
      foreground_patches: share of the patches that must hold foreground.
      folds: file of folds; None trains on the split "train".
      fold: number of the fold that is held back for validation.
      folds_digest: of the file, so that a changed one is noticed.
      optimizer: name in `training.optimizers.OPTIMIZERS`.
      learning_rate: its peak.
      schedule: name in `training.optimizers.SCHEDULES`, or in
        `training.plateau.PLATEAUS`.
      patience: looks of a plateau rule; None is the rule's own.
      stop_after: validations without a lower loss after which training ends; None
        never.
      clip: largest norm of the gradient; None does not clip.
      average: weight of the past in the moving average of the weights, which is then
        what is validated and used; None keeps none.
      accumulate: parts of a device's images whose activations are in memory one after
        the other.
      precision: name in `models.catalog.DTYPES`.
      parallel: "pmap" or "shard_map".
      model: name in `models.catalog.MODELS`.
      weights: safetensors file that its encoder starts from; None starts at random.
      start_run: folder of a run whose weights this one starts from, with an optimizer
        of its own; None starts at random or from `weights`.
      normalise: what images are brought to, a name in
        `data.intensity.NORMALISATIONS`; volumes follow `windows`.
      plan: what `models.plan` made of the data and a memory budget, for information;
        None where nothing was planned.
      depth: halvings of the U-Net.
      width: channels at the U-Net's full resolution.
      strides: of the U-Net from level to level, ``[depth][axes]``; None follows from
        depth and voxel size.
      kernels: of each of its levels, ``[depth + 1][axes]``; None is 3 everywhere.
      max_width: channels that no level exceeds; None is the network's own limit.
      multiplier: of all numbers of channels of a network with an encoder of the
        literature; 1 is the literature's.
      norm: name in `models.norms.NORMS`.
      dropout: probability with which a channel of the U-Net is dropped.
      coarse_maps: coarser score maps of the U-Net that are supervised, too.
      augment: name in `data.augment.AUGMENTATIONS`.
      evaluate_every: steps between validations; 0 never looks, not even at the end.
      checkpoint_every: steps between checkpoints.
      synthetic: settings of the synthetic lesions, if they are the data.
    """

    data: str
    loss: str
    hyper: dict[str, float] = dataclasses.field(default_factory=dict)
    class_weights: tuple[float, ...] | None = None
    steps: int
    pretrain_loss: str | None = None
    pretrain_steps: int = 0
    pretrain_learning_rate: float | None = None
    batch_size: int = 8
    size: tuple[int, ...]
    seed: int = 0
    num_classes: int
    channels: int
    spacing: tuple[float, ...] | None = None
    voxel_mm: tuple[float, ...] | None = None
    windows: tuple[dict[str, float] | None, ...] | None = None
    foreground_patches: float = 1 / 3
    folds: str | None = None
    fold: int | None = None
    folds_digest: str | None = None
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "warmup_cosine"
    patience: int | None = None
    stop_after: int | None = None
    clip: float | None = 10.0
    average: float | None = None
    accumulate: int = 1
    precision: str = "float32"
    parallel: Literal["pmap", "shard_map"] = "pmap"
    model: str = "unet"
    weights: str | None = None
    start_run: str | None = None
    normalise: str = "image"
    plan: dict[str, Any] | None = None
    depth: int = 4
    width: int = 16
    strides: tuple[tuple[int, ...], ...] | None = None
    kernels: tuple[tuple[int, ...], ...] | None = None
    max_width: int | None = None
    multiplier: float = 1.0
    norm: str = "group"
    dropout: float = 0.0
    coarse_maps: int = 0
    augment: str = "full"
    evaluate_every: int = 100
    checkpoint_every: int = 100
    synthetic: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def volumes(self) -> bool:
        """Whether the data are volumes, and not images."""
        return self.windows is not None

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
            name: _as_lists(value) for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_json(cls, value: dict[str, Any], source: str) -> Self:
        """The settings stored in `value`.

        Raises:
          UserError: a setting is missing or unknown; the sentence names `source`.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = set(value) - known
        if unknown:
            raise UserError(
                f"{source} has unknown settings: {', '.join(sorted(unknown))}"
            )
        try:
            return cls(**{name: _as_tuples(part) for name, part in value.items()})
        except (KeyError, TypeError) as error:
            raise UserError(
                f"{source} is not the settings of a run: {error}"
            ) from error

    def difference(self, other: Self) -> str | None:
        """First setting in which two runs differ, as a phrase; None if they agree."""
        for name, mine in self.to_json().items():
            theirs = other.to_json()[name]
            if mine != theirs:
                return f"{name.replace('_', '-')} {mine!r} here, {theirs!r} there"
        return None


def _as_lists(value: Any) -> Any:
    return [_as_lists(part) for part in value] if isinstance(value, tuple) else value


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value
