"""The training loop: steps, rows, validations, checkpoints, and resuming."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxseg.data.batch import Batch
from jaxseg.errors import UserError
from jaxseg.files import read_json, write_json
from jaxseg.models.catalog import MODELS
from jaxseg.models.weights import load_weights, weights_file
from jaxseg.training import checkpoints
from jaxseg.training.config import Phase, RunConfig
from jaxseg.training.devices import Share, share_of
from jaxseg.training.divergence import DivergedError, diagnosis
from jaxseg.training.log import METRICS, Log
from jaxseg.training.memory import exhaustion_told
from jaxseg.training.objective import rule_of, schedule_of
from jaxseg.training.parallel import place_batch, replicate, to_host, undivided
from jaxseg.training.plateau import update_plateau
from jaxseg.training.prefetch import ahead
from jaxseg.training.programs import Programs, programs_of
from jaxseg.training.samples import save_samples
from jaxseg.training.sources import Examples, batches
from jaxseg.training.start import first_state, state_shapes
from jaxseg.training.step import Objective, TrainState, fresh_optimizer
from jaxseg.training.validation import (
    VALIDATION_CASES,
    network_in_use,
    validate,
    validation_loss,
)

__all__ = [
    "CHECKPOINTS",
    "CONFIG",
    "METRICS",
    "SAMPLES",
    "VALIDATION_CASES",
    "DivergedError",
    "Run",
]

CONFIG = "config.json"
CHECKPOINTS = "checkpoints"
SAMPLES = "samples.npz"
ROWS = 200
"""About so many rows a run leaves of its steps."""
Report = Callable[[dict[str, Any]], object]
"""Called with each row that is written."""


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

        Raises:
          DivergedError: loss or gradient are not finite any more.
          UserError: a file that cannot be read or written.
        """
        config = self.config
        self.claim()
        share = share_of(config.batch_size)
        _, restored = self.restore(phase=0)
        state = replicate(restored or self.start(), config.parallel)
        done = int(state.step)
        notes = checkpoints.notes_of(self.folder / CHECKPOINTS, state)
        first = jax.process_index() == 0
        log = Log(self.folder, done, notes.get("log")) if first else None
        feed = ahead(batches(config, done, share.places), share, config.parallel)
        session = _Session(self, share, validation, log, report)
        try:
            for number, phase in enumerate(config.phases):
                if int(state.step) < phase.end and not session.stopped(phase, state):
                    with exhaustion_told():
                        state = session.train_phase(number, state, feed)
        finally:
            feed.close()
            if log is not None:
                log.close()
        return undivided(state, config.parallel)

    def claim(self) -> None:
        """Keeps the settings in the folder, or compares them with those kept there.

        Raises:
          UserError: the folder is another run's.
        """
        path = self.folder / CONFIG
        if jax.process_index():
            return
        if path.is_file():
            stored = RunConfig.from_json(read_json(path), str(path))
            difference = self.config.difference(stored)
            if difference:
                raise UserError(f"{self.folder} holds another run: {difference}")
        write_json(path, self.config.to_json())

    def start(self) -> TrainState:
        """The state before the first step, with weights from where the settings say."""
        config, objective = self.config, programs_of(self.config, 0).objective
        if config.weights is None and config.start_run is None:
            return first_state(config, objective)
        like = state_shapes(config, objective).variables
        if config.start_run is not None:
            found = variables_of_run(Path(config.start_run), like)
        else:
            encoder = MODELS[config.model].encoder
            found = load_weights(weights_file(str(config.weights), encoder), like)
        return first_state(config, objective, found)

    def restore(
        self, *, best: checkpoints.Best | None = None, phase: int = -1
    ) -> tuple[Objective, TrainState | None]:
        """The network and its newest (or best) whole state, None where there is none.

        What the network is used with are the state's `variables`.
        """
        objective = programs_of(self.config, phase).objective
        folder, like = self.folder / CHECKPOINTS, state_shapes(self.config, objective)
        state = checkpoints.restore(folder, like, best=best)
        if state is not None:
            self._require_own(checkpoints.notes_of(folder, state))
        return objective, state

    def _require_own(self, notes: dict[str, Any]) -> None:
        """Refuses a checkpoint of other settings than these.

        Some change of config.json has made of it another that is as legal.

        Raises:
          UserError: naming the file.
        """
        digest = self.config.digest()
        if notes.get("settings", digest) != digest:
            raise UserError(
                f"{self.folder / CHECKPOINTS} was trained with other settings than "
                f"{self.folder / CONFIG} has: that file was changed since"
            )


