"""The jobs of one strategy with one network on one data set."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.ood_robustness.strategies import NAMES, Strategy
from experiments.protocol.dataset import DIGITS, Dataset, digest_of
from experiments.protocol.jobs import (
    Job,
    PseudoLabels,
    Scoring,
    Training,
    joined_name,
)
from jaxseg.data.folds import digest
from jaxseg.files import read_json, write_json
from jaxseg.training.config import RunConfig
from jaxseg.training.inference import PLAIN, Inference
from jaxseg.training.network import UNETS

SEED = 0
FREE = "ood_test"
"""Split of images without a lesion, never trained on."""
MIRROR = Inference(mirror=True)
NOT_SHOWN = ("foot_ulcer",)
"""Data sets whose terms (no commercial use) keep their images out of rows."""
COLUMNS = ("dice", "predicted_pixels", "ece", "brier")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """How large the study is.

    Attributes:
      strategies: names in `NAMES`.
      pseudo: of them, those that are trained once more with pseudo-labels.
      models: names in `MODELS`.
      first_models: further ones, on the first data set alone.
      folds: of cross-validation, and members of an ensemble.
      steps: of a run.
      learning_rate: its peak, of every strategy.
      size: (height, width) of the network's input.
      batch_size: images a step.
      width, depth: of a U-Net.
      multiplier: of the channels of networks with an encoder.
    """

    strategies: tuple[str, ...] = NAMES
    pseudo: tuple[str, ...] = ("CE",)
    models: tuple[str, ...]
    first_models: tuple[str, ...] = ()
    folds: int = 5
    steps: int
    learning_rate: float
    size: tuple[int, int]
    batch_size: int
    width: int
    depth: int
    multiplier: float = 1.0


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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """One strategy with one network on one data set.

    Attributes:
      dataset: with the splits.
      splits: how they are used.
      scale: how large everything is.
      model: name in `MODELS`.
      strategy: that is trained.
      folds: settings of a `RunConfig`, without ``fold``.
      notes: by case, tags of images said to be free of lesions.
    """

    dataset: Dataset
    splits: Splits
    scale: Scale
    model: str
    strategy: Strategy
    folds: Mapping[str, str]
    notes: Mapping[str, Mapping[str, str]]

    @property
    def tags(self) -> dict[str, Any]:
        """What every row of it carries."""
        return {
            "dataset": self.dataset.name,
            "model": self.model,
            "loss": self.strategy.name,
        }

    @property
    def label(self) -> str:
        """What it is, for people."""
        return f"{self.dataset.name} {self.model} {self.strategy.name}"

    def jobs(self, folder: Path) -> list[Job]:
        """All of it.

        Args:
          folder: for further files of folds.
        """
        members = self.members()
        jobs: list[Job] = [*members, *self.member_scorings(members)]
        jobs += self.ensemble(members, "ensemble", PLAIN)
        jobs += self.ensemble(members, "mirrored", MIRROR)
        if self.strategy.name in self.scale.pseudo:
            again = self.pseudo(members, folder)
            jobs += [*again, *self.ensemble(again, "pseudo", MIRROR)]
        return jobs

    def config(self, folds: Mapping[str, str], fold: int) -> RunConfig:
        """Settings of a run."""
        scale = self.scale
        shape: dict[str, Any] = {"multiplier": scale.multiplier}
        if self.model in UNETS:
            shape = {"width": scale.width, "depth": scale.depth}
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
            **shape,
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
            own_split=part != "fold" and split == "validation",
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
        if part != "ensemble" or self.dataset.name in NOT_SHOWN:
            keep = ()
        return [
            self.scoring(members, part, self.splits.test, how=how),
            self.scoring(members, part, FREE, how=how, keep=keep),
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
