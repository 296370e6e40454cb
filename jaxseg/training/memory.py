"""What a run needs at the very least, against what there is.

Not a forecast: only what cannot be is refused, before hours are lost or the machine is.
"""

import contextlib
import math
import os
from collections.abc import Iterator
from typing import Any

import jax

from jaxseg.errors import UserError
from jaxseg.models.plan import memory_bytes
from jaxseg.models.unet import UNet
from jaxseg.training.config import RunConfig
from jaxseg.training.network import UNETS, strides_of
from jaxseg.training.window import BATCH

COPIES = 4
"""Of the weights: themselves, gradients, and the optimizer's two."""
OVERESTIMATE = 2.0
"""A step's estimate is at most so many times what the compiler takes (tests)."""
CPU_SHARE = 1 / 3
"""Of the machine's memory that a plan may use on a CPU, which takes up to three times
as much as estimated."""
CPU_GB = 8.0
"""Most that a plan uses on a CPU, where time runs out before memory does."""
LOWER = (
    "take a smaller --batch-size or --size, --accumulate N, --precision bfloat16 or a "
    "smaller network"
)
EXHAUSTED = "RESOURCE_EXHAUSTED"
"""What JAX's errors say where memory has run out."""


def device_bytes() -> int:
    """Memory of one device, or of the machine where that is a CPU."""
    limits = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in limits:
        return int(limits["bytes_limit"])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def plan_gb() -> float:
    """Memory in GB that a plan may use where nobody says: what the device has."""
    gb = device_bytes() / 1e9
    if jax.default_backend() == "cpu":
        gb = min(CPU_SHARE * gb, CPU_GB)
    return round(gb, 1)


def step_bytes(config: RunConfig, images: int) -> int | None:
    """Estimate of what a training step of a U-Net takes; None of other networks.

    Args:
      config: of the run.
      images: that a device has in memory at a time.
    """
    if config.model not in UNETS:
        return None
    axes = len(config.size)
    strides = config.strides or strides_of(config.size, config.voxel_mm, config.depth)
    strides = strides or ((2,) * axes,) * config.depth
    kernels = config.kernels or ((3,) * axes,) * (len(strides) + 1)
    fixed, each = memory_bytes(
        config.size,
        strides,
        kernels,
        num_classes=config.outputs,
        channels=config.channels,
        width=config.width,
        max_width=config.max_width or max(UNet.max_width, config.width),
    )
    half = 2 if config.precision == "bfloat16" else 1
    return fixed + images * each // half


def require_step_memory(config: RunConfig, images: int) -> None:
    """Refuses a U-Net whose step takes more than there is even if half the estimate.

    Args:
      config: of the run.
      images: that a device has in memory at a time.

    Raises:
      UserError: naming size, images and both amounts, and what to lower.
    """
    estimate, there = step_bytes(config, images), device_bytes()
    if estimate is not None and estimate > OVERESTIMATE * there:
        raise UserError(
            f"--size {' '.join(map(str, config.size))} with {images} images at a time "
            f"takes about {estimate / 1e9:.3g} GB of memory in a step, and a device "
            f"has {there / 1e9:.3g}: {LOWER}"
        )


@contextlib.contextmanager
def exhaustion_told() -> Iterator[None]:
    """Answers a device that runs out of memory with what to lower.

    Raises:
      UserError: it did.
    """
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if EXHAUSTED not in str(error):
            raise
        raise UserError(
            f"the device has run out of memory in training ({device_bytes() / 1e9:.3g} "
            f"GB): {LOWER}"
        ) from error


def require_image_memory(config: RunConfig, images: int) -> None:
    """Refuses a run whose first features alone do not fit.

    Args:
      config: of the run.
      images: that a device has in memory at a time.

    Raises:
      UserError: naming the size and both amounts.
    """
    width = config.width if config.model in UNETS else config.outputs
    channels = max(width, config.channels, config.outputs)
    need = 4 * images * math.prod(config.size) * channels
    _require(need, f"--size {' '.join(map(str, config.size))} with {images} images")


def require_weight_memory(config: RunConfig, params: Any) -> None:
    """Refuses a run whose weights do not fit, with gradients and the optimizer's.

    Args:
      config: of the run.
      params: of its network, of arrays or abstract ones.

    Raises:
      UserError: naming the network and both amounts.
    """
    need = 4 * COPIES * sum(math.prod(x.shape) for x in jax.tree.leaves(params))
    _require(need, f"--model {config.model} with --width {config.width}")


def require_window_memory(config: RunConfig, window: tuple[int, ...]) -> None:
    """Refuses windows of which a batch does not fit.

    Raises:
      UserError: naming the window and both sizes.
    """
    values = max(config.channels, config.outputs, config.width)
    need = 4 * BATCH * math.prod(window) * values
    _require(need, f"--window {' '.join(map(str, window))}")


def _require(need: int, what: str) -> None:
    there = device_bytes()
    if need > there:
        raise UserError(
            f"{what} takes more than {need / 1e9:.3g} GB of memory, and there are "
            f"{there / 1e9:.3g}"
        )
