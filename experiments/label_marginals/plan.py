"""Which runs the study takes: losses, seeds, and an ablation of lambda and tau."""

import argparse
import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from experiments.label_marginals.losses import METHODS, Method, by_name
from experiments.protocol.dataset import Dataset
from experiments.protocol.jobs import Job, Scoring, Training
from experiments.protocol.study import Choices
from jaxseg.cli import options
from jaxseg.errors import UserError
from jaxseg.metrics.case_surfaces import SurfaceOptions
from jaxseg.models.catalog import MODELS
from jaxseg.training.config import RunConfig
from jaxseg.training.network import ENCODER_NETWORKS

Kind = Literal["binary", "scene", "volume"]
"""Images of two classes, images of more of which none is background, volumes."""
TOLERANCE = 1.0
"""Of the normalised surface distance, in pixels or mm."""
FEW = ("CE", "Dice", "CE+L1")
MAIN = ("CE", "Dice", "CE+KL", "CE+L1")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setting:
    """How one kind of data is trained on.

    Attributes:
      losses: names in `METHODS`.
      models: networks, the first for the ablation.
      size: (height, width), or (X, Y, Z) of a patch.
      steps: of a run.
      batch_size: images or patches a step.
      optimizer, learning_rate, schedule, augment: of a run.
    """

    losses: tuple[str, ...] = tuple(by_name())
    models: tuple[str, ...] = ("unet",)
    size: tuple[int, ...]
    steps: int
    batch_size: int
    optimizer: str = "adam"
    learning_rate: float
    schedule: str = "warmup_cosine"
    augment: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """How large the study is.

    Attributes:
      seeds: runs of each loss.
      binary, scene, volume: the settings by kind.
      width, depth: of the network "unet".
      multiplier: of the channels of networks with an encoder.
      weights: lambdas of the ablation.
      temperatures: taus of the ablation.
      ablation_seeds: runs of each of its points.
      second_losses: losses that the networks after the first are trained with.
      second_seeds: runs of each of these.
    """

    seeds: int
    binary: Setting
    scene: Setting
    volume: Setting
    width: int
    depth: int
    multiplier: float = 1.0
    weights: tuple[float, ...]
    temperatures: tuple[float, ...]
    ablation_seeds: int
    second_losses: tuple[str, ...]
    second_seeds: int

    def setting(self, kind: Kind) -> Setting:
        """The setting of a kind."""
        return {"binary": self.binary, "scene": self.scene, "volume": self.volume}[kind]


