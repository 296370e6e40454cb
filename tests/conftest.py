"""Eight simulated devices, strict shapes and a compilation cache for all tests."""

import itertools
import os
from pathlib import Path

import jax
import pytest

ROOT = Path(__file__).parents[1]
DEVICES = 8

jax.config.update("jax_num_cpu_devices", DEVICES)
jax.config.update("jax_numpy_rank_promotion", "raise")
_CACHE = os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".cache/jax"))
jax.config.update("jax_compilation_cache_dir", _CACHE)
for _name in ("min_compile_time_secs", "min_entry_size_bytes"):
    # All are kept, by the environment also those of processes that tests start.
    os.environ[f"JAX_PERSISTENT_CACHE_{_name.upper()}"] = "-1"
    jax.config.update(f"jax_persistent_cache_{_name}", -1)

TESTS_BETWEEN_RELEASES = 50
_finished = itertools.count(1)


def pytest_runtest_teardown():
    """Releases compiled programs now and then.

    Each test's programs take about 40 memory maps, and Linux allows a process 65,530:
    past that, compiling ends in a segmentation fault. What is needed again comes from
    the compilation cache on disk.
    """
    if next(_finished) % TESTS_BETWEEN_RELEASES == 0:
        jax.clear_caches()


REAL_DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real data sets; a test that asks for it skips where it is absent."""
    if not (REAL_DATA / "manifest.json").is_file():
        pytest.skip("the real data sets are not beside this checkout")
    return REAL_DATA
