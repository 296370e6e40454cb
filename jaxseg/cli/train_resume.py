"""`jaxseg train --resume`: the settings that are there, with what may differ from them.

Flags that are not given are not looked at. One that is given must be what the run was
started with, unless it changes no weight: then it holds from here on.
"""

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxseg.cli.train_given import synthetic_from_flags
from jaxseg.data.folds import digest
from jaxseg.errors import UserError
from jaxseg.training.config import SETTINGS, RunConfig
from jaxseg.training.plateau import PLATEAUS
from jaxseg.training.sources import SYNTHETIC


def resume_settings(
    arguments: argparse.Namespace, given: Mapping[str, Any], stored: RunConfig
) -> RunConfig:
    """The settings of a run that goes on.

    Raises:
      UserError: a flag would change the weights; the folds have changed.
    """
    changed: dict[str, Any] = {}
    for name, value in given.items():
        if name == "learning_rate" and arguments.search_rates is not None:
            continue  # it was searched for
        if _same(name, value, getattr(stored, name)):
            continue
        if not _harmless(name, value, stored):
            _refuse(arguments.out, name, value, getattr(stored, name))
        changed[name] = value
    for name, value in synthetic_from_flags(arguments).items():
        if stored.synthetic.get(name) != value:
            _refuse(arguments.out, name, value, stored.synthetic.get(name))
    planned = stored.plan or {}
    if arguments.plan and stored.plan is None:
        _refuse(arguments.out, "plan", True, None)
    if arguments.memory_gb not in (None, planned.get("memory_gb")):
        _refuse(arguments.out, "memory_gb", arguments.memory_gb, planned)
    config = dataclasses.replace(stored, **changed)
    if config.folds is not None and digest(Path(config.folds)) != stored.folds_digest:
        raise UserError(
            f"--resume: the folds in {config.folds} are not those that {arguments.out} "
            "was started with"
        )
    return config


def _same(name: str, here: Any, there: Any) -> bool:
    """Whether a flag says what is stored; of places, whether they are one."""
    if here == there or None in (here, there) or SYNTHETIC in (here, there):
        return here == there
    if name in ("data", "folds", "weights", "start_run"):
        return Path(here).resolve() == Path(there).resolve()
    return False


def _harmless(name: str, value: Any, stored: RunConfig) -> bool:
    """Whether a setting may change without a change of the weights."""
    if name in ("evaluate_every", "checkpoint_every"):
        watched = stored.schedule in PLATEAUS or stored.stop_after is not None
        return name == "checkpoint_every" or not watched
    if name == "data":
        return SYNTHETIC not in (value, stored.data)
    if name == "folds":
        return stored.folds is not None
    return SETTINGS[name].effect != "weights"


def _refuse(folder: Path, name: str, here: Any, there: Any) -> None:
    flag = SETTINGS[name].flag if name in SETTINGS else name.replace("_", "-")
    was = f"had {_text(there)}" if there is not None else "had none"
    raise UserError(
        f"--resume: --{flag} {_text(here)} would change the weights of {folder}, which "
        f"{was}: leave the flag out, or start a new run from its weights with "
        f"--start-run {folder} and another --out"
    )


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{k}={v}" for k, v in value.items()) or "none"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
