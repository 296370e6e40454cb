"""Jobs that compute next to nothing, to see who does them and how often."""

import dataclasses
import functools
import hashlib
import itertools
import os
import time
from pathlib import Path
from typing import Any

from experiments.protocol import work
from experiments.protocol.dataset import digest_of
from jaxseg.errors import UserError
from jaxseg.files import read_json, write_json, write_rows

LOG = "log.txt"
STATE = "state.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Toy:
    """Steps of nothing, of which each keeps a number that follows from the last."""

    name: str
    needs: tuple["Toy", ...] = ()
    steps: int = 10
    pause: float = 0.02
    fails: str = ""

    @property
    def label(self) -> str:
        return self.name

    @property
    def effort(self) -> int:
        return self.steps

    @functools.cached_property
    def key(self) -> str:
        return digest_of([self.name, self.steps, [job.key for job in self.needs]])


def do_toy(root: Path, folder: Path, job: Toy, tick: Any) -> dict[str, Any]:
    """Goes on from the last step kept; its log tells which process took each step."""
    if job.fails:
        raise UserError(job.fails)
    before = [(work.folder_of(root, x) / work.CASES).read_text() for x in job.needs]
    state = {"step": 0, "value": digest_of([job.name, before])}
    if (folder / STATE).is_file():
        state = read_json(folder / STATE)
    while state["step"] < job.steps:
        time.sleep(job.pause)
        text = hashlib.sha256(state["value"].encode()).hexdigest()
        state = {"step": state["step"] + 1, "value": text}
        write_json(folder / STATE, state)
        with (folder / LOG).open("a") as file:
            file.write(f"{time.monotonic()} {os.getpid()} {state['step']}\n")
        tick(1)
    write_rows(folder / work.CASES, [{"case": job.name, "value": state["value"]}])
    return {}


work._DOING[Toy] = do_toy


def family(count: int, **settings: Any) -> list[Toy]:
    """Jobs of which every third needs the two before it."""
    jobs: list[Toy] = []
    for k in range(count):
        needs = tuple(jobs[-2:]) if k % 3 == 2 else ()
        jobs.append(Toy(name=f"toy {k}", needs=needs, **settings))
    return jobs


def rows_of(root: Path, jobs: list[Toy]) -> bytes:
    """What all jobs have left, in their order."""
    return b"".join((work.folder_of(root, x) / work.CASES).read_bytes() for x in jobs)


def require_one_at_a_time(root: Path, jobs: list[Toy]) -> None:
    """Asserts that no step was taken twice, and no job by two processes in turns.

    A process that was killed may have kept a step that it did not log any more.
    """
    for job in jobs:
        text = (work.folder_of(root, job) / LOG).read_text()
        lines = sorted(tuple(map(float, line.split())) for line in text.splitlines())
        steps, took = [step for *_, step in lines], [pid for _, pid, _ in lines]
        assert all(a < b for a, b in itertools.pairwise(steps)), text
        changes = sum(a != b for a, b in itertools.pairwise(took))
        assert changes == len(set(took)) - 1, text
