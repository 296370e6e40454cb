"""Fast: every loss against what memory allows, its rivals, and distances.

The floor of a loss is the time to read its logits twice and to write a gradient once,
at the speed that adding in place reaches. On an accelerator a loss is also timed as a
step of descent inside one program, where nothing is launched from the host.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.accelerator import torch_side
from experiments.accelerator.clock import Turn
from experiments.accelerator.measure import (
    Program,
    Timed,
    bandwidth,
    chunks,
    in_turns,
    program,
    programs,
    seconds_a_call,
)
from experiments.accelerator.sections import sentence_of
from experiments.accelerator.settings import Case, Settings
from jaxseg.losses import CATALOG

TOGETHER = 8
"""Programs that are compiled side by side before they are timed."""
LOOP = 50
"""Steps of descent in one program."""
RATE = 1e-3


def rows(settings: Settings, turn: Turn) -> Iterator[dict[str, Any]]:
    """Memory, then case by case all losses, rivals and sorts; distances in between."""
    reach = bandwidth(settings.bandwidth)
    yield {"what": "memory", "bytes_a_second": reach, "numbers": settings.bandwidth}
    if not torch_side.here():
        yield {"what": "note", "note": "PyTorch is not installed: no comparison"}
    for number, case in enumerate(settings.cases):
        yield from of_losses(settings, case, reach, turn.part(0.6))
        if number == 0:
            yield from of_distances(settings)
        if torch_side.here():
            yield from of_rivals(settings, case, turn.part(0.4))
        yield from of_sorts(settings, case)


def made(case: Case) -> tuple[jax.Array, jax.Array]:
    """Random logits and labels."""
    pixels, classes = case
    rng = np.random.default_rng(0)
    logits = jnp.asarray(rng.standard_normal((*pixels, classes)), jnp.float32)
    return logits, jnp.asarray(rng.integers(0, classes, pixels), jnp.int32)


def named(case: Case) -> dict[str, Any]:
    """A case in a row."""
    return {"pixels": list(case[0]), "classes": case[1]}


def descent(loss: Callable[..., Any], logits: Any, labels: Any) -> Any:
    """The logits after `LOOP` small steps against the gradient, in one program."""

    def step(_: Any, z: Any) -> Any:
        return z - RATE * jax.grad(loss)(z, labels)

    return jax.lax.fori_loop(0, LOOP, step, logits)


def of_losses(
    settings: Settings, case: Case, reach: float, turn: Turn
) -> Iterator[dict[str, Any]]:
    """A row for each loss: milliseconds, share of the floor, memory, kernels."""
    logits, labels = made(case)
    looped = jax.default_backend() != "cpu"
    for names in chunks(settings.losses, TOGETHER):
        if turn.over:
            yield {"what": "note", "note": f"losses from {names[0]} on were not timed "
                   f"at {case}"}  # fmt: skip
            return
        jobs: dict[Any, Callable[[], Program]] = {}
        for name in names:
            loss = CATALOG[name].loss
            of = jax.value_and_grad(loss)
            jobs[name] = functools.partial(program, of, logits, labels)
            if looped:
                steps = functools.partial(descent, loss)
                jobs[name, "loop"] = functools.partial(program, steps, logits, labels)
        found, failed = programs(jobs)
        for name in names:
            about = {"what": "loss", "loss": name, **named(case)}
            if name not in found:
                yield {**about, "failed": sentence_of(failed[name])}
                continue
            seconds = seconds_a_call(found[name], limit=settings.seconds)
            row = of_loss(seconds, found[name], logits.nbytes, reach)
            if (name, "loop") in found:
                whole = seconds_a_call(found[name, "loop"], limit=settings.seconds)
                row["inside_milliseconds"] = 1e3 * whole / LOOP
                row["share_of_floor"] *= seconds / min(seconds, whole / LOOP)
            yield {**about, **row}
            if turn.over:
                break


def of_loss(
    seconds: float, of: Program, logits_bytes: int, reach: float
) -> dict[str, Any]:
    """What is told of a loss's program."""
    floor = 3 * logits_bytes / reach
    return {
        "milliseconds": 1e3 * seconds,
        "floor_milliseconds": 1e3 * floor,
        "share_of_floor": floor / seconds,
        "logits_bytes": logits_bytes,
        **of.facts(),
    }


def of_rivals(settings: Settings, case: Case, turn: Turn) -> Iterator[dict[str, Any]]:
    """A row for each loss and library: both in turns."""
    logits, labels = made(case)
    ours: dict[str, Timed] = {}
    for name, library, loss in torch_side.losses(settings.losses, case[1]):
        if turn.over:
            return
        about = {"what": "rival", "loss": name, "library": library, **named(case)}
        try:
            theirs = torch_side.loss_call(loss, *case)
            if name not in ours:
                call = jax.jit(jax.value_and_grad(CATALOG[name].loss))
                ours[name] = Timed(functools.partial(call, logits, labels))
            calls = {"ours": ours[name], "theirs": theirs}
            found = in_turns(calls, rounds=settings.rounds, limit=settings.seconds)
        except Exception as error:  # of another library, whatever it may be
            yield {**about, "failed": sentence_of(error)}
            continue
        yield {
            **about,
            "milliseconds": 1e3 * found["theirs"],
            "our_milliseconds": 1e3 * found["ours"],
            "times_faster": found["theirs"] / found["ours"],
        }


def of_sorts(settings: Settings, case: Case) -> Iterator[dict[str, Any]]:
    """The Lovász loss beside one sort of as many keys, class by class."""
    if "lovasz" not in settings.losses:
        return
    logits, labels = made(case)
    keys = jax.lax.bitcast_convert_type(jnp.abs(logits), jnp.int32)
    columns = keys.reshape(-1, case[1]).T

    def sort(columns: Any) -> Any:
        return [jnp.sort(columns[c]) for c in range(case[1])]

    loss = jax.jit(jax.value_and_grad(CATALOG["lovasz"].loss))
    calls = {
        "sort": Timed(functools.partial(jax.jit(sort), columns)),
        "loss": Timed(functools.partial(loss, logits, labels)),
    }
    found = in_turns(calls, rounds=1, limit=settings.seconds)
    yield {
        "what": "sort",
        **named(case),
        "sort_milliseconds": 1e3 * found["sort"],
        "lovasz_milliseconds": 1e3 * found["loss"],
        "times_sort": found["loss"] / found["sort"],
    }


def of_distances(settings: Settings) -> Iterator[dict[str, Any]]:
    """Distance maps beside SciPy's on the host, of the same masks."""
    from experiments import distance_speed

    config = distance_speed.Config(
        images=settings.images, volume=settings.volume, scores=(1, 8, 8, 2),
        step=(1, 8, 8),
    )  # fmt: skip
    arrays = distance_speed.cases(config)
    ours, scipys = distance_speed.ours(arrays), distance_speed.scipys(arrays)
    shapes: Mapping[str, tuple[int, ...]] = {
        "images": settings.images, "volume": settings.volume,
    }  # fmt: skip
    for name, shape in shapes.items():
        calls = {"ours": Timed(ours[name]), "scipy": Timed(scipys[name], lambda _: 0)}
        found = in_turns(calls, rounds=1, limit=settings.seconds)
        yield {
            "what": "distance",
            "shape": list(shape),
            "milliseconds": 1e3 * found["ours"],
            "scipy_milliseconds": 1e3 * found["scipy"],
            "times_faster": found["scipy"] / found["ours"],
        }
