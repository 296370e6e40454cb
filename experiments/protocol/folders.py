"""What lies in a study's folder: its names, and folders that are whole or not there."""

import contextlib
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

PLAN = "plan.json"
ID = ".id"
JOBS = "jobs"
DONE = "done.json"
STOPPED = "stopped.json"
"""Why the last try of a job that is not done ended, where it was not killed."""


@contextlib.contextmanager
def made_whole(path: Path) -> Iterator[Path]:
    """A folder to fill, which takes the name `path` when the block ends without error.

    Where another process was first, what it made stays.
    """
    mine = f"{socket.gethostname()}-{os.getpid()}"
    unfinished = path.with_name(f".{path.name}.{mine}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        try:
            unfinished.rename(path)
        except OSError:
            if not path.is_dir():
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
