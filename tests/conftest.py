"""Eight simulated devices, strict shapes and a compilation cache for all tests."""

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
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)

REAL_DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real data sets; a test that asks for it skips where it is absent."""
    if not (REAL_DATA / "manifest.json").is_file():
        pytest.skip("the real data sets are not beside this checkout")
    return REAL_DATA
