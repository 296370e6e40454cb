"""Checkpoints that are found damaged rather than trusted.

Orbax stores the state in a folder per step. A manifest with the hash of every file is
written last: a step without one was never finished, and one whose files do not match it
is damaged. Both are passed over, with a warning that names the file.
"""

import contextlib
import hashlib
import json
import logging
import shutil
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from jaxseg.errors import UserError
from jaxseg.files import write_json
from jaxseg.training.step import TrainState

MANIFEST = "manifest.json"
KEPT = 2


class DamagedCheckpoint(UserWarning):
    """A checkpoint was passed over because its files are not what was written."""


def save(folder: Path, state: TrainState, *, score: float | None = None) -> Path | None:
    """Writes the state of a step; the newest two steps and the best one are kept.

    Older steps are removed only once the new one is whole, so that a full disk costs
    the new one and nothing else.

    Args:
      folder: ``checkpoints`` of the run, made if missing.
      state: on any devices; with several processes, all call this at the same step and
        the first writes.
      score: how good the state is, higher is better; None leaves it out of the choice
        of the best, for which the latest of equals is taken.

    Returns:
      The step's folder, None in all processes but the first.

    Raises:
      UserError: the disk is full or the folder cannot be written to; what was there
        before is still whole.
    """
    if jax.process_index():
        return None
    path = folder / f"{int(state.step):08d}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists():
            shutil.rmtree(path)
        with _quiet(), _checkpointer() as checkpointer:
            checkpointer.save(
                path.absolute() / "state", jax.tree.map(_on_host, _plain(state))
            )
            checkpointer.wait_until_finished()
        manifest = {
            "step": int(state.step),
            "score": score,
            "arrays": _described(state),
            "sha256": _hashes(path),
        }
        write_json(path / MANIFEST, manifest)
    except (OSError, ValueError, UserError) as error:
        _remove_unfinished(folder, path)
        raise UserError(f"cannot write the checkpoint {path}: {error}") from error
    _remove_old(folder)
    return path


def _checkpointer() -> ocp.StandardCheckpointer:
    """Orbax, in this process alone: no other waits for it."""
    if jax.process_count() == 1:
        return ocp.StandardCheckpointer()
    alone = ocp.options.MultiprocessingOptions(
        primary_host=jax.process_index(), active_processes={jax.process_index()}
    )
    return ocp.StandardCheckpointer(multiprocessing_options=alone)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps Orbax from printing a traceback of what is raised anyway."""
    logger = logging.getLogger("absl")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _on_host(leaf: jax.Array) -> np.ndarray:
    return np.asarray(leaf.addressable_data(0)) if isinstance(leaf, jax.Array) else leaf


def _remove_unfinished(folder: Path, path: Path) -> None:
    """Makes room again after a failure: what is left of `path` is of no use.

    More than once, as threads of Orbax that are not done yet may write it again.
    """
    for _ in range(5):
        for left in (path, *folder.glob(f"{path.name}*tmp*")):
            shutil.rmtree(left, ignore_errors=True)
        time.sleep(0.1)


def _remove_old(folder: Path) -> None:
    steps = sorted(_steps(folder))
    best = best_step(folder)
    for old in steps[:-KEPT]:
        if old != best:
            shutil.rmtree(old, ignore_errors=True)


def best_step(folder: Path) -> Path | None:
    """Folder of the step with the highest score, the latest of equals; None if none."""
    scores = []
    for path in sorted(_steps(folder)):
        try:
            score = json.loads((path / MANIFEST).read_text()).get("score")
        except (OSError, ValueError):
            continue
        if isinstance(score, int | float):
            scores.append((score, path.name, path))
    return max(scores)[-1] if scores else None


def restore(folder: Path, like: TrainState, *, best: bool = False) -> TrainState | None:
    """The newest whole state, or None where there is none.

    Args:
      folder: ``checkpoints`` of the run.
      like: a state of the shapes and dtypes expected.
      best: take the one with the highest score, if it is whole.

    Raises:
      UserError: a whole checkpoint does not fit `like`: another network or optimizer.
    """
    target = jax.tree.map(ocp.utils.to_shape_dtype_struct, _plain(like))
    steps = sorted(_steps(folder), reverse=True)
    first = best_step(folder) if best else None
    if first is not None:
        steps = [first, *(path for path in steps if path != first)]
    for path in steps:
        fault = _fault(path)
        if fault is not None:
            warnings.warn(f"{fault}; passing over it", DamagedCheckpoint, stacklevel=2)
            continue
        stored = json.loads((path / MANIFEST).read_text())["arrays"]
        for name, wanted in _described(like).items():
            found = stored.pop(name, "nothing")
            if found != wanted:
                raise UserError(
                    f"{path} holds another network or optimizer: {name} is {found}, "
                    f"not {wanted}"
                )
        if stored:
            raise UserError(
                f"{path} holds another network or optimizer: one with "
                f"{next(iter(stored))}"
            )
        with _checkpointer() as checkpointer:
            plain = checkpointer.restore(path.absolute() / "state", target)
        return _state(plain, like)
    return None


def _plain(state: TrainState) -> dict:
    """The state as a dictionary of arrays; a key as its raw numbers."""
    plain = {
        "step": state.step,
        "params": state.params,
        "opt_state": jax.tree.leaves(state.opt_state),
        "plateau": jax.tree.leaves(state.plateau),
        "key": jax.random.key_data(state.key),
    }
    if state.extra:
        plain["extra"] = state.extra
    if state.average is not None:
        plain["average"] = state.average
    return plain


def _state(plain: dict, like: TrainState) -> TrainState:
    def as_in(name: str, tree: object) -> Any:
        return jax.tree.unflatten(jax.tree.structure(tree), plain[name])

    return TrainState(
        step=plain["step"],
        params=plain["params"],
        extra=plain.get("extra", {}),
        opt_state=as_in("opt_state", like.opt_state),
        average=plain.get("average"),
        plateau=as_in("plateau", like.plateau),
        key=jax.random.wrap_key_data(plain["key"]),
    )


def _described(state: TrainState) -> dict[str, str]:
    """Dtype and shape of every array of the state, by its place in the tree."""
    leaves = jax.tree_util.tree_leaves_with_path(_plain(state))
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): (
            f"{leaf.dtype}{list(leaf.shape)}"
        )
        for path, leaf in leaves
    }


def _steps(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if path.name.isdigit())


def _hashes(path: Path) -> dict[str, str]:
    """SHA-256 of every file under `path` but the manifest, by relative name."""
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.name != MANIFEST
    }


def _fault(path: Path) -> str | None:
    """What is wrong with a step's folder, as a phrase; None if it is whole."""
    manifest = path / MANIFEST
    try:
        content = json.loads(manifest.read_text())
        expected, _ = content["sha256"], content["arrays"]
    except FileNotFoundError:
        return f"{path} was never finished (it has no {MANIFEST})"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{manifest} is damaged ({error})"
    found = _hashes(path)
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            return f"{path / name} is damaged or missing"
    return None
