"""The training loop: steps, rows, validations, checkpoints, and resuming."""

import dataclasses
import functools
import json
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxseg.data.augment import AUGMENTATIONS
from jaxseg.data.batch import Batch
from jaxseg.data.intensity import NORMALISATIONS
from jaxseg.errors import UserError
from jaxseg.files import read_json
from jaxseg.losses import CATALOG
from jaxseg.losses.compound import with_class_weights
from jaxseg.models.catalog import MODELS
from jaxseg.models.weights import load_weights, weights_file
from jaxseg.training import checkpoints
from jaxseg.training.cases import Trained, case_masks
from jaxseg.training.config import SETTINGS, Phase, RunConfig
from jaxseg.training.devices import Share, share_of
from jaxseg.training.evaluation import Evaluation
from jaxseg.training.inference import Inference
from jaxseg.training.log import METRICS, Log
from jaxseg.training.network import network_of
from jaxseg.training.optimizers import SCHEDULES, optimizer_of
from jaxseg.training.parallel import over_devices, parallel_step, placed, replicate
from jaxseg.training.plateau import (
    PLATEAUS,
    PlateauRule,
    fresh_plateau,
    looked,
)
from jaxseg.training.samples import save_samples
from jaxseg.training.sources import Examples, batches, validation_batches
from jaxseg.training.step import (
    Objective,
    TrainState,
    fresh_optimizer,
    init_state,
    inspect_step,
    loss_step,
)

__all__ = ["CHECKPOINTS", "CONFIG", "METRICS", "SAMPLES", "Run"]

CONFIG = "config.json"
CHECKPOINTS = "checkpoints"
SAMPLES = "samples.npz"
VALIDATION_CASES = 64
"""At most so many cases are looked at while training."""
VALIDATION_OVERLAP = 0.25
Report = Callable[[dict[str, Any]], object]
"""Called with each row that is written."""


class DivergedError(UserError):
    """The loss or the gradient of a run is not finite any more."""


def schedule_of(config: RunConfig, phase: Phase) -> optax.Schedule:
    """The learning rate at each step of a phase, as a share of the highest."""
    name = "constant" if config.schedule in PLATEAUS else config.schedule
    return SCHEDULES[name](1.0, phase.steps)


def rule_of(config: RunConfig) -> PlateauRule | None:
    """The plateau rule of a run; None where the rate follows the steps alone."""
    rule = PLATEAUS.get(config.schedule)
    if rule is None or config.patience is None:
        return rule
    return dataclasses.replace(rule, patience=config.patience)


def objective_of(config: RunConfig, phase: Phase) -> Objective:
    """Network, loss and optimizer of a phase of a run."""
    schedule = schedule_of(config, phase)
    changes = AUGMENTATIONS[config.augment]
    loss_at = CATALOG[phase.loss].build(**phase.hyper)
    if config.class_weights is not None:
        loss_at = with_class_weights(loss_at, config.class_weights)
    return Objective(
        network=network_of(config),
        loss_at=loss_at,
        optimizer=optimizer_of(config.optimizer, schedule, clip=config.clip),
        start=phase.start,
        steps=phase.steps,
        augmentation=dataclasses.replace(changes, spacing=config.voxel_mm),
        prepare=_as_it_is if config.volumes else NORMALISATIONS[config.normalise],
        accumulate=config.accumulate,
        average=config.average,
    )


def _as_it_is(images: jax.Array) -> jax.Array:
    """Volumes are normalised case by case as they are read."""
    return images


