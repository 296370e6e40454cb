"""How long a training step of a U-Net takes, beside the same network in PyTorch.

`python -m experiments step_speed --peers PYTHON` measures both in turns in one run, so
that they meet the same machine; about a minute. `python -m experiments.step_speed
PYTHON` does the same for single convolutions and their gradients; half a minute.
"""

import dataclasses
import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.peers import rows_of_peers
from experiments.speed import machine, median_seconds
from jaxseg.losses import cross_entropy_loss
from jaxseg.models import build_model
from jaxseg.models.convolutions import convolution
from jaxseg.models.layers import count_parameters
from jaxseg.training.heap import keep_freed_memory
from jaxseg.training.start import QUICK


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """A network and its batch.

    Attributes:
      name: of the case.
      pixels: images, then their size along each axis.
      channels: of the images.
      classes: scores per pixel.
      network: name in `jaxseg.models.MODELS`.
      norm: what follows its convolutions.
      fields: of its own: of a U-Net ``depth``, its halvings, and ``width``, its
        channels at full resolution.
      dtype: what its layers compute in.
    """

    name: str
    pixels: tuple[int, ...]
    channels: int
    classes: int
    network: str = "unet"
    norm: str = "group"
    fields: Mapping[str, Any]
    dtype: str = "float32"


UNET: Mapping[str, Any] = MappingProxyType({"depth": 3, "width": 16})
FPN: Mapping[str, Any] = MappingProxyType(
    {"decoder_fields": {"pyramid": 64, "width": 64}}
)
CASES = (
    Case(name="2D", pixels=(8, 128, 128), channels=3, classes=4, fields=UNET),
    Case(name="3D", pixels=(2, 64, 64, 32), channels=1, classes=4, fields=UNET),
    Case(
        name="EfficientNet",
        pixels=(8, 128, 160),
        channels=3,
        classes=2,
        network="efficientnet_lite0_fpn",
        norm="batch",
        fields=FPN,
    ),
)


CONVOLUTIONS = (
    ((8, 128, 128), 16),
    ((8, 64, 64), 32),
    ((8, 32, 32), 64),
    ((8, 16, 16), 128),
    ((2, 64, 64, 32), 16),
    ((2, 32, 32, 16), 32),
    ((2, 16, 16, 8), 64),
)
"""Images and their size, and channels before and after, of the levels of the cases."""
PARTS = ("forward", "of input", "of kernel")
SECONDS = 20.0
"""After which a median is taken of fewer steps than asked for."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What is measured.

    Attributes:
      cases: networks, one row each.
      repeats: timed steps of each, after two that are not; the median counts.
      rounds: how often jaxseg and the peer take turns; the least median counts.
    """

    cases: tuple[Case, ...] = CASES
    repeats: int = 10
    rounds: int = 2


