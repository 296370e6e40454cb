"""Optimizers by name, and the learning rate's course over a run."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import optax


def warmup_cosine(peak: float, steps: int) -> optax.Schedule:
    """A twentieth of the steps up to `peak`, then a half cosine down to 0."""
    warm = max(steps // 20, 1)
    return optax.warmup_cosine_decay_schedule(
        init_value=peak / warm,
        peak_value=peak,
        warmup_steps=warm,
        decay_steps=max(steps, warm + 1),
    )


def cosine(peak: float, steps: int) -> optax.Schedule:
    """A half cosine from `peak` down to 0 (Galdran 2022, section 3.2)."""
    return optax.cosine_decay_schedule(peak, steps)


def polynomial(peak: float, steps: int) -> optax.Schedule:
    """`peak` times (1 - step / steps) to the power 0.9 (nnU-Net, used by Liu 2022)."""
    return optax.polynomial_schedule(peak, 0.0, 0.9, steps)


def linear(peak: float, steps: int) -> optax.Schedule:
    """A straight line from `peak` to a hundredth of it (Liu 2022, Cityscapes)."""
    return optax.linear_schedule(peak, peak / 100, steps)


def constant(peak: float, steps: int) -> optax.Schedule:
    """`peak` throughout."""
    del steps
    return optax.constant_schedule(peak)


SCHEDULES: Mapping[str, Callable[[float, int], optax.Schedule]] = MappingProxyType(
    {f.__name__: f for f in (warmup_cosine, cosine, polynomial, linear, constant)}
)
"""(peak, steps) to the rate at each step, by the name on the command line."""


def _adam(rate: optax.Schedule) -> optax.GradientTransformation:
    return optax.adam(rate)


def _sgd(rate: optax.Schedule) -> optax.GradientTransformation:
    return optax.sgd(rate, momentum=0.9, nesterov=True)


OPTIMIZERS: Mapping[str, Callable[[optax.Schedule], optax.GradientTransformation]] = (
    MappingProxyType({"adam": _adam, "sgd": _sgd})
)
"""By the name on the command line."""


def optimizer_of(
    name: str, rate: optax.Schedule, *, clip: float | None
) -> optax.GradientTransformation:
    """An optimizer that first brings gradients down to the norm `clip`, if any."""
    optimizer = OPTIMIZERS[name](rate)
    if clip is None:
        return optimizer
    return optax.chain(optax.clip_by_global_norm(clip), optimizer)
