"""From rows of cases to tables of scores."""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from experiments.metric_sensitivity.methods import METHODS
from experiments.protocol.results import Results, Row, foreground_mean

F_SCORES = ("f_half", "f_three_halves", "f_two")
OVERLAPS = ("dice", "jaccard", *F_SCORES, "hamming")
DISTANCES = ("hausdorff", "volume")
"""The smaller the better."""
SCORES = (*OVERLAPS, *DISTANCES)
BY_CLASS = ("dice", "jaccard")
NAMES = {
    "dice": "Dice",
    "jaccard": "Jaccard",
    "f_half": "F0.5",
    "f_three_halves": "F1.5",
    "f_two": "F2",
    "hamming": "accuracy",
    "hausdorff": "Hausdorff distance",
    "volume": "volume difference",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """All scores on one data set, real or virtual.

    Attributes:
      name: of the data set.
      ratio: of foreground to background pixels.
      num_classes: background included.
      methods: names of the losses, M of them, of which all cases are scored.
      left_out: names of those of which only some are.
      cases: names, N of them.
      scores: by name in `SCORES`, ``[M, N]``, means over foreground classes; nan is
        missing. Volume differences are in per cent of the image. Of several classes
        also "dice 1" and so on, of each class.
      sizes: ``[N]`` share of the foreground in each case.
    """

    name: str
    ratio: float
    num_classes: int
    methods: tuple[str, ...]
    left_out: tuple[str, ...]
    cases: tuple[str, ...]
    scores: dict[str, np.ndarray]
    sizes: np.ndarray

    @property
    def multi(self) -> bool:
        """Whether there are several foreground classes."""
        return self.num_classes > 2

    def has(self, *methods: str) -> bool:
        """Whether these losses were tried."""
        return set(methods) <= set(self.methods)

    def of(self, score: str, *methods: str) -> np.ndarray:
        """``[N]`` scores, the mean of some losses; nan where one has none."""
        rows = [self.scores[score][self.methods.index(name)] for name in methods]
        return np.mean(rows, axis=0)

    def mean(self, score: str, *methods: str) -> float:
        """Mean over cases; nan if no case has a score."""
        values = self.of(score, *methods)
        values = values[~np.isnan(values)]
        return float(values.mean()) if len(values) else math.nan


def score_of(row: Row, score: str) -> float:
    """One score of a case; "dice 2" is that of class 2, "volume" in per cent."""
    column, _, number = score.partition(" ")
    if number:
        value = row[column][int(number)]
        return math.nan if value is None else float(value)
    if column == "f_three_halves":
        by_class = zip(row["dice"], row["f_two"], strict=True)
        return foreground_mean({column: [three_halves(*x) for x in by_class]}, column)
    if column == "volume":
        return 100 * foreground_mean(row, "volume_difference") / row["pixels"]
    return foreground_mean(row, column)


def three_halves(dice: float | None, f_two: float | None) -> float | None:
    """F1.5 from Dice, which is F1, and F2.

    1 / F-beta is (beta^2 / sensitivity + 1 / precision) / (1 + beta^2), so that the two
    tell the third.
    """
    if dice is None or f_two is None:
        return None
    if min(dice, f_two) == 0:
        return 0.0
    per_true = (5 / f_two - 2 / dice) / 3  # 1 / sensitivity
    per_found = 2 / dice - per_true  # 1 / precision
    return 3.25 / (2.25 * per_true + per_found)


def tasks_of(results: Results) -> list[Task]:
    """The data sets as they are, where something is scored."""
    found = [
        _task(
            facts["name"],
            (1 - facts["class_shares"][0]) / facts["class_shares"][0],
            facts["num_classes"],
            results.where(dataset=facts["name"], ratio=None),
        )
        for facts in results.about["datasets"]
    ]
    return [task for task in found if task.methods]


def virtual_of(results: Results) -> dict[str, list[Task]]:
    """The virtual data sets made of each data set, by rising ratio."""
    found = {}
    for facts in results.about["datasets"]:
        rows = [
            row
            for row in results.where(dataset=facts["name"])
            if row["ratio"] is not None
        ]
        ratios = sorted({row["ratio"] for row in rows})
        if ratios:
            found[facts["name"]] = [
                _task(
                    f"{facts['name']} at {ratio:g}",
                    ratio,
                    facts["num_classes"],
                    [row for row in rows if row["ratio"] == ratio],
                )
                for ratio in ratios
            ]
    return found


def _task(name: str, ratio: float, num_classes: int, rows: Sequence[Row]) -> Task:
    counts = Counter(row["loss"] for row in rows)
    most = max(counts.values(), default=0)
    methods = tuple(m.name for m in METHODS if counts[m.name] == most > 0)
    rows = [row for row in rows if row["loss"] in methods]
    cases = tuple(dict.fromkeys(row["case"] for row in rows))
    wanted = [*SCORES]
    if num_classes > 2:
        wanted += [f"{s} {c}" for s in BY_CLASS for c in range(1, num_classes)]
    places = {
        (m, c): (i, j) for i, m in enumerate(methods) for j, c in enumerate(cases)
    }
    tables = {score: np.full((len(methods), len(cases)), np.nan) for score in wanted}
    sizes = np.zeros(len(cases))
    for row in rows:
        place = places[row["loss"], row["case"]]
        sizes[place[1]] = row["foreground_share"]
        for score, table in tables.items():
            table[place] = score_of(row, score)
    return Task(
        name=name,
        ratio=ratio,
        num_classes=num_classes,
        methods=methods,
        left_out=tuple(name for name in counts if name not in methods),
        cases=cases,
        scores=tables,
        sizes=sizes,
    )


def joined(tasks: Iterable[Task], score: str, *methods: str) -> np.ndarray:
    """Scores of all cases of some data sets, the mean of some losses."""
    return np.concatenate([task.of(score, *methods) for task in tasks])
