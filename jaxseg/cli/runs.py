"""Opening the folders of runs that have been trained."""

import warnings
from pathlib import Path

from jaxseg.errors import UserError
from jaxseg.files import like, read_json
from jaxseg.training.cases import TrainedNetwork
from jaxseg.training.checkpoints import Best, best_step
from jaxseg.training.config import RunConfig
from jaxseg.training.loop import CHECKPOINTS, CONFIG, Run
from jaxseg.training.step import Objective, TrainState


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


def load_run(
    folder: Path, *, best: Best | None = None
) -> tuple[Run, Objective, TrainState]:
    """A run with its network and its newest whole checkpoint, or the best one.

    Raises:
      UserError: the folder is no run, or holds no whole checkpoint.
    """
    run = open_run(folder)
    return run, *restore_run(run, best=best)


def load_trained(run: Run, *, best: Best | None = None) -> TrainedNetwork:
    """A run's network as it is used; see `restore_run`."""
    objective, state = restore_run(run, best=best)
    return TrainedNetwork(run.config, objective.apply, state.variables)


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
