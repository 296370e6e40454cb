"""Where the numbers come from: devices, versions, and what else was going on."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
from typing import Any

import jax

from experiments.accelerator import torch_side

PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "flax", "optax", "grain")
QUICK = "--xla_backend_optimization_level=1"
"""Compiles fast; level 0 has compiled wrong programs."""
SHARE_OF_TORCH = "0.6"
"""Of the device's memory that JAX takes at once where PyTorch is to have some, too."""


def before_devices(*, smoke: bool = False) -> None:
    """Settings that count only before the first use of a device.

    A trial is compiled with few optimizations, in a fraction of the time, also by the
    processes that it starts.
    """
    if torch_side.here():
        os.environ.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", SHARE_OF_TORCH)
    if smoke:
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} {QUICK}".strip()


def about() -> dict[str, Any]:
    """The machine, for the first row."""
    device = jax.devices()[0]
    memory = device.memory_stats() or {}
    return {
        "backend": jax.default_backend(),
        "device": device.device_kind,
        "devices": jax.device_count(),
        "device_bytes": memory.get("bytes_limit"),
        "driver": _driver(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "load": _load(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
        "rivals": torch_side.versions(),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "compilation_cache": "JAX_COMPILATION_CACHE_DIR" in os.environ,
    }


def peak_bytes() -> int | None:
    """The most memory that the first device has had in use; None where untold."""
    memory = jax.local_devices()[0].memory_stats() or {}
    return memory.get("peak_bytes_in_use")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _load() -> float | None:
    """Processes that waited or ran on the host in the last minute, on average."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _driver() -> str | None:
    """Card and driver, where ``nvidia-smi`` tells."""
    if shutil.which("nvidia-smi") is None:
        return None
    wanted = "--query-gpu=name,driver_version,memory.total,power.limit"
    try:
        done = subprocess.run(
            ["nvidia-smi", wanted, "--format=csv,noheader"],
            capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
