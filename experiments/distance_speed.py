"""How long exact distance maps and losses made of them take, beside other libraries.

`python -m experiments distance` measures ours and SciPy's; about a minute. With
`--peers PYTHON` the `edt` package and MONAI's Hausdorff loss are measured by their own
Python in the same run. Ours and theirs see the same masks and scores. Training steps of
a U-Net under boundary losses are measured beside those under Dice.
"""

import dataclasses
import functools
import importlib.metadata
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy

from experiments.peers import rows_of_peers
from experiments.speed import machine
from jaxseg.data.batch import Batch
from jaxseg.distance import distance_transform
from jaxseg.losses import CATALOG, hausdorff_loss, per_image
from jaxseg.models.unet import UNet
from jaxseg.training.network import Network
from jaxseg.training.step import Objective, init_state, train_step

OURS = "jaxseg"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What is measured.

    Attributes:
      images: shape of a batch of masks, one map each.
      volume: shape of one mask.
      scores: shape of a batch of scores, classes last, for the Hausdorff loss.
      step: shape of a batch of images, without channels, for a step of training.
      depth: halvings of the U-Net.
      losses: of the steps; the first is what the others are compared with.
      repeats: timed calls of each in a round, after two that are not.
      rounds: how often the libraries take turns; the median of all calls counts.
    """

    images: tuple[int, ...] = (8, 512, 512)
    volume: tuple[int, ...] = (128, 128, 128)
    scores: tuple[int, ...] = (8, 256, 256, 4)
    step: tuple[int, int, int] = (8, 128, 128)
    depth: int = 4
    losses: tuple[str, ...] = ("dice", "dice_hd", "dice_bd")
    repeats: int = 5
    rounds: int = 3


def blobs(
    rng: np.random.Generator, shape: Sequence[int], axes: Sequence[int]
) -> np.ndarray:
    """Smooth noise of unit variance: `axes` keep few of their lowest frequencies."""
    spectrum = np.fft.fftn(rng.standard_normal(shape), axes=axes)
    for axis in axes:
        waves = np.fft.fftfreq(shape[axis], 1 / shape[axis])
        kept = np.exp(-np.square(waves / 6))
        places = [1] * len(shape)
        places[axis] = -1
        spectrum *= kept.reshape(places)
    noise = np.fft.ifftn(spectrum, axes=axes).real
    return (noise / noise.std()).astype(np.float32)


def cases(config: Config) -> dict[str, dict[str, np.ndarray]]:
    """Arrays of each case by name; about a third of a mask is True."""
    rng = np.random.default_rng(0)
    pixels = range(1, len(config.scores) - 1)
    images = blobs(rng, config.images, range(1, len(config.images)))
    volume = blobs(rng, config.volume, range(len(config.volume)))
    logits = 3 * blobs(rng, config.scores, pixels)
    labels = blobs(rng, config.scores, pixels).argmax(-1).astype(np.int32)
    classes = blobs(rng, (*config.step, config.scores[-1]), (1, 2))
    return {
        "images": {"mask": images > 0.4},
        "volume": {"mask": volume > 0.4},
        "hausdorff": {"logits": logits, "labels": labels},
        "step": {
            "images": rng.integers(0, 256, (*config.step, 3)).astype(np.uint8),
            "labels": classes.argmax(-1).astype(np.uint8),
        },
    }


def steps(
    arrays: dict[str, dict[str, np.ndarray]], config: Config
) -> dict[str, Callable[[], Any]]:
    """One step of training a U-Net with Adam, by name of the loss."""
    network = Network(UNet(config.scores[-1], config.depth))
    batch = Batch.of(arrays["step"]["images"], arrays["step"]["labels"])
    image = jnp.zeros((1, *config.step[1:], 3))
    params, _ = network.init(jax.random.key(0), image)

    def call(loss: str) -> Callable[[], Any]:
        objective = Objective(
            network=network,
            loss_at=CATALOG[loss].build(),
            optimizer=optax.adam(1e-3),
            steps=100,
        )
        state = init_state(objective, params, jax.random.key(1))
        step = jax.jit(
            functools.partial(train_step, objective=objective, axis_name=None)
        )
        return lambda: step(state, batch)

    return {loss: call(loss) for loss in config.losses}


def ours(arrays: dict[str, dict[str, np.ndarray]]) -> dict[str, Callable[[], Any]]:
    """Our calls, by name of the case."""
    on_device = jax.tree.map(jnp.asarray, arrays)
    images, volume = on_device["images"]["mask"], on_device["volume"]["mask"]
    scores = on_device["hausdorff"]
    of_images = jax.jit(jax.vmap(distance_transform))
    of_volume = jax.jit(distance_transform)
    step = jax.jit(jax.value_and_grad(per_image(hausdorff_loss)))
    return {
        "images": lambda: of_images(images),
        "volume": lambda: of_volume(volume),
        "hausdorff": lambda: step(scores["logits"], scores["labels"]),
    }


def scipys(arrays: dict[str, dict[str, np.ndarray]]) -> dict[str, Callable[[], Any]]:
    """SciPy's transforms of the same masks."""
    images, volume = arrays["images"]["mask"], arrays["volume"]["mask"]
    return {
        "images": lambda: [
            scipy.ndimage.distance_transform_edt(mask) for mask in images
        ],
        "volume": lambda: scipy.ndimage.distance_transform_edt(volume),
    }


