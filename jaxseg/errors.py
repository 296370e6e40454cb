"""A user's mistake, said in one sentence."""

import sys


class UserError(Exception):
    """Something a user can mend; its text names the file, value or flag at fault.

    The command line prints the sentence and exits with status 2, without a traceback.
    """


MISTAKE = 2
"""The exit status then."""


def tell(error: object) -> None:
    """Prints a sentence under the command's name on stderr."""
    print(f"jaxseg: {error}", file=sys.stderr, flush=True)
