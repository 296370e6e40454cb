"""What an examination of a loss comes back with."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

Method = Literal["enumeration", "search", "samples"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CardAnswer:
    """The answer to one question about a loss.

    Attributes:
      answer: in a few words.
      numbers: what was measured, by name.
      method: how it was looked for.
      cases: how many cases were looked at.
      witness: the case that shows a no, or where an extreme was found.
    """

    answer: str
    numbers: Mapping[str, float] = dataclasses.field(default_factory=dict)
    method: Method
    cases: int
    witness: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """As JSON, its numbers to four digits."""
        return {
            "answer": self.answer,
            "numbers": {k: round_digits(v) for k, v in self.numbers.items()},
            "method": self.method,
            "cases": self.cases,
            "witness": {k: _plain(v) for k, v in self.witness.items()},
        }


def round_digits(value: float) -> float:
    """To four significant digits; what is below 1e-12 is 0."""
    return 0.0 if abs(value) < 1e-12 else float(f"{value:.4g}")


def _plain(value: Any) -> Any:
    plain = np.asarray(value).tolist()
    if isinstance(plain, list):
        return [_plain(entry) for entry in plain]
    return round_digits(plain) if isinstance(plain, float) else plain
