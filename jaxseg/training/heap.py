"""What the C library does with memory that is given back.

XLA on a CPU asks for a step's buffers anew every step. By default glibc returns large
ones to the system at once, and the next step pays for fresh pages: more than a third of
the time of a small U-Net's step.
"""

import contextlib
import ctypes
import gc
import sys

import jax

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
LARGEST = 32 * 2**20
"""Bytes up to which buffers stay in the heap; glibc takes no more."""


def keep_freed_memory() -> None:
    """Lets the process keep freed memory for the next step, where glibc runs it.

    It then stays as large as it has once been; `release_memory` gives back what is
    free.
    """
    _glibc("mallopt", _MMAP_THRESHOLD, LARGEST)
    _glibc("mallopt", _TRIM_THRESHOLD, 2**31 - 1)


def release_memory() -> None:
    """Lets compiled programs go, and gives what is free back to the system."""
    jax.clear_caches()
    gc.collect()
    _glibc("malloc_trim", 0)


def _glibc(function: str, *arguments: int) -> None:
    """Calls the C library; one that has no such function is left alone."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            getattr(ctypes.CDLL("libc.so.6"), function)(*arguments)
