"""A data set looked through once: what it holds, and every problem by name.

`jaxseg check` tells all of them. Training and evaluation look through the cases that
they use in the same way and refuse the first error, so that all give one verdict.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jaxseg.data.cases import Case
from jaxseg.data.collection import Collection, open_collection
from jaxseg.data.facts import Facts, facts_of
from jaxseg.data.label_rule import (
    MAX_DOUBTFUL,
    Decision,
    black_and_white,
    decide,
    decide_soft,
    settle,
)
from jaxseg.data.labels import LabelMap
from jaxseg.data.survey import CaseFacts, LabelledFacts, survey
from jaxseg.errors import UserError, number_of

Gravity = Literal["error", "note"]
Tick = Callable[[int], object]
TRAINING = "train"
"""Split whose masks decide what values mean, if there is one."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """Something wrong or worth knowing.

    Attributes:
      gravity: "error" for what training or evaluation refuses, "note" for what they
        take.
      kind: one word for programs.
      text: a sentence that names the files.
    """

    gravity: Gravity
    kind: str
    text: str


@dataclasses.dataclass(frozen=True)
class Told:
    """What the user says of the labels.

    Attributes:
      labels: what values mean; None leaves it to the files.
      num_classes: classes there may be; None takes those that are found.
      void: values that mean no class.
      soft: whether grey values are probabilities.
      of_run: whether `labels` were found in training, and not said by anyone.
    """

    labels: LabelMap | None = None
    num_classes: int | None = None
    void: tuple[int, ...] = ()
    soft: bool = False
    of_run: bool = False


@dataclasses.dataclass(frozen=True)
class DataReport:
    """All that a check found.

    Attributes:
      folder: that was checked.
      labels: what the masks' values mean; None if that cannot be told.
      splits: facts of each sound case, by split; empty without `labels`.
      modalities: names of the channels of volumes, if they are known.
      problems: in the order in which they were found.
    """

    folder: Path
    labels: LabelMap | None
    splits: dict[str, list[LabelledFacts]]
    modalities: tuple[str, ...]
    problems: list[Problem]

    @property
    def sound(self) -> bool:
        """Whether there is nothing that training would refuse."""
        return all(problem.gravity != "error" for problem in self.problems)

    @property
    def num_classes(self) -> int:
        """Classes, background included; 0 if that cannot be told."""
        return 0 if self.labels is None else self.labels.num_classes

    @property
    def kind(self) -> str:
        """Whether these are "images" or "volumes"."""
        cases = [case for split in self.splits.values() for case in split]
        return "volumes" if any(case.case.volume for case in cases) else "images"

    def require_sound(self) -> None:
        """Refuses data with errors.

        Raises:
          UserError: the first error, and how many more there are.
        """
        errors = [p.text for p in self.problems if p.gravity == "error"]
        if errors:
            more = len(errors) - 1
            what = "error" if more == 1 else "errors"
            also = f" (and {more} more {what}: see jaxseg check)" if more else ""
            raise UserError(f"{errors[0]}{also}")

    def facts(self, split: str) -> Facts:
        """What the cases of a split have in common; the report must be sound."""
        assert self.labels is not None
        return facts_of(self.splits[split], self.labels, self.modalities)

    def hashes(self, chosen: Sequence[str]) -> dict[str, str]:
        """Content of the images of some splits by "split/name"."""
        return {
            f"{split}/{case.name}": case.image_hash
            for split in chosen
            for case in self.splits[split]
        }

    def patients(self, chosen: Sequence[str]) -> dict[str, str | None]:
        """Whose the cases of some splits are, by "split/name"; None if not known."""
        return {
            f"{split}/{case.name}": case.case.patient
            for split in chosen
            for case in self.splits[split]
        }

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "data": str(self.folder),
            "kind": self.kind,
            "num_classes": self.num_classes,
            "labels": None if self.labels is None else self.labels.to_json(),
            "splits": {
                split: statistics(cases, self.num_classes)
                for split, cases in self.splits.items()
                if cases
            },
            "problems": [dataclasses.asdict(problem) for problem in self.problems],
        }


def statistics(cases: Sequence[LabelledFacts], num_classes: int) -> dict[str, Any]:
    """Counts, sizes, voxel sizes and shares of some cases, as plain JSON values."""
    counts = np.stack([case.of_ids[:num_classes] for case in cases]).astype(float)
    pixels = np.maximum(counts.sum(1), 1)
    foreground = counts[:, 1:].sum(1) / pixels
    shapes = np.array([case.shape for case in cases])
    void = sum(case.void for case in cases)
    facts: dict[str, Any] = {
        "cases": len(cases),
        "channels": sorted({case.channels for case in cases}),
        "shape": _range(shapes),
        "class_shares": (counts.sum(0) / max(counts.sum(), 1)).tolist(),
        "cases_with_class": (counts > 0).sum(0).tolist(),
        "void_share": void / max(counts.sum() + void, 1),
        "foreground_share": {
            "mean": float(foreground.mean()),
            "min": float(foreground.min()),
            "max": float(foreground.max()),
        },
        "empty": int((foreground == 0).sum()),
    }
    spacings = [case.spacing_mm for case in cases if case.spacing_mm is not None]
    if spacings:
        facts["spacing_mm"] = _range(np.array(spacings))
    return facts


def _range(rows: np.ndarray) -> dict[str, list]:
    return {
        "min": rows.min(0).tolist(),
        "median": np.median(rows, axis=0).tolist(),
        "max": rows.max(0).tolist(),
    }


def check_folder(
    folder: Path, told: Told = Told(), *, tick: Tick = lambda _: None
) -> DataReport:
    """Reads every file of every split; nothing it finds wrong stops it.

    Args:
      folder: of images or volumes, or a list of them.
      told: what the user says of the labels.
      tick: called with 1 as each case is done.

    Raises:
      UserError: the folder has no split at all, or its index cannot be read.
    """
    collection = open_collection(folder)
    parts: dict[str, Sequence[Case]] = {}
    problems: list[Problem] = []
    for split in collection.splits:
        try:
            parts[split] = collection.cases(split)
        except UserError as error:
            problems.append(Problem("error", "listing", str(error)))
            parts[split] = []
        if others := collection.passed_over(split):
            text = f"not images, passed over: {_few(others)}"
            problems.append(Problem("note", "stray", text))
    report = examine(collection, parts, told, tick=tick)
    return dataclasses.replace(report, problems=problems + report.problems)


def examine(
    collection: Collection,
    parts: Mapping[str, Sequence[Case]],
    told: Told = Told(),
    *,
    tick: Tick = lambda _: None,
) -> DataReport:
    """Reads some cases of a data set; nothing it finds wrong stops it.

    Args:
      collection: that they are from.
      parts: cases by split; those of `TRAINING` decide what values mean, else all.
      told: what the user says of the labels.
      tick: called with 1 as each case is done.
    """
    problems: list[Problem] = []
    if collection.remark is not None:
        problems.append(Problem("note", "splits", collection.remark))
    channels = len(collection.modalities) or None
    read: dict[str, list[CaseFacts]] = {}
    for split, cases in parts.items():
        problems += _report_unlabelled(split, cases)
        labelled = [case for case in cases if case.mask is not None]
        read[split] = []
        for facts in survey(labelled, channels=channels, tick=tick):
            if isinstance(facts, UserError):
                problems.append(Problem("error", "file", str(facts)))
            else:
                read[split].append(facts)
    try:
        decision = _decide(collection, read, told)
    except UserError as error:
        problems.append(Problem("error", "labels", str(error)))
        decision = None
    found: dict[str, list[LabelledFacts]] = {split: [] for split in parts}
    if decision is not None:
        if decision.remark is not None:
            problems.append(Problem("note", "labels", decision.remark))
        for split, cases in read.items():
            for case in cases:
                try:
                    found[split].append(case.read_as(decision.labels))
                except UserError as error:
                    problems.append(Problem("error", "class-id", str(error)))
        if (told.labels is None or told.of_run) and not told.void:
            problems += _black_and_white(read, decision.labels)
        if decision.labels.regions:
            text = f"regions: {decision.labels.told_regions()}"
            problems.append(Problem("note", "regions", text))
        problems += _class_problems(found, decision.labels)
        problems += _partly(found, decision.labels)
    every = [case for cases in read.values() for case in cases]
    problems += _report_mixed_kinds(every)
    problems += _rated(read)
    problems += _image_notes(every)
    problems += _geometry_notes(every)
    problems += _copies(read)
    labels = None if decision is None else decision.labels
    return DataReport(collection.path, labels, found, collection.modalities, problems)


def _decide(
    collection: Collection, read: Mapping[str, Sequence[CaseFacts]], told: Told
) -> Decision | None:
    """What values mean, by the training cases or else by all; None without cases."""
    known = read.get(TRAINING) or [case for cases in read.values() for case in cases]
    values = [v for case in known for v in (case.values, *case.raters)]
    if not values:
        return None
    declared = told.labels or collection.labels
    if told.soft:
        return decide_soft(values, declared)
    if declared is not None and declared.soft:
        return Decision(declared)
    if declared is None:
        return decide(values, num_classes=told.num_classes, void=told.void)
    if told.void:
        declared = declared.with_void(told.void)
    if told.num_classes not in (None, declared.num_classes):
        if told.labels is not None or not declared.plain:
            raise UserError(
                f"the labels are of {declared.num_classes} classes "
                f"({declared.told()}), not of {told.num_classes}"
            )
        declared = declared.with_classes(told.num_classes)
    if told.labels is None and (own := black_and_white(values, declared)):
        return own
    return settle(values, declared)


def _report_unlabelled(split: str, cases: Sequence[Case]) -> list[Problem]:
    without = [case for case in cases if case.mask is None]
    if not without:
        return []
    gravity = "note" if split == "test" else "error"
    text = (
        f"{number_of(len(without), 'case')} of {split} "
        f"{'has' if len(without) == 1 else 'have'} no labels, for example "
        f"{without[0].image}"
    )
    return [Problem(gravity, "unlabelled", text)]


def _black_and_white(
    read: Mapping[str, Sequence[CaseFacts]], labels: LabelMap
) -> list[Problem]:
    """Splits of 0 and 255 alone where the other masks say that 255 is void."""
    problems = []
    for split, cases in read.items():
        values = {v for case in cases for v in case.values.values.tolist()}
        for void in set(labels.void) & values:
            if values <= {0, void} and void > 0 and not labels.colours:
                text = (
                    f"the masks of {split} hold no class but 0, and {void}, which is "
                    f"void by the other masks: say what values mean with --labels, or "
                    f"--void {void} if so meant"
                )
                problems.append(Problem("error", "void", text))
    return problems


def _class_problems(
    found: Mapping[str, Sequence[LabelledFacts]], labels: LabelMap
) -> list[Problem]:
    """Classes that never occur, empty masks, and pixels between two classes."""
    problems = []
    every = [case for cases in found.values() for case in cases]
    problems += _doubtful(every)
    for split, cases in found.items():
        if not cases:
            continue
        of_ids = np.sum([case.of_ids[: labels.num_classes] for case in cases], axis=0)
        nothing = not of_ids[1:].any()
        if split == "train" and nothing:
            text = f"no mask of {split} holds any class but {labels.names[0]}"
            problems.append(Problem("error", "absent-class", text))
        for kind in np.flatnonzero(of_ids == 0):
            if not (split == "train" and nothing and kind):
                text = f"no mask of {split} holds class {kind}"
                problems.append(Problem("note", "absent-class", text))
        empty = [case.name for case in cases if not case.of_ids[1:].any()]
        if empty:
            text = (
                f"{number_of(len(empty), 'mask')} of {split} "
                f"{'holds' if len(empty) == 1 else 'hold'} no foreground: {_few(empty)}"
            )
            problems.append(Problem("note", "empty", text))
    return problems


def _doubtful(cases: Sequence[LabelledFacts]) -> list[Problem]:
    """Pixels that lie between two classes, refused above a share."""
    between = sum(case.doubtful for case in cases)
    if not between:
        return []
    pixels = sum(int(np.prod(case.shape)) for case in cases)
    worst = max(cases, key=lambda case: case.doubtful / np.prod(case.shape))
    text = (
        f"{between} pixels of the masks ({100 * between / pixels:.2g} %) lie between "
        f"the values of two classes and go to the nearest, most in {worst.case.mask}"
    )
    if between > MAX_DOUBTFUL * pixels:
        text += f": more than {100 * MAX_DOUBTFUL:g} % are no labels"
        return [Problem("error", "doubtful", text)]
    return [Problem("note", "doubtful", text)]


def _report_mixed_kinds(cases: Sequence[CaseFacts]) -> list[Problem]:
    kinds = {case.case.volume: case.case.image for case in cases}
    if len(kinds) < 2:
        return []
    text = f"{kinds[True]} is a volume but {kinds[False]} is an image"
    return [Problem("error", "kind", text)]


def _partly(
    found: Mapping[str, Sequence[LabelledFacts]], labels: LabelMap
) -> list[Problem]:
    """Cases that are annotated for some classes alone, and masks that say otherwise."""
    problems = []
    for split, cases in found.items():
        partial: dict[tuple[str, ...], list[str]] = {}
        for case in cases:
            try:
                known = labels.annotated(case.name, case.case.annotated)
            except UserError as error:
                return [*problems, Problem("error", "annotated", str(error))]
            if known.all():
                continue
            names = tuple(
                name
                for k, name in enumerate(labels.found)
                if known[k] and (labels.regions or k)
            )
            partial.setdefault(names, []).append(case.name)
            strange = case.of_ids[: len(known)] * ~known
            if strange.any() and not labels.regions:
                text = (
                    f"{case.case.mask} holds {labels.names[int(strange.argmax())]}, "
                    "for which the case is said not to be annotated"
                )
                problems.append(Problem("error", "annotated", text))
        for names, cases_of in partial.items():
            text = (
                f"{len(cases_of)} of {len(cases)} cases of {split} are annotated for "
                f"{', '.join(names) or 'nothing'} alone: {_few(cases_of)}"
            )
            problems.append(Problem("note", "annotated", text))
    return problems


def _rated(read: Mapping[str, Sequence[CaseFacts]]) -> list[Problem]:
    """Splits with masks of several raters."""
    problems = []
    for split, cases in read.items():
        counts = [1 + len(case.raters) for case in cases]
        if max(counts, default=1) > 1:
            least, most = min(counts), max(counts)
            some = str(most) if least == most else f"{least} to {most}"
            text = (
                f"{split} has masks by {some} raters: --raters mean takes the mean of "
                "them, --raters drawn one of them a step"
            )
            problems.append(Problem("note", "raters", text))
    return problems


def _image_notes(cases: Sequence[CaseFacts]) -> list[Problem]:
    """How images are stored, where that is worth knowing."""
    remarks: dict[str, list[str]] = {}
    for case in cases:
        for remark in case.remarks:
            remarks.setdefault(remark, []).append(case.name)
    return [
        Problem(
            "note",
            "stored",
            f"{number_of(len(names), 'image')} {'is' if len(names) == 1 else 'are'} "
            f"{remark}: {_few(names)}",
        )
        for remark, names in remarks.items()
    ]


def _geometry_notes(cases: Sequence[CaseFacts]) -> list[Problem]:
    """Orders of axes, and headers that contradict themselves."""
    codes: dict[str, int] = {}
    remarks: dict[str, list[str]] = {}
    for case in cases:
        if case.geometry is None:
            continue
        codes[case.geometry.code] = codes.get(case.geometry.code, 0) + 1
        for remark in case.geometry.remarks:
            kind = remark.split()[0]
            remarks.setdefault(kind, []).append(f"{case.name}: {remark}")
    problems = []
    if len(codes) > 1:
        counts = ", ".join(f"{code} ({codes[code]})" for code in sorted(codes))
        text = f"axes of the files run to {counts}; all are brought to RAS"
        problems.append(Problem("note", "orientation", text))
    for texts in remarks.values():
        more = f" (and {len(texts) - 1} more such files)" if len(texts) > 1 else ""
        problems.append(Problem("note", "geometry", texts[0] + more))
    return problems


def _copies(read: Mapping[str, Sequence[CaseFacts]]) -> list[Problem]:
    """Images of equal pixels, in one split or, worse, in two; patients in two."""
    groups: dict[str, list[tuple[str, str]]] = {}
    patients: dict[str, list[tuple[str, str]]] = {}
    for split, cases in read.items():
        for case in cases:
            groups.setdefault(case.image_hash, []).append((split, case.name))
            if case.case.patient is not None:
                place = patients.setdefault(case.case.patient, [])
                place.append((split, case.name))
    problems = []
    for group in groups.values():
        if len(group) == 1:
            continue
        names = _few([f"{split}/{name}" for split, name in group])
        leaks = len({split for split, _ in group}) > 1
        kind = "leak" if leaks else "duplicate"
        what = "are in several splits with equal pixels" if leaks else "are copies"
        problems.append(Problem("note", kind, f"{names} {what}"))
    for patient, group in patients.items():
        if len({split for split, _ in group}) > 1:
            names = _few([f"{split}/{name}" for split, name in group])
            text = f"patient {patient} is in several splits: {names}"
            problems.append(Problem("error", "patient", text))
    return problems


def _few(names: Sequence[str], count: int = 5) -> str:
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more