def durations(call: Callable[[], Any], repeats: int) -> list[float]:
    """Seconds of each of `repeats` calls, after two that do not count."""
    found = []
    for _ in range(2 + repeats):
        start = time.perf_counter()
        jax.block_until_ready(call())
        found.append(time.perf_counter() - start)
    return found[2:]


def peer_durations(
    arrays: dict[str, dict[str, np.ndarray]], repeats: int, python: Path
) -> list[dict[str, Any]]:
    """Seconds of other libraries' calls, measured by the Python of their environment.

    Raises:
      UserError: that Python lacks a library or cannot be run.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arrays.npz"
        flat = {f"{a}/{b}": x for a, named in arrays.items() for b, x in named.items()}
        np.savez(path, **flat)  # pyright: ignore[reportArgumentType]
        return rows_of_peers(python, "peer_distances.py", str(path), str(repeats))


def run(
    config: Config, tick: Callable[[str], object], python: Path | None = None
) -> list[dict[str, Any]]:
    """One row per case and library, ours first; rounds of all libraries alternate."""
    arrays = cases(config)
    shapes = {
        "images": config.images,
        "volume": config.volume,
        "hausdorff": config.scores,
        "step": config.step,
    }
    libraries = {OURS: ours(arrays), f"SciPy {scipy_version()}": scipys(arrays)}
    for loss, call in steps(arrays, config).items():
        libraries[f"{OURS}, {loss}"] = {"step": call}
    first = {"step": f"{OURS}, {config.losses[0]}"}
    found: dict[tuple[str, str], list[float]] = {}
    for turn in range(config.rounds):
        for library, calls in libraries.items():
            tick(f"{library}, round {turn + 1}")
            for case, call in calls.items():
                found.setdefault((case, library), [])
                found[case, library] += durations(call, config.repeats)
        if python is not None:
            tick(f"peers, round {turn + 1}")
            for row in peer_durations(arrays, config.repeats, python):
                found.setdefault((row["case"], row["library"]), [])
                found[row["case"], row["library"]] += row["seconds"]
    return [
        {
            "case": case,
            "library": library,
            "shape": list(shapes[case]),
            "milliseconds": 1e3 * statistics.median(seconds),
            "calls": len(seconds),
            "times_first": statistics.median(seconds)
            / statistics.median(found[case, first.get(case, OURS)]),
            **machine(),
        }
        for (case, library), seconds in found.items()
    ]


def scipy_version() -> str:
    """The version of SciPy, or `absent`."""
    try:
        return importlib.metadata.version("scipy")
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def table(rows: Sequence[dict[str, Any]]) -> str:
    """One line per case and library: milliseconds, and how many times ours.

    Of the steps: how many times that with the first loss.
    """
    lines = [f"{'case':<12}{'library':<28}{'ms':>10}{'times ours':>12}"]
    for row in sorted(rows, key=lambda row: (row["case"], row["milliseconds"])):
        lines.append(
            f"{row['case']:<12}{row['library']:<28}{row['milliseconds']:>10.1f}"
            f"{row['times_first']:>12.2f}"
        )
    return "\n".join(lines)
