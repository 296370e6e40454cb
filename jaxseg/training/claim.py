"""One process at a time writes a run: a lock on its folder, and who holds it."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import filelock

from jaxseg.errors import UserError
from jaxseg.files import write_text

LOCK = ".training.lock"
HOLDER = ".training"
PATIENCE = 40
"""How many times 50 ms the holder's name is waited for."""


@contextlib.contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Holds a run's folder until the block or the process ends, however it ends.

    Args:
      folder: of the run, which is there.

    Raises:
      UserError: another process has it; the sentence tells which, and since when.
    """
    lock = filelock.FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        raise UserError(f"{folder} is being trained by {_holder(folder)}") from None
    except OSError as error:
        raise UserError(f"cannot lock {folder}: {error.strerror or error}") from error
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    try:
        text = f"process {os.getpid()} on {socket.gethostname()} since {since}"
        write_text(folder / HOLDER, text + "\n")
        yield
    finally:
        with contextlib.suppress(OSError):
            (folder / HOLDER).unlink(missing_ok=True)
        lock.release()


def _holder(folder: Path) -> str:
    """Who has the folder; it says so a moment after it has locked it."""
    for _ in range(PATIENCE):
        with contextlib.suppress(OSError, ValueError):
            if holder := (folder / HOLDER).read_text().strip():
                return holder
        time.sleep(0.05)
    return "another process"
