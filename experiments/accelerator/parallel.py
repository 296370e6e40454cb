"""Parallel: the same numbers by every way, what is sent, and what devices bring.

Where there is one device, the numbers and what is sent are taken from some that are
simulated on the host, in a process of its own.
"""

import functools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.accelerator.clock import Turn
from experiments.accelerator.machine import QUICK
from experiments.accelerator.measure import Timed, in_turns, program
from experiments.accelerator.sections import sentence_of
from experiments.accelerator.settings import SMOKE, Settings
from jaxseg.data.batch import Batch, split_batch
from jaxseg.losses import CATALOG
from jaxseg.models.unet import UNet
from jaxseg.training.config import Parallel
from jaxseg.training.network import Network
from jaxseg.training.parallel import parallel_step, place_batch, replicate
from jaxseg.training.step import Objective, TrainState, init_state, train_step
from jaxseg.training.traffic import loss_traffic

WAYS: tuple[Parallel, ...] = get_args(Parallel)
STEPS = 3
CLASSES = 3
LOSS = "dice_ce"
SIMULATED = "simulated on the host"


def rows(settings: Settings, turn: Turn) -> Iterator[dict[str, Any]]:
    """Of all devices; of simulated ones where there is one."""
    devices = jax.local_device_count()
    kind = jax.devices()[0].device_kind
    yield from of_devices(settings, turn, kind)
    if devices == 1 and not turn.over:
        yield from simulated(settings, turn)


def of_devices(settings: Settings, turn: Turn, kind: str) -> Iterator[dict[str, Any]]:
    """Each way against the step of one device on the whole batch."""
    devices = jax.local_device_count()
    objective = _objective(settings)
    batches = [_batch(settings.spread, seed) for seed in range(STEPS)]
    alone = jax.jit(functools.partial(train_step, objective=objective, axis_name=None))
    state = _state(objective, settings)
    for batch in batches:
        state, _ = alone(state, batch)
    expected = [np.asarray(leaf) for leaf in jax.tree.leaves(state.params)]
    going = _Going(alone, state, batches[0])
    single = in_turns({"alone": Timed(going)}, rounds=1, limit=settings.seconds)
    predicted = loss_traffic(LOSS, (1, *settings.spread[1:]), CLASSES)
    gradients = 4 * sum(leaf.size for leaf in expected)
    for way in WAYS if devices > 1 else WAYS[:1]:  # alone, all are one
        if turn.over:
            return
        about = {"what": "way", "parallel": way, "devices": devices, "device": kind}
        try:
            yield {
                **about,
                **_of_way(way, objective, settings, batches, expected),
                "alone_milliseconds": 1e3 * single["alone"],
                "predicted_messages": predicted.messages,
                "predicted_loss_bytes": predicted.reduced,
                "gradient_bytes": gradients,
            }
        except Exception as error:
            yield {**about, "failed": sentence_of(error)}


def _of_way(
    way: Parallel,
    objective: Objective,
    settings: Settings,
    batches: list[Batch],
    expected: list[np.ndarray],
) -> dict[str, Any]:
    """Difference of parameters after `STEPS`, milliseconds, and what is sent."""
    devices = jax.local_device_count()
    step = parallel_step(objective, way)
    parts = [place_batch(split_batch(batch, devices), way) for batch in batches]
    state = replicate(_state(objective, settings), way)
    compiled = program(step, state, parts[0])
    for part in parts:
        state, _ = compiled.call(state, part)
    found = [np.asarray(leaf) for leaf in jax.tree.leaves(state.params)]
    gap = max(float(np.abs(a - b).max()) for a, b in zip(found, expected, strict=True))
    going = _Going(compiled.call, state, parts[0])
    seconds = in_turns({"it": Timed(going)}, rounds=1, limit=settings.seconds)["it"]
    return {
        "difference": gap,
        "milliseconds": 1e3 * seconds,
        "compile_seconds": round(compiled.compile_seconds, 3),
        "sent": sent(compiled.call.as_text()),  # pyright: ignore
    }


class _Going:
    """A step whose state goes on from call to call."""

    def __init__(self, step: Any, state: TrainState, batch: Any):
        self.step, self.state, self.batch = step, state, batch

    def __call__(self) -> TrainState:
        """The next state."""
        self.state, _ = self.step(self.state, self.batch)
        return self.state


COLLECTIVES = (
    "all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute",
)  # fmt: skip
_SENT = re.compile(rf"= (.*?) ({'|'.join(COLLECTIVES)})(?:-start)?\(")
_ARRAY = re.compile(r"\b(pred|[a-z]+)(\d*)\[([\d,]*)\]")


def sent(text: str) -> dict[str, dict[str, int]]:
    """Collective operations of a compiled program: how many, and their results' bytes.

    Those in a loop count once.
    """
    found: dict[str, dict[str, int]] = {}
    for match in _SENT.finditer(text):
        entry = found.setdefault(match[2], {"count": 0, "bytes": 0})
        entry["count"] += 1
        for kind, bits, shape in _ARRAY.findall(match[1]):
            each = 1 if kind == "pred" else int(bits or 8) // 8
            numbers = [int(n) for n in shape.split(",") if n]
            entry["bytes"] += each * int(np.prod(numbers, dtype=int))
    return found


def _objective(settings: Settings) -> Objective:
    """A small U-Net under Dice + cross-entropy, by SGD: Adam would hide a factor."""
    return Objective(
        network=Network(UNet(CLASSES, settings.depth, settings.width)),
        loss_at=CATALOG[LOSS].build(),
        optimizer=optax.sgd(0.1),
        steps=100,
    )


def _state(objective: Objective, settings: Settings) -> TrainState:
    image = jnp.zeros((1, *settings.spread[1:], 1), jnp.float32)
    params, extra = _init(objective.network, image)
    fresh = jax.tree.map(jnp.array, params)  # steps donate what they are given
    return init_state(objective, fresh, jax.random.key(1), extra)


@functools.lru_cache(maxsize=2)
def _init_of(network: Network) -> Any:
    return jax.jit(network.init)


def _init(network: Network, image: Any) -> Any:
    return _init_of(network)(jax.random.key(0), image)


def _batch(pixels: tuple[int, ...], seed: int) -> Batch:
    """Random images and labels."""
    rng = np.random.default_rng(seed)
    images = rng.random((*pixels, 1)).astype(np.float32)
    return Batch.of(images, rng.integers(0, CLASSES, pixels).astype(np.int32))


def simulated(settings: Settings, turn: Turn) -> Iterator[dict[str, Any]]:
    """The same of devices simulated by a process of its own, on the host."""
    environment = {**os.environ, "JAX_PLATFORMS": "cpu",
                   "JAX_NUM_CPU_DEVICES": str(settings.simulated)}  # fmt: skip
    environment.pop("XLA_FLAGS", None)  # which may be for another backend
    small = "smoke" if settings.spread == SMOKE.spread else "full"
    if small == "smoke":
        environment["XLA_FLAGS"] = QUICK
    command = [sys.executable, "-m", "experiments.accelerator.parallel", small,
               f"{max(turn.left, 1):.1f}"]  # fmt: skip
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)
    finally:
        process.kill()
        process.wait()


def main() -> None:
    """Prints the rows of this process's devices: small or full, and seconds."""
    settings = SMOKE if sys.argv[1] == "smoke" else Settings()
    now = time.monotonic()
    turn = Turn(now, now + float(sys.argv[2]), time.monotonic)
    for row in of_devices(settings, turn, SIMULATED):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
