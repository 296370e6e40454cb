"""Which runs the study takes: each loss on each fold, its learning rate searched."""

import argparse
import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.odyssey.losses import METHODS, Method, by_name
from experiments.protocol.dataset import Dataset
from experiments.protocol.jobs import Job, RateSearch, Scoring, StepCost, Training
from experiments.protocol.study import Choices
from jaxseg.cli import options
from jaxseg.errors import UserError
from jaxseg.losses.class_balance import inverse_frequency_weights
from jaxseg.metrics.case_surfaces import SurfaceOptions
from jaxseg.training.config import RunConfig
from jaxseg.training.search import MA_FINE_TUNING_RATES, MA_RATES

SEED = 0
TEST = "test"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """How large the study is.

    Attributes:
      losses: names in `METHODS`.
      folds: of cross-validation; 0 trains on "train" and scores "test".
      steps: of a run.
      rates: learning rates to search; one alone is taken.
      fine_rates: the same for a loss that fine-tunes; Ma 2021, footnote 7.
      pretrain_rate: learning rate of what it fine-tunes.
      search_steps: of each short run of the search.
      size: (height, width) of the network's input.
      patch: (X, Y, Z) of a patch of volumes.
      batch_size: images a step; of volumes, patches a step.
      width, depth: of the U-Net.
    """

    losses: tuple[str, ...] = tuple(by_name())
    folds: int
    steps: int
    rates: tuple[float, ...]
    fine_rates: tuple[float, ...]
    pretrain_rate: float
    search_steps: int
    size: tuple[int, int]
    patch: tuple[int, int, int]
    batch_size: tuple[int, int]
    width: int
    depth: int


