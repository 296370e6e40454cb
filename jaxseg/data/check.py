"""A data folder looked through once: what it holds, and every problem by name."""

import concurrent.futures
import dataclasses
import hashlib
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jaxseg.data import decathlon
from jaxseg.data.collection import list_cases, splits
from jaxseg.data.folder import Case, passed_over, require_equal_size
from jaxseg.data.geometry import Geometry
from jaxseg.data.images import VOID, read_image, read_mask
from jaxseg.data.volume_facts import read_case
from jaxseg.errors import UserError

Gravity = Literal["error", "note"]


@dataclasses.dataclass(frozen=True)
class Problem:
    """Something wrong or worth knowing.

    Attributes:
      gravity: "error" for what training refuses, "note" for what it takes.
      kind: one word for programs.
      text: a sentence that names the files.
    """

    gravity: Gravity
    kind: str
    text: str


@dataclasses.dataclass(frozen=True)
class CaseFacts:
    """What one case holds.

    Attributes:
      name: of the case.
      shape: of its labels.
      channels: of its image.
      spacing_mm: of a volume, else None.
      of_ids: pixels of each class id below 255.
      void: pixels of 255.
      image_hash: of the pixels of the image.
      geometry: of the file of a volume, else None.
    """

    name: str
    shape: tuple[int, ...]
    channels: int
    spacing_mm: tuple[float, ...] | None
    of_ids: np.ndarray
    void: int
    image_hash: str
    geometry: Geometry | None = None


@dataclasses.dataclass(frozen=True)
class Report:
    """All that a check found.

    Attributes:
      folder: that was checked.
      kind: "images" or "volumes".
      num_classes: classes, background included.
      splits: facts of each sound case, by split.
      problems: in the order in which they were found.
    """

    folder: Path
    kind: str
    num_classes: int
    splits: dict[str, list[CaseFacts]]
    problems: list[Problem]

    @property
    def sound(self) -> bool:
        """Whether there is nothing that training would refuse."""
        return all(problem.gravity != "error" for problem in self.problems)

    def hashes(self, chosen: Sequence[str]) -> dict[str, str]:
        """Content of the images of some splits by "split/name"."""
        return {
            f"{split}/{case.name}": case.image_hash
            for split in chosen
            for case in self.splits[split]
        }

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "data": str(self.folder),
            "kind": self.kind,
            "num_classes": self.num_classes,
            "splits": {
                split: statistics(cases, self.num_classes)
                for split, cases in self.splits.items()
                if cases
            },
            "problems": [dataclasses.asdict(problem) for problem in self.problems],
        }


def statistics(cases: Sequence[CaseFacts], num_classes: int) -> dict[str, Any]:
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
    folder: Path,
    *,
    num_classes: int | None = None,
    tick: Callable[[int], object] = lambda _: None,
) -> Report:
    """Reads every file of every split; nothing it finds wrong stops it.

    Args:
      folder: of images or volumes.
      num_classes: classes there may be; None takes those of the index, or of the masks
        of the training split.
      tick: called with 1 as each case is done.

    Raises:
      UserError: the folder has no split at all, or its index cannot be read.
    """
    names = splits(folder)
    if not names:
        raise UserError(
            f"{folder} holds no data: expected {folder}/{decathlon.INDEX}, or "
            f"{folder}/train/images and {folder}/train/masks"
        )
    problems: list[Problem] = []
    volumes = decathlon.is_decathlon(folder)
    channels = None
    if volumes:
        index = decathlon.read_index(folder)
        num_classes = num_classes or len(index.class_names)
        channels = len(index.modalities)
    found: dict[str, list[CaseFacts]] = {}
    for split in names:
        found[split] = []
        try:
            cases = list_cases(folder, split)
        except UserError as error:
            problems.append(Problem("error", "listing", str(error)))
            continue
        if not volumes and (others := passed_over(folder, split)):
            text = f"not images, passed over: {_few(others)}"
            problems.append(Problem("note", "stray", text))
        unlabelled = [case for case in cases if case.mask is None]
        if unlabelled:
            problems.append(
                Problem(
                    "note" if split == "test" else "error",
                    "unlabelled",
                    f"{len(unlabelled)} cases of {split} have no labels, for example "
                    f"{unlabelled[0].image}",
                )
            )
        with concurrent.futures.ThreadPoolExecutor(2) as workers:
            labelled = [case for case in cases if case.mask is not None]
            read = workers.map(
                lambda case: _read(case, volumes=volumes, channels=channels), labelled
            )
            for facts in read:
                if isinstance(facts, Problem):
                    problems.append(facts)
                else:
                    found[split].append(facts)
                tick(1)
    if num_classes is None:
        known = found.get("train") or list(itertools.chain(*found.values()))
        num_classes = 1 + max(map(_highest, known), default=1)
    problems += _class_problems(found, num_classes)
    problems += _geometry_notes(found)
    problems += _copies(found)
    kind = "volumes" if volumes else "images"
    return Report(folder, kind, num_classes, found, problems)


