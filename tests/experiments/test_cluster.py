"""A study on a Dask cluster: the same rows, whoever is killed, and each job once."""

import contextlib
import dataclasses
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from experiments.__main__ import main
from experiments.protocol import cluster, elsewhere
from experiments.protocol.claims import newest_claim, read_claim
from experiments.protocol.dataset import Dataset
from experiments.protocol.jobs import Scoring, Training
from experiments.protocol.queue import work_off
from experiments.protocol.status import status_of, write_plan
from experiments.protocol.work import outcome
from jaxseg.data.labels import LabelMap
from jaxseg.errors import UserError
from jaxseg.training.config import RunConfig
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
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


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


@pytest.fixture
def scheduler(monkeypatch):
    """Address of a scheduler with one worker, all in this process."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "EMPTY_SECONDS", 0.0)
    monkeypatch.setattr(cluster, "POLL_SECONDS", 0.1)
    made = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp",
        dashboard_address="127.0.0.1:0",
    )  # fmt: skip
    with made:
        yield made.scheduler_address


def study_of(root, jobs):
    root.mkdir(exist_ok=True)
    write_plan(root, "toys", jobs)
    return root


def on_cluster(root, jobs, address):
    """Labels of the jobs in the order in which they were done."""
    told = []
    cluster.run_on_cluster(
        study_of(root, jobs), jobs, address, lambda *x: told.append(x[0]), threads=None
    )
    return told


def test_jobs_are_done_after_what_they_need_and_passed_over_once_done(
    scheduler, tmp_path
):
    jobs = family(6, pause=0)
    told = on_cluster(tmp_path, jobs, scheduler)
    assert sorted(told) == sorted(job.label for job in jobs)
    assert told.index("toy 5") > max(told.index("toy 3"), told.index("toy 4"))
    assert rows_of(tmp_path, jobs) == alone(tmp_path / "alone", jobs)
    assert on_cluster(tmp_path, jobs, "tcp://nowhere:1") == []


def test_a_job_that_cannot_be_done_is_told_when_all_others_are(scheduler, tmp_path):
    bad = Toy(name="bad", fails="a.png is damaged")
    jobs = [bad, Toy(name="after", needs=(bad,)), Toy(name="good", pause=0)]
    with pytest.raises(UserError, match=r"^a\.png is damaged; the same command takes"):
        on_cluster(tmp_path, jobs, scheduler)
    status = status_of(tmp_path)
    assert [job.label for job in status.done] == ["good"]
    assert [job.label for job in status.waiting] == ["after"]
    [(job, why)] = status.stopped
    assert (job.label, why.partition(" (on ")[0]) == ("bad", "a.png is damaged")


def test_a_worker_that_does_not_see_the_data_is_left_out_and_named(
    scheduler, tmp_path, monkeypatch
):
    toy = Toy(name="toy", pause=0)
    lost = dataclasses.replace(dataset_at(tmp_path / "gone"), counts={"train": 1})
    monkeypatch.setattr(cluster.elsewhere, "datasets_of", lambda job: {"d": lost})
    with (
        pytest.warns(UserWarning, match="left out: the worker tcp"),
        pytest.raises(UserError, match="does not see the data set gone .* JAXSEG_DATA"),
    ):
        on_cluster(tmp_path / "study", [toy], scheduler)
    assert outcome(tmp_path / "study", toy) is None


def dataset_at(path, **changes) -> Dataset:
    """Facts of a data folder, without a look at it."""
    facts = dict(
        path=path, name=path.name, digest="d", counts={}, num_classes=2, channels=1,
        class_shares=(0.5, 0.5), labels=LabelMap.of_ids(2), hashes={"train/a": "0"},
        settings={},
    )  # fmt: skip
    return Dataset(**{**facts, **changes})


def wanted(root, **changes):
    study_of(root, [])
    facts = dict(
        root=root, folder=cluster.folder_id(root), datasets=(), threads=1,
        versions=cluster.versions(),
    )  # fmt: skip
    return cluster.Wanted(**{**facts, **changes})


def test_what_makes_a_worker_serve(tmp_path):
    assert wanted(tmp_path).refusal(1) is None
    assert "--nthreads 1" in wanted(tmp_path).refusal(4)
    older = wanted(tmp_path, versions={"jax": "0.1"}).refusal(1)
    assert "has jax" in older
    assert "is done with 0.1" in older
    other = wanted(tmp_path, folder="another").refusal(1)
    assert f"does not see the study's folder {tmp_path}" in other


def test_data_are_found_under_another_path_and_the_key_stays(tmp_path, monkeypatch):
    there = tmp_path / "there" / "lesions"
    for kind in ("images", "masks"):
        (there / "train" / kind).mkdir(parents=True)
        Image.new("L", (8, 8)).save(there / "train" / kind / "a.png")
    planned = dataset_at(tmp_path / "here" / "lesions", counts={"train": 1})
    config = RunConfig(
        **planned.settings_of_run(), loss="dice", steps=1, batch_size=1, size=(8, 8)
    )
    run = Training(dataset=planned, config=config, label="run")
    scoring = Scoring(members=(run,), dataset=planned, label="scores")
    assert elsewhere.here(scoring) is scoring
    assert "does not see the data set lesions" in elsewhere.missing(planned)
    paths = os.pathsep.join([str(tmp_path / "nowhere"), str(there.parent)])
    monkeypatch.setenv("JAXSEG_DATA", paths)
    moved = elsewhere.here(scoring)
    assert moved.key == scoring.key
    assert moved.dataset.path == moved.members[0].dataset.path == there
    assert moved.members[0].config.data == str(there)
    assert elsewhere.missing(planned) is None
    more = dataclasses.replace(planned, counts={"train": 2})
    assert "has 1 cases of 'train'" in elsewhere.missing(more)
    sent = elsewhere.without_cases(scoring)
    assert (sent.key, sent.members[0].dataset.hashes) == (scoring.key, {})


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["--cluster", "locl:4"], "--cluster locl:4: --cluster takes local:4"),
        (["--cluster", "local:0"], "--cluster local:0: --cluster takes local:4"),
        (["--cluster", "no.json"], "`dask scheduler --scheduler-file no.json` writes"),
        (["--cluster", "tcp://127.0.0.1:1"], "no scheduler answers there"),
        (["--cluster", "local:2", "--workers", "2"], "--workers is for one machine"),
        (["--status", "--out", "none"], "no study was planned in none yet"),
    ],
)
def test_a_mistake_is_one_sentence(argv, part, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    assert main([*TINY, *argv]) == 2
    assert part in capsys.readouterr().err.strip().splitlines()[-1]


def test_without_the_engine_a_sentence_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: None)
    assert main([*TINY, "--cluster", "local:2"]) == 2
    assert "pip install 'jaxseg[cluster]'" in capsys.readouterr().err


def test_workers_are_killed_and_the_rows_are_those_of_one_process(tmp_path, toys):
    settings = dict(steps=40, pause=0.02)
    jobs = family(12, **settings)
    expected = alone(tmp_path / "alone", [Toy(**{**vars(x), "pause": 0}) for x in jobs])
    root = tmp_path / "cluster"
    process = toys(root, 12, *settings.values(), "local:2")
    assert kill_some(process, root, 2, random.Random(0)) == 2
    _, told = process.communicate(timeout=600)
    assert process.returncode == 0, told
    assert rows_of(root, jobs) == expected
    require_one_at_a_time(root, jobs)
    status = status_of(root)
    assert (len(status.done), status.share, status.running) == (12, 1, [])


@pytest.mark.slow  # a minute or more of processes that start anew
def test_twenty_workers_and_three_schedulers_are_killed(tmp_path, toys):
    settings = dict(steps=120, pause=0.05)
    jobs = family(24, **settings)
    expected = alone(tmp_path / "alone", [Toy(**{**vars(x), "pause": 0}) for x in jobs])
    root, draw, killed = tmp_path / "cluster", random.Random(1), 0
    for goal in (5, 10, 15):
        process = toys(root, 24, *settings.values())
        killed += kill_some(process, root, goal - killed, draw, 2.0)
        time.sleep(draw.uniform(0, 2))
        process.kill()  # and with it the scheduler
        process.communicate()
    process = toys(root, 24, *settings.values())
    killed += kill_some(process, root, 20 - killed, draw, 2.0)
    _, told = process.communicate(timeout=600)
    assert process.returncode == 0, told
    assert killed == 20
    assert rows_of(root, jobs) == expected
    require_one_at_a_time(root, jobs)


@pytest.mark.slow  # two clusters at once
def test_two_commands_on_one_folder_share_its_jobs(tmp_path, toys):
    settings = dict(steps=20, pause=0.05)
    jobs = family(12, **settings)
    both = [toys(tmp_path / "both", 12, *settings.values(), "local:2") for _ in "ab"]
    for process in both:
        _, told = process.communicate(timeout=600)
        assert process.returncode == 0, told
    require_one_at_a_time(tmp_path / "both", jobs)


@pytest.fixture
def dask(tmp_path):
    """Starts a scheduler and a worker as processes; returns them and the file."""
    file, begun = tmp_path / "scheduler.json", []

    def start():
        file.unlink(missing_ok=True)
        for kind in (["scheduler", "--port", "0"], ["worker", "--nthreads", "1"]):
            words = [sys.executable, "-m", "dask", *kind, "--no-dashboard"]
            begun.append(
                subprocess.Popen(
                    [*words, "--scheduler-file", str(file)], stderr=subprocess.DEVNULL
                )
            )
            wait_for(file.exists)
        return begun[-2:], file

    yield start
    for process in begun:
        process.terminate()
        process.wait()


def wait_for(happened, seconds=300):
    """Waits until something has happened."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.slow  # the scheduler is a process of its own
