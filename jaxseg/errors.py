"""A user's mistake, said in one sentence."""

import sys


class UserError(Exception):
    """Something a user can mend; its text names the file, value or flag at fault.

    The command line prints the sentence and exits with status 2, without a traceback.
    """


MISTAKE = 2
"""The exit status then."""
STOPPED = 130
"""The exit status after Ctrl-C."""


class Stopped(KeyboardInterrupt):
    """Ctrl-C, with a sentence on how the work is taken up again."""


def tell(error: object, name: str = "jaxseg") -> None:
    """Prints a sentence under the command's name on stderr, on a line of its own."""
    line = f"{name}: {error}"
    progress = sys.modules.get("tqdm")
    if progress is None:
        print(line, file=sys.stderr)
    else:  # whose lines make room
        progress.tqdm.write(line, file=sys.stderr)
    sys.stderr.flush()


def refusal(error: OSError) -> str:
    """What the operating system refused, and for which file, as a sentence."""
    reason = error.strerror or str(error)
    if error.filename is None:
        return f"the operating system refuses it: {reason}"
    return f"{error.filename}: {reason[:1].lower()}{reason[1:]}"


def number_of(count: int, what: str) -> str:
    """A number with its noun, as "1 mask" and "2 masks"."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
