"""The speed study runs and its rows are whole; no duration is asserted."""

import pytest

from experiments import speed
from experiments.__main__ import main
from jaxseg.files import read_rows


def test_rows_and_table(tmp_path, capsys):
    argv = "speed --shape 2 8 8 --classes 2 3 --losses dice lovasz --repeats 2".split()
    assert main([*argv, "--out", str(tmp_path)]) == 0
    rows = read_rows(tmp_path / "rows.jsonl")
    assert [(row["loss"], row["classes"]) for row in rows] == [
        ("dice", 2),
        ("lovasz", 2),
        ("dice", 3),
        ("lovasz", 3),
    ]
    assert all(row["milliseconds"] > 0 for row in rows)
    assert all(row["shape"] == [2, 8, 8] for row in rows)
    text = capsys.readouterr().out
    assert text.startswith(speed.table(rows))


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["sped"], "did you mean speed"),
        (["speed", "--losses", "dise"], "dice"),
        (["speed", "--repeats", "0"], "--repeats"),
        ([], "NAME"),
    ],
)
def test_mistakes_are_answered_with_one_sentence(argv, part, capsys):
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert part in error
    assert error.count("\n") == 1
