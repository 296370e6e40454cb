"""The jobs of a study on a Dask cluster, which schedules and takes them from the dead.

Every job is one task that depends on the tasks of what it needs. A worker does one at a
time, in the study's folder, which all machines share; what it returns is only whether
it is done. So neither a worker's death nor the scheduler's loses anything: the folder
is what is left, and the same command goes on.
"""

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import pickle
import socket
import sys
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

from experiments.protocol import elsewhere, queue, threads
from experiments.protocol.dataset import Dataset
from experiments.protocol.folders import ID
from experiments.protocol.jobs import Job
from experiments.protocol.work import folder_of, outcome
from jaxseg import rooms
from jaxseg.errors import UserError, number_of
from jaxseg.training.heap import keep_freed_memory, release_memory

LOCAL = "local"
BATCH_SYSTEMS = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "lsf": "LSFCluster",
    "sge": "SGECluster",
    "htcondor": "HTCondorCluster",
    "oar": "OARCluster",
}
"""What dask-jobqueue calls them."""
TOPIC = "jaxseg"
"""Under which workers tell why they do not serve."""
ALLOWED_DEATHS = 10
"""Workers that may end with a job before it counts as what ended them."""
RETRIES = 2
"""After a file that could not be read or written."""
SHARED_SECONDS = 120.0
"""Within which a file of one machine is seen by the others; NFS takes up to 60."""
LOST_SECONDS = 600
"""Within which a local worker that has died must be back; by default it is given up
after 15, which importing JAX on a busy machine can take."""
CONNECT_SECONDS, POLL_SECONDS, EMPTY_SECONDS = 20, 1.0, 5.0
VERSIONS = ("jax", "jaxlib", "numpy", "flax", "optax")
"""Packages on which the bits of a result depend."""
_HELP = (
    f"--cluster takes {LOCAL}:4 (workers of this machine), the address or the file of "
    "a scheduler (tcp://HOST:8786, scheduler.json), or slurm:8 "
    f"({', '.join(BATCH_SYSTEMS)})"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a worker must have to do jobs of a study.

    Attributes:
      root: folder of the study.
      folder: what `folder_id` says of it where the study is begun.
      datasets: that jobs read.
      threads: of a job; see `threads`.
      versions: of packages.
    """

    root: Path
    folder: str
    datasets: tuple[Dataset, ...]
    threads: int | None
    versions: Mapping[str, str]

    def refusal(self, nthreads: int) -> str | None:
        """Why this process does not serve, as a sentence; None if it does."""
        if nthreads != 1:
            return (
                f"does {nthreads} jobs at once in one process: start it with "
                "--nthreads 1, and several with --nworkers"
            )
        theirs = versions()
        for name, version in self.versions.items():
            if theirs[name] != version:
                return (
                    f"has {name} {theirs[name]}, and the study is done with {version}: "
                    "equal versions give equal rows"
                )
        try:
            found = (self.root / ID).read_text()
        except OSError:
            found = None
        if found != self.folder:
            return (
                f"does not see the study's folder {self.root}: --out must be a folder "
                "that all machines share under one path"
            )
        for dataset in self.datasets:
            if elsewhere.place_of(dataset).is_relative_to(self.root):
                continue
            wrong = elsewhere.missing(dataset)
            if wrong is not None:
                return wrong
        return None


def versions() -> dict[str, str]:
    """Of packages on which the bits of a result depend."""
    return {name: importlib.metadata.version(name) for name in VERSIONS}


def folder_id(root: Path) -> str:
    """A name of a study's folder, by which other machines know that they see it."""
    with contextlib.suppress(FileExistsError), (root / ID).open("x") as file:
        file.write(uuid.uuid4().hex)
    return (root / ID).read_text()


def require_installed() -> None:
    """Refuses to begin without the engine.

    Raises:
      UserError: saying what to install.
    """
    if importlib.util.find_spec("distributed") is None:
        raise UserError(
            "--cluster needs distributed, which is not installed: "
            "pip install 'jaxseg[cluster]'"
        )


def parse(address: str) -> tuple[str, int | None]:
    """What kind of cluster is meant, and how many workers where that is told.

    Raises:
      UserError: it is no address.
    """
    kind, colon, rest = address.partition(":")
    if kind == LOCAL or kind in BATCH_SYSTEMS:
        if not rest.isdecimal() or not 1 <= int(rest) <= 100_000:
            raise UserError(f"--cluster {address}: {_HELP}")
        return kind, int(rest)
    if address.endswith(".json") or Path(address).is_file():
        if not Path(address).is_file():
            raise UserError(
                f"--cluster {address}: there is no such file; `dask scheduler "
                f"--scheduler-file {address}` writes it"
            )
        return "file", None
    port = address.rpartition(":")[2].rstrip("/")
    if "://" in address or (colon and port.isdecimal() and int(port) >= 1024):
        return "address", None
    raise UserError(f"--cluster {address}: {_HELP}")


def require_reachable(address: str) -> None:
    """Refuses, before anything is computed, what cannot serve.

    Raises:
      UserError: the engine is missing, that is no address, or nobody answers there.
    """
    require_installed()
    if parse(address)[0] in ("file", "address"):
        with connected(address):
            pass


@contextlib.contextmanager
def connected(address: str) -> Iterator[Any]:
    """A client of the cluster, which is started where it is one of our own.

    Raises:
      UserError: there is none, or it cannot be reached.
    """
    kind, count = parse(address)
    import dask
    from distributed import Client, LocalCluster

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_quiet_workers())
        slow = {"distributed.deploy.lost-worker-timeout": LOST_SECONDS}
        stack.enter_context(dask.config.set(slow))
        try:
            if kind == LOCAL:
                made = LocalCluster(
                    n_workers=count,
                    threads_per_worker=1,
                    processes=True,
                    memory_limit=0,
                    dashboard_address="127.0.0.1:0",
                    silence_logs=logging.CRITICAL,
                )
                client = Client(stack.enter_context(made))
            elif kind in BATCH_SYSTEMS:
                made = stack.enter_context(_batch_cluster(kind))
                made.adapt(minimum=count, maximum=count)  # begins lost ones anew
                client = Client(made)
            elif kind == "file":
                client = Client(scheduler_file=address, timeout=CONNECT_SECONDS)
            else:
                client = Client(address, timeout=CONNECT_SECONDS)
        except (OSError, ValueError, RuntimeError) as error:
            reason = str(error).partition("\n")[0]
            if kind == LOCAL:
                why = f"its workers cannot be started ({reason})"
            elif kind in BATCH_SYSTEMS:
                why = f"its scheduler cannot be started ({reason})"
            else:
                why = (
                    f"no scheduler answers there ({reason}); start one with "
                    "`dask scheduler`"
                )
            raise UserError(f"--cluster {address}: {why}") from error
        yield stack.enter_context(client)


