"""Which runs the study takes: losses, seeds, and an ablation of lambda and tau."""

import dataclasses
from collections.abc import Mapping

from experiments.label_marginals.losses import (
    NAMES,
    TEMPERATURES,
    WEIGHTS,
    method_of,
    names_for,
)
from experiments.protocol.dataset import Dataset
from experiments.protocol.jobs import Job, Scoring
from experiments.protocol.method import Method
from experiments.protocol.plan import folds_of, models_of, runs_of
from experiments.protocol.scale import TRIAL, Scale
from experiments.protocol.study import Choices
from jaxseg.metrics.case_surfaces import SurfaceOptions

FLAGS = ("losses", "models", "folds", "seeds", "steps", "earlier", "size",
         "batch_size", "learning_rate", "lambdas", "temperatures")  # fmt: skip
MAIN = ("CE", "Dice", "DiceCE", "CE+KL", "CE+L1")

SCALES: Mapping[str, Scale] = {
    TRIAL: Scale(
        losses=("CE", "Dice", "CE+L1"),
        seeds=2,
        steps=12,
        size=(32, 32),
        batch_size=4,
        learning_rate=3e-3,
        width=4,
        depth=1,
        lambdas=(0.1,),
        kinds={"volume": {"size": (16, 16, 16), "batch_size": 2,
                          "augment": "unmirrored"},
               "scene": {"augment": "mirror"}},
    ),
    "cpu": Scale(
        losses=MAIN,
        models=("efficientnet_lite0_fpn",),
        weights="imagenet",
        decoder_multiplier=0.5,
        seeds=3,
        steps=800,
        earlier=2,
        size=(128, 128),
        batch_size=8,
        learning_rate=1e-3,
        schedule="cosine",
        augment="mirror",
        kinds={"scene": {"size": (192, 256), "batch_size": 4},
               "volume": {"models": ("unet",), "size": (32, 48, 32), "batch_size": 2,
                          "augment": "unmirrored", "width": 8, "depth": 2}},
    ),
    "full": Scale(
        losses=NAMES,
        models=("efficientnet_lite0_fpn", "efficientnet_lite2_fpn"),
        weights="imagenet",
        seeds=3,
        steps=6_000,
        earlier=3,
        size=(256, 256),
        batch_size=8,
        learning_rate=3e-4,
        schedule="cosine",
        width=32,
        depth=3,
        lambdas=(0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
        temperatures=(1.0, 3.0, 10.0, 30.0),
        kinds={"scene": {"size": (240, 320), "augment": "mirror"},
               "volume": {"models": ("unet",), "size": (32, 48, 32), "batch_size": 2,
                          "steps": 10_000, "augment": "unmirrored"}},
    ),
}  # fmt: skip


def plan(choices: Choices) -> list[Job]:
    """All jobs: the comparison, the ablation, then the other networks.

    The ablation is of the first images of two classes.
    """
    first: list[Job] = []
    then: list[Job] = []
    swept = next((d for d in choices.datasets if d.kind == "binary"), None)
    for dataset in choices.datasets:
        scale = choices.scale.on(dataset)
        names = [n for n in names_for(dataset.num_classes) if n in scale.losses]
        models = models_of(scale, first=dataset is choices.datasets[0])
        for number, model in enumerate(models):
            for name in names:
                method = method_of(name, dataset.num_classes)
                jobs = _plan_method(choices, dataset, scale, method, model)
                (then if number else first).extend(jobs)
                if dataset is swept and not number:
                    whole = dataclasses.replace(scale, earlier=0)
                    for changed in ablation_of(name, scale):
                        then += _plan_method(choices, dataset, whole, changed, model)
    return first + then


def ablation_of(name: str, scale: Scale) -> list[Method]:
    """The loss of two classes with one of its two settings changed, each value once."""
    changed = [
        method_of(name, 2, weight=weight)
        for weight in scale.lambdas
        if name in WEIGHTS and weight != WEIGHTS[name]
    ]
    return changed + [
        method_of(name, 2, temperature=temperature)
        for temperature in scale.temperatures
        if name in TEMPERATURES and temperature != TEMPERATURES[name]
    ]


def _plan_method(
    choices: Choices, dataset: Dataset, scale: Scale, method: Method, model: str
) -> list[Job]:
    jobs: list[Job] = []
    folds = folds_of(dataset, scale, choices.root)
    kind = dataset.kind
    for run in runs_of(dataset, scale, method, model, folds, kind=kind):
        scoring = Scoring(
            members=(run,),
            dataset=dataset,
            split="validation" if scale.folds else dataset.scored_split(),
            surfaces=None
            if dataset.kind == "scene"
            else SurfaceOptions(
                definition="surface_distance", tolerance=scale.tolerance
            ),
            tags=run.tags,
            label=f"{run.label} scores",
        )
        jobs += [run, scoring]
    return jobs
