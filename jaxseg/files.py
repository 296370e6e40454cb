"""Files that are whole or not there: written to a temporary name, then renamed."""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from jaxseg.errors import UserError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A binary file that takes the place of `path` when the block ends without error.

    Raises:
      UserError: the disk is full or the folder cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes `text`, whole or not at all."""
    with replacing(path) as file:
        file.write(text.encode())


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Writes indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes one JSON object a line, whole or not at all."""
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Adds one JSON object as a line."""
    try:
        with path.open("a") as file:
            file.write(json.dumps(row) + "\n")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a file of JSON lines; a last line cut short by a kill is left out."""
    if not path.is_file():
        return []
    lines = path.read_text().split("\n")
    whole, _cut = lines[:-1], lines[-1]
    try:
        return [json.loads(line) for line in whole]
    except json.JSONDecodeError as error:
        raise UserError(f"{path} is damaged: {error}") from error


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`.

    Raises:
      UserError: the file is missing, unreadable or no JSON object.
    """
    try:
        value = json.loads(path.read_text())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise UserError(f"{path} does not hold a JSON object")
    return value
