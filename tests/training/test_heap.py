"""Memory that is kept for the next step, and given back on demand."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = """
import ctypes, resource
from jaxseg.training import heap
if {keep}:
    heap.keep_freed_memory()
library = ctypes.CDLL("libc.so.6")
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]
library.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
size = 20 * 2**20
for k in range(8):
    if k == 3:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    buffers = [library.malloc(size) for _ in range(6)]
    for buffer in buffers:
        library.memset(buffer, 1, size)
    for buffer in buffers:
        library.free(buffer)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
held = resident()
heap.release_memory()
if {keep}:
    assert held - resident() > 4 * size
"""


def page_faults(*, keep: bool) -> int:
    """Of five rounds in which six buffers of 20 MB are taken, filled and given back."""
    done = subprocess.run(
        [sys.executable, "-c", FAULTS.format(keep=keep)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_steps_that_keep_their_memory_touch_no_fresh_pages():
    assert page_faults(keep=True) < 0.2 * page_faults(keep=False)
