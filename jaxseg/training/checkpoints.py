"""Checkpoints that are found damaged rather than trusted.

Orbax stores the state in a folder per step. A manifest with the hash of every file is
written last: a step without one was never finished, and one whose files do not match it
is damaged. Both are passed over, with a warning that names the file.
"""

import hashlib
import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import jax
import orbax.checkpoint as ocp

from jaxseg.errors import UserError
from jaxseg.files import write_json
from jaxseg.training.step import TrainState

MANIFEST = "manifest.json"
KEPT = 2


class DamagedCheckpoint(UserWarning):
    """A checkpoint was passed over because its files are not what was written."""


def save(folder: Path, state: TrainState) -> Path:
    """Writes the state of a step and removes all but the newest two steps.

    Args:
      folder: ``checkpoints`` of the run, made if missing.
      state: on any devices.

    Returns:
      The step's folder.

    Raises:
      UserError: the disk is full or the folder cannot be written to; what was there
        before is still whole.
    """
    path = folder / f"{int(state.step):08d}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists():
            shutil.rmtree(path)
        with ocp.StandardCheckpointer() as checkpointer:
            checkpointer.save(path.absolute() / "state", _plain(state))
            checkpointer.wait_until_finished()
    except (OSError, ValueError) as error:
        raise UserError(f"cannot write the checkpoint {path}: {error}") from error
    manifest = {
        "step": int(state.step),
        "arrays": _described(state),
        "sha256": _hashes(path),
    }
    write_json(path / MANIFEST, manifest)
    for old in sorted(_steps(folder))[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return path


def restore(folder: Path, like: TrainState) -> TrainState | None:
    """The newest whole state, or None where there is none.

    Args:
      folder: ``checkpoints`` of the run.
      like: a state of the shapes and dtypes expected.

    Raises:
      UserError: a whole checkpoint does not fit `like`: another network or optimizer.
    """
    target = jax.tree.map(ocp.utils.to_shape_dtype_struct, _plain(like))
    for path in sorted(_steps(folder), reverse=True):
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
        with ocp.StandardCheckpointer() as checkpointer:
            plain = checkpointer.restore(path.absolute() / "state", target)
        return _state(plain, like)
    return None


def _plain(state: TrainState) -> dict:
    """The state as a dictionary of arrays; a key as its raw numbers."""
    return {
        "step": state.step,
        "params": state.params,
        "opt_state": jax.tree.leaves(state.opt_state),
        "key": jax.random.key_data(state.key),
    }


def _state(plain: dict, like: TrainState) -> TrainState:
    structure = jax.tree.structure(like.opt_state)
    return TrainState(
        plain["step"],
        plain["params"],
        jax.tree.unflatten(structure, plain["opt_state"]),
        jax.random.wrap_key_data(plain["key"]),
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
