"""The network of a run, as the step and the predictor call it."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg.errors import UserError
from jaxseg.models.catalog import MODELS, build_model
from jaxseg.models.group_norm import GroupNorm
from jaxseg.models.norms import is_mapped
from jaxseg.models.plan import levels
from jaxseg.models.unet import UNet
from jaxseg.training.config import RunConfig

UNETS = ("unet", "residual_unet")
"""Networks that depth, width and coarse maps are settings of."""
ENCODER_NETWORKS = tuple(n for n in MODELS if n not in (*UNETS, "deepmedic"))
"""Networks that the multiplier of channels is a setting of."""


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """A module and its use.

    Attributes:
      module: Linen module of ``(images, train=...)``.
      map_weights: weights of the losses of several score maps in training; None halves
        them from map to map.
    """

    module: nn.Module
    map_weights: tuple[float, ...] | None = None

    def init(self, key: Array, images: Array) -> tuple[Any, dict[str, Any]]:
        """Parameters, and the other collections."""
        variables = dict(self.module.init(key, images))
        params = variables.pop("params")
        return params, variables

    def apply(self, variables: Any, images: Array) -> Array:
        """Scores ``[B, *size, classes]`` of images, as in use.

        Args:
          variables: ``{"params": ...}`` and the other collections.
          images: ``[B, *size, C]``.
        """
        scores = self.module.apply(variables, images)
        assert isinstance(scores, Array)
        return scores

    def forward(
        self,
        params: Any,
        extra: Mapping[str, Any],
        images: Array,
        key: Array,
        real: Array | None = None,
    ) -> tuple[tuple[Array, ...], dict[str, Any]]:
        """Score maps in training, finest first, and the other collections after it.

        Args:
          params: the parameters.
          extra: the other collections.
          images: ``[B, *size, C]``.
          key: of dropout.
          real: ``[B]`` bool, False for images that statistics of the batch leave out;
            None counts all. Where none is real the statistics are of no use.
        """
        with nn.intercept_methods(functools.partial(_mask_statistics, real)):
            scores, changed = self.module.apply(
                {"params": params, **extra},
                images,
                train=True,
                rngs={"dropout": key},
                mutable=list(extra),
            )
        maps = scores if isinstance(scores, tuple) else (scores,)
        return maps, dict(changed)


def _mask_statistics(
    real: Array | None,
    call: Callable[..., Any],
    args: tuple,
    kwargs: dict[str, Any],
    context: nn.module.InterceptorContext,
) -> Any:
    """Lets every batch normalisation of a network take its statistics of real images.

    Where there are none it takes them of all, so that nothing is divided by zero; one
    over all devices divides by their number on all.
    """
    ours = isinstance(context.module, nn.BatchNorm) and "mask" not in kwargs
    if real is None or not ours:
        return call(*args, **kwargs)
    alone = not (getattr(context.module, "synced", False) and is_mapped())
    counted = (real | ~jnp.any(real) if alone else real).reshape(
        -1, *(1 for _ in args[0].shape[1:])
    )
    return call(*args, **kwargs, mask=counted)


def network_of(config: RunConfig) -> Network:
    """The network of a run.

    Raises:
      UserError: the network does not take images of this kind or size.
    """
    entry = MODELS[config.model]
    if len(config.size) not in entry.axes:
        raise UserError(
            f"--model {config.model} takes {' or '.join(map(str, entry.axes))} "
            f"dimensions, not {len(config.size)}"
        )
    fields: dict[str, Any] = {}
    if config.model in UNETS:
        fields = {
            "depth": config.depth,
            "width": config.width,
            "strides": config.strides
            or strides_of(config.size, config.voxel_mm, config.depth),
            "kernels": config.kernels,
            "dropout": config.dropout,
            "coarse_maps": config.coarse_maps,
        }
        if config.max_width is not None:
            fields["max_width"] = config.max_width
        elif config.width > UNet.max_width:  # the user's word counts more
            fields["max_width"] = config.width
    elif config.model in ENCODER_NETWORKS:
        fields = {
            "multiplier": config.multiplier,
            "decoder_multiplier": config.decoder_multiplier,
            "decoder_fields": {"dropout": config.dropout},
        }
    module = build_model(
        config.model,
        config.outputs,
        norm=config.norm,
        dtype=config.precision,
        **fields,
    )
    return Network(module, map_weights=entry.map_weights)


def require_pixels(config: RunConfig) -> None:
    """Refuses a U-Net that would halve an axis to less than a pixel.

    Raises:
      UserError: naming size and depth.
    """
    if config.model not in UNETS:
        return
    strides = config.strides or strides_of(config.size, config.voxel_mm, config.depth)
    halved = ((2,) * len(config.size),) * config.depth
    totals = [math.prod(axis) for axis in zip(*(strides or halved), strict=True)]
    for pixels, total in zip(config.size, totals, strict=True):
        if total > pixels:
            raise UserError(
                f"--size {' '.join(map(str, config.size))}: a U-Net of --depth "
                f"{config.depth} divides {pixels} pixels by {total}: take a larger "
                "--size or a smaller --depth"
            )


def require_gradients(config: RunConfig, network: Network, images: int) -> None:
    """Refuses a run in which a normalisation hands on nothing of what it is given.

    Normalised over a single value, everything is 0, and so is the gradient of all
    layers before.

    Args:
      config: of the run.
      network: of the run.
      images: that a device's batch statistics are taken of.

    Raises:
      UserError: naming the size.
    """
    smallest: list[tuple[int, ...]] = []

    def look(
        call: Callable[..., Any],
        args: tuple,
        kwargs: dict[str, Any],
        context: nn.module.InterceptorContext,
    ) -> Any:
        module = context.module
        count = 0
        if isinstance(module, GroupNorm):
            *size, channels = args[0].shape[1:]
            count = math.prod(size) * (channels // module.groups)
        elif isinstance(module, nn.BatchNorm) and not module.use_running_average:
            count = math.prod(args[0].shape[:-1])
        if count == 1:
            smallest.append(args[0].shape[1:-1])
        return call(*args, **kwargs)

    key = jax.random.key(0)
    image = jax.ShapeDtypeStruct(
        (images, *config.size, config.channels), np.dtype(np.float32)
    )
    params, extra = jax.eval_shape(network.init, key, image)
    with nn.intercept_methods(look):
        jax.eval_shape(network.forward, params, extra, image, key)
    if smallest:
        shallower = "a smaller --depth, " if config.model in UNETS else ""
        raise UserError(
            f"--size {' '.join(map(str, config.size))} shrinks to a single pixel in "
            f"{config.model}, and --norm {config.norm} leaves nothing of one pixel: "
            f"take a larger --size, {shallower}or another --norm"
        )


def strides_of(
    size: Sequence[int], spacing_mm: Sequence[float] | None, depth: int
) -> tuple[tuple[int, ...], ...] | None:
    """Strides of each step down for voxels that are not cubes; None where all are 2.

    The first `depth` of a plan's, see `jaxseg.models.plan.levels`; fewer where no axis
    bears another.
    """
    if spacing_mm is None or max(spacing_mm) < 2 * min(spacing_mm):
        return None
    strides, _ = levels(size, spacing_mm)
    return strides[:depth] or None
