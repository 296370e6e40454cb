"""Pictures of a run, drawn by the `figures` package from the run's stored rows.

The library does not import what draws it: files and a command line lie between.
"""

import subprocess
import sys
from pathlib import Path


def draw_run(folder: Path) -> list[Path]:
    """Draws ``curves.png`` and ``samples.png`` of what `folder` holds.

    Returns:
      The pictures drawn; none, with a note on stderr, where drawing is impossible.
    """
    command = [sys.executable, "-m", "figures", "run", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"no pictures were drawn: {reason}", file=sys.stderr)
        return []
    return [Path(line) for line in done.stdout.splitlines() if line]
