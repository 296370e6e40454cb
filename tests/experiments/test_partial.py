"""A scoring that holds other cases than it says is made again."""

from types import SimpleNamespace

import pytest

from experiments.protocol import work
from experiments.protocol.jobs import Scoring
from jaxseg.files import digests_of, write_json, write_rows


@pytest.mark.parametrize(
    ("damage", "again"),
    [(lambda rows: None, False),
     (lambda rows: rows.unlink(), True),
     (lambda rows: rows.write_text(rows.read_text()[:-3]), True),
     (lambda rows: rows.write_text("[]\n" + rows.read_text()), True),
     (lambda rows: rows.write_text(rows.read_text().replace("b", "c")), True)],
    ids=["whole", "gone", "cut", "no row", "another case"],
)  # fmt: skip
def test_cases_are_counted(tmp_path, damage, again):
    job = object.__new__(Scoring)
    job.__dict__["key"] = "k"
    folder = work.folder_of(tmp_path, job)
    folder.mkdir(parents=True)
    write_rows(folder / work.CASES, [{"case": "a"}, {"case": "b"}])
    kept = {"sha256": digests_of(folder, [work.CASES])}
    write_json(folder / work.DONE, {"failed": None, "cases": 2, **kept})
    damage(folder / work.CASES)
    assert work.forget_partial(tmp_path, job) is again
    assert (work.outcome(tmp_path, job) is None) is again


def test_other_jobs_are_left_alone(tmp_path):
    assert work.forget_partial(tmp_path, SimpleNamespace(key="k")) is False
