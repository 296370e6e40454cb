"""One optimizer step on one device of many, and its spread over the local devices.

The step is a plain function with an axis name. Every loss reduces inside, so all that
is left to do between devices is to average the gradients.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax

from jaxseg.data.augment import Augmentation, augment
from jaxseg.data.batch import Batch, counted, unit_images
from jaxseg.data.intensity import standardize
from jaxseg.losses import LossAt

AXIS = "devices"
NO_AUGMENTATION = Augmentation()
Apply = Callable[[Any, Array], Array]
"""(params, images ``[B, H, W, C]``) to scores ``[B, H, W, classes]``."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TrainState:
    """All that a step changes; equal on every device.

    Attributes:
      step: steps taken, int32.
      params: the network's parameters.
      opt_state: the optimizer's state.
      key: PRNG key of the run; step k draws from fold_in(key, k).
    """

    step: Array
    params: Any
    opt_state: Any
    key: Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class Objective:
    """What is minimised, and how.

    Attributes:
      apply: the network.
      loss_at: progress to the loss.
      optimizer: gradients to updates.
      start: steps taken before this objective.
      steps: steps taken with it; progress goes from 0 to 1 over them.
      augmentation: random changes of the images.
    """

    apply: Apply
    loss_at: LossAt
    optimizer: optax.GradientTransformation
    steps: int
    start: int = 0
    augmentation: Augmentation = NO_AUGMENTATION


def init_state(objective: Objective, params: Any, key: Array) -> TrainState:
    """The state before the first step."""
    step = jnp.zeros((), jnp.int32)
    return TrainState(step, params, objective.optimizer.init(params), key)


def fresh_optimizer(state: TrainState, objective: Objective) -> TrainState:
    """The state with its weights, and the optimizer as before the first step."""
    opt_state = objective.optimizer.init(state.params)
    return dataclasses.replace(state, opt_state=opt_state)


def train_step(
    state: TrainState, batch: Batch, *, objective: Objective, axis_name: str | None
) -> tuple[TrainState, dict[str, Array]]:
    """One step on this device's share of the batch.

    Args:
      state: the same on all devices.
      batch: this device's images; filling images count in nothing.
      objective: what to minimise.
      axis_name: mapped axis over the devices; None for one device.

    Returns:
      The next state and ``{"loss", "gradient_norm"}``, the same on all devices.
    """
    step_key = jax.random.fold_in(state.key, state.step)
    keys = jax.vmap(functools.partial(jax.random.fold_in, step_key))(batch.positions)
    settings = objective.augmentation
    images, labels = jax.vmap(
        lambda key, image, ids: augment(key, image, ids, settings)
    )(keys, unit_images(batch), jnp.asarray(batch.labels))
    images = standardize(images)
    where = counted(dataclasses.replace(batch, labels=labels))
    progress = (state.step - objective.start) / max(objective.steps - 1, 1)
    loss = objective.loss_at(progress)

    def scalar(params: Any) -> Array:
        logits = objective.apply(params, images)
        ids = labels.astype(jnp.int32)
        return loss(logits, ids, where=where, axis_name=axis_name)

    value, grads = jax.value_and_grad(scalar)(state.params)
    if axis_name is not None:
        grads = lax.pmean(grads, axis_name)
    updates, opt_state = objective.optimizer.update(
        grads, state.opt_state, state.params
    )
    params = optax.apply_updates(state.params, updates)
    report = {"loss": value, "gradient_norm": optax.tree.norm(grads)}
    return TrainState(state.step + 1, params, opt_state, state.key), report


def parallel_step(objective: Objective) -> Callable[..., Any]:
    """`train_step` over all local devices: (state, batch split by device) to the same.

    The state is passed and returned as on one device and is donated.
    """
    step = functools.partial(train_step, objective=objective, axis_name=AXIS)
    return jax.pmap(
        step, axis_name=AXIS, in_axes=(None, 0), out_axes=None, donate_argnums=0
    )


def replicate(state: TrainState) -> TrainState:
    """The state on every local device, placed as `parallel_step` returns it."""
    mesh = jax.sharding.Mesh(np.array(jax.local_devices()), (AXIS,))
    return jax.device_put(
        state, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    )
