"""Sentences stand on lines of their own, whatever line of progress is shown."""

import warnings

from jaxseg.cli.answers import answer
from jaxseg.cli.progress import bar


def test_a_warning_among_progress_has_its_own_line(capsys):
    def work():
        with bar(10, "training", "step") as progress:
            progress.update(3)
            warnings.warn("the disk is full", stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert answer("jaxseg", work, last=False) == 0
    seen = capsys.readouterr().err.replace("\r", "\n").split("\n")
    assert "jaxseg: warning: the disk is full" in seen
