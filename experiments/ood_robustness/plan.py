"""Which runs the study takes: each strategy on each fold, ensembles, pseudo-labels."""

import argparse
import csv
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.ood_robustness.part import FREE, SEED, Part, Scale, splits_of
from experiments.ood_robustness.strategies import NAMES, by_name
from experiments.protocol.dataset import Dataset
from experiments.protocol.jobs import Job
from experiments.protocol.study import Choices
from jaxseg.cli import options
from jaxseg.errors import UserError
from jaxseg.models.catalog import MODELS

NOTES = f"{FREE}_notes.csv"
"""Beside the splits: what a reader saw on the images of `FREE`; may be missing."""
NOTE = "wound_visible_to_a_lay_reader"

SCALES: Mapping[str, Scale] = {
    "smoke": Scale(
        strategies=("CE", "hard"),
        models=("unet",),
        folds=2,
        steps=12,
        learning_rate=1e-2,
        size=(32, 32),
        batch_size=4,
        width=4,
        depth=1,
    ),
    "cpu": Scale(
        models=("unet",),
        first_models=("resnet18_fpn", "cascade_resnet18_fpn"),
        steps=400,
        learning_rate=1e-2,
        size=(64, 80),
        batch_size=8,
        width=8,
        depth=3,
        multiplier=0.25,
    ),
    "full": Scale(
        pseudo=("CE", "CE+Dice"),
        models=(
            "cascade_mobilenetv2_fpn",
            "cascade_resnet18_fpn",
            "cascade_resnet50_fpn",
        ),
        steps=40_000,
        learning_rate=3e-4,
        size=(256, 320),
        batch_size=4,
        width=32,
        depth=5,
    ),
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """What a user may change."""
    add = parser.add_argument
    add(
        "--strategies",
        nargs="+",
        type=options.one_of(NAMES),
        metavar="NAME",
        help=f"of {', '.join(NAMES)} (default: those of the scale)",
    )
    add(
        "--models",
        nargs="+",
        type=options.one_of(list(MODELS)),
        metavar="NAME",
        help="networks, such as unet, mobilenetv2_fpn, resnet18_unet, or the paper's "
        "cascade_resnet50_fpn (default: those of the scale)",
    )
    add(
        "--folds",
        type=options.at_least(2),
        metavar="K",
        help="folds of the labelled images, and members of an ensemble (default: of "
        "the scale)",
    )
    add("--steps", type=options.at_least(2), metavar="N", help="steps of each run")
    add(
        "--size",
        nargs=2,
        type=options.at_least(8),
        metavar="N",
        help="height and width of the network's input",
    )


def scale_of(choices: Choices) -> Scale:
    """The scale with what the user has changed.

    Raises:
      UserError: data that the study cannot take.
    """
    changes: dict[str, Any] = {}
    for name in ("strategies", "models", "folds", "steps", "size"):
        value = getattr(choices.arguments, name)
        if value is not None:
            changes[name] = tuple(value) if isinstance(value, list) else value
    if "models" in changes:
        changes["first_models"] = ()
    scale = dataclasses.replace(SCALES[choices.scale], **changes)
    kept = tuple(name for name in scale.pseudo if name in scale.strategies)
    for dataset in choices.datasets:
        _require(dataset)
    return dataclasses.replace(scale, pseudo=kept)


def _require(dataset: Dataset) -> None:
    """Refuses data that the study cannot take.

    Raises:
      UserError: volumes, several kinds of lesion, or no images without a lesion.
    """
    if dataset.volumes or dataset.num_classes != 2:
        kind = "volumes" if dataset.volumes else f"{dataset.num_classes} classes"
        raise UserError(
            f"--data {dataset.path}: the study takes images of background and lesion, "
            f"not {kind}"
        )
    missing = [name for name in ("train", FREE) if name not in dataset.counts]
    if not missing and not {"test", "validation"} & {*dataset.counts}:
        missing = ["test"]
    if missing:
        raise UserError(
            f"--data {dataset.path} has no split {missing[0]!r}: the study takes "
            "'train', 'validation' or 'test' or both, all with lesions, and "
            f"{FREE!r}, images without a lesion"
        )


def settings(choices: Choices) -> dict[str, Any]:
    """What the report tells of the scale."""
    return {**dataclasses.asdict(scale_of(choices)), "seed": SEED}


def plan(choices: Choices) -> list[Job]:
    """All jobs; the folds of a strategy follow each other and share its programs."""
    scale = scale_of(choices)
    jobs: list[Job] = []
    for dataset in choices.datasets:
        splits = splits_of(dataset)
        written = dataset.write_folds(
            choices.root / "folds", count=scale.folds, seed=SEED, splits=splits.labelled
        )
        notes = read_notes(dataset.path)
        more = scale.first_models if dataset is choices.datasets[0] else ()
        for model in (*scale.models, *more):
            for name in scale.strategies:
                jobs += Part(
                    dataset=dataset,
                    splits=splits,
                    scale=scale,
                    model=model,
                    strategy=by_name()[name],
                    folds=written,
                    notes=notes,
                ).jobs(choices.root / "folds")
    return jobs


def read_notes(folder: Path) -> dict[str, dict[str, str]]:
    """By case, what a reader saw on images said to be free of lesions.

    Raises:
      UserError: the file has other columns.
    """
    path = folder / NOTES
    if not path.is_file():
        return {}
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        if not {"name", NOTE} <= {*(reader.fieldnames or ())}:
            raise UserError(f"{path} needs the columns name and {NOTE}")
        rows = list(reader)
    return {row["name"]: {"lesion_seen": row[NOTE]} for row in rows}