def training_step(
    case: Case, loss: Callable[..., jax.Array] = cross_entropy_loss
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """A jitted step (state, images, labels) to the next state, and its arguments."""
    network = build_model(
        case.network, case.classes, norm=case.norm, dtype=case.dtype, **case.fields
    )
    rng = np.random.default_rng(0)
    shape = (*case.pixels, case.channels)
    images = jnp.asarray(rng.standard_normal(shape), jnp.float32)
    labels = jnp.asarray(rng.integers(0, case.classes, case.pixels), jnp.int32)
    adam = optax.adam(1e-3)

    def step(state: Any, images: jax.Array, labels: jax.Array) -> Any:
        params, statistics, moments = state

        def value(params: Any) -> tuple[jax.Array, Any]:
            scores, moved = network.apply(
                {"params": params, **statistics}, images, train=True,
                mutable=list(statistics),
            )  # fmt: skip
            return loss(scores, labels), moved

        grads, moved = jax.grad(value, has_aux=True)(params)
        updates, moments = adam.update(grads, moments)
        return optax.apply_updates(params, updates), moved, moments

    options = QUICK if jax.default_backend() == "cpu" else None
    init = jax.jit(network.init, compiler_options=options)
    statistics = dict(init(jax.random.key(0), images))
    params = statistics.pop("params")
    state = params, statistics, adam.init(params)
    return jax.jit(step, donate_argnums=0), (state, images, labels)


def measure_step(case: Case, repeats: int) -> dict[str, Any]:
    """Median milliseconds of a step of ours."""
    step, (state, images, labels) = training_step(case)
    parameters = count_parameters(state[0])

    def call() -> Any:
        nonlocal state
        state = step(state, images, labels)
        return state

    return {
        "library": "jaxseg",
        "case": case.name,
        "milliseconds": 1e3 * median_seconds(call, repeats, SECONDS),
        "parameters": parameters,
        **machine(),
    }


def measure_peer(config: Config, python: Path) -> list[dict[str, Any]]:
    """Rows of PyTorch, measured by the Python of its environment.

    Raises:
      UserError: that Python lacks PyTorch or cannot be run.
    """
    settings = {
        "cases": [vars(case) | {"fields": dict(case.fields)} for case in config.cases],
        "repeats": config.repeats,
    }
    return rows_of_peers(python, "peer_step.py", json.dumps(settings))


def run(config: Config, tick: Callable[[str], object], peers: Path | None) -> list:
    """Rows of every library and case, the least median over the rounds."""
    keep_freed_memory()  # as jaxseg train does
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for _ in range(config.rounds):
        rows = []
        for case in config.cases:
            tick(f"jaxseg, {case.name}")
            rows.append(measure_step(case, config.repeats))
        if peers is not None:
            tick("PyTorch")
            rows += measure_peer(config, peers)
        for row in rows:
            place = row["case"], row["library"]
            if place not in best or row["milliseconds"] < best[place]["milliseconds"]:
                best[place] = row
    return [best[place] for place in sorted(best)]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Milliseconds, and as multiples of the fastest peer of a case."""
    peers: dict[str, float] = {}
    for row in rows:
        if row["library"] != "jaxseg":
            least = min(row["milliseconds"], peers.get(row["case"], float("inf")))
            peers[row["case"]] = least
    lines = [f"{'case':<14}{'library':<36}{'ms a step':>12}{'of the peer':>14}"]
    for row in rows:
        of_peer = peers.get(row["case"])
        ratio = "" if of_peer is None else f"{row['milliseconds'] / of_peer:.2f}"
        lines.append(
            f"{row['case']:<14}{row['library']:<36}{row['milliseconds']:>12.1f}"
            f"{ratio:>14}"
        )
    return "\n".join(lines)


def convolution_parts(pixels: Sequence[int], channels: int) -> dict[str, Callable]:
    """Compiled calls: a convolution of three pixels, and its two gradients."""
    axes = len(pixels) - 1
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.standard_normal((*pixels, channels)), jnp.float32)
    shape = (*(3,) * axes, channels, channels)
    kernel = jnp.asarray(rng.standard_normal(shape), jnp.float32)
    layout = {2: ("NHWC", "HWIO", "NHWC"), 3: ("NXYZC", "XYZIO", "NXYZC")}[axes]
    apply = convolution(axes)
    ones = (1,) * axes

    def forward(x: jax.Array, kernel: jax.Array) -> jax.Array:
        return apply(
            x, kernel, ones, ((1, 1),) * axes, rhs_dilation=ones,
            dimension_numbers=layout,
        )  # fmt: skip

    slope = forward(x, kernel)
    compiled = {
        "forward": (jax.jit(forward), x, kernel),
        "of input": (
            jax.jit(lambda s, k: jax.vjp(lambda x: forward(x, k), x)[1](s)[0]),
            slope,
            kernel,
        ),
        "of kernel": (
            jax.jit(lambda x, s: jax.vjp(lambda k: forward(x, k), kernel)[1](s)[0]),
            x,
            slope,
        ),
    }
    return {part: functools.partial(*call) for part, call in compiled.items()}


def convolution_rows(repeats: int, peers: Path | None) -> list[dict[str, Any]]:
    """Milliseconds of each convolution and gradient, ours and PyTorch's."""
    rows: list[dict[str, Any]] = []
    for pixels, channels in CONVOLUTIONS:
        row = {"library": "jaxseg", "pixels": list(pixels), "channels": channels}
        for part, call in convolution_parts(pixels, channels).items():
            row[part] = 1e3 * median_seconds(call, repeats, SECONDS)
        rows.append(row)
    if peers is not None:
        settings = {"convolutions": CONVOLUTIONS, "repeats": repeats}
        rows += rows_of_peers(peers, "peer_step.py", json.dumps(settings))
    return rows


def convolution_table(rows: Sequence[dict[str, Any]]) -> str:
    """A line for each convolution and library."""
    lines = [f"{'images':<16}{'channels':>8}  {'library':<16}" + "".join(
        f"{part:>12}" for part in PARTS)]  # fmt: skip
    for row in sorted(rows, key=lambda r: (len(r["pixels"]), r["channels"])):
        pixels = "x".join(map(str, row["pixels"]))
        times = "".join(f"{row[part]:>12.2f}" for part in PARTS)
        lines.append(f"{pixels:<16}{row['channels']:>8}  {row['library']:<16}{times}")
    return "\n".join(lines)


if __name__ == "__main__":
    python = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    print(convolution_table(convolution_rows(15, python)))
