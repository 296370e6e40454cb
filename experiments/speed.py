"""How long the value and gradient of each loss take, against what memory allows.

`python -m experiments speed` measures every catalog loss; about a minute for one shape.
The floor of a loss is the time to read its logits twice and to write a gradient at
the bandwidth that a copy reaches on the same machine in the same run.
"""

import dataclasses
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

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


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Losses down, numbers of classes across: milliseconds and share of the floor."""
    columns = sorted({row["classes"] for row in rows})
    cells = {(row["loss"], row["classes"]): row for row in rows}
    names = list(dict.fromkeys(row["loss"] for row in rows))
    head = "".join(f"{f'{c} classes':>22}" for c in columns)
    lines = [f"{'ms, share of floor':<20}{head}"]
    for name in names:
        found = [cells[name, c] for c in columns]
        text = (f"{r['milliseconds']:.2f}, {r['share_of_floor']:.0%}" for r in found)
        lines.append(f"{name:<20}" + "".join(f"{cell:>22}" for cell in text))
    return "\n".join(lines)
