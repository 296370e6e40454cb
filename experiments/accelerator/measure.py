"""Compiled programs with what the compiler says of them, and time by calls in a row.

An accelerator works while the host goes on: calls are handed over one after the other
and waited for together, so that what is timed is the device and not the way there.
"""

import dataclasses
import os
import re
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp

ROW_SECONDS = 0.01
"""Calls in a row take about so long together."""
MOST = 200
"""Calls in a row."""


@dataclasses.dataclass(frozen=True)
class Program:
    """A compiled function.

    Attributes:
      call: of its arguments.
      arguments: that it was compiled for, and is called with.
      compile_seconds: tracing included.
      temporary_bytes: that it needs beside arguments and results; None if unknown.
      kernels: operations of its compiled form that are launched one by one.
      moved_bytes: read and written by all of them, as the compiler counts; None if
        unknown.
    """

    call: Callable[..., Any]
    arguments: tuple[Any, ...]
    compile_seconds: float
    temporary_bytes: int | None
    kernels: int
    moved_bytes: int | None

    def __call__(self) -> Any:
        """Calls it."""
        return self.call(*self.arguments)

    def facts(self) -> dict[str, Any]:
        """What the compiler says, for a row."""
        return {
            "compile_seconds": round(self.compile_seconds, 3),
            "temporary_bytes": self.temporary_bytes,
            "kernels": self.kernels,
            "moved_bytes": self.moved_bytes,
        }


def program(
    function: Callable[..., Any], *arguments: Any, donate: Sequence[int] = ()
) -> Program:
    """Compiles a function for these arguments.

    Args:
      function: of arrays; a jitted one keeps its own options.
      arguments: arrays.
      donate: numbers of arguments whose memory is used for the result.
    """
    begun = time.perf_counter()
    jitted = function
    if not hasattr(function, "lower"):
        jitted = jax.jit(function, donate_argnums=tuple(donate))
    compiled = jitted.lower(*arguments).compile()  # pyright: ignore
    seconds = time.perf_counter() - begun
    memory = _told(compiled.memory_analysis)
    costs = _told(compiled.cost_analysis)
    if isinstance(costs, list):
        costs = costs[0] if costs else None
    moved = None if costs is None else costs.get("bytes accessed")
    return Program(
        call=compiled,
        arguments=arguments,
        compile_seconds=seconds,
        temporary_bytes=getattr(memory, "temp_size_in_bytes", None),
        kernels=kernels_of(_told(compiled.as_text) or ""),
        moved_bytes=None if moved is None else int(moved),
    )


def _told(ask: Callable[[], Any]) -> Any:
    """What a compiler says of a program; None where it does not."""
    try:
        return ask()
    except (NotImplementedError, RuntimeError):
        return None


_FREE = ("parameter", "constant", "tuple", "get-tuple-element", "bitcast")
_OPERATION = re.compile(r"^\s+(?:ROOT )?%?[\w.\-]+ = .*?[\])}] ([a-z][a-z\-]*)\(")


def kernels_of(text: str) -> int:
    """Operations of the entry computation of a compiled program that do work."""
    _, _, entry = text.partition("\nENTRY ")
    body = entry.partition("\n}")[0]
    found = (_OPERATION.match(line) for line in body.splitlines())
    return sum(match is not None and match[1] not in _FREE for match in found)


def programs(
    jobs: Mapping[Any, Callable[[], Program]],
) -> tuple[dict[Any, Program], dict[Any, BaseException]]:
    """Several, compiled side by side on the host's cores, and why some failed."""
    workers = max(1, min(len(jobs), os.cpu_count() or 1))
    found: dict[Any, Program] = {}
    failed: dict[Any, BaseException] = {}
    with ThreadPoolExecutor(workers) as pool:
        waiting = {name: pool.submit(job) for name, job in jobs.items()}
        for name, future in waiting.items():
            error = future.exception()
            if error is None:
                found[name] = future.result()
            else:
                failed[name] = error
    return found, failed


Wait = Callable[[Any], object]
"""Returns when a result is there."""


def seconds_a_call(
    call: Callable[[], Any],
    wait: Wait = jax.block_until_ready,
    *,
    limit: float,
    fewest: int = 3,
) -> float:
    """Median over rows of calls of a call's seconds, after two calls to warm up.

    Args:
      call: of nothing.
      wait: for what it returns.
      limit: seconds after which no row is begun, though `fewest` are.
      fewest: rows; one where a call takes longer than `limit`.
    """
    once = 0.0
    for _ in range(2):
        begun = time.perf_counter()
        wait(call())
        once = time.perf_counter() - begun
        if once > limit:
            fewest = 1
    count = int(min(max(ROW_SECONDS / max(once, 1e-9), 1), MOST))
    found: list[float] = []
    while len(found) < fewest or count * sum(found) < limit:
        begun = time.perf_counter()
        for _ in range(count - 1):
            call()
        wait(call())
        found.append((time.perf_counter() - begun) / count)
    return statistics.median(found)


@dataclasses.dataclass(frozen=True)
class Timed:
    """A call of some library.

    Attributes:
      call: of nothing.
      wait: for what it returns.
    """

    call: Callable[[], Any]
    wait: Wait = jax.block_until_ready


def in_turns(
    calls: Mapping[str, Timed], *, rounds: int, limit: float
) -> dict[str, float]:
    """Median seconds of each of several calls, measured in turn.

    Where one takes longer than `limit` there is a single round.
    """
    found: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds):
        if turn and max(sum(seconds) / turn for seconds in found.values()) > limit:
            break
        for name, timed in calls.items():
            found[name].append(seconds_a_call(timed.call, timed.wait, limit=limit))
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def bandwidth(numbers: int, limit: float = 0.3) -> float:
    """Bytes a second that adding to `numbers` float32 in place reads and writes."""
    add = jax.jit(lambda x: x + 1, donate_argnums=0)
    array = jnp.zeros(numbers, jnp.float32)

    def call() -> Any:
        nonlocal array
        array = add(array)
        return array

    return 2 * 4 * numbers / seconds_a_call(call, limit=limit)


def chunks(items: Iterable[Any], size: int) -> list[list[Any]]:
    """Lists of up to `size` items."""
    whole = list(items)
    return [whole[k : k + size] for k in range(0, len(whole), size)]
