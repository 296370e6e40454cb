"""What a way to make masks gains, case by case, on another."""

import dataclasses
from typing import Any

import numpy as np

from jaxseg.statistics import bootstrap_difference
from jaxseg.training.evaluation import Evaluation

GAINED = ("dice", "jaccard")


@dataclasses.dataclass(frozen=True)
class Gains:
    """Paired differences of two evaluations of the same cases, with 95 % intervals.

    Attributes:
      rule: of the first.
      against: of the second.
      with_foreground: of each index in `GAINED`, first minus second over the cases
        that have foreground, as `jaxseg.statistics.Difference` tells it.
      all_cases: over all cases, both empty scoring what the evaluation says; None where
        all have foreground.
    """

    rule: str
    against: str
    with_foreground: dict[str, dict[str, Any]]
    all_cases: dict[str, dict[str, Any]] | None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return dataclasses.asdict(self)


def gains(rule: str, first: Evaluation, against: str, second: Evaluation) -> Gains:
    """Paired bootstrap of the means over cases of the mean over foreground classes."""
    free = np.array([row["lesion_free"] for row in first.rows])

    def found(kept: np.ndarray) -> dict[str, dict[str, Any]]:
        rows = {}
        for name in GAINED:
            pair = [e.case_means(name)[kept] for e in (first, second)]
            told = dataclasses.asdict(bootstrap_difference(*pair))
            rows[name] = {k: v if np.isfinite(v) else None for k, v in told.items()}
        return rows

    everything = found(np.ones(len(free), bool)) if free.any() else None
    return Gains(rule, against, found(~free), everything)


def gain_lines(gains: Gains) -> list[str]:
    """The gains as lines of text."""
    lines = [f"{gains.rule} in the place of {gains.against}"]
    parts = [("", gains.with_foreground)]
    if gains.all_cases is not None:
        parts.append((", all cases", gains.all_cases))
    for which, rows in parts:
        for name, row in rows.items():
            if row["mean"] is None:
                continue
            ends = ["-inf" if row["low"] is None else f"{row['low']:+.4f}"]
            ends.append("inf" if row["high"] is None else f"{row['high']:+.4f}")
            label = f"gain in mean {name.capitalize()}{which}"
            lines.append(f"  {label:<34}{row['mean']:+8.4f}   95 % {' to '.join(ends)}")
    return lines
