"""How long the value and gradient of each loss take, against what memory allows.

`python -m experiments speed` measures every catalog loss, in turn with other libraries
where there are some: ten minutes in all, and as much again for them. Optax's losses are
measured in the same process right after ours, others in the Python of `--peers`. The
floor of a loss is the time to read its logits twice and to write a gradient at the
bandwidth that adding in place reaches on the same machine in the same run.
"""

import dataclasses
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.optax_losses import optax_losses
from experiments.peers import rows_of_peers
from jaxseg.losses import CATALOG

Case = tuple[tuple[int, ...], int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What is measured.

    Attributes:
      cases: pixels, such as (8, 256, 256) for a batch of images, and number of
        classes; one round of measurements each.
      losses: catalog names.
      rounds: how often all losses of a case are measured, in turn with the other
        libraries; the median of the rounds counts.
      repeats: timed calls of each in a round, after two that are not; their median
        counts.
      seconds: a round's calls of a loss end after so long, though not before three.
    """

    cases: tuple[Case, ...] = (
        ((8, 256, 256), 2),
        ((8, 256, 256), 4),
        ((8, 256, 256), 20),
        ((1, 128, 128, 128), 4),
    )
    losses: tuple[str, ...] = tuple(CATALOG)
    rounds: int = 3
    repeats: int = 10
    seconds: float = 1.5


def machine() -> dict[str, str]:
    """Where the numbers come from."""
    return {
        "device": jax.devices()[0].device_kind,
        "backend": jax.default_backend(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "jax": jax.__version__,
    }


def median_seconds(call: Callable[[], Any], repeats: int, seconds: float) -> float:
    """Median duration of a call that returns arrays, after two calls to warm up."""
    for _ in range(2):
        jax.block_until_ready(call())
    durations: list[float] = []
    while len(durations) < 3 or sum(durations) < seconds:
        start = time.perf_counter()
        jax.block_until_ready(call())
        durations.append(time.perf_counter() - start)
        if len(durations) >= repeats:
            break
    return statistics.median(durations)


def bandwidth(repeats: int = 10) -> float:
    """Bytes a second that a large elementwise addition in place reads and writes.

    In place, since the first touch of fresh memory costs more than all arithmetic.
    """
    array = jnp.zeros(2**25, jnp.float32)
    add = jax.jit(lambda x: x + 1, donate_argnums=0)
    durations = []
    for _ in range(2 + repeats):
        start = time.perf_counter()
        array = jax.block_until_ready(add(array))
        durations.append(time.perf_counter() - start)
    return 2 * array.nbytes / statistics.median(durations[2:])


def run(
    config: Config, tick: Callable[[str], object], peers: Path | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of ours and of other libraries, one per library, loss and case.

    Args:
      config: what is measured.
      tick: called with what has been measured, once per loss, case and round, and once
        per case and round of the other libraries.
      peers: a Python with the other libraries; None leaves them out.

    Raises:
      UserError: that Python lacks a library or cannot be run.
    """
    reach = bandwidth(config.repeats)
    ours: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for case in config.cases:
        rounds = []
        for _ in range(config.rounds):
            rounds += list(run_case(config, case, reach, tick))
            if peers is not None:
                rounds += run_peers(config, case, peers)
                tick(f"other libraries, {case[1]} classes")
        for row in median_rows(rounds):
            (ours if row["library"] == "jaxseg" else others).append(row)
    return join_peers(ours, others), others


def run_case(
    config: Config, case: Case, reach: float, tick: Callable[[str], object]
) -> Iterator[dict[str, Any]]:
    """One row of ours per loss, and one of optax's where it has the loss.

    `reach` is the bandwidth in bytes a second.
    """
    shape, classes = case
    rng = np.random.default_rng(0)
    logits = jnp.asarray(rng.standard_normal((*shape, classes)), jnp.float32)
    labels = jnp.asarray(rng.integers(0, classes, shape), jnp.int32)
    others = optax_losses()

    def row(name: str, library: str, loss: Callable[..., jax.Array]) -> dict[str, Any]:
        step = jax.jit(jax.value_and_grad(loss))
        seconds = median_seconds(
            lambda: step(logits, labels), config.repeats, config.seconds
        )
        return {
            "loss": name,
            "library": library,
            "shape": list(shape),
            "classes": classes,
            "milliseconds": 1e3 * seconds,
        }

    for name in config.losses:
        floor = {"floor_milliseconds": 1e3 * 3 * logits.nbytes / reach}
        yield {**row(name, "jaxseg", CATALOG[name].loss), **floor, **machine()}
        if name in others:
            yield row(name, *others[name])
        tick(f"{name}, {classes} classes")


def run_peers(config: Config, case: Case, python: Path) -> list[dict[str, Any]]:
    """Rows of other libraries, measured by the Python of their environment.

    Raises:
      UserError: that Python lacks a library or cannot be run.
    """
    settings = {**dataclasses.asdict(config), "cases": [case]}
    return rows_of_peers(python, "peer_losses.py", json.dumps(settings))


def median_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per library, loss and case: the median of its rounds and their spread."""
    places: dict[tuple, list[dict[str, Any]]] = {}
    for row in rows:
        place = row["library"], row["loss"], *case_of(row)
        places.setdefault(place, []).append(row)
    found = []
    for same in places.values():
        times = [row["milliseconds"] for row in same]
        median = statistics.median(times)
        more = {}
        if "floor_milliseconds" in same[0]:
            more["share_of_floor"] = same[0]["floor_milliseconds"] / median
        spread = {"fastest_round": min(times), "slowest_round": max(times)}
        found.append({**same[0], "milliseconds": median, **spread, **more})
    return found


def join_peers(
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
