"""What a run needs at the very least, against what there is.

Not a forecast: only what cannot be is refused, before hours are lost or the machine is.
"""

import math
import os
from typing import Any

import jax

from jaxseg.errors import UserError
from jaxseg.training.config import RunConfig
from jaxseg.training.network import UNETS
from jaxseg.training.window import BATCH

COPIES = 4
"""Of the weights: themselves, gradients, and the optimizer's two."""


def device_bytes() -> int:
    """Memory of one device, or of the machine where that is a CPU."""
    limits = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in limits:
        return int(limits["bytes_limit"])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


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
