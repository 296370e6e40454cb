"""Watts of the device, where its driver tells."""

import shutil
import statistics
import subprocess
import threading
from typing import Any

PERIOD = 0.5
"""Seconds between two looks."""
COMMAND = ("nvidia-smi", "--query-gpu=power.draw", "--format=csv,noheader,nounits")


class Power:
    """Looks now and then while a block runs; `watts` is the mean, None if untold."""

    def __init__(self):
        self._found: list[float] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Power":
        """Begins to look, if there is anything to ask."""
        if shutil.which(COMMAND[0]) is not None:
            self._thread = threading.Thread(target=self._look, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        """Ends looking."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _look(self) -> None:
        while not self._stop.wait(PERIOD):
            try:
                done = subprocess.run(
                    COMMAND, capture_output=True, text=True, timeout=5, check=True
                )
                lines = done.stdout.split()
                self._found.append(sum(map(float, lines)))
            except (OSError, ValueError, subprocess.SubprocessError):
                return

    @property
    def watts(self) -> float | None:
        """Of all devices together."""
        return statistics.mean(self._found) if self._found else None
