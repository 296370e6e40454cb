"""A study on a Dask cluster: the same rows, whoever is killed, and each job once."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.protocol import cluster
from experiments.protocol.claims import newest_claim, read_claim
from experiments.protocol.queue import work_off
from experiments.protocol.status import status_of, write_plan
from experiments.protocol.work import CASES, folder_of, outcome
from jaxseg.errors import UserError
from tests.experiments.toys import Toy, family, require_one_at_a_time, rows_of

ROOT = Path(__file__).parents[2]
TINY = ("odyssey", "--losses", "CE", "Dice", "--steps", "4")
TOYS = """
import sys
from pathlib import Path
from experiments.protocol import queue, status
from jaxseg.cli.answers import answer
from tests.experiments.toys import family

def run():
    root, count, steps, pause, address = sys.argv[1:]
    jobs = family(int(count), steps=int(steps), pause=float(pause))
    root = Path(root)
    root.mkdir(exist_ok=True)
    status.write_plan(root, "toys", jobs)
    queue.run_jobs(root, jobs, cluster=address)

if __name__ == "__main__":
    sys.exit(answer("toys", run, last=True))
"""
"""A study of toys as a command."""


@pytest.fixture
def toys(tmp_path, monkeypatch):
    """Starts the command on a folder; what is left of it is killed in the end."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    script = tmp_path / "toys_study.py"
    script.write_text(TOYS)
    begun = []

    def start(root, count, steps, pause, address="local:3"):
        words = [sys.executable, script, root, count, steps, pause, address]
        process = subprocess.Popen(
            list(map(str, words)), stderr=subprocess.PIPE, text=True
        )
        begun.append(process)
        return process

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def at_work(root) -> dict[int, str]:
    """Processes that are at a job, with its label."""
    found = {}
    for folder in (root / "jobs").glob("*"):
        _, path = newest_claim(folder)
        told = read_claim(path)[0] if path is not None else {}
        if told and not (folder / "done.json").exists():
            found[told["pid"]] = told["label"]
    return found


def kill_some(process, root, count, draw, pause=0.3) -> int:
    """Kills processes that are at a job until there were so many or all is done."""
    killed = set()
    while len(killed) < count and process.poll() is None:
        time.sleep(draw.uniform(0, pause))
        alive = [pid for pid in at_work(root) if pid not in killed]
        if alive:
            pid = draw.choice(alive)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
    return len(killed)


def alone(root, jobs) -> bytes:
    """What one process leaves of the jobs."""
    work_off(root, jobs, lambda label, effort: None)
    return rows_of(root, jobs)


def test_workers_are_killed_and_the_rows_are_those_of_one_process(tmp_path, toys):
    settings = dict(steps=40, pause=0.02)
    jobs = family(12, **settings)
    expected = alone(tmp_path / "alone", [Toy(**{**vars(x), "pause": 0}) for x in jobs])
    root = tmp_path / "cluster"
    process = toys(root, 12, *settings.values())
    assert kill_some(process, root, 2, random.Random(0)) == 2
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert rows_of(root, jobs) == expected
    require_one_at_a_time(root, jobs)
    status = status_of(root)
    assert (len(status.done), status.share, status.running) == (12, 1, [])
