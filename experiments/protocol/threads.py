"""How many threads a job computes with on a CPU, the same wherever it is done.

A sum over threads is another sum: weights differ in their last bits between one thread
and two. So the number is fixed, whatever cores a machine has, and equal studies have
equal rows.
"""

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator

VARIABLE = "NPROC"
"""Tells XLA how many threads to start, whatever cores a process may use."""
THREADS = 1
"""Of a job, by default: on two cores two jobs of one thread do 1.5 to 1.7 times what
one job of two does (`python -m experiments worker_speed`; docs/studies.md)."""


def only_cpu() -> bool:
    """Whether JAX has no other device, as far as can be known before it has started."""
    platforms = os.environ.get("JAX_PLATFORMS", "")
    return platforms == "cpu" or importlib.util.find_spec("jax_plugins") is None


def threads_of(wanted: int | None) -> int | None:
    """Threads of a job: those wanted, those of the environment, or one on a CPU."""
    if wanted is not None:
        return wanted
    given = os.environ.get(VARIABLE, "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    return THREADS if only_cpu() else None


def usable_cores() -> int:
    """Cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def fixed_threads(threads: int | None) -> Iterator[None]:
    """Has JAX, if it starts within the block, and processes begun there keep to it.

    Args:
      threads: of a job; None leaves it to XLA, as an accelerator's host should.
    """
    before = os.environ.get(VARIABLE)
    if threads is not None:
        os.environ[VARIABLE] = str(threads)
    try:
        yield
    finally:
        if threads is not None:
            os.environ.pop(VARIABLE)
            if before is not None:
                os.environ[VARIABLE] = before
