"""What a command does when the reader of its output, such as `head`, has gone."""

import os
import sys

READER_LEFT = 1
"""The exit status then."""


def reader_left() -> int:
    """Sends the rest of the output nowhere, so that leaving raises nothing more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return READER_LEFT
