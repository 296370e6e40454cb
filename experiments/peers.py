"""Rows that the Python of the other libraries' environment measures."""

import json
import subprocess
from pathlib import Path
from typing import Any

from jaxseg.errors import UserError


def rows_of_peers(python: Path, script: str, *arguments: str) -> list[dict[str, Any]]:
    """What a script of this folder prints, one JSON object a line.

    Args:
      python: a Python with the other libraries.
      script: file name, such as ``peer_losses.py``.
      *arguments: of the script.

    Raises:
      UserError: that Python lacks a library or cannot be run.
    """
    command = [str(python), str(Path(__file__).with_name(script)), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UserError(f"--peers {python} cannot be run: {error.strerror}") from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"--peers {python} failed: {reason}")
    return [json.loads(line) for line in done.stdout.splitlines()]
