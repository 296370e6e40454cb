"""How long the value and gradient of each loss take, against what memory allows.

`python -m experiments speed` measures every catalog loss; about a minute for one shape.
The floor of a loss is the time to read its logits twice and to write a gradient at
the bandwidth that a copy reaches on the same machine in the same run.
"""

import dataclasses
import json
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg.errors import UserError
from jaxseg.losses import CATALOG

Case = tuple[tuple[int, ...], int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What is measured.

    Attributes:
      cases: pixels, such as (8, 256, 256) for a batch of images, and number of
        classes; one round of measurements each.
      losses: catalog names.
      repeats: timed calls of each, after two that are not; the median counts.
    """

    cases: tuple[Case, ...] = (
        ((8, 256, 256), 2),
        ((8, 256, 256), 4),
        ((8, 256, 256), 20),
        ((1, 128, 128, 128), 4),
    )
    losses: tuple[str, ...] = tuple(CATALOG)
    repeats: int = 10


def machine() -> dict[str, str]:
    """Where the numbers come from."""
    return {
        "device": jax.devices()[0].device_kind,
        "backend": jax.default_backend(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "jax": jax.__version__,
    }


def median_seconds(call: Callable[[], Any], repeats: int) -> float:
    """Median duration of a call that returns arrays, after two calls to warm up."""
    for _ in range(2):
        jax.block_until_ready(call())
    durations = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(call())
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)


def bandwidth(repeats: int = 10) -> float:
    """Bytes a second that a large elementwise copy reads and writes."""
    array = jnp.zeros(2**25, jnp.float32)
    copy = jax.jit(lambda x: x + 1)
    return 2 * array.nbytes / median_seconds(lambda: copy(array), repeats)


def run(config: Config, tick: Callable[[str], object]) -> Iterator[dict[str, Any]]:
    """One row per loss and case."""
    reach = bandwidth(config.repeats)
    for shape, classes in config.cases:
        rng = np.random.default_rng(0)
        logits = jnp.asarray(rng.standard_normal((*shape, classes)), jnp.float32)
        labels = jnp.asarray(rng.integers(0, classes, shape), jnp.int32)
        for name in config.losses:
            tick(f"{name}, {classes} classes")
            step = jax.jit(jax.value_and_grad(CATALOG[name].loss))
            seconds = median_seconds(lambda: step(logits, labels), config.repeats)  # noqa: B023
            floor = 3 * logits.nbytes / reach
            yield {
                "loss": name,
                "library": "jaxseg",
                "shape": list(shape),
                "classes": classes,
                "milliseconds": 1e3 * seconds,
                "share_of_floor": floor / seconds,
                **machine(),
            }


def run_peers(config: Config, python: Path) -> list[dict[str, Any]]:
    """Rows of other libraries, measured by the Python of their environment.

    Raises:
      UserError: that Python lacks a library or cannot be run.
    """
    settings = {
        "cases": config.cases,
        "losses": config.losses,
        "repeats": config.repeats,
    }
    script = Path(__file__).with_name("peer_losses.py")
    command = [str(python), str(script), json.dumps(settings)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UserError(f"--peers {python} cannot be run: {error.strerror}") from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"--peers {python} failed: {reason}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def with_peers(
    rows: Sequence[dict[str, Any]], peers: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Our rows, each with the fastest peer's time where a peer has the loss."""
    fastest: dict[tuple, dict[str, Any]] = {}
    for row in peers:
        place = row["loss"], *case_of(row)
        best = fastest.get(place)
        if best is None or row["milliseconds"] < best["milliseconds"]:
            fastest[place] = row
    joined = []
    for row in rows:
        peer = fastest.get((row["loss"], *case_of(row)))
        more = (
            {}
            if peer is None
            else {
                "peer": peer["library"],
                "peer_milliseconds": peer["milliseconds"],
                "times_faster": peer["milliseconds"] / row["milliseconds"],
            }
        )
        joined.append({**row, **more})
    return joined


def case_of(row: dict[str, Any]) -> Case:
    """Pixels and number of classes of a row."""
    return tuple(row["shape"]), row["classes"]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Losses down, cases across: milliseconds and share of the floor.

    Where a peer has the loss, how many times faster than the fastest peer ours is, and
    below all the geometric mean of these.
    """
    columns = list(dict.fromkeys(case_of(row) for row in rows))
    cells = {(row["loss"], case_of(row)): row for row in rows}
    names = list(dict.fromkeys(row["loss"] for row in rows))
    heads = [f"{'x'.join(map(str, shape))}, {c} classes" for shape, c in columns]
    lines = ["ms, floor, times a peer".ljust(28) + "".join(f"{h:>26}" for h in heads)]
    for name in names:
        found = [cells[name, c] for c in columns]
        lines.append(f"{name:<28}" + "".join(f"{_cell(row):>26}" for row in found))
    ratios = [row["times_faster"] for row in rows if "times_faster" in row]
    if ratios:
        mean = statistics.geometric_mean(ratios)
        slower = sum(ratio < 1 for ratio in ratios)
        lines.append(
            f"{mean:.2f} times faster than the fastest peer in the geometric mean of "
            f"{len(ratios)} comparisons, slower in {slower}"
        )
    return "\n".join(lines)


def _cell(row: dict[str, Any]) -> str:
    faster = f", {row['times_faster']:.1f}x" if "times_faster" in row else ""
    return f"{row['milliseconds']:.2f}, {row['share_of_floor']:.0%}{faster}"
