"""docs/vectors.json: inputs once, then one case a line."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tests.readme import ROOT
from tests.vectors import losses, metrics
from tests.vectors.inputs import Input, inputs

VECTORS = ROOT / "docs" / "vectors.json"
VERSION = 1
ABOUT = "Values of segmentation losses and metrics; docs/vectors.md says how to read it"


def array(values: np.ndarray) -> dict[str, Any]:
    """Shape and numbers in C order, or the one number that all are."""
    flat = values.ravel()
    whole = values.dtype.kind in "bi"
    numbers = [int(x) if whole else float(x) for x in flat]
    same = len(set(numbers)) == 1 and len(numbers) > 1
    return {"shape": list(values.shape), "values": numbers[:1] if same else numbers}


def of_input(data: Input) -> dict[str, Any]:
    """One input of losses."""
    found: dict[str, Any] = {"about": data.about, "link": data.link}
    for name in ("scores", "labels", "where", "class_weights"):
        values = getattr(data, name)
        found[name] = None if values is None else array(np.asarray(values))
    return found


def of_pair(pair: dict) -> dict[str, Any]:
    """One input of metrics."""
    masks = {side: array(pair[side]) for side in ("pred", "true")}
    return {"about": pair["about"], **masks, "spacing": list(pair["spacing"])}


def loss_cases(progress: Callable[[Iterable], Iterable] = iter) -> Iterable[dict]:
    """Cases with values and gradients; none where the value is not finite."""
    given = inputs()
    for case in progress(list(losses.cases(given))):
        data = given[case["input"]]
        value = losses.value_of(case, data)
        if not np.isfinite(value):
            continue
        gradient = losses.gradient_of(case, data)
        yield {
            **case,
            "value": losses.rounded(value),
            "gradient": None
            if gradient is None
            else [losses.rounded(x) for x in gradient.ravel()],
        }


def write(progress: Callable[[Iterable], Iterable] = iter) -> int:
    """Writes the file; returns how many cases it has."""
    pairs = metrics.pairs()
    parts = {
        "inputs": {key: of_input(data) for key, data in inputs().items()},
        "masks": {key: of_pair(pair) for key, pair in pairs.items()},
        "losses": list(loss_cases(progress)),
        "metrics": list(metrics.cases(pairs, losses.rounded)),
    }
    head = json.dumps({"format": VERSION, "about": ABOUT})[:-1]
    texts = [f"{head}"]
    for name, rows in parts.items():
        if isinstance(rows, dict):
            lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in rows.items()]
            texts.append(f'"{name}": {{\n' + ",\n".join(lines) + "\n}")
        else:
            lines = [json.dumps(row) for row in rows]
            texts.append(f'"{name}": [\n' + ",\n".join(lines) + "\n]")
    VECTORS.write_text(",\n".join(texts) + "}\n")
    return len(parts["losses"]) + len(parts["metrics"])
