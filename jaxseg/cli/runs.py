"""Opening the folder of a run that has been trained."""

import warnings
from pathlib import Path

from jaxseg.errors import UserError
from jaxseg.files import read_json
from jaxseg.training.config import RunConfig
from jaxseg.training.loop import CHECKPOINTS, CONFIG, Run
from jaxseg.training.step import Objective, TrainState


def load_run(folder: Path, *, best: bool = False) -> tuple[Run, Objective, TrainState]:
    """A run with its network and its newest whole checkpoint, or the best one.

    Raises:
      UserError: the folder is no run, or holds no whole checkpoint.
    """
    config = folder / CONFIG
    if not config.is_file():
        raise UserError(f"--run {folder} is not a run: it has no {CONFIG}")
    run = Run(RunConfig.from_json(read_json(config), str(config)), folder)
    objective, state = run.restore(best=best)
    if state is None:
        raise UserError(f"--run {folder} has no whole checkpoint in {CHECKPOINTS}")
    limit = run.config.stop_after
    stopped = limit is not None and int(state.plateau.stale) >= limit
    if int(state.step) < run.config.steps and not best and not stopped:
        warnings.warn(
            f"{folder} is at step {int(state.step)} of {run.config.steps}", stacklevel=1
        )
    return run, objective, state
