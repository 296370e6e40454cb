"""`jaxseg train --plan`: what the flags leave open, from the data and the memory."""

import argparse
import dataclasses
from collections.abc import Mapping
from typing import Any

import jax

from jaxseg.cli.train_data import DataFacts
from jaxseg.data.geometry import extents
from jaxseg.errors import UserError
from jaxseg.models.plan import Plan, plan
from jaxseg.training.memory import plan_gb
from jaxseg.training.network import UNETS
from jaxseg.training.sources import SYNTHETIC

WIDTH = 32
_GIB = 2**30 / 1e9


def check_plan(arguments: argparse.Namespace) -> None:
    """Refuses flags that do not go with --plan, or that need it.

    Raises:
      UserError: naming the flag.
    """
    if not arguments.plan:
        if arguments.memory_gb is not None:
            raise UserError("--memory-gb goes with --plan")
        return
    if arguments.data == SYNTHETIC:
        raise UserError("--plan goes with a data folder, not with synthetic data")
    if (arguments.model or "unet") not in UNETS:
        raise UserError(f"--plan goes with --model {' or '.join(UNETS)}")
    if arguments.depth is not None:
        raise UserError("--depth contradicts --plan, which chooses the levels itself")


def plan_run(
    arguments: argparse.Namespace, data: DataFacts
) -> tuple[DataFacts, Mapping[str, Any]]:
    """The data's facts with size and voxel size filled in, and settings of the run.

    What the flags give stays, and the rest is planned around it.

    Raises:
      UserError: the memory is too small.
    """
    gb = arguments.memory_gb or plan_gb()
    try:
        found = plan(
            data.shapes,
            data.spacings_mm,
            num_classes=data.outputs,
            channels=data.channels,
            memory_gib=gb / _GIB,
            width=arguments.width or WIDTH,
            spacing_mm=arguments.spacing,
            patch=data.size,
            batch_size=arguments.batch_size,
        )
    except ValueError as error:
        raise UserError(f"--memory-gb {gb:g}: {error}") from error
    if jax.process_index() == 0:
        print("\n".join(_lines(arguments, data, found, gb)))
    if data.spacings_mm is not None:
        x, y, z = found.spacing_mm
        resampled = None if data.spacing is None else (x, y, z)
        data = dataclasses.replace(data, spacing=resampled, voxel_mm=(x, y, z))
    coarse = found.coarse_maps
    settings = {
        "batch_size": found.batch_size,
        "depth": len(found.strides),
        "strides": found.strides,
        "kernels": found.kernels,
        "width": found.width,
        "max_width": found.max_width,
        "coarse_maps": coarse
        if arguments.coarse_maps is None
        else arguments.coarse_maps,
        "plan": {
            "memory_gb": gb,
            "estimated_gb": round(found.memory_bytes / 1e9, 3),
            "median_shape": list(found.median_shape),
            "covered": round(found.covered, 4),
        },
    }
    return dataclasses.replace(data, size=found.patch), settings


def _lines(
    arguments: argparse.Namespace, data: DataFacts, found: Plan, gb: float
) -> list[str]:
    """What was chosen, and why."""
    volumes = data.spacings_mm is not None
    kind = "volumes" if volumes else "images"
    median = extents(found.median_shape)
    of_median = f"the median of the {kind}, {median}"
    if data.size is not None:
        size = "as given"
    elif _holds_median(found):
        size = f"{of_median}, rounded up to what the strides divide"
    else:
        size = f"what fits the memory of {of_median}"
    lines = [
        f"plan for {gb:g} GB of memory a device (--memory-gb), by estimate "
        f"{found.memory_bytes / 1e9:.2g} GB a step:"
    ]

    def line(name: str, value: object, why: str) -> None:
        lines.append(f"  {name:<12}{value!s:<16}  {why}")

    if volumes and data.spacing is not None:
        how = "as given" if arguments.spacing else "median of the cases"
        line("spacing", extents(found.spacing_mm), f"mm, {how}")
    line("size", extents(found.patch), size)
    if arguments.batch_size is not None:
        batch = "as given"
    elif found.batch_size == 2:
        batch = "the least that a plan takes"
    else:
        batch = "what fits the memory, up to a twentieth of all training pixels"
    line("batch size", found.batch_size, batch)
    line(
        "strides",
        " ".join(extents(stride) for stride in found.strides) or "none",
        "axes are halved while they keep 4 pixels, coarse ones later",
    )
    line(
        "kernels",
        " ".join(extents(kernel) for kernel in found.kernels),
        "1 along an axis until its pixels are about as fine as the others",
    )
    how = "as given" if arguments.width else "doubled from level to level"
    line("width", f"{found.width}, <= {found.max_width}", how)
    given = arguments.coarse_maps is not None
    maps = arguments.coarse_maps if given else found.coarse_maps
    line("coarse maps", maps, "as given" if given else "all but the two coarsest learn")
    if found.covered < 1 / 4:
        lines.append(
            f"  a patch covers only {100 * found.covered:.0f} % of the median case: "
            "context may lack"
        )
    return lines


def _holds_median(found: Plan) -> bool:
    return all(p >= n for p, n in zip(found.patch, found.median_shape, strict=True))
