"""All findings about a loss, and the file in which the library keeps them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jaxseg.losses
from jaxseg.files import write_text
from jaxseg.losses.cards import FILE as NAME
from jaxseg.losses.cards import line
from theory.cards import curvature, extremes, invariance, special
from theory.cards.finding import CardAnswer
from theory.cards.subject import Subject, catalog_subject

FILE = Path(jaxseg.losses.__file__).with_name(NAME)

PROPERTIES: Mapping[str, Callable[[Subject], CardAnswer]] = {
    "range": extremes.value_range,
    "minimisers": extremes.minimisers,
    "smallest at soft truth": extremes.soft_truth,
    "convex in probabilities": curvature.convexity,
    "gradient's Lipschitz constant": curvature.gradient_lipschitz,
    "invariant to pixel order": invariance.pixel_order,
    "invariant to class order": invariance.class_order,
    "invariant to scale": invariance.scale,
    "invariant to background": invariance.background,
    "... with foreground alone": invariance.background_alone,
    "no foreground, alone": special.empty_alone,
    "no foreground, two classes": special.empty_with_background,
    "confident miss": special.saturation,
}
"""What is asked of each loss."""

Card = dict[str, dict[str, Any]]


def examine(subject: Subject) -> Card:
    """The record of every property of a loss."""
    return {name: ask(subject).record() for name, ask in PROPERTIES.items()}


def card_of(name: str) -> Card:
    """`examine` of a loss of the catalog."""
    return examine(catalog_subject(name))


def write(cards: Mapping[str, Card], path: Path = FILE) -> None:
    """Writes the cards, one property a line."""
    losses = []
    for name, card in cards.items():
        lines = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in card.items()]
        losses.append(f" {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }")
    write_text(path, "{\n" + ",\n".join(losses) + "\n}\n")


def agree(found: Card, kept: Card, *, tolerance: float = 0.05) -> list[str]:
    """Properties in which two cards differ: in the answer, or by a number."""
    return [
        name
        for name in PROPERTIES
        if name not in kept
        or found[name]["answer"] != kept[name]["answer"]
        or not _close(found[name]["numbers"], kept[name]["numbers"], tolerance)
    ]


def _close(
    found: Mapping[str, float], kept: Mapping[str, float], tolerance: float
) -> bool:
    def near(a: float, b: float) -> bool:
        return abs(a - b) <= tolerance * max(abs(a), abs(b)) + 1e-6

    return found.keys() == kept.keys() and all(near(found[k], kept[k]) for k in found)


SHORT = {
    "range": "range",
    "minimisers": "smallest at",
    "convex in probabilities": "convex",
    "gradient's Lipschitz constant": "gradient",
    "invariant to pixel order": "pixels",
    "invariant to class order": "classes",
    "invariant to scale": "scale",
    "... with foreground alone": "background",
    "no foreground, alone": "no foreground",
    "confident miss": "confident miss",
}
"""Columns of the table, and what they are called there."""


def table(cards: Mapping[str, Card]) -> str:
    """One line per loss with the answers to most questions."""
    rows = [("loss", *SHORT.values())]
    rows += [
        (name, *(_short(card[title]) for title in SHORT))
        for name, card in cards.items()
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _short(found: Mapping[str, Any]) -> str:
    constant = found["numbers"].get("constant")
    if constant is not None:
        return f"{constant:.3g}"
    return found["answer"].removeprefix("the ").replace("unbounded: the gradient ", "")


def explanation(name: str, card: Card) -> str:
    """Everything about one loss, with its witnesses."""
    lines = [f"{name}, on images of 2 x 3 pixels and two classes"]
    width = max(map(len, card))
    for title, found in card.items():
        lines.append(f"  {title:<{width}}  {line(found)}")
        lines += [
            f"  {'':<{width}}    {key} = {value}"
            for key, value in found["witness"].items()
        ]
    return "\n".join(lines)
