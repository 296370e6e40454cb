"""What has been found out about each loss, from a file that `theory` writes."""

import functools
import importlib.resources
import json
from collections.abc import Mapping
from typing import Any

FILE = "cards.json"


@functools.cache
def _read_cards() -> Mapping[str, Mapping[str, Any]]:
    text = importlib.resources.files("jaxseg.losses").joinpath(FILE).read_text("utf-8")
    return json.loads(text)


def card(name: str) -> Mapping[str, Any]:
    """What is known of a loss of the catalog.

    Each property has an `answer`, the `numbers` behind it, the `method`, how many
    `cases` were looked at, and a `witness` of what is not so. Images have 2 x 3 pixels
    and two classes; ``python -m theory card NAME`` finds it all out anew.

    Raises:
      KeyError: there is no card of that name.
    """
    return _read_cards()[name]


def summary(name: str) -> list[tuple[str, str]]:
    """Each property of a loss and, in one line, its answer and numbers."""
    return [(title, line(found)) for title, found in card(name).items()]


def line(found: Mapping[str, Any]) -> str:
    """One property's answer and numbers, with the method."""
    numbers = ", ".join(f"{k} {v:.4g}" for k, v in found["numbers"].items())
    said = f"{found['answer']}: {numbers}" if numbers else found["answer"]
    return f"{said} ({found['method']}, {found['cases']:,} cases)"
