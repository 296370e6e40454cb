"""Checkpoints that are found damaged rather than trusted.

The state of a step is a file of safetensors in a folder of its own, beside a manifest
with its hash and with one of the manifest itself. The folder takes its name when both
are whole; one that does not match its manifest is passed over, with a warning that
names the file, and counts for nothing.
"""

import contextlib
import hashlib
import json
import math
import shutil
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from jaxseg.errors import UserError
from jaxseg.files import digest_of, sync, write_json
from jaxseg.training.step import TrainState

MANIFEST = "manifest.json"
STATE = "state.safetensors"
KEPT = 2
Best = Literal["dice", "loss"]
"""What makes a step the best: its score, which is Dice, or its loss."""
_TRIES = 5
"""How often the steps are listed anew where one vanishes while it is read."""


class DamagedCheckpoint(UserWarning):
    """A checkpoint was passed over because its files are not what was written."""


def save(
    folder: Path,
    state: TrainState,
    *,
    score: float | None = None,
    loss: float | None = None,
    notes: Mapping[str, Any] | None = None,
) -> Path | None:
    """Writes the state of a step; the newest two whole steps and the best are kept.

    Older steps are removed only once the new one is whole, so that a full disk costs
    the new one and nothing else.

    Args:
      folder: ``checkpoints`` of the run, made if missing.
      state: on any devices; with several processes, all call this at the same step and
        the first writes.
      score: how good the state is, higher is better; None leaves it out of the choice
        of the best, for which the latest of equals is taken.
      loss: the same, lower is better; the best by it is kept beside the one by score.
      notes: plain JSON values to be kept beside the state, see `notes_of`.

    Returns:
      The step's folder, None in all processes but the first.

    Raises:
      UserError: the disk is full or the folder cannot be written to; what was there
        before is still whole.
    """
    if jax.process_index():
        return None
    path = folder / f"{int(state.step):08d}"
    unfinished = folder / f".{path.name}.tmp"
    arrays = {name: _to_host(leaf) for name, leaf in _name_leaves(_plain(state))}
    try:
        shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed
        unfinished.mkdir(parents=True)
        safetensors.numpy.save_file(arrays, unfinished / STATE)
        sync(unfinished / STATE)
        content = {
            "step": int(state.step),
            "score": score if score is None or math.isfinite(score) else None,
            "loss": loss if loss is None or math.isfinite(loss) else None,
            "arrays": _describe(arrays),
            "sha256": _hashes(unfinished),
            "notes": dict(notes or {}),
        }
        write_json(unfinished / MANIFEST, {**content, "own_sha256": _digest(content)})
        if path.exists():
            shutil.rmtree(path)
        unfinished.rename(path)
    except (OSError, SafetensorError, UserError) as error:
        with contextlib.suppress(OSError):
            shutil.rmtree(unfinished, ignore_errors=True)
        raise UserError(f"cannot write the checkpoint {path}: {error}") from error
    _remove_old(folder)
    return path


def _to_host(leaf: jax.Array) -> np.ndarray:
    value = leaf.addressable_data(0) if isinstance(leaf, jax.Array) else leaf
    return np.array(value, order="C", copy=None)


def _remove_old(folder: Path) -> None:
    """Removes steps behind the newest whole ones; damaged ones do not count."""
    best, whole = [best_step(folder, by) for by in get_args(Best)], 0
    for path in sorted(_steps(folder), reverse=True):
        if whole >= KEPT and path not in best:
            shutil.rmtree(path, ignore_errors=True)
        elif _fault(path) is None:
            whole += 1


def notes_of(folder: Path, state: TrainState) -> dict[str, Any]:
    """What was noted when a state, just restored, was saved; empty if nothing was."""
    with contextlib.suppress(OSError, ValueError):
        return _manifest(folder / f"{int(state.step):08d}").get("notes", {})
    return {}


def newest(folder: Path) -> Path | None:
    """Folder of the newest whole step; None if there is none."""
    steps = sorted(_steps(folder), reverse=True)
    return next((path for path in steps if _fault(path) is None), None)


def best_step(folder: Path, by: Best = "dice") -> Path | None:
    """Folder of the step with the highest score, or the lowest loss.

    The latest of equals; None where no step has one.
    """
    scores = []
    for path in _steps(folder):
        with contextlib.suppress(OSError, ValueError):
            found = _manifest(path)
            score = found["score"] if by == "dice" else found.get("loss")
            if score is not None:
                scores.append((score if by == "dice" else -score, path.name, path))
    return max(scores)[-1] if scores else None


