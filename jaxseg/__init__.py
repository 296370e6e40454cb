"""Segmentation losses in JAX: right in value and gradient, their theory checked.

    >>> import jaxseg
    >>> round(float(jaxseg.losses.dice_loss([[2.0, 0.0], [0.0, 1.0]], [0, 1])), 4)
    0.1952

What the command does, from Python: `load` opens trained runs, `train`, `evaluate` and
`check` are the commands of these names. Modules are imported when first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxseg import counts, decide, distance, links, losses, metrics, statistics
    from jaxseg.api import check, evaluate, load, train

__version__ = "0.1.0"
__all__ = [
    "check",
    "counts",
    "decide",
    "distance",
    "evaluate",
    "links",
    "load",
    "losses",
    "metrics",
    "statistics",
    "train",
]
_FROM_COMMANDS = ("check", "evaluate", "load", "train")


def __getattr__(name: str) -> Any:
    if name in _FROM_COMMANDS:
        return getattr(importlib.import_module("jaxseg.api"), name)
    if name in __all__:
        return importlib.import_module(f"jaxseg.{name}")
    raise AttributeError(f"module 'jaxseg' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
