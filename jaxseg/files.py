"""Files that are whole or not there: written to a temporary name, then renamed."""

import contextlib
import difflib
import hashlib
import json
import os
import threading
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
    mine = f"{os.getpid()}-{threading.get_ident()}"  # short, however long the name is
    temporary = path.with_name(f".{mine}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):  # which would hide the first error
            temporary.unlink(missing_ok=True)


def require_folder(folder: Path, what: str, other: str = "") -> None:
    """Refuses what is no folder, with the name beside it that is most like it.

    Args:
      folder: that is needed.
      what: it is, such as the flag that named it.
      other: what a file could be in its place.

    Raises:
      UserError: it is a file, or not there.
    """
    if folder.is_dir():
        return
    if folder.exists():
        raise UserError(f"{what} {folder} is a file, not a folder {other}".rstrip())
    raise UserError(f"{what} {folder} does not exist{like(folder)}")


def like(path: Path) -> str:
    """The name that was meant, perhaps, as the end of a sentence; empty if none is."""
    with contextlib.suppress(OSError):
        names = [other.name for other in path.parent.iterdir()]
        near = difflib.get_close_matches(path.name, names, n=1)
        return f"; did you mean {path.with_name(near[0])}?" if near else ""
    return ""


def sync(path: Path) -> None:
    """Has a file that was written by others brought to the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


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


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests_of(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """`digest_of` files of a folder, by name: what a summary keeps of its results."""
    return {name: digest_of(folder / name) for name in names}


def other_than(folder: Path, digests: Mapping[str, str]) -> str | None:
    """The first file that is gone or not as it was when `digests_of` read it."""
    for name, digest in digests.items():
        path = folder / name
        if not path.is_file() or digest_of(path) != digest:
            return name
    return None


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Adds one JSON object as a line."""
    try:
        with path.open("a") as file:
            file.write(json.dumps(row) + "\n")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a file of JSON lines; a last line cut short by a kill is left out.

    Raises:
      UserError: a line is no JSON object; the sentence tells its number.
    """
    if not path.is_file():
        return []
    rows = []
    *whole, last = path.read_bytes().split(b"\n")
    for number, line in enumerate(whole, start=1):
        row = _object(line)
        if row is None:
            raise UserError(f"{path} is damaged: line {number} is no JSON object")
        rows.append(row)
    cut = _object(last)
    return rows if cut is None else [*rows, cut]


def _object(line: bytes) -> dict[str, Any] | None:
    """The JSON object in a line; None where there is none."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`.

    Raises:
      UserError: the file is missing, unreadable or no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))  # editors' mark
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not text in UTF-8: save it as such") from error
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise UserError(f"{path} does not hold a JSON object")
    return value
