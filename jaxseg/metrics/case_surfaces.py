"""Surface scores of cases of any size, one compiled program for many of them.

A mask is cut to where there is something and filled up to one of few sizes, which
changes no distance between surfaces; spacing and tolerance are not compiled in.
"""

import dataclasses
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxseg.metrics.empty import (
    EmptyRule,
    MissedRule,
    resolve_empty_distance,
    resolve_empty_share,
)
from jaxseg.metrics.masks import as_class_ids, check_one_shape
from jaxseg.metrics.means import jsonable
from jaxseg.metrics.surface import DEFINITIONS, Definition, measure_surfaces

NO_CLASS = 255


@dataclasses.dataclass(frozen=True, kw_only=True)
class SurfaceOptions:
    """How surfaces are scored.

    Attributes:
      definition: name in `DEFINITIONS`.
      tolerance: distance within which a piece of surface counts as right, >= 0.
      empty: what a score is where a class is in neither mask.
      missed: what a distance is where it is in one of both alone.
    """

    definition: str = "monai"
    tolerance: float = 1.0
    empty: EmptyRule = "one"
    missed: MissedRule = "diagonal"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaseSurfaces:
    """Surface scores of one case, ``[classes]`` float64 each, nan for background.

    Attributes:
      hausdorff: the longest distance from either surface to the other.
      hd95: the same at the 95th percentile, as the definition has it.
      assd: average over both surfaces, pooled.
      nsd: share of both surfaces within the tolerance of the other.
      options: the conventions.
      unit: "mm", or "pixels" where the size of a pixel is unknown.
    """

    hausdorff: np.ndarray
    hd95: np.ndarray
    assd: np.ndarray
    nsd: np.ndarray
    options: SurfaceOptions
    unit: str

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, None for nan."""
        return {
            **{name: jsonable(getattr(self, name)) for name in SURFACE_SCORES},
            "definition": self.options.definition,
            "tolerance": self.options.tolerance,
            "empty_rule": self.options.empty,
            "missed_rule": self.options.missed,
            "unit": self.unit,
        }


SURFACE_SCORES = ("hausdorff", "hd95", "assd", "nsd")


def case_surfaces(
    predicted: np.ndarray,
    actual: np.ndarray,
    num_classes: int,
    *,
    options: SurfaceOptions,
    void: int = NO_CLASS,
    spacing_mm: tuple[float, ...] | None = None,
) -> CaseSurfaces:
    """Scores every foreground class of a case in float64.

    Example:
      >>> predicted, actual = np.zeros((2, 8, 8), int)
      >>> predicted[2:6, 2:6] = actual[2:6, 3:7] = 1
      >>> scores = case_surfaces(predicted, actual, 2, options=SurfaceOptions())
      >>> scores.hausdorff, scores.nsd, scores.unit
      (array([nan,  1.]), array([nan,  1.]), 'pixels')

    Args:
      predicted: class ids, one to three axes.
      actual: class ids of that shape; where it is `void` neither mask has a pixel.
      num_classes: how many, background (0) included.
      options: definition, tolerance and rule for empty masks.
      void: the id of pixels that do not count.
      spacing_mm: size of a pixel along each axis; None is 1, and unit "pixels".

    Raises:
      ValueError: the shapes disagree, or a mask holds anything but whole numbers.
    """
    predicted, actual = (np.asarray(as_class_ids(ids)) for ids in (predicted, actual))
    check_one_shape(predicted, actual)
    counted = actual != void
    pair = _crop(np.where(counted, predicted, 0), np.where(counted, actual, 0))
    pair = _pad(*pair, predicted.shape)
    rank = predicted.ndim
    sizes = np.ones(rank) if spacing_mm is None else np.asarray(spacing_mm, np.float64)
    with jax.enable_x64():
        found = _measure_classes(
            *pair,
            sizes,
            np.float64(options.tolerance),
            np.float64(95),
            definition=DEFINITIONS[options.definition],
            names=SURFACE_SCORES,
            num_classes=num_classes,
        )
    scores, masks = jax.tree.map(np.asarray, found)
    farthest = math.hypot(*(sizes * predicted.shape))

    rules: dict[str, Any] = {"empty": options.empty, "missed": options.missed}
    nsd = resolve_empty_share(scores.pop("nsd"), masks, empty=options.empty)
    ruled = {
        name: resolve_empty_distance(values, masks, farthest, **rules)
        for name, values in scores.items()
    }
    ruled["nsd"] = nsd
    return CaseSurfaces(
        **{name: np.concatenate([[np.nan], values]) for name, values in ruled.items()},
        options=options,
        unit="pixels" if spacing_mm is None else "mm",
    )


@functools.partial(jax.jit, static_argnames=("definition", "names", "num_classes"))
def _measure_classes(
    predicted: Array,
    actual: Array,
    *numbers: Array,
    definition: Definition,
    names: tuple[str, ...],
    num_classes: int,
) -> tuple[dict[str, Array], Array]:
    """`measure_surfaces` of each foreground class in turn: ``[classes - 1]``."""

    def of_class(c: Array) -> tuple[dict[str, Array], Array]:
        masks = predicted == c, actual == c
        return measure_surfaces(*masks, *numbers, definition=definition, names=names)

    return lax.map(of_class, jnp.arange(1, num_classes))


def _crop(predicted: np.ndarray, actual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Crops both masks to the box of all foreground, or to one pixel."""
    foreground = (predicted != 0) | (actual != 0)
    box = []
    for axis in range(foreground.ndim):
        others = tuple(a for a in range(foreground.ndim) if a != axis)
        (places,) = np.nonzero(foreground.any(others))
        box.append(slice(places[0], places[-1] + 1) if places.size else slice(1))
    return predicted[tuple(box)], actual[tuple(box)]


def _pad(
    predicted: np.ndarray, actual: np.ndarray, image: tuple[int, ...]
) -> list[np.ndarray]:
    """Pads both masks to the size of the image, halved as often as they fit.

    The size is first rounded up to 8, 12, 16, 24, 32, 48, ... along each axis.
    """
    lengths = [_length(n) for n in image]
    while all(
        n > 1 and -(-n // 2) >= m for n, m in zip(lengths, predicted.shape, strict=True)
    ):
        lengths = [-(-n // 2) for n in lengths]
    widths = [(0, n - m) for n, m in zip(lengths, predicted.shape, strict=True)]
    return [np.pad(ids, widths).astype(np.int32) for ids in (predicted, actual)]


def _length(least: int) -> int:
    power = 8
    while power < least:
        power *= 2
    return 3 * power // 4 if 12 <= 3 * power // 4 >= least else power
