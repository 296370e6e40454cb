"""Optimizers by name, with the learning rate's course over a run."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import optax


def learning_rate(peak: float, steps: int) -> optax.Schedule:
    """A twentieth of the steps up to `peak`, then a half cosine down to 0."""
    warm = max(steps // 20, 1)
    return optax.warmup_cosine_decay_schedule(
        init_value=peak / warm,
        peak_value=peak,
        warmup_steps=warm,
        decay_steps=max(steps, warm + 1),
    )


def _adam(rate: optax.Schedule) -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(10.0), optax.adam(rate))


def _sgd(rate: optax.Schedule) -> optax.GradientTransformation:
    return optax.sgd(rate, momentum=0.9, nesterov=True)


OPTIMIZERS: Mapping[str, Callable[[optax.Schedule], optax.GradientTransformation]] = (
    MappingProxyType({"adam": _adam, "sgd": _sgd})
)
"""By the name on the command line."""