def restore(
    folder: Path, like: TrainState, *, best: Best | None = None
) -> TrainState | None:
    """The newest whole state, or None where there is none.

    Args:
      folder: ``checkpoints`` of the run, which may be written meanwhile.
      like: a state of the shapes and dtypes expected, of arrays or abstract ones.
      best: take the one with the highest score, or the lowest loss, if it is whole.

    Raises:
      UserError: a whole checkpoint does not fit `like`: another network or optimizer.
    """
    wanted = jax.eval_shape(_plain, like)
    for _ in range(_TRIES):
        try:
            return _restore(folder, like, wanted, best=best)
        except FileNotFoundError:  # a newer one has taken its place
            continue
    raise UserError(f"{folder} is written faster than it can be read: try again")


def _restore(
    folder: Path, like: TrainState, wanted: dict, *, best: Best | None
) -> TrainState | None:
    steps = sorted(_steps(folder), reverse=True)
    first = best_step(folder, best) if best else None
    if first is not None:
        steps = [first, *(path for path in steps if path != first)]
    for path in steps:
        fault = _fault(path)
        if fault is not None:
            if not path.exists():
                raise FileNotFoundError(path)
            warnings.warn(f"{fault}; passing over it", DamagedCheckpoint, stacklevel=4)
            continue
        _require_fit(
            path, _manifest(path)["arrays"], _describe(dict(_name_leaves(wanted)))
        )
        return _state(_read_state(path, wanted), like)
    return None


def _require_fit(path: Path, stored: Mapping[str, str], wanted: dict[str, str]) -> None:
    for name in (*wanted, *stored):
        here, there = wanted.get(name, "nothing"), stored.get(name, "nothing")
        if here != there:
            raise UserError(
                f"{path} holds another network or optimizer: {name} is {there}, not "
                f"{here}"
            )


def _read_state(path: Path, wanted: dict) -> dict:
    """The plain state in a step's folder, which is whole and fits."""
    if not (path / STATE).is_file():
        return _read_orbax(path, wanted)
    arrays = safetensors.numpy.load_file(path / STATE)
    leaves = [jnp.array(arrays[name]) for name, _ in _name_leaves(wanted)]
    return jax.tree.unflatten(jax.tree.structure(wanted), leaves)


def _read_orbax(path: Path, wanted: dict) -> dict:
    """The state in a checkpoint that an earlier version wrote by Orbax."""
    import orbax.checkpoint as ocp

    here = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    target = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=here), wanted
    )
    with ocp.StandardCheckpointer() as checkpointer:
        return checkpointer.restore(path.absolute() / "state", target)


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


def _name_leaves(plain: dict) -> list[tuple[str, Any]]:
    """The arrays of a plain state by their place in the tree."""
    return [
        (jax.tree_util.keystr(path, simple=True, separator="/"), leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(plain)
    ]


def _describe(arrays: Mapping[str, Any]) -> dict[str, str]:
    """Dtype and shape of every array, by its name."""
    return {name: f"{x.dtype}{list(x.shape)}" for name, x in arrays.items()}


def _steps(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if path.name.isdigit())


def _hashes(path: Path) -> dict[str, str]:
    """SHA-256 of every file under `path` but the manifest, by relative name."""
    return {
        str(file.relative_to(path)): digest_of(file)
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.name != MANIFEST
    }


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _manifest(path: Path) -> dict[str, Any]:
    """What a step's folder says of itself.

    Raises:
      ValueError: it is damaged.
    """
    content = json.loads((path / MANIFEST).read_text())
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")
    own = content.pop("own_sha256", None)
    old = (path / "state").is_dir()  # Orbax's, whose manifest has no hash of its own
    if own != (None if old else _digest(content)):
        raise ValueError("its hash is another")
    if not {"step", "score", "arrays", "sha256"} <= set(content):
        raise ValueError("it lacks a part")
    return content


def _fault(path: Path) -> str | None:
    """What is wrong with a step's folder, as a phrase; None if it is whole."""
    try:
        expected = _manifest(path)["sha256"]
        found = _hashes(path)
    except FileNotFoundError:
        return f"{path} was never finished (it has no {MANIFEST})"
    except (OSError, ValueError) as error:
        return f"{path / MANIFEST} is damaged ({error})"
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            return f"{path / name} is damaged or missing"
    return None
