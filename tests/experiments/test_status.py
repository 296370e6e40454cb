"""What a study's folder tells of its jobs."""

import os
import time

import pytest

from experiments.__main__ import main
from experiments.protocol import queue
from experiments.protocol.claims import CLAIM
from experiments.protocol.folders import DONE
from experiments.protocol.status import duration, status_of, text_of, write_plan
from experiments.protocol.work import folder_of
from jaxseg.files import write_json
from tests.experiments.toys import Toy


@pytest.fixture
def study(tmp_path):
    """Six jobs of ten steps: done, failed, running for half, lost, stopped, waiting."""
    jobs = [Toy(name=name, pause=0) for name in
            ("done", "diverged", "running", "lost", "stopped", "waiting")]  # fmt: skip
    write_plan(tmp_path, "toys", jobs)
    folders = {job.name: folder_of(tmp_path, job) for job in jobs}
    for folder in folders.values():
        folder.mkdir(parents=True)
    write_json(folders["done"] / DONE, {"failed": None, "seconds": 20.0})
    write_json(folders["diverged"] / DONE, {"failed": "the loss is nan", "seconds": 1})
    about = {"host": "node7", "pid": 42, "effort": 5, "since": time.time() - 30}
    write_json(folders["running"] / f"{CLAIM}1", about)
    write_json(folders["lost"] / f"{CLAIM}2", {**about, "since": time.time() - 9000})
    os.utime(folders["lost"] / f"{CLAIM}2", (time.time() - 7200,) * 2)
    why = {"why": "a.png is damaged", "host": "node8"}
    write_json(folders["stopped"] / "stopped.json", why)
    return tmp_path


def test_every_job_is_somewhere_and_the_time_left_is_reckoned(study):
    status = status_of(study)
    assert [job.label for job in status.done] == ["done"]
    assert [(job.label, why) for job, why in status.failed] == [
        ("diverged", "the loss is nan")
    ]
    assert [x.job.label for x in status.running] == ["running"]
    assert [x.job.label for x in status.silent] == ["lost"]
    assert [job.label for job in status.waiting] == ["waiting"]
    assert status.share == pytest.approx((10 + 10 + 5) / 60)
    # two seconds a step: three whole jobs and half of one, by the one at work
    assert status.seconds_left == pytest.approx(3 * 20 + 10)


def test_the_text_names_places_and_sentences(study, capsys):
    assert main(["odyssey", "--out", str(study), "--status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        f"{study}: 1 of 6 jobs done, 1 running, 2 waiting, 1 stopped, 1 failed; "
        "42 % of the work"
    )
    assert "  running: 50 % in 30 s, on node7 (process 42)" in lines
    assert any(line.startswith("  lost: on node7 (process 42), not") for line in lines)
    assert "  stopped: a.png is damaged (on node8)" in lines
    assert "  diverged: the loss is nan" in lines
    assert lines[-1] == "about 1 min 10 s left with 1 at work"


def test_a_study_that_nobody_is_at_and_one_that_is_done(tmp_path):
    jobs = [Toy(name="a", pause=0), Toy(name="b", pause=0)]
    write_plan(tmp_path, "toys", jobs)
    assert "nobody is at work" in text_of(status_of(tmp_path), tmp_path)
    queue.work_off(tmp_path, jobs, lambda label, effort: None)
    text = text_of(status_of(tmp_path), tmp_path)
    assert text == f"{tmp_path}: 2 of 2 jobs done; 100 % of the work\nall done"


def test_durations():
    told = [duration(x) for x in (0.4, 61, 3600 * 5 + 120, 86400 * 2 + 3600)]
    assert told == ["0 s", "1 min 1 s", "5 h 2 min", "2 d 1 h"]
