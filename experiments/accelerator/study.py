"""Study: networks trained at once by `vmap`, and Galdran's five strategies.

Folds and seeds of a study are alike but for weights, images and draws, so that one
program can train all of them. Whether that is faster than one after the other is
measured first, and the five strategies are trained in the way that is.
"""

import dataclasses
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.accelerator.clock import Turn
from experiments.accelerator.settings import Settings
from experiments.accelerator.train import CASES, FEWEST, config_maker, scored
from experiments.ood_robustness.strategies import STRATEGIES
from jaxseg.data.batch import Batch
from jaxseg.training.cases import TrainedNetwork
from jaxseg.training.config import RunConfig
from jaxseg.training.loop import Run
from jaxseg.training.programs import programs_of
from jaxseg.training.sources import SYNTHETIC, batches, examples
from jaxseg.training.start import first_state
from jaxseg.training.step import Objective, TrainState, train_step
from jaxseg.training.validation import validate

REPEATS = 3


def rows(settings: Settings, turn: Turn) -> Iterator[dict[str, Any]]:
    """Which way is faster, then a row for each strategy and seed."""
    config_for, notes, data = config_maker(settings)
    yield from ({"what": "note", "note": note} for note in notes)
    known = {strategy.name: strategy for strategy in STRATEGIES}
    strategies = [known[name] for name in settings.strategies]
    probe = config_for(strategies[0], settings.study_steps)
    begun = time.perf_counter()
    ways = Ways(probe, settings.together)
    one = ways.seconds_one_by_one()
    yield {"what": "way", "together": False, "networks": settings.together,
           "milliseconds": 1e3 * one}  # fmt: skip
    both = None
    if not turn.over:
        both = ways.seconds_together()
        yield {"what": "way", "together": True, "networks": settings.together,
               "milliseconds": 1e3 * both, "times_faster": one / both,
               "difference": ways.difference()}  # fmt: skip
    compiling = time.perf_counter() - begun
    together = both is not None and both < one
    least = both if together else one
    assert least is not None
    left = turn.left / len(strategies) - compiling / 2
    seeds = settings.together if together else 1
    each = least if together else one / settings.together
    steps = int(min(0.6 * left / each, settings.study_steps))
    if steps < FEWEST:
        yield {"what": "note", "note": "no time for the five strategies: a step of "
               f"{seeds} takes {each:.2f} s"}  # fmt: skip
        return
    for strategy in strategies:
        if turn.over:
            return
        configs = [config_for(strategy, steps, seed) for seed in range(seeds)]
        begun = time.perf_counter()
        states = trained_together(configs) if together else [_alone(configs[0])]
        seconds = time.perf_counter() - begun
        for config, state in zip(configs, states, strict=True):
            yield {
                "what": "strategy",
                "strategy": strategy.name,
                "seed": config.seed,
                "data": data,
                "model": config.model,
                "size": list(config.size),
                "steps": steps,
                "together": together,
                "seconds": seconds / len(configs),
                **_scores(config, state, data),
            }


def _scores(config: RunConfig, state: TrainState, data: str) -> dict[str, Any]:
    split = "test" if data != SYNTHETIC else "validation"
    held = examples(config, config.data, split, CASES)
    trained = TrainedNetwork(
        config, programs_of(config, -1).objective.apply, state.variables
    )
    return scored(validate(trained, held).summary())


def first_of(config: RunConfig) -> TrainState:
    """The state before the first step, with the weights that the settings name."""
    return Run(config, Path()).start()


def _alone(config: RunConfig) -> TrainState:
    """A run of one network, in this process and kept nowhere."""
    step = _single(programs_of(config, 0).objective)
    state, feed = first_of(config), batches(config, 0)
    for _ in range(config.steps):
        state, _ = step(state, jax.device_put(next(feed)))
    return jax.block_until_ready(state)


def trained_together(configs: Sequence[RunConfig]) -> list[TrainState]:
    """All of them in one program; each on the batches of its own seed."""
    step = _several(programs_of(configs[0], 0).objective)
    state = stacked([first_of(config) for config in configs])
    feeds = [batches(config, 0) for config in configs]
    for _ in range(configs[0].steps):
        batch = stacked([next(feed) for feed in feeds])
        state, _ = step(state, jax.device_put(batch))
    return [taken(state, number) for number in range(len(configs))]


def stacked(trees: Sequence[Any]) -> Any:
    """Trees of arrays as one, with a leading axis."""

    def stack(*leaves: Any) -> Any:
        here = all(isinstance(leaf, np.ndarray) for leaf in leaves)
        return np.stack(leaves) if here else jnp.stack(leaves)

    return jax.tree.map(stack, *trees)


def taken(tree: Any, number: int) -> Any:
    """One of those that were stacked."""
    return jax.tree.map(lambda leaf: leaf[number], tree)


def _single(objective: Objective) -> Callable[..., Any]:
    step = functools.partial(train_step, objective=objective, axis_name=None)
    return jax.jit(step, donate_argnums=0)


def _several(objective: Objective) -> Callable[..., Any]:
    step = functools.partial(train_step, objective=objective, axis_name=None)
    return jax.jit(jax.vmap(step), donate_argnums=0)


class Ways:
    """The same networks one by one and together, on one batch."""

    def __init__(self, config: RunConfig, networks: int):
        self.objective = programs_of(config, 0).objective
        self.networks = networks
        self.config = config
        self.batch: Batch = jax.device_put(next(iter(batches(config, 0))))
        first = first_state(config, self.objective)
        self._first = jax.tree.map(np.asarray, _without_key(first))
        self._key = first.key
        self._ends: list[Any] = []

    def _fresh(self) -> TrainState:
        state = jax.tree.map(jnp.asarray, self._first)
        return _with_key(state, jnp.copy(self._key))

    def seconds_one_by_one(self) -> float:
        """Of a step of each network."""
        step = _single(self.objective)
        states = [self._fresh() for _ in range(self.networks)]
        found = []
        for _ in range(1 + REPEATS):
            begun = time.perf_counter()
            for number, state in enumerate(states):
                states[number], _ = step(state, self.batch)
            jax.block_until_ready(states)
            found.append(time.perf_counter() - begun)
        self._ends.append(states[0].params)
        return float(np.median(found[1:]))

    def seconds_together(self) -> float:
        """Of a step of all networks."""
        step = _several(self.objective)
        state = stacked([self._fresh() for _ in range(self.networks)])
        batch = stacked([self.batch] * self.networks)
        found = []
        for _ in range(1 + REPEATS):
            begun = time.perf_counter()
            state, _ = step(state, batch)
            jax.block_until_ready(state)
            found.append(time.perf_counter() - begun)
        self._ends.append(taken(state.params, 0))
        return float(np.median(found[1:]))

    def difference(self) -> float:
        """The largest, of parameters after the same steps in both ways."""
        pairs = zip(*map(jax.tree.leaves, self._ends), strict=True)
        return max(float(jnp.abs(a - b).max()) for a, b in pairs)


def _without_key(state: TrainState) -> TrainState:
    return dataclasses.replace(state, key=jax.random.key_data(state.key))


def _with_key(state: TrainState, key: Any) -> TrainState:
    return dataclasses.replace(state, key=key)