def first_state(
    config: RunConfig, objective: Objective, *, load: bool = False
) -> TrainState:
    """The state of a run before its first step, a function of its settings alone.

    With `load` its weights are those of another run, or its encoder's those of a file,
    if the settings name one.
    """
    build = _builder(objective, config.size, config.channels)
    plateau = fresh_plateau(config.phases[0].learning_rate)
    state = dataclasses.replace(
        build(jax.random.key(config.seed)), plateau=jax.tree.map(jnp.asarray, plateau)
    )
    if not load or (config.weights is None and config.start_run is None):
        return state
    variables = {"params": state.params, **state.extra}
    if config.start_run is not None:
        extra = variables_of_run(Path(config.start_run), variables)
    else:
        assert config.weights is not None
        file = weights_file(config.weights, MODELS[config.model].encoder)
        extra = load_weights(file, variables)
    params = extra.pop("params")
    made = jax.jit(functools.partial(init_state, objective))(params, state.key, extra)
    return dataclasses.replace(made, plateau=state.plateau)


@functools.lru_cache(maxsize=8)
def _builder(
    objective: Objective, size: tuple[int, ...], channels: int
) -> Callable[[jax.Array], TrainState]:
    """A run's key to its first state."""

    @jax.jit
    def build(key: jax.Array) -> TrainState:
        image = jnp.zeros((1, *size, channels), jnp.float32)
        params, extra = objective.network.init(jax.random.fold_in(key, 0), image)
        return init_state(objective, params, jax.random.fold_in(key, 1), extra)

    return build


def variables_of_run(folder: Path, like: dict[str, Any]) -> dict[str, Any]:
    """What the network of a finished run is used with, for another run to start from.

    Raises:
      UserError: the folder is no run, holds no whole checkpoint, or its network differs
        from `like`.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise UserError(f"--start-run {folder} is not a run: it has no {CONFIG}")
    run = Run(RunConfig.from_json(read_json(path), str(path)), folder)
    _, state = run.restore()
    if state is None:
        raise UserError(f"--start-run {folder} has no whole checkpoint")
    found = dict(state.variables)
    here, there = (jax.tree.map(lambda x: (x.shape, x.dtype), v) for v in (like, found))
    if here != there:
        raise UserError(
            f"--start-run {folder} is of another network: its settings of model, size, "
            "width, depth, norm and classes must be those of this run"
        )
    return found


@dataclasses.dataclass(frozen=True)
class _Programs:
    """What a phase of a run computes, compiled when first called."""

    objective: Objective
    step: Callable[..., Any]
    inspect: Callable[..., Any]
    loss: Callable[..., Any]


@dataclasses.dataclass(frozen=True)
class _Compiled:
    """A run's phase as compiled programs see it: equal ones share them."""

    config: RunConfig = dataclasses.field(compare=False)
    phase: int
    settings: str


def _programs(config: RunConfig, phase: int) -> _Programs:
    """Of a phase by number; runs that differ in data, seed or rate alone share them."""
    stored = config.to_json()
    seen = {name: stored[name] for name, about in SETTINGS.items() if about.compiled}
    return _made_programs(_Compiled(config, phase, json.dumps(seen)))


@functools.lru_cache(maxsize=8)
def _made_programs(what: _Compiled) -> _Programs:
    config = what.config
    objective = objective_of(config, config.phases[what.phase])
    inspect = functools.partial(inspect_step, objective=objective)
    loss = functools.partial(loss_step, objective=objective)
    return _Programs(
        objective=objective,
        step=parallel_step(objective, config.parallel),
        inspect=over_devices(inspect, config.parallel),
        loss=over_devices(loss, config.parallel),
    )


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
        share = share_of(config.batch_size)
        objective = _programs(config, 0).objective
        restored = checkpoints.restore(
            self.folder / CHECKPOINTS, first_state(config, objective)
        )
        state = restored or first_state(config, objective, load=True)
        state = replicate(state, config.parallel)
        done = int(state.step)
        log = Log(self.folder, done) if jax.process_index() == 0 else None
        feed = _ahead(batches(config, done, share.places), share, config)
        session = _Session(self, share, validation, log, report)
        try:
            for number, phase in enumerate(config.phases):
                if int(state.step) < phase.end and not session.stopped(phase, state):
                    state = session.train_phase(number, state, feed)
        finally:
            feed.close()
            if log is not None:
                log.close()
        return state

    def restore(self, *, best: bool = False) -> tuple[Objective, TrainState | None]:
        """The network and its newest (or best) whole state, None where there is none.

        What the network is used with are the state's `variables`.
        """
        objective = _programs(self.config, -1).objective
        like = first_state(self.config, objective)
        return objective, checkpoints.restore(
            self.folder / CHECKPOINTS, like, best=best
        )