def test_a_scheduler_that_dies_is_one_sentence_and_the_command_goes_on(
    tmp_path, toys, dask
):
    root, settings = tmp_path / "study", dict(steps=40, pause=0.05)
    (scheduler, _), file = dask()
    process = toys(root, 6, *settings.values(), file)
    wait_for(lambda: at_work(root))
    scheduler.kill()
    _, told = process.communicate(timeout=300)
    assert process.returncode == 2, told
    assert "the scheduler is gone" in told
    assert "Traceback" not in told
    dask()
    process = toys(root, 6, *settings.values(), file)
    _, told = process.communicate(timeout=300)
    assert process.returncode == 0, told
    require_one_at_a_time(root, family(6, **settings))


def run_study(out, *argv, kills=0):
    """A real study as a command; its rows."""
    words = [sys.executable, "-m", "experiments", *TINY, "--out", str(out), *argv]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        if kills:
            assert kill_some(process, out, kills, random.Random(2), 3.0) == kills
        _, told = process.communicate(timeout=900)
        assert process.returncode == 0, told
    finally:
        process.kill()
    return (out / "rows.jsonl").read_bytes()


@pytest.mark.slow  # four times a whole study
def test_one_process_two_a_cluster_and_one_with_kills_end_in_the_same_rows(tmp_path):
    expected = run_study(tmp_path / "one")
    assert len(expected.splitlines()) == 48
    assert run_study(tmp_path / "two", "--workers", "2") == expected
    assert run_study(tmp_path / "three", "--cluster", "local:3") == expected
    killed = run_study(tmp_path / "killed", "--cluster", "local:3", kills=3)
    assert killed == expected
