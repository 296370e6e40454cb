"""Ctrl-C: once ends the work in order, twice at once; never a traceback."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

from jaxseg.errors import STOPPED, tell


@contextlib.contextmanager
def interruptible(*, last: bool) -> Iterator[None]:
    """Lets the first Ctrl-C raise KeyboardInterrupt and a second one end the process.

    Files take their place by a rename, so that what ends at once leaves none half
    written.

    Args:
      last: whether nothing but the end of the process follows; a Ctrl-C there ends it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # whose process has a Ctrl-C of its own
        return
    hook = sys.unraisablehook
    sys.unraisablehook = _note_unraisable
    before = signal.signal(signal.SIGINT, _first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _again if last else before)
        if not last:
            sys.unraisablehook = hook


def _first(*_: Any) -> NoReturn:
    signal.signal(signal.SIGINT, _again)
    raise KeyboardInterrupt


def _again(*_: Any) -> None:
    """Ends the process now, without the clean-up of others' layers."""
    with contextlib.suppress(OSError):
        tell("stopped")
    end_stopped()


def end_stopped() -> NoReturn:
    """Ends the process with status 130 and without a tear-down.

    Threads that compile, or one more Ctrl-C, would turn it into a crash.
    """
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(STOPPED)


def _note_unraisable(unraisable: Any) -> None:
    """A Ctrl-C that meets a destructor would be printed and lost."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        _again()
    sys.__unraisablehook__(unraisable)
