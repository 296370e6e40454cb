"""The comparison of several workers of one core with one of all."""

import io
import json

import pytest

from experiments import step_speed, worker_speed
from jaxseg.errors import UserError


def test_rates_are_of_all_workers_together(monkeypatch):
    turns = iter([[(10, 2.0), (6, 2.0)], [(5, 2.0)], [(4, 1.0), (4, 1.0)], [(5, 3.0)]])
    monkeypatch.setattr(worker_speed, "_turn", lambda *_: next(turns))
    config = worker_speed.Config(cases=("2D",), rounds=2, cores=2)
    several, one = worker_speed.run(config)
    assert (several["workers"], several["threads"]) == (2, 1)
    assert several["steps_a_second"] == pytest.approx((10 + 6 + 4 + 4) / (2.0 + 1.0))
    assert one["steps_a_second"] == pytest.approx((5 + 5) / (2.0 + 3.0))
    text = worker_speed.table([several, one])
    assert "2D: 2 workers of one thread do 4.00 times what one of 2 does" in text
    assert "36.0" in text  # jobs an hour of 800 steps at 8 a second
    with pytest.raises(UserError, match="there is one core"):
        worker_speed.run(worker_speed.Config(cores=1))


def test_a_worker_begins_when_it_is_told_and_counts_its_steps(monkeypatch, capsys):
    case = step_speed.Case(
        name="tiny", pixels=(1, 8, 8), channels=1, classes=2, fields={}
    )
    made = (lambda state, images, labels: state + 1, (0, None, None))
    monkeypatch.setattr(step_speed, "CASES", (case,))
    monkeypatch.setattr(step_speed, "training_step", lambda case: made)
    monkeypatch.setattr(worker_speed.sys, "stdin", io.StringIO("go\n"))
    worker_speed.main(["tiny", "0.05"])
    ready, told = capsys.readouterr().out.splitlines()
    assert ready == "ready"
    assert json.loads(told)["steps"] >= 1
    assert json.loads(told)["seconds"] >= 0.05
