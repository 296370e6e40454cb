"""What the catalog knows of a loss."""

import dataclasses
import functools
import inspect
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

from jaxseg.losses.compound import LossAt, scheduled
from jaxseg.losses.protocol import Loss
from jaxseg.losses.ranges import require_in_range

Family = Literal["pixel", "region", "boundary", "marginal", "compound"]

_OPTIONS = ("link", "class_weights", "pixel_weights", "where", "axis_name")
_MAPS = (
    "distance",
    "signed_distance",
    "transform",
    "components",
    "regions",
    "spatial",
)


@dataclasses.dataclass(frozen=True)
class SpecialCase:
    """Hyper-parameters with which one loss is another, on hard labels.

    Attributes:
      hyper: of this loss.
      name: catalog name of the other.
      other: hyper-parameters of the other, where they are not its defaults.
    """

    hyper: Mapping[str, Any]
    name: str
    other: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One named loss.

    Attributes:
      name: what ``--loss`` takes.
      family: which kind of quantity it measures.
      formula: one line of plain text.
      paper: where it is printed.
      equation: which equation there.
      function: how to call it in Python.
      build: hyper-parameters as keywords to a `LossAt`.
      defaults: the hyper-parameters that `build` takes, with their defaults.
      perfect: the value at a certain and right prediction, None if it varies.
      bounds: least and largest value under a softmax.
      learns_from_empty: whether an image without foreground has a gradient where
        foreground is the only class (C = 1 under `links.sigmoid`).
      special_cases: when it equals another loss.
    """

    name: str
    family: Family
    formula: str
    paper: str
    equation: str
    function: str
    build: Callable[..., LossAt]
    defaults: Mapping[str, Any]
    perfect: float | None = 0.0
    bounds: tuple[float, float] = (0.0, math.inf)
    learns_from_empty: bool = True
    special_cases: tuple[SpecialCase, ...] = ()

    @property
    def loss(self) -> Loss:
        """The loss with its defaults, in the middle of training if it is scheduled."""
        return self.build()(0.5)


def defaults_of(function: Callable[..., object]) -> Mapping[str, Any]:
    """Hyper-parameters of a loss or recipe and their defaults."""
    found = {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is not inspect.Parameter.empty
        and name not in _OPTIONS + _MAPS
    }
    return MappingProxyType(found)


def single(
    name: str,
    loss: Callable[..., Any],
    family: Family,
    *,
    fixed: Mapping[str, Any] | None = None,
    wrap: Callable[[Any], Any] | None = None,
    **facts: Any,
) -> Entry:
    """Entry of one loss function.

    Args:
      name: of the entry.
      loss: the function.
      family: of the entry.
      fixed: hyper-parameters that are bound and not on offer.
      wrap: such as `per_image`, what is made of the loss.
      **facts: all else of an `Entry`.
    """
    fixed = fixed or {}
    wrapped = loss if wrap is None else wrap(loss)

    def build(**hyper: Any) -> LossAt:
        require_in_range(name, hyper)
        return scheduled(wrapped, **{**fixed, **hyper})

    build.__doc__ = loss.__doc__
    free = {k: v for k, v in defaults_of(loss).items() if k not in fixed}
    bound = ", ".join(f"{k}={v}" for k, v in fixed.items() if v is not False)
    call = loss.__name__ if wrap is None else f"{wrap.__name__}({loss.__name__})"
    return Entry(
        name=name,
        family=family,
        function=_calling(call, bound, wrapped=wrap is not None),
        build=build,
        defaults=MappingProxyType(free),
        **facts,
    )


def _calling(call: str, bound: str, *, wrapped: bool) -> str:
    if not bound:
        return call
    return f"{call}, with {bound}" if wrapped else f"{call}({bound})"


def compound(
    loss: Callable[..., Any],
    *,
    weights: Mapping[str, str] | None = None,
    terms: Callable[..., Mapping[str, Loss]] | None = None,
    **facts: Any,
) -> Entry:
    """Entry of a sum of losses.

    Args:
      loss: the function.
      weights: its hyper-parameters that weigh a term each, with the names of the terms.
      terms: hyper-parameters to weighted terms by name, where weights do not tell.
      **facts: all else of an `Entry`.
    """
    name = loss.__name__.removesuffix("_loss")

    def alone(**hyper: Any) -> dict[str, Loss]:
        """Each term: the compound with all other weights 0."""
        names = weights or {}
        return {
            term: functools.partial(
                loss, **{**hyper, **{other: 0.0 for other in names if other != own}}
            )
            for own, term in names.items()
        }

    def build(**hyper: Any) -> LossAt:
        require_in_range(name, hyper)
        return scheduled(loss, terms or alone, **hyper)

    build.__doc__ = loss.__doc__
    return Entry(
        name=name,
        family="compound",
        function=loss.__name__,
        build=build,
        defaults=defaults_of(loss),
        **facts,
    )


def recipe(build: Callable[..., LossAt], **facts: Any) -> Entry:
    """Entry of a compound that changes with progress, named like its builder."""
    name = build.__name__

    @functools.wraps(build)
    def checked(**hyper: Any) -> LossAt:
        require_in_range(name, hyper)
        return build(**hyper)

    return Entry(
        name=name,
        family="compound",
        function=f'CATALOG["{name}"].build',
        build=checked,
        defaults=defaults_of(build),
        **facts,
    )
