"""Opening the folders of runs that have been trained."""

import warnings
from pathlib import Path

from jaxseg.errors import UserError
from jaxseg.files import like, read_json
from jaxseg.training.cases import TrainedNetwork
from jaxseg.training.checkpoints import Best, best_step
from jaxseg.training.config import RunConfig
from jaxseg.training.loop import CHECKPOINTS, CONFIG, Run
from jaxseg.training.scaling import Scaling
from jaxseg.training.sources import SYNTHETIC
from jaxseg.training.step import Objective, TrainState

SCALING = "calibration.json"
"""What `jaxseg calibrate` leaves in a run."""


def open_run(folder: Path) -> Run:
    """A run by its settings; nothing of its weights is read.

    Raises:
      UserError: the folder is no run.
    """
    config = folder / CONFIG
    if not config.is_file():
        inner = sorted(folder.glob(f"*/{CONFIG}"))
        hint = f"; did you mean {inner[0].parent}?" if inner else ""
        why = f"it has no {CONFIG}{hint}"
        if not folder.exists():
            why = f"there is no such folder{like(folder)}"
        raise UserError(f"--run {folder} is not a run: {why}")
    return Run(RunConfig.from_json(read_json(config), str(config)), folder)


def data_of(config: RunConfig, given: str | None) -> str:
    """The data that a flag names, else those that the run was trained on.

    Raises:
      UserError: these are there no more.
    """
    if not given and config.data != SYNTHETIC and not Path(config.data).exists():
        raise UserError(
            f"the run was trained on {config.data}, which is not there: say with "
            "--data where the data are"
        )
    return given or config.data


def load_run(
    folder: Path, *, best: Best | None = None
) -> tuple[Run, Objective, TrainState]:
    """A run with its network and its newest whole checkpoint, or the best one.

    Raises:
      UserError: the folder is no run, or holds no whole checkpoint.
    """
    run = open_run(folder)
    return run, *restore_run(run, best=best)


def load_trained(
    run: Run, *, best: Best | None = None, calibrated: bool = True
) -> TrainedNetwork:
    """A run's network as it is used; see `restore_run`.

    Args:
      run: the run.
      best: which checkpoint.
      calibrated: whether to use the scaling that `jaxseg calibrate` has left, if any.

    Raises:
      UserError: also where that scaling is of another checkpoint.
    """
    scaling, step = stored_scaling(run) if calibrated else (None, None)
    objective, state = restore_run(run, best=best)
    if scaling is not None and step != int(state.step):
        raise UserError(
            f"{run.folder / SCALING} is of step {step}, but what is loaded is step "
            f"{int(state.step)}: run jaxseg calibrate again, with the same --best, or "
            "say --uncalibrated"
        )
    return TrainedNetwork(run.config, objective.apply, state.variables, scaling)


def stored_scaling(run: Run) -> tuple[Scaling | None, int | None]:
    """What `jaxseg calibrate` has left in a run, and the step that it is of.

    Raises:
      UserError: the file is damaged, or of other classes than the run's.
    """
    path = run.folder / SCALING
    if not path.is_file():
        return None, None
    stored = read_json(path)
    try:
        scaling, step = Scaling.from_json(stored), int(stored["step"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is not what jaxseg calibrate writes: {error}"
        ) from error
    kinds = len(run.config.regions or ()) or run.config.num_classes
    if (len(scaling.shift), scaling.odds) != (kinds, bool(run.config.regions)):
        raise UserError(
            f"{path} is of {len(scaling.shift)} classes, but the run has {kinds}"
        )
    return scaling, step


def restore_run(run: Run, *, best: Best | None = None) -> tuple[Objective, TrainState]:
    """A run's network and its newest whole checkpoint, or the best one.

    Raises:
      UserError: it holds no whole checkpoint, or none that is the best by loss.
    """
    folder = run.folder / CHECKPOINTS
    if best == "loss" and best_step(folder, "loss") is None:
        raise UserError(
            f"--best loss: {run.folder} has kept no checkpoint for its loss; a run "
            "that is trained with --keep-best loss does"
        )
    objective, state = run.restore(best=best)
    if state is None:
        raise UserError(f"--run {run.folder} has no whole checkpoint in {CHECKPOINTS}")
    limit = run.config.stop_after
    stopped = limit is not None and int(state.plateau.stale) >= limit
    if int(state.step) < run.config.steps and not best and not stopped:
        warnings.warn(
            f"{run.folder} is at step {int(state.step)} of {run.config.steps}",
            stacklevel=1,
        )
    return objective, state
