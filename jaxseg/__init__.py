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
        return getattr(_commands(name), name)
    if name in __all__:
        return importlib.import_module(f"jaxseg.{name}")
    raise AttributeError(f"module 'jaxseg' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *(n for n in globals() if n.startswith("__"))})


def _commands(name: str) -> Any:
    """The module of the commands, which need more than JAX."""
    try:
        return importlib.import_module("jaxseg.api")
    except ModuleNotFoundError as error:
        from jaxseg.cli.extras import not_installed

        sentence = not_installed(error)
        if sentence is None:
            raise
        raise ModuleNotFoundError(
            f"jaxseg.{name}: {sentence}", name=error.name
        ) from None
