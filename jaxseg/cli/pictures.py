"""Pictures of a run, drawn by the `figures` package from the run's stored rows.

The library does not import what draws it: files and a command line lie between.
"""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self


def draw_run(folder: Path) -> list[Path]:
    """Draws ``curves.png`` and ``samples.png`` of what `folder` holds.

    Returns:
      The pictures drawn; none, with a note on stderr, where drawing is impossible.
    """
    command = [sys.executable, "-m", "jaxseg", "figures", "run", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"no pictures were drawn: {reason}", file=sys.stderr)
        return []
    return [Path(line) for line in done.stdout.splitlines() if line]


class Live:
    """Redraws the curves of a run beside its training, now and then.

    Called with each row of a run; a drawing that is still being made, or was made
    within the last `seconds`, is left alone.
    """

    def __init__(self, folder: Path, seconds: float):
        self._command = [sys.executable, "-m", "jaxseg", "figures", "run", str(folder)]
        self._seconds = seconds
        self._drawing: subprocess.Popen | None = None
        self._next = time.monotonic() + seconds

    def __call__(self, row: Mapping[str, Any]) -> None:
        """Starts a drawing if it is time for one."""
        busy = self._drawing is not None and self._drawing.poll() is None
        if "loss" not in row or busy or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._seconds
        self._drawing = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Waits for a drawing that is still being made."""
        if self._drawing is not None:
            self._drawing.wait()
