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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What is measured.

    Attributes:
      shape: pixels, such as (8, 256, 256) for a batch of images.
      classes: numbers of classes, one round of measurements each.
      losses: catalog names.
      repeats: timed calls of each, after two that are not; the median counts.
    """

    shape: tuple[int, ...] = (8, 256, 256)
    classes: tuple[int, ...] = (2, 4, 20)
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
    """One row per loss and number of classes."""
    reach = bandwidth(config.repeats)
    for classes in config.classes:
        rng = np.random.default_rng(0)
        logits = jnp.asarray(rng.standard_normal((*config.shape, classes)), jnp.float32)
        labels = jnp.asarray(rng.integers(0, classes, config.shape), jnp.int32)
        for name in config.losses:
            tick(f"{name}, {classes} classes")
            step = jax.jit(jax.value_and_grad(CATALOG[name].loss))
            seconds = median_seconds(lambda: step(logits, labels), config.repeats)  # noqa: B023
            floor = 3 * logits.nbytes / reach
            yield {
                "loss": name,
                "library": "jaxseg",
                "shape": list(config.shape),
                "classes": classes,
                "milliseconds": 1e3 * seconds,
                "share_of_floor": floor / seconds,
                **machine(),
            }


def run_peers(config: Config, python: Path) -> list[dict[str, Any]]:
    """Rows of PyTorch and MONAI, measured by the Python of their environment.

    Raises:
      UserError: that Python lacks a library or cannot be run.
    """
    settings = {
        "shape": config.shape,
        "classes": config.classes,
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
    fastest: dict[tuple[str, int], dict[str, Any]] = {}
    for row in peers:
        place = row["loss"], row["classes"]
        best = fastest.get(place)
        if best is None or row["milliseconds"] < best["milliseconds"]:
            fastest[place] = row
    joined = []
    for row in rows:
        peer = fastest.get((row["loss"], row["classes"]))
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


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Losses down, numbers of classes across: milliseconds and share of the floor.

    Where a peer has the loss, how many times faster than it ours is.
    """
    columns = sorted({row["classes"] for row in rows})
    cells = {(row["loss"], row["classes"]): row for row in rows}
    names = list(dict.fromkeys(row["loss"] for row in rows))
    head = "".join(f"{f'{c} classes':>22}" for c in columns)
    lines = [f"{'ms, floor, times a peer':<28}{head}"]
    for name in names:
        found = [cells[name, c] for c in columns]
        lines.append(f"{name:<28}" + "".join(f"{_cell(row):>22}" for row in found))
    return "\n".join(lines)


def _cell(row: dict[str, Any]) -> str:
    faster = f", {row['times_faster']:.1f}x" if "times_faster" in row else ""
    return f"{row['milliseconds']:.2f}, {row['share_of_floor']:.0%}{faster}"