SCALES: Mapping[str, Scale] = {
    "smoke": Scale(
        losses=("CE", "Dice", "DiceCE", "WCE"),
        folds=2,
        steps=12,
        rates=(3e-3,),
        fine_rates=(3e-3,),
        pretrain_rate=3e-3,
        search_steps=1,
        size=(32, 32),
        patch=(16, 16, 16),
        batch_size=(4, 2),
        width=4,
        depth=1,
    ),
    "cpu": Scale(
        folds=3,
        steps=250,
        rates=(1e-2, 3e-3, 3e-4),
        fine_rates=(3e-3, 1e-3, 3e-4),
        pretrain_rate=3e-3,
        search_steps=60,
        size=(64, 64),
        patch=(32, 48, 32),
        batch_size=(8, 2),
        width=8,
        depth=3,
    ),
    "full": Scale(
        folds=5,
        steps=20_000,
        rates=MA_RATES,
        fine_rates=MA_FINE_TUNING_RATES,
        pretrain_rate=3e-4,
        search_steps=4_000,
        size=(256, 256),
        patch=(64, 96, 64),
        batch_size=(16, 2),
        width=32,
        depth=5,
    ),
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """What a user may change."""
    add = parser.add_argument
    names = ", ".join(by_name()).replace("%", "%%")
    add(
        "--losses",
        nargs="+",
        type=options.one_of(list(by_name())),
        metavar="NAME",
        help=f"of {names} (default: those of the scale)",
    )
    add(
        "--folds",
        type=options.at_least(0),
        metavar="K",
        help="folds of the training images; 0 trains on the split 'train' and scores "
        "'test', as is right where images of one patient are in several files "
        "(default: of the scale)",
    )
    add("--steps", type=options.at_least(2), metavar="N", help="steps of each run")
    add(
        "--size",
        nargs="+",
        type=options.at_least(8),
        metavar="N",
        help="height and width of the network's input, or X Y Z of a patch",
    )
    add(
        "--tolerance",
        type=options.number_in(0, 1e6),
        default=1.0,
        metavar="D",
        help="of NSD, in mm or in pixels of the image's own size (default 1)",
    )


def scale_of(choices: Choices) -> Scale:
    """The scale with what the user has changed.

    Raises:
      UserError: a value that does not go with the data.
    """
    arguments = choices.arguments
    changes: dict[str, Any] = {}
    for name in ("losses", "folds", "steps"):
        value = getattr(arguments, name)
        if value is not None:
            changes[name] = tuple(value) if isinstance(value, list) else value
    if changes.get("folds") == 1:
        raise UserError("--folds 1 holds nothing back: give 0, or 2 and more")
    if arguments.size is not None:
        size = tuple(arguments.size)
        for dataset in choices.datasets:
            if len(size) != (3 if dataset.volumes else 2):
                wanted = "X Y Z" if dataset.volumes else "a height and a width"
                raise UserError(f"--size: {dataset.name} takes {wanted}")
        changes["patch" if len(size) == 3 else "size"] = size
    scale = dataclasses.replace(SCALES[choices.scale], **changes)
    if len(set(scale.losses)) < 2:
        raise UserError("--losses needs at least two losses, for they are compared")
    for dataset in choices.datasets:
        if scale.folds == 0 and TEST not in dataset.counts:
            raise UserError(
                f"--folds 0 needs a split 'test', and {dataset.name} has "
                f"{', '.join(dataset.counts)}"
            )
    return scale


def settings(choices: Choices) -> dict[str, Any]:
    """What the report tells of the scale."""
    return {
        **dataclasses.asdict(scale_of(choices)),
        "tolerance": choices.arguments.tolerance,
        "seed": SEED,
    }


def plan(choices: Choices) -> list[Job]:
    """All jobs, loss by loss, so that the folds of a loss share its programs."""
    scale = scale_of(choices)
    surfaces = SurfaceOptions(
        definition="surface_distance", tolerance=choices.arguments.tolerance
    )
    jobs: list[Job] = []
    for dataset in choices.datasets:
        folds = _folds(choices, dataset, scale)
        for method in METHODS:
            if method.name in scale.losses:
                jobs += _of_method(dataset, method, scale, folds, surfaces)
    return jobs


def _folds(choices: Choices, dataset: Dataset, scale: Scale) -> list[dict[str, Any]]:
    """Settings of a run for each fold."""
    if scale.folds == 0:
        return [{}]
    written = dataset.write_folds(
        choices.root / "folds", count=scale.folds, seed=SEED, splits=("train",)
    )
    return [{**written, "fold": fold} for fold in range(scale.folds)]


def _of_method(
    dataset: Dataset,
    method: Method,
    scale: Scale,
    folds: list[dict[str, Any]],
    surfaces: SurfaceOptions,
) -> list[Job]:
    first = config_of(dataset, method, scale, folds[0])
    search = None
    rates = rates_of(method, scale)
    if len(rates) > 1:
        search = RateSearch(
            dataset=dataset,
            config=first,
            rates=rates,
            steps=scale.search_steps,
            label=f"{dataset.name} {method.name} rates",
        )
    jobs: list[Job] = []
    for number, fold in enumerate(folds):
        tags = {"dataset": dataset.name, "loss": method.name, "fold": number}
        label = f"{dataset.name} {method.name} {number + 1}/{len(folds)}"
        training = Training(
            dataset=dataset,
            config=config_of(dataset, method, scale, fold),
            rate=search,
            tags=tags,
            label=label,
        )
        scoring = Scoring(
            members=(training,),
            dataset=dataset,
            split="validation" if fold else TEST,
            surfaces=surfaces,
            tags=tags,
            label=f"{label} scores",
        )
        jobs += [training, scoring]
        if number == 0:
            jobs.append(StepCost(training=training, label=f"{label} step"))
    return jobs


def rates_of(method: Method, scale: Scale) -> tuple[float, ...]:
    """Learning rates that a loss is tried at."""
    return scale.fine_rates if method.pretrain else scale.rates


def config_of(
    dataset: Dataset, method: Method, scale: Scale, fold: Mapping[str, Any]
) -> RunConfig:
    """Settings of a run."""
    weights = None
    if method.weighs_classes:
        found = inverse_frequency_weights(np.array(dataset.class_shares))
        weights = tuple(float(weight) for weight in found)
    return RunConfig(
        **dataset.settings_of_run(),
        **fold,
        loss=method.loss,
        hyper=dict(method.hyper),
        class_weights=weights,
        steps=scale.steps,
        pretrain_loss=method.pretrain,
        pretrain_steps=scale.steps // 2 if method.pretrain else 0,
        batch_size=scale.batch_size[dataset.volumes],
        size=scale.patch if dataset.volumes else scale.size,
        seed=SEED,
        pretrain_learning_rate=scale.pretrain_rate if method.pretrain else None,
        learning_rate=rates_of(method, scale)[0],
        width=scale.width,
        depth=scale.depth,
        augment="unmirrored" if dataset.volumes else "full",
        evaluate_every=0,
        checkpoint_every=scale.steps,
    )
