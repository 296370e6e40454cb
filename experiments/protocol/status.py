"""What is done, what is running where, what waits: read from a study's folder alone.

The command that plans a study leaves its plan there, jobs leave what became of them,
and whoever is at a job renews its claim; so any machine that sees the folder can tell,
without the data and without a scheduler.
"""

import dataclasses
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.protocol.claims import SILENT_SECONDS, newest_claim, read_claim
from experiments.protocol.folders import DONE, JOBS, PLAN, STOPPED
from jaxseg.errors import UserError
from jaxseg.files import read_json, write_json

SHOWN = 20
"""Jobs of a list that are told one by one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Planned:
    """A job as a plan names it.

    Attributes:
      key: of the job.
      kind: of job.
      label: for people.
      effort: about how many steps of training it is worth.
      needs: keys of what it builds on.
    """

    key: str
    kind: str
    label: str
    effort: float
    needs: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Running:
    """A job that a process is at.

    Attributes:
      job: that is running.
      where: host and process.
      seconds: since it was begun there.
      share: of its effort that was spent there.
      silent: seconds since its process was heard of.
    """

    job: Planned
    where: str
    seconds: float
    share: float
    silent: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Status:
    """What is known of a study's jobs.

    Attributes:
      done: and of use.
      failed: with the reason; what builds on them fails as well.
      running: by processes that were heard of lately.
      silent: begun by processes that were not.
      stopped: jobs whose last try ended with a sentence, and that sentence.
      waiting: all others.
      share: of the work that is done, by effort.
      seconds_left: of the workers there are; None where it cannot be told.
      work_left: the same for one worker.
    """

    done: Sequence[Planned]
    failed: Sequence[tuple[Planned, str]]
    running: Sequence[Running]
    silent: Sequence[Running]
    stopped: Sequence[tuple[Planned, str]]
    waiting: Sequence[Planned]
    share: float
    seconds_left: float | None
    work_left: float | None


def write_plan(root: Path, study: str, jobs: Sequence[Any]) -> None:
    """Leaves the plan of a study in its folder.

    Args:
      root: folder of the study.
      study: its name.
      jobs: all of them, each after what it needs.
    """
    rows = [
        {
            "key": job.key,
            "kind": type(job).__name__,
            "label": job.label,
            "effort": job.effort,
            "needs": [needed.key for needed in job.needs],
        }
        for job in jobs
    ]
    write_json(root / PLAN, {"study": study, "jobs": rows})


def read_plan(root: Path) -> list[Planned]:
    """The jobs of the plan that lies in a folder.

    Raises:
      UserError: none does.
    """
    if not (root / PLAN).is_file():
        raise UserError(
            f"--status: no study was planned in {root} yet; --out and --scale name "
            "the folder as they do where it runs"
        )
    rows = read_json(root / PLAN)["jobs"]
    return [Planned(**{**row, "needs": tuple(row["needs"])}) for row in rows]


def status_of(root: Path) -> Status:
    """Looks at all jobs of a study.

    Raises:
      UserError: no study was planned there; a file is damaged.
    """
    now = _now(root)
    done: list[Planned] = []
    failed: list[tuple[Planned, str]] = []
    running: list[Running] = []
    silent: list[Running] = []
    stopped: list[tuple[Planned, str]] = []
    waiting: list[Planned] = []
    rates: dict[str, list[float]] = {}
    for job in read_plan(root):
        folder = root / JOBS / job.key
        if (folder / DONE).is_file():
            found = read_json(folder / DONE)
            if found["failed"]:
                failed.append((job, found["failed"]))
                continue
            done.append(job)
            if job.effort:
                rates.setdefault(job.kind, []).append(found["seconds"] / job.effort)
            continue
        claimed = _claim_of(folder, job, now)
        if claimed is not None and claimed.silent < SILENT_SECONDS:
            running.append(claimed)
        elif (folder / STOPPED).is_file():
            why = read_json(folder / STOPPED)
            stopped.append((job, f"{why['why']} (on {why['host']})"))
        elif claimed is not None:
            silent.append(claimed)
        else:
            waiting.append(job)
    left = [*waiting, *(x.job for x in silent), *(job for job, _ in stopped)]
    work = _work_left(left, running, rates)
    total = sum(job.effort for job in read_plan(root)) or 1
    spent = sum(job.effort for job in done) + sum(job.effort for job, _ in failed)
    spent += sum(x.share * x.job.effort for x in running)
    return Status(
        done=done,
        failed=failed,
        running=running,
        silent=silent,
        stopped=stopped,
        waiting=waiting,
        share=spent / total,
        work_left=work,
        seconds_left=work / len(running) if running and work is not None else None,
    )


def _now(root: Path) -> float:
    """The time by the clock of the file system, which is that of the claims."""
    try:
        with tempfile.TemporaryFile(dir=root) as file:
            return os.fstat(file.fileno()).st_mtime
    except OSError:
        return time.time()


def _claim_of(folder: Path, job: Planned, now: float) -> Running | None:
    _, path = newest_claim(folder)
    if path is None:
        return None
    told, beat = read_claim(path)
    if not told:
        return None
    return Running(
        job=job,
        where=f"{told['host']} (process {told['pid']})",
        seconds=max(beat - told["since"], 0.0),
        share=min(told["effort"] / (job.effort or 1), 1.0),
        silent=max(now - beat, 0.0),
    )


def _work_left(
    left: Sequence[Planned],
    running: Sequence[Running],
    rates: Mapping[str, Sequence[float]],
) -> float | None:
    """Seconds of one worker, from what jobs of the same kind have taken."""
    every = [rate for found in rates.values() for rate in found]
    every += [
        x.seconds / (x.share * x.job.effort)
        for x in running
        if x.share * x.job.effort > 0 and x.seconds > 0
    ]
    if not every:
        return None

    def seconds(job: Planned, share: float = 1.0) -> float:
        return statistics.median(rates.get(job.kind, every)) * job.effort * share

    return sum(map(seconds, left)) + sum(seconds(x.job, 1 - x.share) for x in running)


def text_of(status: Status, root: Path) -> str:
    """The status for people."""
    counts = {
        "running": len(status.running),
        "waiting": len(status.waiting) + len(status.silent),
        "stopped": len(status.stopped),
        "failed": len(status.failed),
    }
    whole = len(status.done) + sum(counts.values())
    told = [f"{count} {name}" for name, count in counts.items() if count]
    lines = [
        ", ".join(
            [
                f"{root}: {len(status.done)} of {whole} jobs done",
                *told,
            ]
        )
        + f"; {100 * status.share:.0f} % of the work"
    ]
    lines += _list("running", status.running, _running)
    lines += _list("left by a process that was killed, or stands still",
                   status.silent, _silent)  # fmt: skip
    lines += _list("stopped", status.stopped, _sentence)
    lines += _list("failed", status.failed, _sentence)
    if whole == len(status.done) + len(status.failed):
        lines.append("all done")
    elif status.seconds_left is not None:
        at_work = len(status.running)
        lines.append(
            f"about {duration(status.seconds_left)} left with {at_work} at work"
        )
    elif status.work_left is not None:
        lines.append(
            f"nobody is at work; about {duration(status.work_left)} of one worker are "
            "left, and the same command goes on"
        )
    elif not status.running:
        lines.append("nobody is at work; the same command goes on")
    return "\n".join(lines)


def _list(title: str, items: Sequence[Any], line: Any) -> list[str]:
    if not items:
        return []
    more = len(items) - SHOWN
    rest = [f"  and {more} more"] if more > 0 else []
    return [f"{title}:", *(f"  {line(item)}" for item in items[:SHOWN]), *rest]


def _running(x: Running) -> str:
    share = f"{100 * x.share:.0f} % in {duration(x.seconds)}"
    return f"{x.job.label}: {share}, on {x.where}"


def _silent(x: Running) -> str:
    return f"{x.job.label}: on {x.where}, not heard of for {duration(x.silent)}"


def _sentence(item: tuple[Planned, str]) -> str:
    return f"{item[0].label}: {item[1]}"


def duration(seconds: float) -> str:
    """Seconds as people say them: two units at most."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
