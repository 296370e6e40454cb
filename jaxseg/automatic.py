"""Meshes whose axes are explicit, which is what `jax.make_mesh` makes.

There every array knows how it is split, and an operation that does not say how its
result is (a sort, a reshape of split axes) is refused. Here all results are single
numbers, or follow their input, so that JAX may choose what lies between.
"""

from collections.abc import Callable
from typing import Any, cast

import jax
from jax import Array
from jax.sharding import AbstractMesh, AxisType, NamedSharding, PartitionSpec


def with_automatic_axes(
    function: Callable[..., Array], *args: Any, **options: Any
) -> Array:
    """``function(*args, **options)``, its mesh axes automatic; one whole array."""
    leaves, tree = jax.tree.flatten((args, options))
    mesh = _explicit_mesh(leaves)
    if mesh is None:
        return function(*args, **options)
    arrays = [x if isinstance(x, Array) else None for x in leaves]

    def call(arrays: list[Array | None]) -> Array:
        filled = [
            old if new is None else new for old, new in zip(leaves, arrays, strict=True)
        ]
        args, options = jax.tree.unflatten(tree, filled)
        return function(*args, **options)

    types = zip(mesh.axis_names, mesh.axis_types, strict=True)
    explicit = tuple(name for name, kind in types if kind is AxisType.Explicit)
    whole = NamedSharding(mesh, PartitionSpec())
    automatic = jax.sharding.auto_axes(call, axes=explicit, out_sharding=whole)
    return cast(Callable[..., Array], automatic)(arrays)


def _explicit_mesh(leaves: list[Any]) -> AbstractMesh | None:
    """The mesh of the first array that lies on one with an explicit axis."""
    for leaf in leaves:
        if isinstance(leaf, Array):
            mesh = jax.typeof(leaf).sharding.mesh
            if AxisType.Explicit in mesh.axis_types:
                return mesh
    return None
