"""The state of a run before its first step, and as shapes alone."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxseg.training.config import RunConfig
from jaxseg.training.network import Network
from jaxseg.training.plateau import fresh_plateau
from jaxseg.training.step import Objective, TrainState, init_state

QUICK = {"xla_backend_optimization_level": 1}
"""Draws of a hundred kernels are compiled for half a minute, and run for a moment.

At level 0 the gradient of a U-Net of volumes was NaN in jaxlib 0.10.2: never that.
"""


def first_state(
    config: RunConfig, objective: Objective, variables: dict[str, Any] | None = None
) -> TrainState:
    """The state before the first step, a function of the settings.

    Args:
      config: settings; the key is made of their seed.
      objective: of the run's first phase.
      variables: weights of others. A leaf that is a shape alone is drawn at random, as
        all are where this is None.
    """
    size, channels = config.size, config.channels
    if variables is None:
        variables = _shapes(objective.network, size, channels)
    leaves, structure = jax.tree.flatten(variables)
    drawn = tuple(
        place
        for place, leaf in enumerate(leaves)
        if isinstance(leaf, jax.ShapeDtypeStruct)
    )
    if drawn:
        draw = _draws(objective.network, size, channels, drawn)
        key = jax.random.fold_in(jax.random.key(config.seed), 0)
        for place, leaf in zip(drawn, draw(key), strict=True):
            leaves[place] = leaf
    return _begin(config, objective, jax.tree.unflatten(structure, leaves))


def state_shapes(config: RunConfig, objective: Objective) -> TrainState:
    """The state of a run as shapes and dtypes, with nothing compiled or computed."""
    variables = _shapes(objective.network, config.size, config.channels)
    return jax.eval_shape(functools.partial(_begin, config, objective), variables)


def _begin(
    config: RunConfig, objective: Objective, variables: dict[str, Any]
) -> TrainState:
    """The state of these weights."""
    extra = dict(variables)
    params = extra.pop("params")
    key = jax.random.fold_in(jax.random.key(config.seed), 1)
    state = _with_optimizer(objective, params, key, extra)
    plateau = fresh_plateau(config.phases[0].learning_rate)
    return dataclasses.replace(state, plateau=jax.tree.map(jnp.asarray, plateau))


_with_optimizer = jax.jit(init_state, static_argnums=0)


def _variables(
    network: Network, size: tuple[int, ...], channels: int, key: Array
) -> dict[str, Any]:
    params, extra = network.init(key, jnp.zeros((1, *size, channels), jnp.float32))
    return {"params": params, **extra}


def _shapes(network: Network, size: tuple[int, ...], channels: int) -> dict[str, Any]:
    """The network's variables as shapes."""
    make = functools.partial(_variables, network, size, channels)
    return jax.eval_shape(make, jax.random.key(0))


@functools.lru_cache(maxsize=8)
def _draws(
    network: Network, size: tuple[int, ...], channels: int, drawn: tuple[int, ...]
) -> Callable[[Array], list[Array]]:
    """A key to the network's first variables, those of the given places alone."""

    def draw(key: Array) -> list[Array]:
        leaves = jax.tree.leaves(_variables(network, size, channels, key))
        return [leaves[place] for place in drawn]

    options = QUICK if jax.default_backend() == "cpu" else None
    return jax.jit(draw, compiler_options=options)
