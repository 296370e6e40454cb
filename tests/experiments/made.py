"""Results as a study stores them, around rows that a test has planted."""

from collections.abc import Sequence
from typing import Any

from experiments.protocol.results import Results
from experiments.registry import STUDIES

CEILING = {"size": [8, 8], "perfect": 0.97, "calibrated": 0.99, "cases": 9}


def facts_of(name: str, *, shares=(0.8, 0.2), **more: Any) -> dict[str, Any]:
    """What is stored of a data set."""
    return {
        "name": name, "class_shares": list(shares), "num_classes": len(shares),
        "cases": {"train": 9, "test": 9}, "digest": "d", "pattern": None,
        "kind": "binary", "ceiling": CEILING, **more,
    }  # fmt: skip


def run_of(row: dict[str, Any]) -> dict[str, Any]:
    """A run that scored a row, with settings as they are stored."""
    config = {
        "loss": "dice", "hyper": {}, "class_weights": None, "pretrain_loss": None,
        "weights": None, "model": row.get("model", "unet"),
        "steps": row.get("steps", 40), "size": [8, 8], "batch_size": 4,
        "optimizer": "adam", "learning_rate": 0.1, "schedule": "cosine",
        "augment": "full", "width": 8, "depth": 2,
    }  # fmt: skip
    tags = {
        name: row[name] for name in ("loss", "dataset", "fold", "steps") if name in row
    }
    return {"run": row["run"][0], "tags": tags, "config": config, "failed": None,
            "step_cost": 10.0, "learning_rate": 0.1}  # fmt: skip


def results_of(
    rows: Sequence[dict[str, Any]],
    study: str,
    datasets: Sequence[dict[str, Any]],
    *,
    runs: Sequence[dict[str, Any]] | None = None,
    scale: str = "cpu",
    settings: dict[str, Any] | None = None,
) -> Results:
    """The rows with what is stored beside them; a run for each name among them."""
    about = {
        "study": study, "scale": scale, "command": f"python -m experiments {study}",
        "datasets": list(datasets), "seconds": 60.0, "workers": 1,
        "settings": {"folds": 5, **(settings or {})},
        "machine": {"device": "cpu", "cores": 2, "devices": 1, "python": "3",
                    "jax": "0", "jaxlib": "0", "flax": "0", "optax": "0"},
    }  # fmt: skip
    assert study in STUDIES
    if runs is None:
        runs = list({row["run"][0]: run_of(row) for row in rows}.values())
    return Results(about=about, rows=list(rows), runs=list(runs))
