"""Which runs the study takes: cross-entropy, then each loss from the same weights."""

import dataclasses
from collections.abc import Mapping, Sequence

from experiments.metric_sensitivity.methods import (
    CE,
    CORE,
    DICE,
    METHODS,
    NAMES,
    OF_MULTI_CLASS,
    PER_IMAGE,
    TVERSKY,
    tversky_name,
)
from experiments.metric_sensitivity.virtual import SPLIT, own_ratio, virtual_dataset
from experiments.protocol.dataset import Dataset
from experiments.protocol.jobs import Job, Scoring, Training
from experiments.protocol.method import Method
from experiments.protocol.plan import folds_of, models_of, runs_of
from experiments.protocol.scale import TRIAL, Scale
from experiments.protocol.study import Choices
from jaxseg.metrics.case_surfaces import SurfaceOptions

PRETRAINING = Method(name="pre-training", loss="cross_entropy")
VIRTUAL = (CE, DICE)
"""Losses on the virtual data sets, as in the paper's Table V."""
FLAGS = ("losses", "models", "folds", "held", "seeds", "steps", "earlier", "size",
         "batch_size", "learning_rate", "pretrain_steps", "ratio_folds")  # fmt: skip
_FEW = (*CORE, tversky_name(0.2, 0.8), tversky_name(0.8, 0.2))
SCALES: Mapping[str, Scale] = {
    TRIAL: Scale(
        losses=_FEW,
        folds=2,
        pretrain_steps=24,
        pretrain_rate=3e-3,
        steps=12,
        learning_rate=1e-3,
        ratios=(0.3, 0.5),
        ratio_folds=1,
        size=(32, 32),
        batch_size=4,
        width=4,
        depth=1,
        kinds={"volume": {"size": (16, 16, 16), "batch_size": 2,
                          "augment": "unmirrored"}},
    ),
    "cpu": Scale(
        losses=(*_FEW, PER_IMAGE),
        models=("efficientnet_lite0_fpn",),
        weights="imagenet",
        decoder_multiplier=0.5,
        folds=5,
        held=3,
        pretrain_steps=500,
        pretrain_rate=1e-3,
        steps=400,
        learning_rate=3e-4,
        earlier=1,
        size=(128, 160),
        batch_size=8,
        schedule="cosine",
        augment="mirror",
        kinds={"volume": {"models": ("unet",), "size": (32, 32, 32), "batch_size": 2,
                          "width": 8, "depth": 2, "augment": "unmirrored",
                          "pretrain_rate": 3e-3, "learning_rate": 1e-3}},
    ),
    "full": Scale(
        losses=NAMES,
        folds=5,
        pretrain_steps=10_000,
        pretrain_rate=1e-3,
        steps=4_000,
        learning_rate=1e-4,
        earlier=5,
        ratios=(0.05, 0.5, 0.2, 0.1, 0.3, 0.4),
        ratio_folds=5,
        size=(256, 256),
        batch_size=16,
        width=20,
        depth=5,
        kinds={"volume": {"size": (64, 96, 64), "batch_size": 2, "depth": 3,
                          "augment": "unmirrored"}},
    ),
}  # fmt: skip


def plan(choices: Choices) -> list[Job]:
    """All jobs, loss by loss, so that the folds of a loss share its programs.

    Those that most findings rest on come first.
    """
    first: list[Job] = []
    then: list[Job] = []
    for dataset in choices.datasets:
        scale = choices.scale.on(dataset)
        known = NAMES if dataset.num_classes == 2 else OF_MULTI_CLASS
        wanted = [m for m in METHODS if m.name in scale.losses and m.name in known]
        swept = [m for m in wanted if m.name in TVERSKY and m.name not in CORE]
        others = [m for m in wanted if m not in swept]
        for model in models_of(scale, first=dataset is choices.datasets[0]):
            first += _plan_dataset(choices, dataset, others, scale, model)
            for ratio in ratios_of(dataset, scale):
                virtual = virtual_dataset(dataset, ratio, choices.root / "virtual")
                few = [m for m in wanted if m.name in VIRTUAL]
                of_ratio = dataclasses.replace(scale, held=scale.ratio_folds)
                first += _plan_dataset(
                    choices, virtual, few, of_ratio, model, of=dataset, at=ratio
                )
            then += _plan_dataset(choices, dataset, swept, scale, model)
    return first + then


def ratios_of(dataset: Dataset, scale: Scale) -> tuple[float, ...]:
    """Ratios of a data set's virtual ones: all, or none if its own is no smaller.

    Rectangles only raise the ratio; data of several classes and volumes have none.
    """
    if dataset.kind != "binary" or not (scale.ratios and scale.ratio_folds):
        return ()
    return scale.ratios if own_ratio(dataset) < min(scale.ratios) else ()


def _plan_dataset(
    choices: Choices,
    dataset: Dataset,
    methods: Sequence[Method],
    scale: Scale,
    model: str,
    *,
    of: Dataset | None = None,
    at: float | None = None,
) -> list[Job]:
    """Pre-training on each fold, then each loss; virtual data are `of` a set."""
    if not methods:
        return []
    folds = folds_of(dataset, scale, choices.root, (SPLIT,))
    split = "validation" if scale.folds else dataset.scored_split()

    def told(runs: list[Training]) -> list[Training]:
        tags = {"dataset": (of or dataset).name, "ratio": at}
        return [dataclasses.replace(r, tags={**r.tags, **tags}) for r in runs]

    before = dataclasses.replace(
        scale,
        steps=scale.pretrain_steps,
        learning_rate=scale.pretrain_rate,
        earlier=0,
        seeds=1,
    )
    starts = told(runs_of(dataset, before, PRETRAINING, model, folds))
    jobs: list[Job] = [*starts]
    for method in methods:
        for run in told(
            runs_of(dataset, scale, method, model, folds, start=starts.__getitem__)
        ):
            surfaces = method.name in CORE and at is None
            scoring = Scoring(
                members=(run,),
                dataset=dataset,
                split=split,
                surfaces=SurfaceOptions() if surfaces else None,
                tags=run.tags,
                label=f"{run.label} scores",
            )
            jobs += [run, scoring]
    return jobs
