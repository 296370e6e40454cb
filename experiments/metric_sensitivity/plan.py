"""Which runs the study takes: cross-entropy, then each loss from the same weights."""

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.metric_sensitivity.methods import (
    CE,
    CORE,
    DICE,
    METHODS,
    OURS,
    SQUARED,
    Method,
    by_name,
    tversky_name,
)
from experiments.metric_sensitivity.virtual import SPLIT, own_ratio, virtual_dataset
from experiments.protocol.dataset import Dataset
from experiments.protocol.jobs import Job, Scoring, Training
from experiments.protocol.study import Choices
from jaxseg.cli import options
from jaxseg.errors import UserError
from jaxseg.metrics.case_surfaces import SurfaceOptions
from jaxseg.training.config import RunConfig

SEED = 0
PRETRAINING = "pre-training"
VIRTUAL = (CE, DICE)
"""Losses on the virtual data sets, as in the paper's Table V."""
ALL = tuple(by_name())
OF_MULTI_CLASS = tuple(name for name in ALL if name not in (SQUARED, *OURS))
"""The losses of the paper's Tables VI and VII."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """How large the study is.

    Attributes:
      losses: names in `METHODS`, on data of two classes.
      multi_losses: on data of more classes.
      folds: into which the training cases are divided.
      used: of the folds, from the first; each is held back once.
      pretrain_steps: with cross-entropy.
      steps: of fine-tuning.
      pretrain_rate: learning rate, its peak.
      rate: of fine-tuning.
      ratios: foreground to background, of the virtual data sets; the ends first, for
        reports on what is done so far.
      virtual_used: folds on these.
      size: (height, width) of the network's input.
      patch: (X, Y, Z) of a patch of volumes.
      batch_size: images a step; of volumes, patches a step.
      width: of the U-Net.
      depth: of the U-Net; of volumes.
    """

    losses: tuple[str, ...] = ALL
    multi_losses: tuple[str, ...] = OF_MULTI_CLASS
    folds: int = 5
    used: int
    pretrain_steps: int
    steps: int
    pretrain_rate: float
    rate: float
    ratios: tuple[float, ...] = (0.05, 0.5, 0.2, 0.1, 0.3, 0.4)
    virtual_used: int
    size: tuple[int, int]
    patch: tuple[int, int, int]
    batch_size: tuple[int, int]
    width: int
    depth: tuple[int, int]


_FEW = (*CORE, tversky_name(0.2, 0.8), tversky_name(0.8, 0.2))
SCALES: Mapping[str, Scale] = {
    "smoke": Scale(
        losses=_FEW,
        multi_losses=_FEW,
        folds=2,
        used=2,
        pretrain_steps=24,
        steps=12,
        pretrain_rate=3e-3,
        rate=1e-3,
        ratios=(0.3, 0.5),
        virtual_used=1,
        size=(32, 32),
        patch=(16, 16, 16),
        batch_size=(4, 2),
        width=4,
        depth=(1, 1),
    ),
    "cpu": Scale(
        multi_losses=(
            *CORE,
            *(tversky_name(k / 10, (10 - k) / 10) for k in (1, 3, 7, 9)),
        ),
        used=5,
        pretrain_steps=1000,
        steps=200,
        pretrain_rate=3e-3,
        rate=1e-3,
        virtual_used=2,
        size=(64, 64),
        patch=(32, 32, 32),
        batch_size=(8, 2),
        width=8,
        depth=(3, 2),
    ),
    "full": Scale(
        used=5,
        pretrain_steps=10_000,
        steps=4_000,
        pretrain_rate=1e-3,
        rate=1e-4,
        virtual_used=5,
        size=(256, 256),
        patch=(64, 96, 64),
        batch_size=(16, 2),
        width=20,
        depth=(5, 3),
    ),
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """What a user may change."""
    add = parser.add_argument
    add(
        "--losses",
        nargs="+",
        type=options.one_of(list(ALL)),
        metavar="NAME",
        help=f"of {', '.join(map(repr, ALL))} (default: those of the scale)",
    )
    add(
        "--folds",
        type=options.at_least(1),
        metavar="K",
        help="how many of the folds are held back in turn (default: of the scale)",
    )
    add(
        "--virtual-folds",
        type=options.at_least(0),
        metavar="K",
        help="the same of the virtual data sets; 0 leaves them out (default: of the "
        "scale)",
    )
    add(
        "--steps",
        type=options.at_least(1),
        metavar="N",
        help="steps of fine-tuning (default: of the scale)",
    )
    add(
        "--pretrain-steps",
        type=options.at_least(1),
        metavar="N",
        help="steps with cross-entropy before (default: of the scale)",
    )


def scale_of(choices: Choices) -> Scale:
    """The scale with what the user has changed.

    Raises:
      UserError: more folds are wanted than there are.
    """
    arguments, scale = choices.arguments, SCALES[choices.scale]
    changes: dict[str, Any] = {}
    if arguments.losses is not None:
        changes["losses"] = changes["multi_losses"] = tuple(arguments.losses)
    for flag, name in (
        ("folds", "used"),
        ("virtual_folds", "virtual_used"),
        ("steps", "steps"),
        ("pretrain_steps", "pretrain_steps"),
    ):
        value = getattr(arguments, flag)
        if value is not None:
            changes[name] = value
    for flag in ("folds", "virtual_folds"):
        wanted = getattr(arguments, flag) or 0
        if wanted > scale.folds:
            name = flag.replace("_", "-")
            raise UserError(f"--{name} {wanted}: there are {scale.folds} folds")
    return dataclasses.replace(scale, **changes)


def settings(choices: Choices) -> dict[str, Any]:
    """What the report tells of the scale."""
    return {**dataclasses.asdict(scale_of(choices)), "seed": SEED}


def plan(choices: Choices) -> list[Job]:
    """All jobs, loss by loss, so that the folds of a loss share its programs.

    Those that most findings rest on come first.
    """
    scale = scale_of(choices)
    first: list[Job] = []
    then: list[Job] = []
    for dataset in choices.datasets:
        binary = dataset.num_classes == 2
        wanted = scale.losses if binary else scale.multi_losses
        methods = [method for method in METHODS if method.name in wanted]
        swept = [method for method in methods if method.loss == "tversky"]
        others = [method for method in methods if method not in swept]
        first += _of_dataset(choices, dataset, others, scale, scale.used)
        for ratio in ratios_of(dataset, scale):
            virtual = virtual_dataset(dataset, ratio, choices.root / "virtual")
            few = [method for method in methods if method.name in VIRTUAL]
            first += _of_dataset(
                choices, virtual, few, scale, scale.virtual_used, of=dataset, at=ratio
            )
        then += _of_dataset(choices, dataset, swept, scale, scale.used)
    return first + then


def ratios_of(dataset: Dataset, scale: Scale) -> tuple[float, ...]:
    """Ratios of a data set's virtual ones: all, or none if its own is no smaller.

    Rectangles only raise the ratio; data of several classes and volumes have none.
    """
    fits = own_ratio(dataset) < min(scale.ratios)
    if dataset.volumes or dataset.num_classes != 2 or not (fits and scale.virtual_used):
        return ()
    return scale.ratios


def _of_dataset(
    choices: Choices,
    dataset: Dataset,
    methods: Sequence[Method],
    scale: Scale,
    used: int,
    *,
    of: Dataset | None = None,
    at: float | None = None,
) -> list[Job]:
    """Pre-training on each fold, then each loss; virtual data are `of` a set."""
    if not methods:
        return []
    written = dataset.write_folds(
        choices.root / "folds", count=scale.folds, seed=SEED, splits=(SPLIT,)
    )
    tags = {"dataset": (of or dataset).name, "ratio": at}
    starts = []
    for fold in range(used):
        config = config_of(dataset, None, scale, {**written, "fold": fold})
        starts.append(
            Training(
                dataset=dataset,
                config=config,
                tags={**tags, "loss": PRETRAINING, "fold": fold},
                label=f"{dataset.name} {PRETRAINING} {fold + 1}/{used}",
            )
        )
    jobs: list[Job] = list(starts)
    for method in methods:
        for fold, start in enumerate(starts):
            label = f"{dataset.name} {method.name} {fold + 1}/{used}"
            mine = {**tags, "loss": method.name, "fold": fold}
            training = Training(
                dataset=dataset,
                config=config_of(dataset, method, scale, {**written, "fold": fold}),
                start=start,
                tags=mine,
                label=label,
            )
            scoring = Scoring(
                members=(training,),
                dataset=dataset,
                surfaces=SurfaceOptions() if method.name in CORE and not at else None,
                tags=mine,
                label=f"{label} scores",
            )
            jobs += [training, scoring]
    return jobs


def config_of(
    dataset: Dataset, method: Method | None, scale: Scale, fold: Mapping[str, Any]
) -> RunConfig:
    """Settings of a run: fine-tuning with a method, or pre-training without one."""
    steps = scale.pretrain_steps if method is None else scale.steps
    weights = None if method is None else method.class_weights(dataset.class_shares)
    return RunConfig(
        **dataset.settings_of_run(),
        **fold,
        loss="cross_entropy" if method is None else method.loss,
        hyper={} if method is None else {**method.hyper},
        class_weights=weights,
        steps=steps,
        batch_size=scale.batch_size[dataset.volumes],
        size=scale.patch if dataset.volumes else scale.size,
        seed=SEED if method is None else SEED + method.seed,
        learning_rate=scale.pretrain_rate if method is None else scale.rate,
        width=scale.width,
        depth=scale.depth[dataset.volumes],
        augment="unmirrored" if dataset.volumes else "full",
        evaluate_every=0,
        checkpoint_every=steps,
    )
