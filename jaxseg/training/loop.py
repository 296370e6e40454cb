"""The training loop: steps, rows, validations, checkpoints, and resuming."""

import dataclasses
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxseg.data.augment import AUGMENTATIONS
from jaxseg.data.batch import Batch, split
from jaxseg.errors import UserError
from jaxseg.files import append_row, read_rows, replacing, write_rows
from jaxseg.losses import CATALOG
from jaxseg.models.norms import NORMS
from jaxseg.models.unet import UNet
from jaxseg.training import checkpoints
from jaxseg.training.config import Phase, RunConfig
from jaxseg.training.evaluation import Evaluation
from jaxseg.training.inference import predict_masks
from jaxseg.training.optimizers import OPTIMIZERS, learning_rate
from jaxseg.training.sources import Examples, Subset, batches, spread
from jaxseg.training.step import (
    Apply,
    Objective,
    TrainState,
    fresh_optimizer,
    init_state,
    parallel_step,
    replicate,
)

CONFIG = "config.json"
METRICS = "metrics.jsonl"
CHECKPOINTS = "checkpoints"
SAMPLES = "samples.npz"
SAMPLE_COUNT = 6
Report = Callable[[dict[str, Any]], object]
"""Called with each row that is written."""


def objective_of(config: RunConfig, phase: Phase) -> Objective:
    """Network, loss and optimizer of a phase of a run."""
    network = UNet(config.num_classes, config.depth, config.width, NORMS[config.norm])

    def apply(params: Any, images: jax.Array) -> jax.Array:
        scores = network.apply({"params": params}, images)
        assert isinstance(scores, jax.Array)
        return scores

    rate = learning_rate(phase.learning_rate, phase.steps)
    return Objective(
        apply=apply,
        loss_at=CATALOG[phase.loss].build(**phase.hyper),
        optimizer=OPTIMIZERS[config.optimizer](rate),
        start=phase.start,
        steps=phase.steps,
        augmentation=AUGMENTATIONS[config.augment],
    )


def first_state(config: RunConfig, objective: Objective) -> TrainState:
    """The state of a run before its first step, a function of its settings alone."""
    network = UNet(config.num_classes, config.depth, config.width, NORMS[config.norm])
    image = np.zeros((1, *config.size, config.channels), np.float32)

    @jax.jit
    def build() -> TrainState:
        key = jax.random.key(config.seed)
        params = network.init(jax.random.fold_in(key, 0), image)["params"]
        return init_state(objective, params, jax.random.fold_in(key, 1))

    return build()


