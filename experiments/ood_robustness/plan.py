"""Which runs the study takes: each strategy on each fold, ensembles, pseudo-labels."""

import csv
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.ood_robustness.strategies import NAMES, STRATEGIES
from experiments.protocol.dataset import DIGITS, Dataset, digest_of
from experiments.protocol.jobs import (
    Job,
    PseudoLabels,
    Scoring,
    Training,
    joined_name,
)
from experiments.protocol.method import Method
from experiments.protocol.plan import config_of, folds_of, models_of, runs_of
from experiments.protocol.scale import TRIAL, Scale
from experiments.protocol.study import Choices
from jaxseg.data.folds import digest
from jaxseg.errors import UserError
from jaxseg.files import read_json, write_json
from jaxseg.training.inference import PLAIN, Inference

FREE = "ood_test"
"""Split of images without a lesion, never trained on."""
NOTES = f"{FREE}_notes.csv"
"""Beside the splits: what a reader saw on the images of `FREE`; may be missing."""
NOTE = "wound_visible_to_a_lay_reader"
MIRROR = Inference(mirror=True)
NOT_SHOWN = ("foot_ulcer",)
"""Data sets whose terms (no commercial use) keep their images out of rows."""
COLUMNS = ("dice", "actual_pixels", "predicted_pixels", "ece", "brier", "bins")
FLAGS = ("losses", "models", "folds", "held", "seeds", "steps", "earlier", "size",
         "batch_size", "learning_rate")  # fmt: skip

SCALES: Mapping[str, Scale] = {
    TRIAL: Scale(
        losses=("CE", "hard"),
        folds=2,
        steps=12,
        size=(32, 32),
        batch_size=4,
        learning_rate=1e-2,
        schedule="cosine",
        width=4,
        depth=1,
        pseudo=("CE",),
    ),
    "cpu": Scale(
        losses=("CE", "CE+Dice", "Dice", "soft", "hard"),
        models=("efficientnet_lite0_fpn",),
        weights="imagenet",
        decoder_multiplier=0.5,
        augment="mirror",
        folds=5,
        held=3,
        steps=1000,
        earlier=2,
        size=(128, 160),
        batch_size=8,
        learning_rate=1e-3,
        schedule="cosine",
    ),
    "full": Scale(
        losses=NAMES,
        models=("cascade_efficientnet_lite0_fpn", "cascade_efficientnet_lite2_fpn"),
        weights="imagenet",
        folds=5,
        steps=40_000,
        earlier=5,
        size=(256, 320),
        batch_size=4,
        learning_rate=3e-4,
        schedule="cosine",
        pseudo=("CE", "CE+Dice"),
    ),
}


def splits_of(dataset: Dataset) -> tuple[tuple[str, ...], str]:
    """The splits that folds are made of, and the one that no run has trained on."""
    if "test" not in dataset.counts:
        return ("train",), "validation"
    return tuple(x for x in ("train", "validation") if x in dataset.counts), "test"


def require(dataset: Dataset) -> None:
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


def plan(choices: Choices) -> list[Job]:
    """All jobs, fold by fold, so that the first whole comparison is there early."""
    jobs: list[Job] = []
    for dataset in choices.datasets:
        scale = choices.scale.on(dataset)
        for model in models_of(scale, first=dataset is choices.datasets[0]):
            jobs += _plan_network(choices, dataset, scale, model)
    return jobs


def _plan_network(
    choices: Choices, dataset: Dataset, scale: Scale, model: str
) -> list[Job]:
    """Jobs of a network: all strategies on each fold, then their ensembles."""
    labelled, _ = splits_of(dataset)
    folds = folds_of(dataset, scale, choices.root, labelled)
    notes = read_notes(dataset.path)
    methods = {name: STRATEGIES[NAMES.index(name)] for name in scale.losses}
    runs = {
        name: runs_of(dataset, scale, method, model, folds, part="members")
        for name, method in methods.items()
    }
    jobs: list[Job] = []
    for run in sorted(itertools.chain(*runs.values()), key=_round):
        jobs += [run, *_score_member(dataset, run, notes)]
    for name, method in methods.items():
        for _, some in itertools.groupby(runs[name], _same_ensemble):
            jobs += _score_ensemble(dataset, list(some), notes)
        if name in scale.pseudo:
            whole = [run for run in runs[name] if run.config.steps == scale.steps]
            first = whole[: len(folds)]
            jobs += _pseudo(dataset, scale, method, model, first, choices.root)
    return jobs


def _round(run: Training) -> tuple[int, int, int]:
    """By seed and fold; in each the runs with all steps are first."""
    return run.tags["seed"], run.tags["fold"], -run.tags["steps"]