def step_seconds(config: RunConfig, repeats: int) -> Iterator[float]:
    """Seconds of single steps of a run's last phase on its first batch.

    The step is compiled and taken twice before the first is timed; reading data and
    sending it to the device are left out.
    """
    share = share_of(config.batch_size)
    programs = _programs(config, -1)
    batch = placed(
        share.split(next(iter(batches(config, 0, share.places)))), config.parallel
    )
    state = replicate(first_state(config, programs.objective), config.parallel)
    for number in range(repeats + 2):
        start = time.perf_counter()
        state, values = programs.step(state, batch)
        jax.block_until_ready((state, values))
        if number > 1:
            yield time.perf_counter() - start


class _Session:
    """One process's work on a run, from where it was taken up."""

    def __init__(
        self,
        run: Run,
        share: Share,
        validation: Examples | None,
        log: Log | None,
        report: Report,
    ):
        self.run = run
        self.config = run.config
        self.share = share
        self.validation = validation
        self.log = log
        self.report = report

    def stopped(self, phase: Phase, state: TrainState) -> bool:
        """Whether the loss has not fallen for as long as the run's last phase may."""
        limit = self.config.stop_after
        if limit is None or phase.end < self.config.steps:
            return False
        return int(state.plateau.stale) >= limit

    def train_phase(
        self, index: int, state: TrainState, feed: Iterator[Batch]
    ) -> TrainState:
        """The steps of a phase that `state` does not have yet."""
        config = self.config
        phase, programs = config.phases[index], _programs(config, index)
        objective = programs.objective
        done = int(state.step)
        if 0 < phase.start == done:
            fresh = fresh_optimizer(state, objective, phase.learning_rate)
            state = replicate(fresh, config.parallel)
        schedule = schedule_of(config, phase)
        every = max(config.steps // 200, 1)
        scale = float(state.plateau.scale)
        for number in range(done + 1, phase.end + 1):
            batch = next(feed)
            last = number == config.steps
            looking = self._looks(number)
            first = number == 1 and config.evaluate_every > 0
            seen = programs.inspect(state, batch) if looking or first else None
            state, values = programs.step(state, batch)
            logging = number % every == 0 or number in (1, phase.start + 1, phase.end)
            if logging or seen is not None:
                self._require_finite(number, values)
                share = float(np.asarray(schedule(number - 1 - phase.start)))
                row = {
                    "step": number,
                    "loss": float(values["loss"]),
                    "gradient_norm": float(values["gradient_norm"]),
                    "learning_rate": share * scale,
                    **({} if seen is None else _plain_rows(seen)),
                }
                if len(config.phases) > 1:
                    row["loss_name"] = phase.loss
                self._write(row)
            else:
                self.report({"step": number})
            score = None
            if looking:
                state, score = self._look(programs, phase, state, last=last)
                scale = float(state.plateau.scale)
            last = last or self.stopped(phase, state)
            if last or number % config.checkpoint_every == 0:
                self._require_finite(number, values)
                checkpoints.save(self.run.folder / CHECKPOINTS, state, score=score)
            if last:
                break
        return state

    def _looks(self, number: int) -> bool:
        """Whether step `number` is followed by a validation."""
        every = self.config.evaluate_every
        return every > 0 and (number == self.config.steps or number % every == 0)

    def _write(self, row: dict[str, Any]) -> None:
        if self.log is not None:
            self.log.write(row)
        self.report(row)

    def _look(
        self, programs: _Programs, phase: Phase, state: TrainState, *, last: bool
    ) -> tuple[TrainState, float | None]:
        """Validates, tells the plateau rule, and returns the score of the state."""
        config, objective = self.config, programs.objective
        row: dict[str, Any] = {"step": int(state.step)}
        loss = None
        rule = rule_of(config)
        needed = rule is not None and rule.watch == "validation"
        if self.validation is not None and (needed or config.stop_after is not None):
            loss = row["validation_loss"] = self._validation_loss(programs, state)
        if rule is not None or config.stop_after is not None:
            before = jax.tree.map(_on_host, state.plateau)
            plateau = looked(before, rule, loss)
            plateau = replicate(plateau, config.parallel)
            state = dataclasses.replace(state, plateau=plateau)
            last = last or self.stopped(phase, state)
        score = None
        if self.validation is not None:  # in all processes, so that they keep step
            evaluation = self._validate(objective, state, self.validation)
            summary = evaluation.summary()
            score = summary.dice
            row["validation_dice"] = score
            row["validation_rejected"] = summary.rejected
            if last and self.log is not None:
                save_samples(
                    self.run.folder / SAMPLES,
                    [Trained(config, objective.apply, _on_one_device(state.variables))],
                    self.validation,
                    [row["lesion_free"] for row in evaluation.rows],
                )
        if len(row) > 1:
            self._write(row)
        return state, score

    def _validation_loss(self, programs: _Programs, state: TrainState) -> float:
        """Mean loss over batches of held-back cases, the same every time."""
        config = self.config
        feed = validation_batches(config, VALIDATION_CASES, self.share.places)
        losses = [
            float(
                programs.loss(state, placed(self.share.split(batch), config.parallel))
            )
            for batch in feed
        ]
        return float(np.mean(losses))

    def _validate(
        self, objective: Objective, state: TrainState, cases: Examples
    ) -> Evaluation:
        evaluation = Evaluation(self.config.num_classes)
        variables = _on_one_device(state.variables)
        trained = Trained(self.config, objective.apply, variables)
        how = Inference(overlap=VALIDATION_OVERLAP)
        masks = case_masks([trained], cases, how)
        for example, mask in masks:
            assert example.labels is not None
            evaluation.add(example.name, mask, example.labels)
        return evaluation

    def _require_finite(self, step: int, values: dict[str, jax.Array]) -> None:
        """Stops a run that has diverged before it overwrites a good checkpoint.

        Raises:
          DivergedError: the loss or the gradient is not finite.
        """
        for name, value in values.items():
            if not np.isfinite(value):
                raise DivergedError(
                    f"the {name.replace('_', ' ')} is {float(value)} at step {step}: "
                    "try a lower --learning-rate than "
                    f"{self.config.learning_rate:g}"
                )


def _plain_rows(seen: dict[str, Any]) -> dict[str, Any]:
    """What `inspect_step` saw, as JSON values; a loss of one term has no shares."""
    row = {
        name: np.round(np.asarray(seen[name], float), 6).tolist()
        for name in ("predicted_shares", "true_shares")
    }
    if len(seen["terms"]) > 1:
        terms = {name: round(float(x), 6) for name, x in seen["terms"].items()}
        row["gradient_shares"] = terms
    return row


def _on_one_device(tree: Any) -> Any:
    return jax.device_put(jax.tree.map(_on_host, tree), jax.local_devices()[0])


def _on_host(leaf: Any) -> np.ndarray:
    return np.asarray(leaf.addressable_data(0))


def _ahead(
    feed: Iterator[Batch], share: Share, config: RunConfig, depth: int = 2
) -> Generator[Batch]:
    """The batches, split by device, made ready by a thread up to `depth` in advance."""
    ready: queue.Queue = queue.Queue(depth)
    stopped = threading.Event()

    def fill() -> None:
        try:
            for batch in feed:
                item = share.split(batch)
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
            yield placed(item, config.parallel)
    finally:
        stopped.set()
