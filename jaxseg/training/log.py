"""What a run leaves to look at: rows of JSON, and the same for TensorBoard."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter

from jaxseg.files import append_row, read_rows, write_rows

METRICS = "metrics.jsonl"
EVENTS = "events"


class Log:
    """Rows of ``metrics.jsonl``; scalars also as event files under ``events``."""

    def __init__(self, folder: Path, done: int):
        """Takes up the rows up to step `done`; later ones are made again."""
        self._rows = folder / METRICS
        kept = [row for row in read_rows(self._rows) if row["step"] <= done]
        write_rows(self._rows, kept)
        self._events = SummaryWriter(
            str(folder / EVENTS), purge_step=done + 1 if done else None, flush_secs=10
        )

    def write(self, row: Mapping[str, Any]) -> None:
        """Adds a row, which has a ``step``."""
        append_row(self._rows, row)
        for name, value in scalars(row):
            self._events.add_scalar(name, value, row["step"])

    def close(self) -> None:
        """Leaves whole files behind."""
        self._events.close()


def scalars(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Names and values of the numbers of a row, those in lists and parts included."""
    for name, value in row.items():
        if name == "step":
            continue
        if isinstance(value, Mapping):
            yield from scalars(value, f"{prefix}{name}/")
        elif isinstance(value, list):
            parts = {str(index): part for index, part in enumerate(value)}
            yield from scalars(parts, f"{prefix}{name}/")
        elif isinstance(value, int | float) and math.isfinite(value):
            yield f"{prefix}{name}", value
