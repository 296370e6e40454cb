"""A job is one process's at a time, with locks that hold and with locks that do not."""

import errno
import itertools
import threading
import time

import pytest

from experiments.protocol import claims, queue
from experiments.protocol.claims import LostError, claim, newest_claim
from experiments.protocol.folders import STOPPED
from experiments.protocol.work import folder_of, outcome
from jaxseg.errors import UserError
from jaxseg.files import read_json
from tests.experiments.toys import Toy, require_one_at_a_time, rows_of


@pytest.fixture
def fast(monkeypatch):
    """Claims that beat often and are soon taken for dead."""
    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(claims, "SILENT_SECONDS", 0.3)


@pytest.fixture
def no_locks(monkeypatch):
    """A file system that has no locks."""

    def flock(file, how):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(claims.fcntl, "flock", flock)


@pytest.fixture
def idle_locks(monkeypatch):
    """Locks that every machine gets, as on some mounts of NFS and Lustre."""
    monkeypatch.setattr(claims.fcntl, "flock", lambda file, how: None)


def left_over(folder):
    """A claim of a process that was killed."""
    with claim(folder, "job", machine=lambda: "there") as mine:
        assert mine is not None
        mine._released.set()
        mine._thread.join()
        mine._lost = True  # so that its file stays


def test_of_two_in_one_kernel_one_waits_and_nothing_is_left(tmp_path):
    with claim(tmp_path, "job") as mine, claim(tmp_path, "job") as theirs:
        assert mine is not None
        assert theirs is None
    with claim(tmp_path, "job") as again:
        assert again is not None
    assert newest_claim(tmp_path) == (0, None)


@pytest.mark.usefixtures("idle_locks", "fast")
def test_a_claim_of_another_machine_holds_while_it_beats_where_locks_do_not(tmp_path):
    with claim(tmp_path, "job", machine=lambda: "there") as mine:
        assert mine is not None
        for _ in range(20):
            with claim(tmp_path, "job", machine=lambda: "here") as theirs:
                assert theirs is None
            time.sleep(0.03)


@pytest.mark.usefixtures("fast")
def test_a_dead_claim_of_this_machine_is_free_at_once_elsewhere_after_a_while(tmp_path):
    left_over(tmp_path)
    with claim(tmp_path, "job", machine=lambda: "here") as theirs:
        assert theirs is None
    with claim(tmp_path, "job", machine=lambda: "there") as mine:
        assert mine is not None
    left_over(tmp_path)
    began = time.monotonic()
    for _ in range(100):
        with claim(tmp_path, "job", machine=lambda: "here") as theirs:
            if theirs is not None:
                break
        time.sleep(0.02)
    assert theirs is not None
    assert time.monotonic() - began >= claims.SILENT_SECONDS
    assert newest_claim(tmp_path) == (0, None)


@pytest.mark.usefixtures("no_locks", "fast")
def test_of_many_that_find_a_dead_claim_without_locks_one_takes_it_over(tmp_path):
    left_over(tmp_path)
    held, most, took = [], [], []
    begin = threading.Barrier(8)

    def seek(name):
        begin.wait()
        while not took:
            with claim(tmp_path, "job", machine=lambda: name) as mine:
                if mine is not None:
                    held.append(name)
                    time.sleep(0.1)
                    most.append(len(held))
                    took.append(name)
                    held.remove(name)
            time.sleep(0.01)

    seekers = [threading.Thread(target=seek, args=(f"m{k}",)) for k in range(8)]
    for seeker in seekers:
        seeker.start()
    for seeker in seekers:
        seeker.join()
    assert most == [1] * len(most)
    assert took


@pytest.mark.usefixtures("idle_locks", "fast")
def test_who_stood_still_and_was_overtaken_is_told_and_leaves_the_other_alone(tmp_path):
    with claim(tmp_path, "job", machine=lambda: "there") as mine:
        assert mine is not None
        other = claims._take(tmp_path, 2, "job", "here")
        time.sleep(0.2)
        with pytest.raises(LostError, match="job was taken over by another process"):
            mine.spend(1)
    assert newest_claim(tmp_path) == (2, other._path)


def test_a_full_disk_is_a_sentence_and_leaves_no_claim(tmp_path, monkeypatch):
    def dump(about, file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(claims.json, "dump", dump)
    with pytest.raises(UserError, match="No space left"), claim(tmp_path, "job"):
        raise AssertionError
    assert newest_claim(tmp_path) == (0, None)


def test_why_a_try_ended_is_kept_until_one_succeeds(tmp_path):
    broken = Toy(name="toy", fails="masks/a.png is damaged")
    with pytest.raises(UserError, match=r"masks/a\.png is damaged"):
        queue.attempt(tmp_path, broken, lambda effort: None)
    kept = folder_of(tmp_path, broken) / STOPPED
    assert read_json(kept)["why"] == "masks/a.png is damaged"
    assert queue.attempt(tmp_path, Toy(name="toy", pause=0), lambda effort: None)
    assert not kept.exists()


@pytest.mark.usefixtures("idle_locks")
def test_machines_without_locks_share_a_study_and_do_no_job_twice(
    tmp_path, monkeypatch
):
    """Threads stand for machines; what they do is logged as by processes."""
    from tests.experiments import toys

    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(toys.os, "getpid", threading.get_ident)
    names = itertools.count()
    local = threading.local()

    def machine():
        if not hasattr(local, "name"):
            local.name = f"machine {next(names)}"
        return local.name

    monkeypatch.setattr(
        claims.claim.__wrapped__, "__kwdefaults__", {"machine": machine}
    )
    monkeypatch.setattr(queue, "WAIT_SECONDS", 0.01)
    jobs = [Toy(name=f"toy {k}", pause=0.002) for k in range(9)]
    workers = [
        threading.Thread(
            target=queue.work_off, args=(tmp_path, jobs, lambda label, effort: None)
        )
        for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(outcome(tmp_path, job)["failed"] is None for job in jobs)
    require_one_at_a_time(tmp_path, jobs)
    assert len(rows_of(tmp_path, jobs).splitlines()) == 9
