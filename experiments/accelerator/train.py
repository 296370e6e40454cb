"""Train: a killed run resumes to the same bits, and what a real training reaches."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments.accelerator.clock import Turn
from experiments.accelerator.power import Power
from experiments.accelerator.settings import Settings
from experiments.protocol.dataset import read_dataset
from experiments.protocol.method import Method
from experiments.protocol.plan import config_of
from experiments.protocol.scale import Scale
from jaxseg.errors import UserError
from jaxseg.models.catalog import MODELS
from jaxseg.models.weights import weights_file
from jaxseg.training.config import RunConfig
from jaxseg.training.loop import Run, step_seconds
from jaxseg.training.programs import programs_of
from jaxseg.training.sources import SYNTHETIC, examples
from jaxseg.training.step import TrainState
from jaxseg.training.validation import network_in_use, validate

CASES = 50
"""Made images that a training on made images is scored on."""
FEWEST = 4
"""Steps of a training."""
LOSS = Method(name="CE+Dice", loss="dice_ce")


def rows(settings: Settings, turn: Turn) -> Iterator[dict[str, Any]]:
    """A run that is killed, then a real one, as long as there is time."""
    yield from resumed()
    yield from trained(settings, turn)


class _KilledError(Exception):
    pass


def resumed() -> Iterator[dict[str, Any]]:
    """A small run on made images, and the same one broken off in the midst."""
    config = RunConfig(
        data=SYNTHETIC, loss="dice_ce", steps=6, batch_size=4, size=(32, 32),
        num_classes=2, channels=1, depth=1, width=8, evaluate_every=0,
        checkpoint_every=2,
    )  # fmt: skip

    def killing(row: dict[str, Any]) -> None:
        if row["step"] == 5:
            raise _KilledError

    with tempfile.TemporaryDirectory() as folder:
        ends = []
        for name, kill in (("whole", False), ("killed", True)):
            place = Path(folder) / name
            place.mkdir()
            if kill:
                with contextlib.suppress(_KilledError):
                    Run(config, place).train(None, report=killing)
            ends.append(Run(config, place).train(None, report=lambda _: None))
    pairs = list(zip(*map(_leaves, ends), strict=True))
    gap = max(float(np.abs(np.subtract(a, b)).max()) for a, b in pairs)
    same = all(a.tobytes() == b.tobytes() for a, b in pairs)
    yield {"what": "resumed", "steps": config.steps, "same_bits": same,
           "difference": gap}  # fmt: skip


def _leaves(state: TrainState) -> list[np.ndarray]:
    trees = state.params, state.opt_state, state.extra
    return [np.asarray(leaf) for leaf in jax.tree.leaves(trees)]


def scale_of(settings: Settings, steps: int, weights: str | None) -> Scale:
    """Of the real training, and of those in *study*."""
    return Scale(
        losses=(LOSS.name,),
        steps=steps,
        size=settings.size,
        batch_size=settings.batch_size,
        learning_rate=1e-3,
        schedule="cosine",
        augment="mirror",
        weights=weights,
        width=settings.width,
        depth=settings.depth,
    )


def weights_of(settings: Settings) -> tuple[str | None, str | None]:
    """What the encoder starts from, and why it does not where it is asked to."""
    encoder = MODELS[settings.model].encoder
    if settings.weights is None or encoder is None:
        return None, None
    try:
        weights_file(settings.weights, encoder)
    except UserError as error:
        return None, str(error)
    return settings.weights, None


def config_maker(
    settings: Settings,
) -> tuple[Callable[..., RunConfig], list[str], str]:
    """(method, steps, seed) to settings of a run, notes, and the data's name."""
    weights, why = weights_of(settings)
    notes = [] if why is None else [f"random weights: {why}"]
    if settings.data is None:
        notes.append("no data folder was given: made images")

        def made(method: Method, steps: int, seed: int = 0) -> RunConfig:
            network: dict[str, Any] = {}
            if settings.model == "unet":
                network = {"depth": settings.depth, "width": settings.width}
            return RunConfig(
                data=SYNTHETIC,
                loss=method.loss,
                hyper=dict(method.hyper),
                class_weights=method.weigh and method.weigh((0.9, 0.1)),
                steps=steps,
                seed=seed,
                batch_size=settings.batch_size,
                size=settings.size,
                num_classes=2,
                channels=1,
                schedule="cosine",
                augment="mirror",
                model=settings.model,
                evaluate_every=0,
                checkpoint_every=steps,
                **network,
            )

        return made, notes, SYNTHETIC
    dataset = read_dataset(settings.data)

    def real(method: Method, steps: int, seed: int = 0) -> RunConfig:
        scale = scale_of(settings, steps, weights)
        return config_of(dataset, scale, method, settings.model, {}, seed=seed)

    return real, notes, dataset.name


def trained(settings: Settings, turn: Turn) -> Iterator[dict[str, Any]]:
    """As many steps as there is time for, and Dice on held-back cases."""
    config_for, notes, data = config_maker(settings)
    yield from ({"what": "note", "note": note} for note in notes)
    begun = time.perf_counter()
    found = list(step_seconds(config_for(LOSS, settings.steps), 3))
    first = time.perf_counter() - begun - sum(found)
    each = float(np.median(found))
    steps = int(min(0.6 * (turn.left - first) / each, settings.steps))
    if steps < FEWEST:
        yield {"what": "note", "note": f"no time to train: a step takes {each:.2f} s"}
        return
    config = config_for(LOSS, steps)
    with tempfile.TemporaryDirectory() as folder, Power() as power:
        begun, ticks = time.perf_counter(), []
        state = Run(config, Path(folder)).train(
            None, report=lambda _: ticks.append(time.perf_counter())
        )
        jax.block_until_ready(state.params)
        whole = time.perf_counter() - begun
        watts = power.watts
    rate = None
    if len(ticks) > 1:
        rate = config.batch_size * (len(ticks) - 1) / (ticks[-1] - ticks[0])
    split = "test" if data != SYNTHETIC else "validation"
    held = examples(config, config.data, split, CASES)
    summary = validate(
        network_in_use(config, programs_of(config, -1), state), held
    ).summary()
    yield {
        "what": "trained",
        "data": data,
        "model": config.model,
        "weights": config.weights,
        "loss": config.loss,
        "size": list(config.size),
        "batch_size": config.batch_size,
        "steps": steps,
        "seconds": whole,
        "first_seconds": first,
        "step_milliseconds": 1e3 * each,
        "images_a_second": rate,
        "watts": watts,
        **scored(summary),
    }


def scored(summary: Any) -> dict[str, Any]:
    """What is told of held-back cases."""
    return {
        "cases": summary.cases,
        "dice": summary.dice,
        "trivial_dice": max(summary.all_background or 0, summary.all_foreground or 0),
        "lesion_free": summary.lesion_free,
        "rejected": summary.rejected,
    }
