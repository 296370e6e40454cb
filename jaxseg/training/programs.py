"""What a phase of a run computes, compiled when first called and shared by runs."""

import dataclasses
import functools
import json
from collections.abc import Callable
from typing import Any

from jaxseg.training.config import SETTINGS, RunConfig
from jaxseg.training.divergence import examine_step
from jaxseg.training.objective import objective_of
from jaxseg.training.parallel import map_devices, parallel_step
from jaxseg.training.step import Objective, inspect_step, loss_step


@dataclasses.dataclass(frozen=True)
class Programs:
    """The programs of one phase; all but the objective take (state, split batch)."""

    objective: Objective
    step: Callable[..., Any]
    inspect: Callable[..., Any]
    loss: Callable[..., Any]
    examine: Callable[..., Any]


@dataclasses.dataclass(frozen=True)
class _Phase:
    """A run's phase as compiled programs see it: equal ones share them."""

    config: RunConfig = dataclasses.field(compare=False)
    phase: int
    settings: str


def programs_of(config: RunConfig, phase: int) -> Programs:
    """The programs of a phase; runs that differ in data, seed or rate share them."""
    stored = config.to_json()
    seen = {name: stored[name] for name, about in SETTINGS.items() if about.compiled}
    return _make(_Phase(config, phase, json.dumps(seen)))


@functools.lru_cache(maxsize=8)
def _make(what: _Phase) -> Programs:
    config = what.config
    objective = objective_of(config, config.phases[what.phase])

    def spread(step: Callable[..., Any]) -> Callable[..., Any]:
        return map_devices(
            functools.partial(step, objective=objective), config.parallel
        )

    return Programs(
        objective=objective,
        step=parallel_step(objective, config.parallel),
        inspect=spread(inspect_step),
        loss=spread(loss_step),
        examine=spread(examine_step),
    )
