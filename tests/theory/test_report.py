from fractions import Fraction

import numpy as np
import pytest

from jaxseg.errors import UserError
from theory.claim import Evidence, Settled, settle
from theory.explain import explanation
from theory.registry import CLAIMS
from theory.report import record, table, to_plain, write_json


@pytest.mark.parametrize("name", ["E05", "E17", "L06"])
def test_two_runs_agree(settled, name):
    first, second = record(settled(name)), record(settle(CLAIMS[name]))
    assert first.pop("seconds") >= 0
    assert second.pop("seconds") >= 0
    assert first == second


def test_what_json_cannot_say():
    given = {
        "fraction": Fraction(35, 204),
        "nan": np.nan,
        "array": np.array([[1.0, -np.inf]]),
        "zero": -0.0,
        "scalar": np.float64(0.5),
        "list": [Fraction(2), (1, True)],
    }
    assert to_plain(given) == {
        "fraction": "35/204",
        "nan": None,
        "array": [[1.0, None]],
        "zero": 0.0,
        "scalar": 0.5,
        "list": ["2", [1, True]],
    }
    assert str(to_plain(-0.0)) == "0.0"


def test_undecided_evidence_is_null_and_contradicts():
    open_end = Evidence(float("nan"), 0.0, 0, "interval", {"undecided": "boxes"})
    result = Settled(CLAIMS["E17"], {"open": open_end}, 0.5)
    assert record(result)["evidence"][0]["slack"] is None
    assert "CONTRADICTED" in table([result])


def test_a_failed_write_leaves_the_old_file(settled, tmp_path, monkeypatch):
    path = tmp_path / "claims.json"
    path.write_text("old")

    def fail(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "replace", fail)
    with pytest.raises(UserError, match="No space left"):
        write_json(path, [settled("E17")])
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["claims.json"]


def test_lines_of_prose_fit(settled):
    text = explanation(settled("L12")).split("\nEvidence\n")[0]
    assert max(map(len, text.splitlines())) <= 88
