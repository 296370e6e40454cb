"""The state of a run before its first step, and as shapes alone."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxseg.training.config import RunConfig
from jaxseg.training.plateau import fresh_plateau
from jaxseg.training.step import Objective, TrainState, init_state


def first_state(config: RunConfig, objective: Objective) -> TrainState:
    """The state before the first step at random weights, a function of the settings."""
    build = _builder(objective, config.size, config.channels)
    plateau = fresh_plateau(config.phases[0].learning_rate)
    return dataclasses.replace(
        build(jax.random.key(config.seed)), plateau=jax.tree.map(jnp.asarray, plateau)
    )


def state_from(
    config: RunConfig, objective: Objective, variables: dict[str, Any]
) -> TrainState:
    """The state before the first step with the weights of others."""
    state = first_state(config, objective)
    extra = dict(variables)
    params = extra.pop("params")
    made = jax.jit(functools.partial(init_state, objective))(params, state.key, extra)
    return dataclasses.replace(made, plateau=state.plateau)


def state_shapes(config: RunConfig, objective: Objective) -> TrainState:
    """The state of a run as shapes and dtypes, with nothing compiled or computed."""
    return jax.eval_shape(functools.partial(first_state, config, objective))


@functools.lru_cache(maxsize=8)
def _builder(
    objective: Objective, size: tuple[int, ...], channels: int
) -> Callable[[jax.Array], TrainState]:
    """A run's key to its first state."""

    @jax.jit
    def build(key: jax.Array) -> TrainState:
        image = jnp.zeros((1, *size, channels), jnp.float32)
        params, extra = objective.network.init(jax.random.fold_in(key, 0), image)
        return init_state(objective, params, jax.random.fold_in(key, 1), extra)

    return build