@contextlib.contextmanager
def _quiet_workers() -> Iterator[None]:
    """Has workers of this machine say on its terminal only what stops them."""
    name = "DASK_LOGGING__DISTRIBUTED"
    if name in os.environ:
        yield
        return
    os.environ[name] = "critical"
    try:
        yield
    finally:
        del os.environ[name]


def _batch_cluster(kind: str) -> Any:
    """Workers that a batch system starts, as Dask's own settings describe them."""
    if importlib.util.find_spec("dask_jobqueue") is None:
        raise UserError(
            f"--cluster {kind}:N needs dask-jobqueue, which is not installed: "
            "pip install 'jaxseg[cluster]'"
        )
    import dask_jobqueue

    make = getattr(dask_jobqueue, BATCH_SYSTEMS[kind])
    try:
        return make(cores=1, processes=1)
    except (ValueError, TypeError) as error:
        reason = str(error).partition(", for example")[0].splitlines()[0].rstrip(".")
        raise UserError(
            f"--cluster {kind}:N: {reason}; queue, memory and walltime of a worker "
            "stand in ~/.config/dask/jobqueue.yaml"
        ) from error


def run_on_cluster(
    root: Path,
    jobs: Sequence[Job],
    address: str,
    tell: Callable[[str, float], object],
    *,
    threads: int | None,
) -> int:
    """Does all jobs that are not done, on the workers of a cluster.

    Args:
      root: folder of the study, which all machines share.
      jobs: in an order in which each comes after what it needs.
      address: see `parse`.
      tell: called with a job's label and its effort when it is done.
      threads: of a job; None leaves it to XLA.

    Returns:
      How many workers there were at most.

    Raises:
      UserError: see `work.perform`; the cluster is gone, or none of its workers serves.
    """
    left = [job for job in jobs if outcome(root, job) is None]
    if not left:
        return 1
    root = root.resolve()
    datasets: dict[str, Dataset] = {}
    for job in left:
        datasets |= elsewhere.datasets_of(job)
    wanted = Wanted(
        root=root,
        folder=folder_id(root),
        datasets=tuple(
            dataclasses.replace(dataset, hashes={}, patients={})
            for dataset in datasets.values()
        ),
        threads=threads,
        versions=versions(),
    )
    with connected(address) as client:
        return _Session(client, wanted, address, tell).run(left)


