"""The network of a run, as the step and the predictor call it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
from jax import Array

from jaxseg.errors import UserError
from jaxseg.models.catalog import MODELS, build_model
from jaxseg.training.config import RunConfig

UNETS = ("unet", "residual_unet")
"""Networks that depth, width, dropout and coarse maps are settings of."""
ENCODER_NETWORKS = tuple(n for n in MODELS if n not in (*UNETS, "deepmedic"))
"""Networks that the multiplier of channels is a setting of."""
_SMALLEST = 4


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
        self, params: Any, extra: Mapping[str, Any], images: Array, key: Array
    ) -> tuple[tuple[Array, ...], dict[str, Any]]:
        """Score maps in training, finest first, and the other collections after it."""
        scores, changed = self.module.apply(
            {"params": params, **extra},
            images,
            train=True,
            rngs={"dropout": key},
            mutable=list(extra),
        )
        maps = scores if isinstance(scores, tuple) else (scores,)
        return maps, dict(changed)


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
    elif config.model in ENCODER_NETWORKS:
        fields["multiplier"] = config.multiplier
    module = build_model(
        config.model,
        config.num_classes,
        norm=config.norm,
        dtype=config.precision,
        **fields,
    )
    return Network(module, map_weights=entry.map_weights)


def strides_of(
    size: Sequence[int], spacing_mm: Sequence[float] | None, depth: int
) -> tuple[tuple[int, ...], ...] | None:
    """Strides of each step down for voxels that are not cubes; None where all are 2.

    An axis is halved while its voxels are less than twice as long as the shortest, and
    while it keeps 4 voxels.

    Source: Isensee 2021.
    """
    if spacing_mm is None or max(spacing_mm) < 2 * min(spacing_mm):
        return None
    now, left = list(spacing_mm), list(size)
    strides = []
    for _ in range(depth):
        finest = min(now)
        stride = tuple(
            2 if length < 2 * finest and count >= 2 * _SMALLEST else 1
            for length, count in zip(now, left, strict=True)
        )
        if all(s == 1 for s in stride):
            break
        strides.append(stride)
        now = [length * s for length, s in zip(now, stride, strict=True)]
        left = [-(-count // s) for count, s in zip(left, stride, strict=True)]
    return tuple(strides) or None