def variables_of_run(folder: Path, like: dict[str, Any]) -> dict[str, Any]:
    """What the network of a finished run is used with, for another run to start from.

    Args:
      folder: of the finished run.
      like: what the other network is used with, of arrays or abstract ones.

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


def step_seconds(config: RunConfig, repeats: int) -> Iterator[float]:
    """Seconds of single steps of a run's last phase on its first batch.

    The step is compiled and taken twice before the first is timed; reading data and
    sending it to the device are left out.
    """
    share = share_of(config.batch_size)
    programs = programs_of(config, -1)
    batch = place_batch(
        share.split(next(iter(batches(config, 0, share.places)))), config.parallel
    )
    state = replicate(first_state(config, programs.objective), config.parallel)
    for number in range(repeats + 2):
        start = time.perf_counter()
        state, values = programs.step(state, batch)
        jax.block_until_ready((state, values))
        if number > 1:
            yield time.perf_counter() - start


def leaves_row(config: RunConfig, step: int) -> bool:
    """Whether a step leaves a row, validations aside."""
    every = max(config.steps // ROWS, 1)
    ends = (end for phase in config.phases for end in (phase.start + 1, phase.end))
    return step % every == 0 or step in (1, *ends)


def is_followed_by_look(config: RunConfig, step: int) -> bool:
    """Whether a step is followed by a validation."""
    every = config.evaluate_every
    return every > 0 and (step == config.steps or step % every == 0)


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
        phase, programs = config.phases[index], programs_of(config, index)
        if 0 < phase.start == int(state.step):
            whole = undivided(state, config.parallel)
            fresh = fresh_optimizer(whole, programs.objective, phase.learning_rate)
            state = replicate(fresh, config.parallel)
        for number in range(int(state.step) + 1, phase.end + 1):
            batch = next(feed)
            looking = is_followed_by_look(config, number)
            first = number == 1 and config.evaluate_every > 0
            seen = programs.inspect(state, batch) if looking or first else None
            state, values = programs.step(state, batch)

            if leaves_row(config, number) or seen is not None:
                self._require_finite(programs, state, values)
                self._write(self._row(phase, number, state, values, seen))
            else:
                self.report({"step": number})

            marks, last = {}, number == config.steps
            if looking:
                state, marks = self._look(programs, phase, state, last=last)
                last = last or self.stopped(phase, state)
            if last or number % config.checkpoint_every == 0:
                self._require_finite(programs, state, values)
                self._save(state, marks)
            if last:
                break
        return state

    def _row(
        self,
        phase: Phase,
        number: int,
        state: TrainState,
        values: dict[str, Any],
        seen: dict[str, Any] | None,
    ) -> dict[str, Any]:
        schedule = schedule_of(self.config, phase)
        share = float(np.asarray(schedule(number - 1 - phase.start)))
        row = {
            "step": number,
            "loss": float(values["loss"]),
            "gradient_norm": float(values["gradient_norm"]),
            "learning_rate": share * float(state.plateau.scale),
            **({} if seen is None else _plain_rows(seen)),
        }
        if len(self.config.phases) > 1:
            row["loss_name"] = phase.loss
        return row

    def _save(self, state: TrainState, marks: dict[str, float | None]) -> None:
        state = undivided(state, self.config.parallel)
        if self.log is None:  # the first process writes for all
            return
        notes = {"settings": self.config.digest(), "log": self.log.mark()}
        folder = self.run.folder / CHECKPOINTS
        checkpoints.save(folder, state, **marks, notes=notes)

    def _write(self, row: dict[str, Any]) -> None:
        if self.log is not None:
            self.log.write(row)
        self.report(row)

    def _look(
        self, programs: Programs, phase: Phase, state: TrainState, *, last: bool
    ) -> tuple[TrainState, dict[str, float | None]]:
        """Validates, tells the plateau rule, and returns what marks the state."""
        config = self.config
        row: dict[str, Any] = {"step": int(state.step)}
        rule, loss = rule_of(config), None
        needed = rule is not None and rule.watch == "validation"
        needed = needed or config.stop_after is not None or config.keep_best == "loss"
        if self.validation is not None and needed:
            loss = validation_loss(config, programs, state, self.share)
            row["validation_loss"] = loss
        if rule is not None or config.stop_after is not None:
            before = jax.tree.map(to_host, state.plateau)
            plateau = replicate(update_plateau(before, rule, loss), config.parallel)
            state = dataclasses.replace(state, plateau=plateau)
            last = last or self.stopped(phase, state)
        score = None
        if self.validation is not None:  # in all processes, so that they keep step
            trained = network_in_use(config, programs, state)
            evaluation = validate(trained, self.validation)
            summary = evaluation.summary()
            score = row["validation_dice"] = summary.dice
            row["validation_rejected"] = summary.rejected
            if last and self.log is not None:
                free = [case["lesion_free"] for case in evaluation.rows]
                path = self.run.folder / SAMPLES
                save_samples(path, [trained], self.validation, free)
        if len(row) > 1:
            self._write(row)
        comparable = phase.end == config.steps and config.keep_best == "loss"
        return state, {"score": score, "loss": loss if comparable else None}

    def _require_finite(
        self, programs: Programs, state: TrainState, values: dict[str, jax.Array]
    ) -> None:
        """Stops a run that has diverged before it overwrites a good checkpoint.

        The state has stood still since the first step that went wrong, which is taken
        again and looked at.

        Raises:
          DivergedError: the loss or the gradient is not finite.
        """
        if bool(np.asarray(to_host(values["finite"]))):
            return
        config, step = self.config, int(state.step) + 1
        batch = next(iter(batches(config, step - 1, self.share.places)))
        found = programs.examine(
            state, place_batch(self.share.split(batch), config.parallel)
        )
        images = jax.ShapeDtypeStruct((1, *config.size, config.channels), np.float32)
        why = diagnosis(jax.tree.map(to_host, found), programs.objective, images)
        kept = checkpoints.newest(self.run.folder / CHECKPOINTS)
        raise DivergedError(
            f"training diverged at step {step}: {why}. The checkpoint before it is "
            f"{'none yet' if kept is None else kept}: try a lower --learning-rate than "
            f"{config.learning_rate:g}"
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
