"""What a run leaves to look at: rows of JSON, and the same for TensorBoard."""

import contextlib
import hashlib
import json
import math
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tensorboardX import summary
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import (  # pyright: ignore
    Event,  # pyright: ignore
    SessionLog,  # pyright: ignore
)

from jaxseg.errors import UserError
from jaxseg.files import append_row, read_rows, write_text

METRICS = "metrics.jsonl"
EVENTS = "events"
FLUSH_SECONDS = 10


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Rows of a run, each with its step.

    Raises:
      UserError: the file is damaged.
    """
    rows = read_rows(path)
    for number, row in enumerate(rows, start=1):
        if type(row.get("step")) is not int:
            raise UserError(f"{path} is damaged: row {number} has no step")
    return rows


class Log:
    """Rows of ``metrics.jsonl``; scalars also as event files under ``events``."""

    def __init__(self, folder: Path, done: int, mark: Mapping[str, Any] | None = None):
        """Takes up the rows up to step `done`; later ones are made again.

        Args:
          folder: of the run.
          done: steps of the checkpoint that the run goes on from.
          mark: the log's at that checkpoint; None if that kept none. Where the file
            does not begin with what it was then, a warning says so, what there is is
            kept aside, and rows that can be read stay.
        """
        self._rows = folder / METRICS
        write_text(self._rows, self._kept(done, mark))
        self._events = _Events(folder / EVENTS, done)

    def _kept(self, done: int, mark: Mapping[str, Any] | None) -> str:
        if not done:
            return ""
        content = self._rows.read_bytes() if self._rows.is_file() else b""
        if mark is not None and _mark(content[: mark["bytes"]]) == mark:
            return content[: mark["bytes"]].decode()
        rows = [row for row in _readable(content) if row["step"] <= done]
        if mark is not None:
            aside = self._rows.with_name(f"{METRICS}.before-step-{done + 1}")
            if self._rows.exists():
                self._rows.replace(aside)
            kept = f"; what there was is kept as {aside.name}" if aside.exists() else ""
            warnings.warn(
                f"{self._rows} is not what it was at step {done}{kept}; {len(rows)} "
                f"rows of it can be read, and it goes on from step {done + 1}",
                stacklevel=1,
            )
        return "".join(json.dumps(row) + "\n" for row in rows)

    def mark(self) -> dict[str, Any]:
        """What the file is by now, for a checkpoint to keep."""
        return _mark(self._rows.read_bytes())

    def write(self, row: Mapping[str, Any]) -> None:
        """Adds a row, which has a ``step``."""
        append_row(self._rows, row)
        self._events.write(row)

    def close(self) -> None:
        """Leaves whole files behind."""
        self._events.close()


def _mark(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _readable(content: bytes) -> Iterator[dict[str, Any]]:
    """The rows of a damaged file that are whole."""
    for line in content.splitlines():
        with contextlib.suppress(ValueError):
            row = json.loads(line)
            if isinstance(row, dict) and type(row.get("step")) is int:
                yield row


class _Events:
    """Event files of TensorBoard, written by this thread.

    Where they cannot be written, a run goes on without them and says so.
    """

    def __init__(self, folder: Path, done: int):
        self._file: EventsWriter | None = None
        self._flushed = time.monotonic()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = EventsWriter(str(folder / "events"), f".{os.getpid()}")
            if done:
                begun = SessionLog(status=SessionLog.START)
                self._add(Event(step=done + 1, session_log=begun))
        except OSError as error:
            self._give_up(error)

    def write(self, row: Mapping[str, Any]) -> None:
        """The numbers of a row."""
        try:
            for name, value in scalars(row):
                self._add(Event(step=row["step"], summary=summary.scalar(name, value)))
            if self._file is not None and _seconds_since(self._flushed) > FLUSH_SECONDS:
                self._file.flush()
                self._flushed = time.monotonic()
        except OSError as error:
            self._give_up(error)

    def _add(self, event: Event) -> None:
        if self._file is not None:
            event.wall_time = time.time()
            self._file.write_event(event)

    def close(self) -> None:
        """Leaves whole files behind."""
        try:
            if self._file is not None:
                self._file.close()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._file = None
        warnings.warn(
            f"no more events for TensorBoard: {error.strerror or error}", stacklevel=1
        )


def _seconds_since(moment: float) -> float:
    return time.monotonic() - moment


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