@dataclasses.dataclass(frozen=True)
class Run:
    """A training run in its folder."""

    config: RunConfig
    folder: Path

    def train(self, validation: Examples | None, *, report: Report) -> TrainState:
        """Trains from the newest whole checkpoint, or from the start, to the end.

        The folder gets ``metrics.jsonl`` and ``checkpoints`` as training goes on, and
        ``samples.npz`` at its end. Whenever the process is killed, calling this again
        leads to the same bits as if it had not been.

        Args:
          validation: cases to score now and then; None if there are none.
          report: called with each row of ``metrics.jsonl``, and per step with
            ``{"step": ...}`` alone.

        Returns:
          The final state.
        """
        config = self.config
        state = replicate(first_state(config, objective_of(config, config.phases[0])))
        restored = checkpoints.restore(self.folder / CHECKPOINTS, state)
        if restored is not None:
            state = replicate(restored)
        done = int(state.step)
        metrics = self.folder / METRICS
        write_rows(metrics, [r for r in read_rows(metrics) if r["step"] <= done])
        feed = _ahead(batches(config, done), jax.local_device_count())
        for phase in config.phases:
            if done < phase.end:
                state = self._train_phase(phase, state, feed, validation, report)
        return state

    def _train_phase(
        self,
        phase: Phase,
        state: TrainState,
        feed: Iterator[Batch],
        validation: Examples | None,
        report: Report,
    ) -> TrainState:
        """The steps of a phase that `state` does not have yet."""
        config = self.config
        objective = objective_of(config, phase)
        done = int(state.step)
        if 0 < phase.start == done:
            state = replicate(fresh_optimizer(state, objective))
        metrics = self.folder / METRICS
        step = parallel_step(objective)
        every = max(config.steps // 200, 1)
        rate = learning_rate(phase.learning_rate, phase.steps)
        for number in range(done + 1, phase.end + 1):
            state, values = step(state, next(feed))
            if number % every == 0 or number in (1, phase.start + 1, phase.end):
                self._require_finite(number, values)
                row = {
                    "step": number,
                    "loss": float(values["loss"]),
                    "gradient_norm": float(values["gradient_norm"]),
                    "learning_rate": float(np.asarray(rate(number - 1 - phase.start))),
                }
                if len(config.phases) > 1:
                    row["loss_name"] = phase.loss
                append_row(metrics, row)
                report(row)
            else:
                report({"step": number})
            last = number == config.steps
            saving = last or number % config.checkpoint_every == 0
            if saving:
                self._require_finite(number, values)
            if validation is not None and (last or number % config.evaluate_every == 0):
                evaluation = self._validate(objective, state, validation)
                summary = evaluation.summary()
                row = {
                    "step": number,
                    "validation_dice": summary.dice,
                    "validation_rejected": summary.rejected,
                }
                append_row(metrics, row)
                report(row)
                if last:
                    save_samples(
                        self.folder / SAMPLES,
                        objective.apply,
                        _on_one_device(state.params),
                        config.size,
                        validation,
                        [row["lesion_free"] for row in evaluation.rows],
                    )
            if saving:
                checkpoints.save(self.folder / CHECKPOINTS, state)
        return state

    def restore(self) -> tuple[Objective, TrainState | None]:
        """The network and its newest whole state, None where there is none."""
        objective = objective_of(self.config, self.config.phases[-1])
        like = first_state(self.config, objective)
        return objective, checkpoints.restore(self.folder / CHECKPOINTS, like)

    def _require_finite(self, step: int, values: dict[str, jax.Array]) -> None:
        """Stops a run that has diverged before it overwrites a good checkpoint.

        Raises:
          UserError: the loss or the gradient is not finite.
        """
        for name, value in values.items():
            if not np.isfinite(value):
                raise UserError(
                    f"the {name.replace('_', ' ')} is {float(value)} at step {step}: "
                    "try a lower --learning-rate than "
                    f"{self.config.learning_rate:g}"
                )

    def _validate(
        self, objective: Objective, state: TrainState, cases: Examples
    ) -> Evaluation:
        evaluation = Evaluation(self.config.num_classes)
        params = _on_one_device(state.params)
        masks = predict_masks(objective.apply, params, self.config.size, cases)
        for example, mask in masks:
            assert example.labels is not None
            evaluation.add(example.name, mask, example.labels)
        return evaluation


def save_samples(
    path: Path,
    apply: Apply,
    params: Any,
    size: tuple[int, int],
    cases: Examples,
    lesion_free: Sequence[bool],
) -> None:
    """Stores a few cases for the sample sheet, some of them without a lesion.

    Args:
      path: an ``.npz`` file for ``image_k``, ``labels_k``, ``predicted_k``, ``name_k``.
      apply: the network.
      params: its parameters.
      size: (height, width) of its input.
      cases: to choose from.
      lesion_free: of each case, whether its ground truth holds no foreground.
    """
    free = [index for index, empty in enumerate(lesion_free) if empty]
    sick = [index for index, empty in enumerate(lesion_free) if not empty]
    few = SAMPLE_COUNT // 3 if sick else SAMPLE_COUNT
    healthy = spread(free, few)
    chosen = Subset(cases, (*spread(sick, SAMPLE_COUNT - len(healthy)), *healthy))
    arrays: dict[str, np.ndarray] = {}
    samples = predict_masks(apply, params, size, chosen)
    for index, (example, mask) in enumerate(samples):
        assert example.labels is not None
        arrays[f"image_{index}"] = example.image
        arrays[f"labels_{index}"] = example.labels
        arrays[f"predicted_{index}"] = mask
        arrays[f"name_{index}"] = np.array(example.name)
    with replacing(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def _on_one_device(tree: Any) -> Any:
    return jax.device_put(tree, jax.local_devices()[0])


def _ahead(feed: Iterator[Batch], devices: int, depth: int = 2) -> Iterator[Batch]:
    """The batches, split by device, made ready by a thread up to `depth` in advance."""
    ready: queue.Queue = queue.Queue(depth)
    stopped = threading.Event()

    def fill() -> None:
        try:
            for batch in feed:
                item = split(batch, devices)
                while not stopped.is_set():
                    try:
                        ready.put(item, timeout=0.1)
                        break
                    except queue.Full:
                        continue
                if stopped.is_set():
                    return
        except BaseException as error:  # handed to the consumer, which raises it
            ready.put(error)

    threading.Thread(target=fill, daemon=True).start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
