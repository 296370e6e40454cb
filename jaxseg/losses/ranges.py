"""The legal values of every hyper-parameter, by its name.

The catalog checks them when a loss is built from Python numbers, and so do commands;
what is traced by JAX is not looked at.
"""

import dataclasses
import math
import numbers
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


@dataclasses.dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, the ends included unless `above` or `below`.

    Attributes:
      low: least value.
      high: largest value.
      above: whether `low` itself is left out.
      below: whether `high` itself is left out.
    """

    low: float
    high: float = math.inf
    above: bool = False
    below: bool = True

    def __contains__(self, value: float) -> bool:
        """Whether a number is legal; NaN never is."""
        over = value > self.low if self.above else value >= self.low
        return over and (value < self.high if self.below else value <= self.high)

    def __str__(self) -> str:
        """In words."""
        low = f"more than {self.low:g}" if self.above else f"at least {self.low:g}"
        if self.high == math.inf:
            return low
        high = f"less than {self.high:g}" if self.below else f"at most {self.high:g}"
        return f"{low} and {high}"


WEIGHT = Range(0.0)
SHARE = Range(0.0, 1.0, below=False)
POSITIVE = Range(0.0, above=True)
POSITIVE_SHARE = Range(0.0, 1.0, above=True, below=False)
COUNT = Range(1, 1000, below=False)

RANGES: Mapping[str, Range] = MappingProxyType(
    {
        **dict.fromkeys(
            ("alpha", "beta", "background", "blob", "ce", "dice", "focal", "gamma", "k",
             "log_dice", "main", "margin", "smooth", "topk", "weight"),
            WEIGHT,
        ),
        **dict.fromkeys(("at", "cldice", "delta", "w"), SHARE),
        **dict.fromkeys(("gamma_ce", "gamma_dice", "temperature"), POSITIVE),
        **dict.fromkeys(("fraction", "threshold", "until"), POSITIVE_SHARE),
        **dict.fromkeys(("erosions", "iterations"), COUNT),
        "bins": Range(1, 2**24, below=False),
    }
)  # fmt: skip
"""By name; a hyper-parameter that is no number is not here."""
OF_LOSS: Mapping[tuple[str, str], Range] = MappingProxyType(
    {
        ("focal_tversky", "gamma"): POSITIVE,
        ("unified_focal", "gamma"): SHARE,
        ("unified_focal", "weight"): SHARE,
        ("asymmetric_unified_focal", "gamma"): SHARE,
        ("asymmetric_unified_focal", "weight"): SHARE,
    }
)
"""Where a loss means something else by the name."""


def range_of(loss: str, name: str) -> Range | None:
    """The legal values of a hyper-parameter of a loss; None where it is no number."""
    return OF_LOSS.get((loss, name), RANGES.get(name))


def require_in_range(loss: str, hyper: Mapping[str, Any]) -> None:
    """Refuses Python numbers out of their range.

    Raises:
      ValueError: naming loss, hyper-parameter, value and range.
    """
    for name, value in hyper.items():
        legal = range_of(loss, name)
        if legal is None or not isinstance(value, numbers.Real):
            continue
        if float(value) not in legal:
            raise ValueError(f"{name} of {loss} is {legal}, not {value}")
