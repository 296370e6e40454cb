"""A step over all devices, in four ways that give the same numbers.

``pmap`` and ``shard_map`` run the step of one device on each, with an axis name over
which losses and gradients are reduced; shard_map also checks that what comes out is
equal everywhere. ``jit`` runs the step of the whole batch over arrays that lie in parts
on the devices, and leaves to the compiler what they send each other; ``fsdp`` is the
same with the parameters and the optimizer's state in parts as well.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxseg.data.batch import Batch
from jaxseg.models.norms import DEVICES
from jaxseg.training.config import Parallel
from jaxseg.training.step import Objective, TrainState, train_step

AXIS = DEVICES
"""The mapped axis, and that of the mesh."""
WHOLE = PartitionSpec()
SPLIT = PartitionSpec(AXIS)
SMALLEST = 2**10
"""Numbers below which an array is not divided by ``fsdp``: sending it costs more."""


def in_use(parallel: Parallel) -> Parallel:
    """The way itself; shard_map where JAX has no pmap any more."""
    return "shard_map" if parallel == "pmap" and not hasattr(jax, "pmap") else parallel


def map_devices(
    function: Callable[..., Any],
    parallel: Parallel = "pmap",
    *,
    donate: bool = False,
    mesh: Mesh | None = None,
) -> Callable[..., Any]:
    """A function of (state, this device's batch) over all devices.

    Args:
      function: with a keyword `axis_name`; what it returns is equal on every device.
      parallel: "pmap"; "shard_map", which also checks that it is; "jit" or "fsdp", by
        which it sees the whole batch and no axis.
      donate: whether the state's memory is used for the result.
      mesh: of "shard_map", "jit" and "fsdp", with the one axis `AXIS`, automatic or
        explicit; None is of all devices.

    Returns:
      A function of (state, batch split by device); the state is passed as on one
      device, placed by `replicate`, and the batch by `place_batch`.
    """
    parallel = in_use(parallel)
    donated = (0,) if donate else ()
    mapped = functools.partial(function, axis_name=AXIS)
    if parallel == "pmap":
        return jax.pmap(
            mapped,
            axis_name=AXIS,
            in_axes=(None, 0),
            out_axes=None,
            donate_argnums=donated,
        )
    mesh = _mesh(parallel) if mesh is None else mesh
    if parallel == "shard_map":

        def one(state: TrainState, batch: Batch) -> Any:
            return mapped(state, jax.tree.map(lambda x: x[0], batch))

        sharded = jax.shard_map(
            one, mesh=mesh, in_specs=(WHOLE, SPLIT), out_specs=WHOLE
        )
        return jax.jit(sharded, donate_argnums=donated)
    return jax.jit(
        functools.partial(_of_all, function, parallel, _automatic(mesh)),
        donate_argnums=donated,
    )


def _of_all(
    function: Callable[..., Any],
    parallel: Parallel,
    mesh: Mesh,
    state: TrainState,
    batch: Batch,
) -> Any:
    """The function of the whole batch; the compiler divides the work."""
    state = _constrained(state, parallel, mesh)
    joined = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), batch)
    joined = jax.lax.with_sharding_constraint(joined, NamedSharding(mesh, SPLIT))
    return _constrained(function(state, joined, axis_name=None), parallel, mesh)


def _automatic(mesh: Mesh) -> Mesh:
    """The mesh with an axis that the compiler may shard over as it likes."""
    return Mesh(mesh.devices, mesh.axis_names)


def _constrained(tree: Any, parallel: Parallel, mesh: Mesh) -> Any:
    wanted = shardings(tree, parallel, mesh)
    return jax.tree.map(jax.lax.with_sharding_constraint, tree, wanted)


def shardings(tree: Any, parallel: Parallel, mesh: Mesh | None = None) -> Any:
    """Where each array of a state lies: everywhere, or by ``fsdp`` in parts.

    An array is divided along its last axis that the number of devices divides; one that
    is small or has no such axis lies everywhere.
    """
    mesh = _mesh(parallel) if mesh is None else mesh
    return jax.tree.map(
        lambda leaf: NamedSharding(
            mesh, _divided(leaf.shape, mesh.size) if parallel == "fsdp" else WHOLE
        ),
        tree,
    )


def _divided(shape: tuple[int, ...], devices: int) -> PartitionSpec:
    places = [axis for axis, n in enumerate(shape) if n and n % devices == 0]
    if not places or np.prod(shape) < SMALLEST:
        return WHOLE
    return PartitionSpec(
        *(AXIS if k == places[-1] else None for k in range(len(shape)))
    )


def parallel_step(
    objective: Objective, parallel: Parallel = "pmap", mesh: Mesh | None = None
) -> Callable[..., Any]:
    """`train_step` over all devices: (state, batch split by device) to the same.

    The state is passed and returned as on one device and is donated.
    """
    step = functools.partial(train_step, objective=objective)
    return map_devices(step, parallel, donate=True, mesh=mesh)


def _mesh(parallel: Parallel) -> Mesh:
    """The devices of this process under pmap, else of all processes."""
    local = in_use(parallel) == "pmap"
    devices = jax.local_devices() if local else jax.devices()
    return Mesh(np.array(devices), (AXIS,))


def replicate(state: Any, parallel: Parallel = "pmap") -> Any:
    """The state on the devices, placed as `parallel_step` returns it."""
    wanted = shardings(state, parallel)
    if in_use(parallel) == "pmap" or jax.process_count() == 1:
        return jax.device_put(state, wanted)
    return jax.tree.map(_everywhere, state, wanted)


def _everywhere(leaf: Any, sharding: NamedSharding) -> Array:
    """An array that every process has, on the devices of all processes."""
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        data = _everywhere(jax.random.key_data(leaf), sharding)
        return jax.random.wrap_key_data(data)
    value = np.asarray(leaf)
    return jax.make_array_from_callback(
        value.shape, sharding, lambda index: value[index]
    )


def undivided(state: Any, parallel: Parallel) -> Any:
    """The state with every array whole on every device; all processes call this."""
    if parallel != "fsdp":
        return state
    whole = jax.tree.map(lambda _: NamedSharding(_mesh(parallel), WHOLE), state)
    return jax.jit(lambda tree: tree, out_shardings=whole)(state)


def to_host(leaf: Any) -> np.ndarray:
    """An array that is equal on all devices, as NumPy's."""
    return np.asarray(leaf.addressable_data(0))


def place_batch(batch: Batch, parallel: Parallel) -> Batch:
    """This process's part of a batch, split by device, on the devices.

    The step then has nothing to send: this may be done while the one before runs.
    """
    by_device = NamedSharding(_mesh(parallel), SPLIT)
    if in_use(parallel) == "pmap":
        return jax.device_put(batch, by_device)
    return jax.tree.map(
        lambda x: jax.make_array_from_process_local_data(by_device, np.asarray(x)),
        batch,
    )