SCALES: Mapping[str, Scale] = {
    "smoke": Scale(
        seeds=2,
        binary=Setting(
            losses=FEW,
            size=(32, 32),
            steps=12,
            batch_size=4,
            learning_rate=3e-3,
            augment="full",
        ),
        scene=Setting(
            losses=FEW,
            size=(32, 32),
            steps=12,
            batch_size=4,
            learning_rate=3e-3,
            augment="mirror",
        ),
        volume=Setting(
            losses=FEW,
            size=(16, 16, 16),
            steps=12,
            batch_size=2,
            learning_rate=3e-3,
            augment="unmirrored",
        ),
        width=4,
        depth=1,
        weights=(0.1,),
        temperatures=(),
        ablation_seeds=1,
        second_losses=(),
        second_seeds=0,
    ),
    "cpu": Scale(
        seeds=3,
        binary=Setting(
            models=("unet", "resnet18_fpn", "resnet18_unet"),
            size=(64, 64),
            steps=800,
            batch_size=8,
            learning_rate=1e-2,
            augment="full",
        ),
        scene=Setting(
            models=("unet", "resnet18_fpn"),
            size=(72, 96),
            steps=1200,
            batch_size=4,
            learning_rate=1e-2,
            augment="mirror",
        ),
        volume=Setting(
            losses=MAIN,
            size=(32, 48, 32),
            steps=400,
            batch_size=2,
            learning_rate=3e-3,
            augment="unmirrored",
        ),
        width=8,
        depth=3,
        multiplier=0.25,
        weights=(0.01, 0.1, 1.0),
        temperatures=(1.0, 30.0),
        ablation_seeds=3,
        second_losses=MAIN,
        second_seeds=3,
    ),
    "full": Scale(
        seeds=3,
        binary=Setting(
            models=("resnet50_fpn", "resnet50_unet", "resnet34_fpn", "resnet34_unet"),
            size=(256, 256),
            steps=6_000,
            batch_size=8,
            learning_rate=3e-4,
            augment="full",
        ),
        scene=Setting(
            models=("resnet50_fpn", "resnet101_fpn"),
            size=(240, 320),
            steps=6_000,
            batch_size=8,
            optimizer="sgd",
            learning_rate=1e-2,
            schedule="linear",
            augment="mirror",
        ),
        volume=Setting(
            size=(32, 48, 32),
            steps=10_000,
            batch_size=2,
            optimizer="sgd",
            learning_rate=1e-2,
            schedule="polynomial",
            augment="unmirrored",
        ),
        width=32,
        depth=3,
        weights=(0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
        temperatures=(1.0, 3.0, 10.0, 30.0),
        ablation_seeds=3,
        second_losses=tuple(by_name()),
        second_seeds=3,
    ),
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """What a user may change."""
    add = parser.add_argument
    add(
        "--losses",
        nargs="+",
        type=options.one_of(list(by_name())),
        metavar="NAME",
        help=f"of {', '.join(by_name())} (default: those of the scale)",
    )
    add("--seeds", type=options.at_least(1), metavar="N", help="runs of each loss")
    add("--steps", type=options.at_least(2), metavar="N", help="steps of each run")
    add(
        "--size",
        nargs="+",
        type=options.at_least(8),
        metavar="N",
        help="height and width of the network's input, or X Y Z of a patch",
    )
    add(
        "--models",
        nargs="+",
        type=options.one_of(list(MODELS)),
        metavar="NAME",
        help="networks, the first for the ablation (default: those of the scale)",
    )
    add(
        "--no-ablation",
        action="store_true",
        help="leave out other weights and temperatures",
    )


def kind_of(dataset: Dataset) -> Kind:
    """Volumes leave class 0 out; images of more than two classes count them all."""
    if dataset.volumes:
        return "volume"
    return "binary" if dataset.num_classes == 2 else "scene"


def split_of(dataset: Dataset) -> str:
    """The split that is scored; no run looks at it, nor at "validation".

    Raises:
      UserError: there is neither "test" nor "validation".
    """
    for split in ("test", "validation"):
        if dataset.counts.get(split):
            return split
    raise UserError(
        f"--data {dataset.path}: the study scores the split 'test', or 'validation' "
        f"where there is none, and there is only {', '.join(dataset.counts)}"
    )


def scale_of(choices: Choices) -> Scale:
    """The scale with what the user has changed.

    Raises:
      UserError: a value that does not go with the data.
    """
    arguments = choices.arguments
    scale = SCALES[choices.scale]
    changes: dict[str, Any] = {}
    if arguments.seeds is not None:
        changes["seeds"] = arguments.seeds
        changes["ablation_seeds"] = min(scale.ablation_seeds, arguments.seeds)
        changes["second_seeds"] = min(scale.second_seeds, arguments.seeds)
    if arguments.no_ablation:
        changes |= {"weights": (), "temperatures": ()}
    kinds: set[Kind] = {kind_of(dataset) for dataset in choices.datasets}
    for kind in kinds:
        changes[kind] = _changed(scale.setting(kind), kind, arguments)
    return dataclasses.replace(scale, **changes)


def _changed(setting: Setting, kind: Kind, arguments: argparse.Namespace) -> Setting:
    changes: dict[str, Any] = {}
    if arguments.losses is not None:
        changes["losses"] = tuple(arguments.losses)
    if arguments.steps is not None:
        changes["steps"] = arguments.steps
    if arguments.size is not None:
        if len(arguments.size) != len(setting.size):
            wanted = "X Y Z" if kind == "volume" else "a height and a width"
            raise UserError(f"--size: {kind} data take {wanted}")
        changes["size"] = tuple(arguments.size)
    if arguments.models is not None:
        changes["models"] = tuple(arguments.models)
    for name in changes.get("models", ()):
        if len(setting.size) not in MODELS[name].axes:
            raise UserError(f"--models {name} does not take {kind} data")
    return dataclasses.replace(setting, **changes)


def settings(choices: Choices) -> dict[str, Any]:
    """What the report tells of the scale, for data that may join as well."""
    return {**dataclasses.asdict(scale_of(choices)), "tolerance": TOLERANCE}


def plan(choices: Choices) -> list[Job]:
    """All jobs: the comparison, the ablation, then the other networks.

    The ablation is of the first images of two classes.
    """
    scale = scale_of(choices)
    swept = next((d for d in choices.datasets if kind_of(d) == "binary"), None)
    parts: tuple[list[Job], ...] = ([], [], [])
    for dataset in choices.datasets:
        found = _of_dataset(dataset, scale, swept=dataset is swept)
        for part, jobs in zip(parts, found, strict=True):
            part += jobs
    return [job for part in parts for job in part]


def _of_dataset(
    dataset: Dataset, scale: Scale, *, swept: bool
) -> tuple[list[Job], list[Job], list[Job]]:
    """The jobs of the comparison, of the ablation and of the other networks."""
    kind = kind_of(dataset)
    setting = scale.setting(kind)
    first, *others = setting.models
    methods = [
        method
        for method in METHODS
        if method.name in setting.losses
        and (method.binary if dataset.num_classes == 2 else method.several)
    ]
    comparison, ablation, second = [], [], []
    for method in methods:
        comparison += _runs(dataset, scale, method, first, scale.seeds)
        for changed in ablation_of(method, scale) if swept else ():
            ablation += _runs(dataset, scale, changed, first, scale.ablation_seeds)
        for model in others if method.name in scale.second_losses else ():
            second += _runs(dataset, scale, method, model, scale.second_seeds)
    return comparison, ablation, second


def ablation_of(method: Method, scale: Scale) -> list[Method]:
    """The method with one of its two settings changed, each other value once."""
    changed = []
    if method.weight is not None:
        changed += [
            dataclasses.replace(method, weight=weight)
            for weight in scale.weights
            if weight != method.weight
        ]
    if method.temperature is not None:
        changed += [
            dataclasses.replace(method, temperature=temperature)
            for temperature in scale.temperatures
            if temperature != method.temperature
        ]
    return changed


def _runs(
    dataset: Dataset, scale: Scale, method: Method, model: str, seeds: int
) -> list[Job]:
    kind = kind_of(dataset)
    jobs: list[Job] = []
    for seed in range(seeds):
        tags = {
            "dataset": dataset.name,
            "kind": kind,
            "model": model,
            "loss": method.name,
            "weight": method.weight,
            "temperature": method.temperature,
            "seed": seed,
        }
        label = " ".join(
            f"{x:g}" if isinstance(x, float) else str(x)
            for x in (dataset.name, model, *list(tags.values())[3:])
            if x is not None
        )
        training = Training(
            dataset=dataset,
            config=config_of(dataset, scale, method, model, seed),
            tags=tags,
            label=label,
        )
        scoring = Scoring(
            members=(training,),
            dataset=dataset,
            split=split_of(dataset),
            surfaces=None
            if kind == "scene"
            else SurfaceOptions(definition="surface_distance", tolerance=TOLERANCE),
            tags=tags,
            label=f"{label} scores",
        )
        jobs += [training, scoring]
    return jobs


def config_of(
    dataset: Dataset, scale: Scale, method: Method, model: str, seed: int
) -> RunConfig:
    """Settings of a run."""
    setting = scale.setting(kind_of(dataset))
    foreground = method.foreground_alone and dataset.num_classes == 2
    narrow: dict[str, Any] = {}
    if model in ENCODER_NETWORKS:
        narrow["multiplier"] = scale.multiplier
    return RunConfig(
        **dataset.settings_of_run(),
        loss=method.loss,
        hyper=method.hyper(dataset.num_classes),
        class_weights=(0.0, 1.0) if foreground else None,
        steps=setting.steps,
        batch_size=setting.batch_size,
        size=setting.size,
        seed=seed,
        optimizer=setting.optimizer,
        learning_rate=setting.learning_rate,
        schedule=setting.schedule,
        model=model,
        width=scale.width,
        depth=scale.depth,
        **narrow,
        augment=setting.augment,
        evaluate_every=0,
        checkpoint_every=setting.steps,
    )
