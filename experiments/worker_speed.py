"""Several workers of one core, or one worker of all: which trains more on a CPU?

`python -m experiments worker_speed` has as many processes of one thread as there are
cores take steps of the studies' networks for some seconds, then one process of as many
threads, in turns; some minutes. Its child processes are this module's `main`.
"""

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.protocol.threads import fixed_threads, usable_cores
from jaxseg.errors import UserError

STEPS = 800
"""Of a job, for jobs an hour: a run of the odyssey at scale cpu."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What is measured.

    Attributes:
      cases: names of networks; see `step_speed.CASES`.
      seconds: that each way takes steps in a turn.
      rounds: turns of each way; rates are over all of them.
      cores: shared by the workers.
    """

    cases: tuple[str, ...] = ("2D", "3D", "EfficientNet")
    seconds: float = 10.0
    rounds: int = 2
    cores: int = dataclasses.field(default_factory=usable_cores)


def run(
    config: Config, tick: Callable[[str], object] = lambda _: None
) -> list[dict[str, Any]]:
    """One row for each network and way, with steps a second of all workers together.

    Raises:
      UserError: there is one core; a worker ended.
    """
    if config.cores < 2:
        raise UserError("worker_speed compares ways to share cores: there is one core")
    ways = ((config.cores, 1), (1, config.cores))
    rows = []
    for name in config.cases:
        steps, spent = dict.fromkeys(ways, 0), dict.fromkeys(ways, 0.0)
        for _ in range(config.rounds):
            for way in ways:
                for count, seconds in _turn(name, *way, config.seconds):
                    steps[way] += count
                    spent[way] += seconds / way[0]
                tick(f"{name}, {way[0]} x {way[1]}")
        rows += [
            {
                "case": name,
                "workers": workers,
                "threads": threads,
                "steps_a_second": steps[workers, threads] / spent[workers, threads],
                "load": os.getloadavg()[0],
            }
            for workers, threads in ways
        ]
    return rows


def _turn(
    name: str, workers: int, threads: int, seconds: float
) -> list[tuple[int, float]]:
    """Steps and seconds of each worker, which begin together once all have compiled."""
    command = [sys.executable, "-m", "experiments.worker_speed", name, str(seconds)]
    cores = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
    with fixed_threads(threads):
        begun = [
            subprocess.Popen(
                [*command, *map(str, cores[k::workers])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=Path(__file__).parents[1],
                text=True,
            )
            for k in range(workers)
        ]
    try:
        for process in begun:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise UserError(f"a worker with the network {name} ended")
        found = []
        for process in begun:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in begun:
            told = json.loads(process.communicate()[0])
            found.append((told["steps"], told["seconds"]))
        return found
    finally:
        for process in begun:
            process.kill()
            process.communicate()


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as text, with what the first way of each network gains."""
    lines = [
        f"{'network':14}{'workers':>8}{'threads':>8}{'steps/s':>9}{'jobs/h':>8}",
    ]
    for row in rows:
        rate = row["steps_a_second"]
        lines.append(
            f"{row['case']:14}{row['workers']:8}{row['threads']:8}{rate:9.2f}"
            f"{3600 * rate / STEPS:8.1f}"
        )
    for several, one in zip(rows[::2], rows[1::2], strict=True):
        gain = several["steps_a_second"] / one["steps_a_second"]
        lines.append(
            f"{several['case']}: {several['workers']} workers of one thread do "
            f"{gain:.2f} times what one of {one['threads']} does"
        )
    return "\n".join(lines)


def take_steps(name: str, seconds: float) -> None:
    """Compiles, says so, waits for a line, and tells how many steps it took."""
    import jax

    from experiments.step_speed import CASES, training_step
    from jaxseg.training.heap import keep_freed_memory

    keep_freed_memory()
    (case,) = [case for case in CASES if case.name == name]
    step, (state, images, labels) = training_step(case)
    for _ in range(2):
        state = jax.block_until_ready(step(state, images, labels))
    print("ready", flush=True)
    sys.stdin.readline()
    count, start = 0, time.monotonic()
    while time.monotonic() - start < seconds:
        state = jax.block_until_ready(step(state, images, labels))
        count += 1
    print(json.dumps({"steps": count, "seconds": time.monotonic() - start}))


def main(argv: Sequence[str]) -> None:
    """A worker: network, seconds, and the cores that it keeps to."""
    if cores := list(map(int, argv[2:])):
        os.sched_setaffinity(0, cores)
    take_steps(argv[0], float(argv[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
