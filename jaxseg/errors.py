"""A user's mistake, said in one sentence."""


class UserError(Exception):
    """Something a user can mend; its text names the file, value or flag at fault.

    The command line prints the sentence and exits with status 2, without a traceback.
    """
