"""A step of one device over all devices: by pmap, or by shard_map with its checks."""

import functools
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg.data.batch import Batch
from jaxseg.training.step import Objective, TrainState, train_step

AXIS = "devices"
Parallel = Literal["pmap", "shard_map"]


def over_devices(
    function: Callable[..., Any], parallel: Parallel = "pmap", *, donate: bool = False
) -> Callable[..., Any]:
    """A function of (state, this device's batch) over all devices.

    Args:
      function: with a keyword `axis_name`; what it returns is equal on every device.
      parallel: "pmap", or "shard_map", which also checks that it is.
      donate: whether the state's memory is used for the result.

    Returns:
      A function of (state, batch split by device); the state is passed as on one
      device, placed by `replicate`, and the batch by `placed`.
    """
    mapped = functools.partial(function, axis_name=AXIS)
    donated = (0,) if donate else ()
    if parallel == "pmap":
        return jax.pmap(
            mapped,
            axis_name=AXIS,
            in_axes=(None, 0),
            out_axes=None,
            donate_argnums=donated,
        )

    def one(state: TrainState, batch: Batch) -> Any:
        return mapped(state, jax.tree.map(lambda x: x[0], batch))

    whole, shared = jax.sharding.PartitionSpec(), jax.sharding.PartitionSpec(AXIS)
    sharded = jax.shard_map(
        one, mesh=_mesh(parallel), in_specs=(whole, shared), out_specs=whole
    )
    return jax.jit(sharded, donate_argnums=donated)


def parallel_step(
    objective: Objective, parallel: Parallel = "pmap"
) -> Callable[..., Any]:
    """`train_step` over all devices: (state, batch split by device) to the same.

    The state is passed and returned as on one device and is donated.
    """
    step = functools.partial(train_step, objective=objective)
    return over_devices(step, parallel, donate=True)


def _mesh(parallel: Parallel) -> jax.sharding.Mesh:
    """The devices of this process under pmap, else of all processes."""
    devices = jax.local_devices() if parallel == "pmap" else jax.devices()
    return jax.sharding.Mesh(np.array(devices), (AXIS,))


def replicate(state: Any, parallel: Parallel = "pmap") -> Any:
    """The state on every device, placed as `parallel_step` returns it."""
    whole = jax.sharding.NamedSharding(_mesh(parallel), jax.sharding.PartitionSpec())
    if parallel == "pmap" or jax.process_count() == 1:
        return jax.device_put(state, whole)
    return jax.tree.map(functools.partial(_everywhere, sharding=whole), state)


def _everywhere(leaf: Any, sharding: jax.sharding.NamedSharding) -> Array:
    """An array that every process has, on the devices of all processes."""
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        data = _everywhere(jax.random.key_data(leaf), sharding)
        return jax.random.wrap_key_data(data)
    value = np.asarray(leaf)
    return jax.make_array_from_callback(
        value.shape, sharding, lambda index: value[index]
    )


def on_host(leaf: Any) -> np.ndarray:
    """An array that is equal on all devices, as NumPy's."""
    return np.asarray(leaf.addressable_data(0))


def placed(batch: Batch, parallel: Parallel) -> Batch:
    """This process's part of a batch, split by device, as the step takes it."""
    if parallel == "pmap":
        return batch
    by_device = jax.sharding.NamedSharding(
        _mesh(parallel), jax.sharding.PartitionSpec(AXIS)
    )
    return jax.tree.map(
        lambda x: jax.make_array_from_process_local_data(by_device, np.asarray(x)),
        batch,
    )