def _highest(case: CaseFacts) -> int:
    return int(np.nonzero(case.of_ids)[0].max(initial=0))


def _class_problems(
    found: dict[str, list[CaseFacts]], num_classes: int
) -> list[Problem]:
    """Ids out of range, classes that never occur, empty masks."""
    problems = []
    for split, cases in found.items():
        for case in cases:
            if _highest(case) >= num_classes:
                problems.append(
                    Problem(
                        "error",
                        "class-id",
                        f"{split}/{case.name} holds class id {_highest(case)}, but ids "
                        f"go from 0 to {num_classes - 1}",
                    )
                )
        if not cases:
            continue
        of_ids = sum(case.of_ids[:num_classes] for case in cases)
        for kind in np.flatnonzero(of_ids == 0):
            gravity = "error" if split == "train" and num_classes == 2 else "note"
            text = f"no mask of {split} holds class {kind}"
            problems.append(Problem(gravity, "absent-class", text))
        empty = [case.name for case in cases if not case.of_ids[1:].any()]
        if empty:
            problems.append(
                Problem(
                    "note",
                    "empty",
                    f"{len(empty)} masks of {split} hold no foreground: {_few(empty)}",
                )
            )
    return problems


def _geometry_notes(found: dict[str, list[CaseFacts]]) -> list[Problem]:
    """Orders of axes, and headers that contradict themselves."""
    cases = [case for split in found.values() for case in split if case.geometry]
    codes: dict[str, int] = {}
    remarks: dict[str, list[str]] = {}
    for case in cases:
        assert case.geometry is not None
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


def _copies(found: dict[str, list[CaseFacts]]) -> list[Problem]:
    """Images of equal pixels, in one split or, worse, in two."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for split, cases in found.items():
        for case in cases:
            groups.setdefault(case.image_hash, []).append((split, case.name))
    problems = []
    for group in groups.values():
        if len(group) == 1:
            continue
        names = _few([f"{split}/{name}" for split, name in group])
        leaks = len({split for split, _ in group}) > 1
        kind = "leak" if leaks else "duplicate"
        what = "are in several splits with equal pixels" if leaks else "are copies"
        problems.append(Problem("note", kind, f"{names} {what}"))
    return problems


def _few(names: Sequence[str], count: int = 5) -> str:
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more


def _read(case: Case, *, volumes: bool, channels: int | None) -> CaseFacts | Problem:
    try:
        return _facts(case, volumes=volumes, channels=channels)
    except UserError as error:
        return Problem("error", "file", str(error))


def _facts(case: Case, *, volumes: bool, channels: int | None) -> CaseFacts:
    assert case.mask is not None
    spacing = geometry = None
    if volumes:
        image, labels = read_case(case, channels)
        assert labels is not None
        pixels, ids, spacing = image.voxels, labels.voxels, image.spacing_mm
        geometry = image.geometry
    else:
        pixels, ids = read_image(case.image), read_mask(case.mask)
        require_equal_size(case, pixels, ids)
    counts = np.bincount(ids.ravel(), minlength=VOID + 1)
    return CaseFacts(
        name=case.name,
        shape=ids.shape,
        channels=pixels.shape[-1],
        spacing_mm=spacing,
        of_ids=counts[:VOID],
        void=int(counts[VOID]),
        image_hash=hashlib.sha256(
            repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()
        ).hexdigest(),
        geometry=geometry,
    )
