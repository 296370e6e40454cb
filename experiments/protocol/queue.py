"""Doing the jobs of a study, by one process or several, however often it is killed."""

import contextlib
import hashlib
import multiprocessing
import os
import platform
import queue
import socket
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax

from experiments.protocol.claims import LostError, claim
from experiments.protocol.folders import STOPPED
from experiments.protocol.jobs import Job, order_jobs
from experiments.protocol.work import (
    Tick,
    folder_of,
    forget_partial,
    outcome,
    perform,
)
from jaxseg.cli.progress import bar
from jaxseg.errors import Stopped, UserError
from jaxseg.files import write_json
from jaxseg.training.heap import keep_freed_memory, release_memory

RELEASE_EVERY = 10
"""Jobs after which compiled programs are let go: kept, they fill gigabytes."""
WAIT_SECONDS = 1.0
REPORT_SECONDS = 1.0


def use_compilation_cache(folder: Path) -> None:
    """Keeps compiled programs in `folder`, unless the user has named a place."""
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        place = str(folder / _processor())
        jax.config.update("jax_compilation_cache_dir", place)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def _processor() -> str:
    """Names what programs are compiled for: machines with one folder may differ."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    found = sorted({x for x in lines if x.startswith(("model name", "flags"))})
    digest = hashlib.sha256("\n".join(found).encode()).hexdigest()[:8]
    return f"{platform.machine()}-{digest}"


def attempt(root: Path, job: Job, tick: Tick) -> bool:
    """Does a job unless another process is at it.

    Args:
      root: folder of the study.
      job: whose needs are met.
      tick: called with the effort spent since the last call.

    Returns:
      Whether it is done now, by whomever.

    Raises:
      UserError: see `work.perform`; the reason is kept in the job's folder.
    """
    folder = folder_of(root, job)
    with claim(folder, job.label) as mine:
        if mine is None:
            return False
        if outcome(root, job) is not None:
            return True

        def spend(effort: float) -> None:
            mine.spend(effort)
            tick(effort)

        stopped = folder / STOPPED
        try:
            perform(root, job, spend)
        except LostError:  # it is another's by now
            raise
        except (UserError, OSError) as error:
            with contextlib.suppress(UserError):
                write_json(stopped, {"why": str(error), "host": socket.gethostname()})
            raise
        stopped.unlink(missing_ok=True)
    return True


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
            spent = 0.0

            def tick(effort: float, job: Job = job) -> None:
                nonlocal spent
                spent += effort
                tell(job.label, effort)

            if not attempt(root, job, tick):
                continue
            tell(job.label, job.effort - spent)
            idle = False
            worked += 1
            if worked % RELEASE_EVERY == 0:
                release_memory()
        left = [job for job in left if outcome(root, job) is None]
        if left and idle:
            time.sleep(WAIT_SECONDS)  # others are at what is left


def run_jobs(
    root: Path,
    jobs: Sequence[Job],
    *,
    workers: int = 1,
    cluster: str | None = None,
    threads: int | None = None,
) -> int:
    """Does all jobs with a progress line; what is done already is passed over.

    Args:
      root: folder of the study.
      jobs: of the study, in any order.
      workers: processes of this machine.
      cluster: see `cluster.parse`; None does without.
      threads: of a job, for workers of a cluster; see `threads`.

    Returns:
      How many workers there were.

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
            if cluster is not None:
                from experiments.protocol.cluster import run_on_cluster

                return run_on_cluster(root, ordered, cluster, tell, threads=threads)
            if workers == 1:
                work_off(root, ordered, tell)
            else:
                _share_out(root, ordered, workers, tell)
        except KeyboardInterrupt:
            raise Stopped(f"stopped; the same command takes {root} up again") from None
    return workers


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
