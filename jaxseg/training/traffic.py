"""What a training step sends between devices, read off its jaxpr.

`python -m jaxseg.training.traffic` prints the bytes of gradients, and those that each
loss of the catalog pools, for a U-Net and batch of given size; half a minute. See
docs/scaling.md for what follows from them.
"""

import argparse
import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg.losses import CATALOG
from jaxseg.models import build_model

if TYPE_CHECKING:  # counting bytes needs no reader of files
    from jaxseg.data.pipeline import Source

AXIS = "devices"
GATHERS = ("all_gather", "all_gather_invariant", "all_to_all", "ppermute")
REDUCTIONS = ("psum", "psum2", "psum_invariant", "pmax", "pmin", "reduce_scatter")


@dataclasses.dataclass(frozen=True)
class Traffic:
    """What one device hands to collective operations.

    Attributes:
      reduced: bytes that are summed or compared over devices.
      gathered: bytes that every device receives from each other one.
      messages: how many operations there are, one after the other at worst.
    """

    reduced: int = 0
    gathered: int = 0
    messages: int = 0

    @property
    def total(self) -> int:
        """Bytes of both kinds."""
        return self.reduced + self.gathered

    def __add__(self, other: "Traffic") -> "Traffic":
        """What is sent by one after the other."""
        return Traffic(
            self.reduced + other.reduced,
            self.gathered + other.gathered,
            self.messages + other.messages,
        )

    def times(self, count: int) -> "Traffic":
        """What is sent by a loop of so many turns."""
        return Traffic(
            count * self.reduced, count * self.gathered, count * self.messages
        )


def traffic(function: Callable[..., Any], *arguments: Any, devices: int = 8) -> Traffic:
    """What `function` sends per device over the mapped axis `AXIS`.

    Args:
      function: of one device, with collective operations over `AXIS`.
      arguments: arrays or their shapes, of one device.
      devices: of the axis.

    Raises:
      ValueError: a loop of unknown length has collective operations in it.
    """
    traced = jax.make_jaxpr(function, axis_env=[(AXIS, devices)])(*arguments)
    return _count_jaxpr(traced.jaxpr)


def _count_jaxpr(jaxpr: Any) -> Traffic:
    total = Traffic()
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        within = Traffic()
        branches = [_count_jaxpr(inner) for inner in _inner(equation.params)]
        if name == "cond":  # one of them; the one that sends most
            within = max(branches, key=lambda branch: branch.total, default=within)
        else:
            within = sum(branches, within)
        if name == "scan":
            within = within.times(equation.params["length"])
        if name == "while" and within.messages:
            raise ValueError("a loop of unknown length has collective operations in it")
        total += within
        sent = sum(_bytes(variable.aval) for variable in equation.invars)
        if name in REDUCTIONS:
            total += Traffic(reduced=sent, messages=1)
        if name in GATHERS:
            total += Traffic(gathered=sent, messages=1)
    return total


def _inner(params: dict[str, Any]) -> Iterator[Any]:
    for value in params.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            if hasattr(part, "jaxpr"):
                yield part.jaxpr
            elif hasattr(part, "eqns"):
                yield part


def _bytes(aval: Any) -> int:
    return math.prod(aval.shape) * np.dtype(aval.dtype).itemsize


def loss_traffic(
    name: str, pixels: Sequence[int], classes: int, **hyper: Any
) -> Traffic:
    """What value and gradient of a loss send, ``[*pixels]`` on each device."""
    loss = CATALOG[name].build(**hyper)(0.5)

    def value(logits: jax.Array, labels: jax.Array) -> jax.Array:
        return loss(logits, labels, axis_name=AXIS)

    return traffic(
        jax.value_and_grad(value),
        jax.ShapeDtypeStruct((*pixels, classes), jnp.float32),
        jax.ShapeDtypeStruct(tuple(pixels), jnp.int32),
    )


def gradient_bytes(
    size: Sequence[int], channels: int, classes: int, **fields: Any
) -> int:
    """Four for each parameter of a U-Net: what is averaged over devices each step."""
    network = build_model("unet", classes, **fields)
    image = jax.ShapeDtypeStruct((1, *size, channels), jnp.float32)
    variables = jax.eval_shape(network.init, jax.random.key(0), image)
    return 4 * sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(variables))


def images_per_second(source: "Source", batch_size: int) -> tuple[float, float]:
    """How fast two threads make batches: from files, then from memory."""
    from jaxseg.data.pipeline import training_batches

    feed = training_batches(source, batch_size=batch_size, seed=0)
    count = -(-len(source) // batch_size)
    rates = []
    for _ in range(2):
        start = time.perf_counter()
        for _ in range(count):
            next(feed)
        rates.append(batch_size * count / (time.perf_counter() - start))
    return rates[0], rates[1]


NETWORKS: Mapping[str, dict[str, Any]] = {
    "2D, width 16, depth 4": {"size": (256, 256), "width": 16, "depth": 4},
    "2D, width 32, depth 6": {"size": (256, 256), "width": 32, "depth": 6},
    "3D, width 16, depth 3": {"size": (64, 64, 64), "width": 16, "depth": 3},
    "3D, width 32, depth 4": {"size": (64, 64, 64), "width": 32, "depth": 4},
}
PIXELS, CLASSES = (2, 128, 128), 4


def lines(folder: Path | None, size: Sequence[int]) -> Iterator[str]:
    """The tables, line by line."""
    yield "gradients a step, bytes of float32:"
    for name, settings in NETWORKS.items():
        count = gradient_bytes(channels=3, classes=CLASSES, **settings)
        yield f"  U-Net {name:<28}{count:>12,}"
    yield (
        f"loss, value and gradient, {' x '.join(map(str, PIXELS))} pixels a device, "
        f"{CLASSES} classes:"
    )
    alike: dict[Traffic, list[str]] = {}
    for name in CATALOG:
        alike.setdefault(loss_traffic(name, PIXELS, CLASSES), []).append(name)
    binned = loss_traffic("lovasz", PIXELS, CLASSES, method="histogram")
    alike.setdefault(binned, []).append("lovasz (method=histogram)")
    for sent, names in sorted(alike.items(), key=lambda item: item[0].total):
        yield (
            f"  {sent.reduced:>7,} bytes summed, {sent.gathered:>9,} gathered, "
            f"{sent.messages:>3} messages: {', '.join(names)}"
        )
    if folder is not None:
        from jaxseg.data.check import examine
        from jaxseg.data.collection import list_cases, open_collection
        from jaxseg.data.pipeline import CaseSource

        height, width = size
        cases = list_cases(folder, "train")
        report = examine(open_collection(folder), {"train": cases})
        report.require_sound()
        source = CaseSource(cases, (height, width), 3, report.facts("train").labels)
        first, later = images_per_second(source, 8)
        yield (
            f"images a second of {height} x {width}: {first:,.0f} from files, "
            f"{later:,.0f} from memory ({folder}, {len(cases)} images)"
        )


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m jaxseg.training.traffic",
        description="What a training step sends.",
    )
    parser.add_argument("--data", type=Path, help="folder of images to time reading")
    parser.add_argument("--size", type=int, nargs=2, default=(128, 128))
    arguments = parser.parse_args()
    for line in lines(arguments.data, arguments.size):
        print(line, flush=True)


if __name__ == "__main__":
    main()
