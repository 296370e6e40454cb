"""How a mistake is answered, and what makes a run small."""

from jaxseg.cli.main import main

SMALL = "--steps 3 --batch-size 2 --depth 1 --width 4".split()


def sentence(capsys, argv, *parts, status=2):
    """Asserts the exit status, and one line on stderr that holds all the parts."""
    capsys.readouterr()
    assert main([str(a) for a in argv]) == status
    captured = capsys.readouterr()
    errors = [line for line in captured.err.splitlines() if line.startswith("jaxseg:")]
    assert len(errors) == 1, captured.err
    for part in parts:
        assert str(part) in errors[0]
