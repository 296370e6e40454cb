"""A page on which losses over two pixels change as one drags their parameters.

One HTML file that needs no network: values come from `losses.js`, a port of the losses
for an image of two pixels that the tests hold to the library. It works by keyboard, on
a phone and in the dark.
"""

import argparse
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import matplotlib as mpl

from figures import style
from jaxseg.files import write_text
from jaxseg.losses import CATALOG

PORTED = (
    "cross_entropy",
    "focal",
    "topk",
    "dice",
    "dice_squared",
    "log_dice",
    "log_cosh_dice",
    "jaccard",
    "jaccard_squared",
    "tversky",
    "focal_tversky",
    "asymmetric",
    "sensitivity_specificity",
    "lovasz",
    "marginal_l1",
    "marginal_kl",
    "dice_bias",
    "dice_ce",
    "dice_focal",
    "dice_topk",
    "log_dice_ce",
    "ce_l1",
    "ce_kl",
    "dice_bias_ce",
)
RANGES: Mapping[str, tuple[float, float, float]] = {
    "alpha": (0.05, 2, 0.05),
    "beta": (0.05, 2, 0.05),
    "ce": (0, 2, 0.05),
    "dice": (0, 2, 0.05),
    "focal": (0, 2, 0.05),
    "fraction": (0.05, 1, 0.05),
    "gamma": (0, 5, 0.05),
    "log_dice": (0, 2, 0.05),
    "smooth": (0, 2, 0.05),
    "temperature": (0.5, 20, 0.5),
    "topk": (0, 2, 0.05),
    "w": (0, 1, 0.05),
    "weight": (0, 2, 0.05),
}
"""Least and largest value of a slider, and its step."""
RANGE_OF: Mapping[tuple[str, str], tuple[float, float, float]] = {
    ("focal_tversky", "gamma"): (1, 3, 0.05),
    ("asymmetric", "beta"): (0.1, 4, 0.05),
}
STOPS = 17


def sliders(name: str) -> dict[str, dict[str, float]]:
    """Hyper-parameters of a loss that one can drag, from its catalog entry."""
    found = {}
    for hyper, default in CATALOG[name].defaults.items():
        if isinstance(default, float):
            low, high, step = RANGE_OF.get((name, hyper), RANGES[hyper])
            found[hyper] = {"value": default, "min": low, "max": high, "step": step}
    return found


def catalog() -> dict[str, Any]:
    """What the page knows of the losses, and the colours of its map."""
    colours = mpl.colormaps[style.SURFACE]
    return {
        "losses": {
            name: {
                "family": CATALOG[name].family,
                "formula": CATALOG[name].formula,
                "source": f"{CATALOG[name].paper}: {CATALOG[name].equation}",
                "sliders": sliders(name),
            }
            for name in PORTED
        },
        "colours": [
            [round(255 * part) for part in colours(stop / (STOPS - 1))[:3]]
            for stop in range(STOPS)
        ],
    }


def page() -> str:
    """The whole page, with style, scripts and catalog inside."""
    files = resources.files("figures.explorer")

    def text(name: str) -> str:
        return files.joinpath(name).read_text(encoding="utf-8").rstrip()

    entries = json.dumps(catalog(), ensure_ascii=False).replace("</", "<\\/")
    parts = {
        "/*STYLE*/": text("style.css"),
        "/*LOSSES*/": text("losses.js"),
        "/*VIEW*/": text("view.js"),
        "/*CATALOG*/": entries,
    }
    whole = text("page.html") + "\n"
    for mark, part in parts.items():
        whole = whole.replace(mark, part)
    return whole


def add_flags(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def draw(arguments: argparse.Namespace) -> list[Path]:
    """Writes ``explorer.html``."""
    path = arguments.out / "explorer.html"
    write_text(path, page())
    return [path]