def _same_ensemble(run: Training) -> tuple[int, int]:
    return run.tags["steps"], run.tags["seed"]


def _score_member(
    dataset: Dataset, run: Training, notes: Mapping[str, Mapping[str, str]]
) -> list[Job]:
    """A network alone, on what it never saw."""
    _, test = splits_of(dataset)
    return [
        scoring(dataset, [run], "fold", "validation", notes),
        *(scoring(dataset, [run], "member", split, notes) for split in (test, FREE)),
    ]


def _score_ensemble(
    dataset: Dataset, members: list[Training], notes: Mapping[str, Mapping[str, str]]
) -> list[Job]:
    """The mean of some networks, and their mean over all flips."""
    _, test = splits_of(dataset)
    jobs: list[Job] = []
    shown = members[0].config.loss == "cross_entropy"
    keep = ("image", "mask") if shown else ("mask",)
    for part, how in (("ensemble", PLAIN), ("mirrored", MIRROR)):
        for split in (test, FREE):
            pictures = part == "ensemble" and split == FREE
            kept = keep if pictures and dataset.name not in NOT_SHOWN else ()
            # of one network it would be the job of that network, without these tags
            limit = dataset.counts[split] if len(members) == 1 else None
            more: dict[str, Any] = {"how": how, "keep": kept, "limit": limit}
            jobs.append(scoring(dataset, members, part, split, notes, **more))
    return jobs


def scoring(
    dataset: Dataset,
    members: Sequence[Training],
    part: str,
    split: str,
    notes: Mapping[str, Mapping[str, str]],
    **more: Any,
) -> Scoring:
    """Of one network or an ensemble on one split."""
    first = members[0]
    tags = {**first.tags, "part": part, "split": split}
    if part not in ("fold", "member"):
        del tags["fold"]
    return Scoring(
        members=tuple(members),
        dataset=dataset,
        split=split,
        own_split=part != "fold" and split == "validation",
        calibration=True,
        columns=COLUMNS,
        tags=tags,
        case_tags=notes if split == FREE else {},
        label=f"{first.label} {part} on {split}",
        **more,
    )


def _pseudo(
    dataset: Dataset,
    scale: Scale,
    method: Method,
    model: str,
    members: Sequence[Training],
    root: Path,
) -> list[Job]:
    """Runs on the same folds and on test images with the ensemble's masks.

    One round: the mean of the members over all flips labels the images of both test
    splits, whose own masks nobody looks at.
    """
    labelled, test = splits_of(dataset)
    unlabelled = (test, FREE)
    labels = PseudoLabels(
        members=tuple(members),
        dataset=dataset,
        labelled=labelled,
        unlabelled=unlabelled,
        how=MIRROR,
        label=f"{dataset.name} {model} {method.name} pseudo-labels",
    )
    folds = join_folds(dataset, Path(members[0].config.folds or ""), unlabelled)
    written = write_joined(folds, root / "folds", dataset)
    again: list[Training] = []
    for number, member in enumerate(members):
        fold = {**written, "fold": number}
        again.append(
            Training(
                dataset=dataset,
                config=config_of(dataset, scale, method, model, fold, seed=number),
                labelled=labels,
                tags={**member.tags, "part": "pseudo"},
                label=f"{member.label} pseudo",
            )
        )
    notes = read_notes(dataset.path)
    return [*again, *(scoring(dataset, again, "pseudo", split, notes, how=MIRROR)
                      for split in unlabelled)]  # fmt: skip


def join_folds(
    dataset: Dataset, path: Path, unlabelled: tuple[str, ...]
) -> dict[str, Any]:
    """Folds of a folder of pseudo-labels: the same, and one more that joins them all.

    Args:
      dataset: that the folds are of.
      path: of the folds.
      unlabelled: splits of which all cases are the last fold, never held back.
    """
    kept = read_json(path)

    def renamed(name: str) -> str:
        split, _, case = name.partition("/")
        return f"train/{joined_name(split, case)}"

    more = [name for name in dataset.hashes if name.partition("/")[0] in unlabelled]
    folds = [[renamed(name) for name in fold] for fold in kept["folds"]]
    return {**kept, "folds": [*folds, [renamed(name) for name in sorted(more)]]}


def write_joined(
    folds: Mapping[str, Any], folder: Path, dataset: Dataset
) -> dict[str, str]:
    """Writes folds of a folder of pseudo-labels; settings of a `RunConfig`."""
    path = folder / f"{dataset.name}-joined-{digest_of([dataset.digest, folds])}.json"
    if not path.exists():
        write_json(path, folds)
    return {"folds": str(path), "folds_digest": digest(path)[:DIGITS]}


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
