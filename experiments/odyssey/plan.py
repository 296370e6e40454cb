"""Which runs the study takes: each loss on each fold, its learning rate searched."""

from collections.abc import Mapping

from experiments.odyssey.losses import PRINTED, method_of
from experiments.protocol.jobs import Job, Scoring, StepCost
from experiments.protocol.plan import folds_of, models_of, runs_of
from experiments.protocol.scale import TRIAL, Scale
from experiments.protocol.study import Choices
from jaxseg.metrics.case_surfaces import SurfaceOptions
from jaxseg.training.search import MA_FINE_TUNING_RATES, MA_RATES

ALL = tuple(PRINTED)
FLAGS = ("losses", "models", "folds", "seeds", "steps", "earlier", "size",
         "batch_size", "rates", "tolerance")  # fmt: skip
CPU_LOSSES = ("cross_entropy", "dice", "dice_ce", "dice_topk", "dice_focal", "jaccard",
              "generalized_dice", "cross_entropy:inverse")  # fmt: skip

SCALES: Mapping[str, Scale] = {
    TRIAL: Scale(
        losses=("cross_entropy", "dice", "dice_ce", "cross_entropy:inverse"),
        folds=2,
        steps=12,
        size=(32, 32),
        batch_size=4,
        learning_rate=3e-3,
        width=4,
        depth=1,
        kinds={"volume": {"size": (16, 16, 16), "batch_size": 2,
                          "augment": "unmirrored"}},
    ),
    "cpu": Scale(
        losses=CPU_LOSSES,
        models=("efficientnet_lite0_fpn",),
        weights="imagenet",
        decoder_multiplier=0.5,
        folds=5,
        held=3,
        steps=800,
        earlier=1,
        size=(128, 128),
        batch_size=8,
        learning_rate=1e-3,
        rates=(3e-3, 1e-3, 3e-4),
        fine_rates=(1e-3, 3e-4),
        pretrain_rate=1e-3,
        search_steps=100,
        schedule="cosine",
        kinds={"volume": {"models": ("unet",), "width": 8, "depth": 2, "steps": 1200,
                          "size": (32, 48, 32), "batch_size": 2,
                          "augment": "unmirrored"}},
    ),
    "full": Scale(
        losses=ALL,
        folds=5,
        seeds=2,
        steps=20_000,
        earlier=5,
        size=(256, 256),
        batch_size=16,
        learning_rate=3e-4,
        rates=MA_RATES,
        fine_rates=MA_FINE_TUNING_RATES,
        pretrain_rate=3e-4,
        search_steps=4_000,
        width=32,
        depth=5,
        kinds={"volume": {"size": (64, 96, 64), "batch_size": 2,
                          "augment": "unmirrored"}},
    ),
}  # fmt: skip


def plan(choices: Choices) -> list[Job]:
    """All jobs, loss by loss, so that the folds of a loss share its programs."""
    jobs: list[Job] = []
    for dataset in choices.datasets:
        scale = choices.scale.on(dataset)
        folds = folds_of(dataset, scale, choices.root)
        surfaces = SurfaceOptions(
            definition="surface_distance", tolerance=scale.tolerance
        )
        for model in models_of(scale, first=dataset is choices.datasets[0]):
            for name in scale.losses:
                runs = runs_of(dataset, scale, method_of(name), model, folds)
                for run in runs:
                    scoring = Scoring(
                        members=(run,),
                        dataset=dataset,
                        split="validation" if scale.folds else dataset.scored_split(),
                        surfaces=surfaces,
                        tags=run.tags,
                        label=f"{run.label} scores",
                    )
                    jobs += [run, scoring]
                jobs.append(StepCost(training=runs[0], label=f"{runs[0].label} cost"))
    return jobs