class _Session:
    """One command's work with a cluster."""

    def __init__(
        self,
        client: Any,
        wanted: Wanted,
        address: str,
        tell: Callable[[str, float], object],
    ):
        self.client, self.wanted, self.address = client, wanted, address
        self.tell = tell
        self.refused: dict[str, str] = {}
        self.told: set[str] = set()
        self.told_empty, self.most, self.heard = False, 0, 0
        self.without_since: float | None = None
        self.name = (
            f"jaxseg-{hashlib.sha256(str(wanted.root).encode()).hexdigest()[:8]}"
        )

    def run(self, jobs: Sequence[Job]) -> int:
        """Hands the jobs over and waits for them; the number of workers at most."""
        client = self.client
        print(f"dashboard: {client.dashboard_link}", file=sys.stderr)
        self.heard = len(client.get_events(TOPIC))
        client.run_on_scheduler(_allow_deaths)
        client.register_plugin(_entrance(self.wanted, self.name), name=self.name)
        futures: dict[str, Any] = {}
        for job in jobs:
            futures[job.key] = client.submit(
                do_job,
                self.name,
                self.wanted.root,
                elsewhere.without_cases(job),
                [futures[n.key] for n in job.needs if n.key in futures],
                key=f"{type(job).__name__.lower()}-{self.name}-{job.key}",
                retries=RETRIES,
            )
        try:
            self._wait({futures[job.key]: job for job in jobs})
        finally:
            with contextlib.suppress(Exception):  # of a scheduler that is gone
                client.cancel(list(futures.values()))
                client.unregister_worker_plugin(self.name)
        return max(self.most, 1)

    def _wait(self, left: dict[Any, Job]) -> None:
        """Waits for futures, and tells of each as it is done.

        Raises:
          UserError: a job could not be done; the others were tried all the same.
        """
        from distributed import wait

        wrong: list[str] = []
        while left:
            with contextlib.suppress(TimeoutError, CancelledError):
                wait(list(left), timeout=POLL_SECONDS, return_when="FIRST_COMPLETED")
            self._look_at_workers()
            for future in [future for future in left if future.done()]:
                job = left.pop(future)
                sentence = self._why_not(future, job)
                if sentence is None:
                    seen(self.wanted.root, job)
                    self.tell(job.label, job.effort)
                elif sentence not in wrong:
                    wrong.append(sentence)
        if wrong:
            more = f" (and {number_of(len(wrong) - 1, 'other job')})" * (len(wrong) > 1)
            raise UserError(
                f"{wrong[0]}{more}; the same command takes {self.wanted.root} up again"
            )

    def _why_not(self, future: Any, job: Job) -> str | None:
        """Why a job is not done, as a sentence; None if it is.

        Raises:
          UserError: the scheduler is gone.
        """
        from distributed import KilledWorker

        if future.status == "finished":
            return None
        if future.cancelled():
            raise UserError(
                f"--cluster {self.address}: the scheduler is gone or has given the "
                f"jobs up; the same command takes {self.wanted.root} up again"
            )
        error = future.exception()
        if isinstance(error, KilledWorker):
            return (
                f"{job.label}: {ALLOWED_DEATHS + 1} workers ended while they were at "
                "it, for lack of memory most likely"
            )
        if isinstance(error, UserError | OSError):
            return str(error)
        raise error

    def _hear(self) -> None:
        """Takes note of why workers do not serve.

        The scheduler keeps what they say: a subscription may begin after it was said.
        """
        events = self.client.get_events(TOPIC)[self.heard :]
        self.heard += len(events)
        for _, told in events:
            if told["study"] == self.name:
                self.refused[told["worker"]] = told["why"]

    def _look_at_workers(self) -> None:
        """Tells of workers that do not serve, and that there are none.

        Raises:
          UserError: there are none but these.
        """
        self._hear()
        info = self.client.scheduler_info(n_workers=-1)
        serving = set(info["workers"]) - set(self.refused)
        self.most = max(self.most, len(serving))
        for worker in list(self.refused):
            if worker not in self.told:
                warnings.warn(f"left out: {self.refused[worker]}", stacklevel=1)
                self.told.add(worker)
        if serving:
            self.without_since = None
        elif self.without_since is None:
            self.without_since = time.monotonic()
        elif time.monotonic() - self.without_since > EMPTY_SECONDS:
            if self.refused:
                why = list(self.refused.values())[-1]
                raise UserError(f"--cluster {self.address}: {why}")
            if not self.told_empty:
                warnings.warn(
                    f"no worker has come to {self.address} yet: this waits for one",
                    stacklevel=1,
                )
                self.told_empty = True


