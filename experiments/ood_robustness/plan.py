"""Which runs the study takes: each strategy on each fold, ensembles, pseudo-labels."""

import argparse
import csv
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.ood_robustness.strategies import NAMES, Strategy, by_name
from experiments.protocol.dataset import DIGITS, Dataset, digest_of
from experiments.protocol.jobs import (
    Job,
    PseudoLabels,
    Scoring,
    Training,
    joined_name,
)
from experiments.protocol.study import Choices
from jaxseg.cli import options
from jaxseg.data.folds import digest
from jaxseg.errors import UserError
from jaxseg.files import read_json, write_json
from jaxseg.models.catalog import MODELS
from jaxseg.training.config import RunConfig
from jaxseg.training.inference import PLAIN, Inference
from jaxseg.training.network import UNETS

SEED = 0
FREE = "ood_test"
"""Split of images without a lesion, never trained on."""
NOTES = f"{FREE}_notes.csv"
"""Beside the splits: what a reader saw on the images of `FREE`; may be missing."""
NOTE = "wound_visible_to_a_lay_reader"
MIRROR = Inference(mirror=True)
COLUMNS = ("dice", "actual_pixels", "predicted_pixels")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """How large the study is.

    Attributes:
      strategies: names in `NAMES`.
      pseudo: of them, those that are trained once more with pseudo-labels.
      models: names in `MODELS`.
      folds: of cross-validation, and members of an ensemble.
      steps: of a run.
      learning_rate: its peak, of every strategy.
      size: (height, width) of the network's input.
      batch_size: images a step.
      width, depth: of a U-Net.
    """

    strategies: tuple[str, ...] = NAMES
    pseudo: tuple[str, ...] = ("CE",)
    models: tuple[str, ...]
    folds: int = 5
    steps: int
    learning_rate: float
    size: tuple[int, int]
    batch_size: int
    width: int
    depth: int


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
        steps=400,
        learning_rate=1e-2,
        size=(64, 80),
        batch_size=8,
        width=8,
        depth=3,
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Splits:
    """How a data folder is used.

    Attributes:
      labelled: splits that folds are made of.
      test: split of images with a lesion that no run has trained on.
    """

    labelled: tuple[str, ...]
    test: str


def splits_of(dataset: Dataset) -> Splits:
    """Folds of "train" and "validation" beside "test", else of "train" alone."""
    if "test" not in dataset.counts:
        return Splits(labelled=("train",), test="validation")
    labelled = tuple(x for x in ("train", "validation") if x in dataset.counts)
    return Splits(labelled=labelled, test="test")


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
        for model in scale.models:
            for name in scale.strategies:
                part = _Part(
                    dataset=dataset,
                    splits=splits,
                    scale=scale,
                    model=model,
                    strategy=by_name()[name],
                    folds=written,
                    notes=notes,
                )
                members = part.members()
                jobs += [*members, *part.member_scorings(members)]
                jobs += part.ensemble(members, "ensemble", PLAIN)
                jobs += part.ensemble(members, "mirrored", MIRROR)
                if name in scale.pseudo:
                    joined = part.pseudo(members, choices.root / "folds")
                    jobs += [*joined, *part.ensemble(joined, "pseudo", MIRROR)]
    return jobs


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Part:
    """One strategy with one network on one data set."""

    dataset: Dataset
    splits: Splits
    scale: Scale
    model: str
    strategy: Strategy
    folds: Mapping[str, str]
    notes: Mapping[str, Mapping[str, str]]

    @property
    def tags(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset.name,
            "model": self.model,
            "loss": self.strategy.name,
        }

    @property
    def label(self) -> str:
        return f"{self.dataset.name} {self.model} {self.strategy.name}"

    def config(self, folds: Mapping[str, str], fold: int) -> RunConfig:
        """Settings of a run."""
        scale = self.scale
        shape: dict[str, Any] = {"width": scale.width, "depth": scale.depth}
        return RunConfig(
            **self.dataset.settings_of_run(),
            **folds,
            fold=fold,
            loss=self.strategy.loss,
            hyper=dict(self.strategy.hyper),
            class_weights=self.strategy.class_weights,
            steps=scale.steps,
            batch_size=scale.batch_size,
            size=scale.size,
            seed=SEED + fold,
            learning_rate=scale.learning_rate,
            model=self.model,
            **(shape if self.model in UNETS else {}),
            augment="full",
            evaluate_every=0,
            checkpoint_every=max(scale.steps // 4, 1),
        )

    def members(self) -> list[Training]:
        """A run per fold."""
        return [
            Training(
                dataset=self.dataset,
                config=self.config(self.folds, fold),
                tags={**self.tags, "part": "members", "fold": fold},
                label=f"{self.label} {fold + 1}/{self.scale.folds}",
            )
            for fold in range(self.scale.folds)
        ]

    def scoring(
        self, members: list[Training], part: str, split: str, **more: Any
    ) -> Scoring:
        """Of one network or an ensemble on one split."""
        return Scoring(
            members=tuple(members),
            dataset=self.dataset,
            split=split,
            calibration=True,
            columns=COLUMNS,
            tags={**self.tags, "part": part, "split": split},
            case_tags=self.notes if split == FREE else {},
            label=f"{self.label} {part} on {split}",
            **more,
        )

    def member_scorings(self, members: list[Training]) -> list[Scoring]:
        """Each network on its held-back fold and on what no network has seen."""
        jobs = []
        for fold, member in enumerate(members):
            held = self.scoring([member], "fold", "validation")
            alone = [
                self.scoring([member], "member", split)
                for split in (self.splits.test, FREE)
            ]
            jobs += [
                dataclasses.replace(job, tags={**job.tags, "fold": fold})
                for job in (held, *alone)
            ]
        return jobs

    def ensemble(
        self, members: list[Training], part: str, how: Inference
    ) -> list[Scoring]:
        """The mean of the networks on what none has seen, with pictures."""
        keep = ("image", "mask") if self.strategy.name == "CE" else ("mask",)
        return [
            self.scoring(members, part, self.splits.test, how=how),
            self.scoring(
                members, part, FREE, how=how, keep=keep if part == "ensemble" else ()
            ),
        ]

    def pseudo(self, members: list[Training], folder: Path) -> list[Training]:
        """Runs on the same folds and on test images with the ensemble's masks.

        One round: the mean of the members over all flips labels the images of both test
        splits, whose own masks nobody looks at.
        """
        unlabelled = (self.splits.test, FREE)
        labelled = PseudoLabels(
            members=tuple(members),
            dataset=self.dataset,
            labelled=self.splits.labelled,
            unlabelled=unlabelled,
            how=MIRROR,
            label=f"{self.label} pseudo-labels",
        )
        folds = joined_folds(self.dataset, Path(self.folds["folds"]), unlabelled)
        written = write_joined(folds, folder, self.dataset)
        return [
            Training(
                dataset=self.dataset,
                config=self.config(written, fold),
                labelled=labelled,
                tags={**self.tags, "part": "pseudo", "fold": fold},
                label=f"{self.label} pseudo {fold + 1}/{self.scale.folds}",
            )
            for fold in range(self.scale.folds)
        ]


def joined_folds(
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
        rows = list(csv.DictReader(file))
    for row in rows:
        if "name" not in row or NOTE not in row:
            raise UserError(f"{path} needs the columns name and {NOTE}")
    return {row["name"]: {"lesion_seen": row[NOTE]} for row in rows}
