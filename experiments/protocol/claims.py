"""Whose a job is: a lock, and a claim that beats while its process lives.

The lock falls with its process, but on many file systems that machines share it does
not reach from one machine to the next. The claim does: ``.claim-3`` is a file that only
one process can create, and that its process renews every few seconds. A claim of the
same machine whose lock is free is left over from a process that was killed. One of
another machine counts as left over once it has been seen to stand still for
`SILENT_SECONDS`; who takes it over creates ``.claim-4``, which again only one can. No
clock is compared with another machine's.
"""

import contextlib
import errno
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jaxseg.errors import UserError
from jaxseg.files import write_json

LOCK = ".lock"
CLAIM = ".claim-"
BEAT_SECONDS = 5.0
SILENT_SECONDS = 60.0
"""After which a claim that does not beat is taken over."""
NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
"""What file systems without locks answer."""
_SEEN: dict[Path, tuple[Any, float]] = {}
"""State of claims of other machines, and since when they have been so."""


class LostError(UserError):
    """Another process has taken a job over, for this one had stood still."""


def machine_id() -> str:
    """The running kernel, within which locks hold."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return socket.gethostname()


def newest_claim(folder: Path) -> tuple[int, Path | None]:
    """Number and file of the claim that counts; 0 and None where there is none."""
    found: dict[int, Path | None] = {0: None}
    for path in folder.glob(f"{CLAIM}*"):
        number = path.name.removeprefix(CLAIM)
        if number.isdecimal():
            found[int(number)] = path
    number = max(found)
    return number, found[number]


def read_claim(path: Path) -> tuple[dict[str, Any], float]:
    """What a claim says (nothing while it is being written), and when it last beat."""
    try:
        with path.open() as file:
            text, beat = file.read(), os.fstat(file.fileno()).st_mtime
        return dict(json.loads(text)), beat
    except (OSError, ValueError, TypeError):
        return {}, 0.0


class Claim:
    """A job that is this process's until the claim is released or taken over."""

    def __init__(self, path: Path, about: dict[str, Any]):
        self._path, self._about, self._spent = path, about, 0.0
        self._lost = False
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def start(self) -> None:
        """Begins to beat."""
        self._thread.start()

    def spend(self, effort: float) -> None:
        """Takes note of work that is done.

        Raises:
          LostError: the job is another process's by now.
        """
        self._spent += effort
        if self._lost:
            raise LostError(
                f"{self._about['label']} was taken over by another process, for this "
                "one had stood still; the same command goes on"
            )

    def release(self) -> None:
        """Leaves the job to others."""
        self._released.set()
        self._thread.join()
        if not self._lost:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._released.wait(BEAT_SECONDS):
            if newest_claim(self._path.parent)[1] != self._path:
                self._lost = True
                return
            try:
                write_json(self._path, {**self._about, "effort": self._spent})
            except UserError:  # a full disk: its time is enough
                with contextlib.suppress(OSError):
                    os.utime(self._path)


@contextlib.contextmanager
def claim(
    folder: Path, label: str, *, machine: Callable[[], str] = machine_id
) -> Iterator[Claim | None]:
    """A claim on a job's folder; None while it is another process's.

    Args:
      folder: of the job; made if missing.
      label: of the job, for people.
      machine: names the kernel within which locks hold.

    Raises:
      UserError: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("w")
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error
    with file:
        locked = _lock(file)
        number, path = newest_claim(folder)
        if locked is False or not _is_left_over(path, machine(), locked is True):
            yield None
            return
        mine = _take(folder, number + 1, label, machine())
        if mine is None:
            yield None
            return
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink()
        mine.start()
        try:
            yield mine
        finally:
            mine.release()


def _lock(file: Any) -> bool | None:
    """Whether the lock is this process's; None where the file system has no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in NO_LOCKS:
            return None
        raise
    return True


def _is_left_over(path: Path | None, here: str, locked: bool) -> bool:
    """Whether the claim that counts, if there is one, is of a process that is gone."""
    if path is None:
        return True
    state = read_claim(path)
    if locked and state[0].get("machine") == here:
        return True
    seen, since = _SEEN.get(path, (None, 0.0))
    now = time.monotonic()
    if seen != state:
        _SEEN[path] = state, now
        return False
    if now - since < SILENT_SECONDS:
        return False
    del _SEEN[path]
    return True


def _take(folder: Path, number: int, label: str, machine: str) -> Claim | None:
    """Creates a claim; None where another process was first."""
    path = folder / f"{CLAIM}{number}"
    about = {
        "label": label,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "machine": machine,
        "since": time.time(),
        "effort": 0.0,
    }
    try:
        with path.open("x") as file:
            json.dump(about, file)
    except FileExistsError:
        return None
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    return Claim(path, about)
