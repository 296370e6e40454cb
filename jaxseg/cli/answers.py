"""The one place where a command's mistakes, refusals and interruptions are answered."""

import sys
import warnings
from collections.abc import Callable

from jaxseg.cli.extras import not_installed
from jaxseg.cli.interrupts import end_stopped, interruptible
from jaxseg.cli.pipes import reader_left
from jaxseg.errors import MISTAKE, STOPPED, UserError, refusal, tell


def answer(name: str, work: Callable[[], int | None], *, last: bool) -> int:
    """Does a command's work and says in one sentence why it could not be done.

    Args:
      name: of the command, under which sentences are told.
      work: returns an exit status, None for 0.
      last: whether the process ends with it.

    Returns:
      The exit status: 2 after a mistake or what the operating system refuses, 130 after
      Ctrl-C, 1 where the reader of the output has gone.
    """
    warnings.showwarning = _one_line(name)
    try:
        with interruptible(last=last):
            status = work() or 0
            sys.stdout.flush()
    except UserError as error:
        tell(error, name)
        return MISTAKE
    except ModuleNotFoundError as error:
        sentence = not_installed(error, name)
        if sentence is None:
            raise
        tell(sentence, name)
        return MISTAKE
    except KeyboardInterrupt as stop:
        tell(stop if str(stop) else "stopped", name)
        if last:
            end_stopped()
        return STOPPED
    except BrokenPipeError:
        return reader_left()
    except OSError as error:
        tell(refusal(error), name)
        return MISTAKE
    except RuntimeError as error:  # of JAX, which this module does without
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        tell(
            "the device has run out of memory: take smaller images or windows, fewer "
            "networks at once, or a device that has more",
            name,
        )
        return MISTAKE
    return status


def _one_line(name: str) -> Callable[..., None]:
    """A warning as one line on stderr instead of Python's two."""

    def show(message: object, *_: object, **__: object) -> None:
        tell(f"warning: {message}", name)

    return show