def _allow_deaths(dask_scheduler: Any) -> None:
    """Has a scheduler go on where workers come and go."""
    allowed = max(dask_scheduler.allowed_failures, ALLOWED_DEATHS)
    dask_scheduler.allowed_failures = allowed


def _entrance(wanted: Wanted, study: str) -> Any:
    """What every worker does before its first job; it is sent as code.

    So it works where the studies cannot be imported yet, and says so where they cannot
    be at all.
    """
    from distributed import WorkerPlugin

    sent, folder, topic = pickle.dumps(wanted), str(rooms.place()), TOPIC

    class Entrance(WorkerPlugin):
        def setup(self, worker: Any) -> None:
            import importlib.util
            import os
            import socket
            import sys

            known = importlib.util.find_spec("experiments") is not None
            if not known and os.path.isdir(folder):
                sys.path.insert(0, folder)
            try:
                from experiments.protocol.cluster import enter

                sentence = enter(sent, worker.state.nthreads)
            except ImportError as error:
                sentence = (
                    f"cannot import {error.name}: install jaxseg where it runs, or "
                    f"set PYTHONPATH there to a checkout"
                )
            self.refused = sentence is not None
            if sentence is not None:
                where = f"the worker {worker.address} on {socket.gethostname()}"
                told = {"study": study, "worker": worker.address}
                worker.log_event(topic, {**told, "why": f"{where} {sentence}"})

    return Entrance()


def enter(sent: bytes, nthreads: int) -> str | None:
    """Makes a process ready for jobs; why it does not serve, where it does not."""
    wanted: Wanted = pickle.loads(sent)
    sentence = wanted.refusal(nthreads)
    if sentence is None:
        if wanted.threads is not None:
            os.environ[threads.VARIABLE] = str(wanted.threads)
        queue.use_compilation_cache(wanted.root / "programs")
        keep_freed_memory()
    return sentence


def do_job(study: str, root: Path, job: Job, needs: Sequence[None]) -> None:
    """The task of a job: does it, or waits for another process that is at it.

    Raises:
      UserError: see `work.perform`; what it needs is not seen here.
      Reschedule: this worker does not serve.
    """
    del needs  # they are done
    from distributed import Reschedule, get_worker

    if getattr(get_worker().plugins.get(study), "refused", False):
        time.sleep(POLL_SECONDS)
        raise Reschedule
    for needed in job.needs:
        seen(root, needed)
    while outcome(root, job) is None and not queue.attempt(root, job, _ignore):
        time.sleep(queue.WAIT_SECONDS)
    global _worked
    _worked += 1
    if _worked % queue.RELEASE_EVERY == 0:
        release_memory()


_worked = 0
"""Jobs that this process has done."""


def _ignore(effort: float) -> None:
    del effort


def seen(root: Path, job: Job) -> None:
    """Waits until what another machine has done is seen on this one.

    Raises:
      UserError: it is not, after minutes.
    """
    end = time.monotonic() + SHARED_SECONDS
    while outcome(root, job) is None:
        if time.monotonic() > end:
            raise UserError(
                f"{folder_of(root, job)} is not seen on {socket.gethostname()}, though "
                f"another machine has done {job.label}: is {root} shared?"
            )
        time.sleep(0.5)
        with contextlib.suppress(OSError):  # has NFS look again
            os.listdir(folder_of(root, job))
