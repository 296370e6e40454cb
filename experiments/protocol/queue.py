"""Doing the jobs of a study, by one process or several, however often it is killed."""

import contextlib
import fcntl
import multiprocessing
import os
import queue
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax

from experiments.protocol.jobs import Job, order_jobs
from experiments.protocol.work import (
    folder_of,
    forget_partial,
    outcome,
    perform,
)
from jaxseg.cli.progress import bar
from jaxseg.errors import Stopped, UserError
from jaxseg.training.heap import keep_freed_memory, release_memory

LOCK = ".lock"
RELEASE_EVERY = 10
"""Jobs after which compiled programs are let go: kept, they fill gigabytes."""
WAIT_SECONDS = 1.0
REPORT_SECONDS = 1.0


def use_compilation_cache(folder: Path) -> None:
    """Keeps compiled programs in `folder`, unless the user has named a place."""
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


@contextlib.contextmanager
def _claim(folder: Path) -> Iterator[bool]:
    """Whether a job's folder is this process's; the claim ends with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def work_off(
    root: Path, jobs: Sequence[Job], tell: Callable[[str, float], object]
) -> None:
    """Does all jobs that no other process is doing, until none is left.

    Args:
      root: folder of the study.
      jobs: in an order in which each comes after what it needs.
      tell: called with a job's label and the effort spent on it since the last call.

    Raises:
      UserError: see `work.perform`.
    """
    keep_freed_memory()
    left = [job for job in jobs if outcome(root, job) is None]
    worked = 0
    while left:
        idle = True
        for job in left:
            if any(outcome(root, needed) is None for needed in job.needs):
                continue
            with _claim(folder_of(root, job)) as mine:
                if not mine or outcome(root, job) is not None:
                    continue
                spent = 0.0

                def tick(effort: float, job: Job = job) -> None:
                    nonlocal spent
                    spent += effort
                    tell(job.label, effort)

                perform(root, job, tick)
                tell(job.label, job.effort - spent)
                idle = False
            worked += 1
            if worked % RELEASE_EVERY == 0:
                release_memory()
        left = [job for job in left if outcome(root, job) is None]
        if left and idle:
            time.sleep(WAIT_SECONDS)  # others are at what is left


def run_jobs(root: Path, jobs: Sequence[Job], *, workers: int = 1) -> None:
    """Does all jobs with a progress line; what is done already is passed over.

    Raises:
      UserError: see `work.perform`; a worker died; the user stopped it.
    """
    ordered = order_jobs(jobs)
    partial = sum(forget_partial(root, job) for job in ordered)
    if partial:
        warnings.warn(
            f"{partial} scorings in {root} do not hold the cases that they were left "
            "with: they are made again",
            stacklevel=1,
        )
    done = sum(job.effort for job in ordered if outcome(root, job) is not None)
    total = sum(job.effort for job in ordered)
    use_compilation_cache(root / "programs")
    with bar(total, "study", "step", start=done) as progress:
        spent = float(done)

        def tell(label: str, effort: float) -> None:
            nonlocal spent
            spent += effort
            progress.set_description_str(label, refresh=False)
            progress.update(round(spent) - progress.n)

        try:
            if workers == 1:
                work_off(root, ordered, tell)
            else:
                _share_out(root, ordered, workers, tell)
        except KeyboardInterrupt:
            raise Stopped(f"stopped; the same command takes {root} up again") from None


def _share_out(
    root: Path,
    jobs: Sequence[Job],
    workers: int,
    tell: Callable[[str, float], object],
) -> None:
    context = multiprocessing.get_context("spawn")
    messages: Any = context.Queue()
    cores = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
    shares = [cores[k::workers] for k in range(workers)]
    processes = [
        context.Process(
            target=_worker, args=(root, jobs, share, messages, os.getpid()), daemon=True
        )
        for share in shares
    ]
    for process in processes:
        process.start()
    try:
        while any(process.is_alive() for process in processes) or not messages.empty():
            try:
                label, effort = messages.get(timeout=0.5)
            except queue.Empty:
                dead = [p.exitcode for p in processes if p.exitcode not in (None, 0)]
                if dead:
                    raise UserError(
                        f"a worker ended with status {dead[0]}; the same command takes "
                        f"{root} up again"
                    ) from None
                continue
            if label is None:
                raise UserError(effort)
            tell(label, effort)
    finally:
        for process in processes:
            process.kill()
            process.join()


def _worker(
    root: Path, jobs: Sequence[Job], cores: Sequence[int], messages: Any, parent: int
) -> None:
    """One of several processes; ends when its parent has ended."""
    if cores:  # threads of one worker would only wait for those of another
        os.sched_setaffinity(0, cores)
    use_compilation_cache(root / "programs")
    pending, since, last = 0.0, time.monotonic(), ""

    def tell(label: str, effort: float) -> None:
        nonlocal pending, since, last
        if os.getppid() != parent:
            os._exit(1)
        pending += effort
        if label != last or time.monotonic() - since > REPORT_SECONDS:
            messages.put((label, pending))
            pending, since, last = 0.0, time.monotonic(), label

    try:
        work_off(root, jobs, tell)
        messages.put((last, pending))
    except UserError as error:
        messages.put((None, str(error)))
    except KeyboardInterrupt:
        os._exit(1)
