"""What the commands do, from Python: `load`, `train`, `evaluate` and `check`.

Each takes the command's flags as keywords: ``jaxseg evaluate --run R --surfaces none``
is ``jaxseg.evaluate("R", surfaces="none")``, and ``--hyper alpha=0.3`` is
``hyper={"alpha": 0.3}``. A mistake raises `jaxseg.errors.UserError` with the sentence
that the command prints.
"""

import argparse
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, get_args

import numpy as np

from jaxseg.cli import inference_flags
from jaxseg.cli.evaluate import gather, score
from jaxseg.cli.main import parser
from jaxseg.cli.options import Parser
from jaxseg.cli.runs import load_trained
from jaxseg.cli.train import main as train_command
from jaxseg.data.check import DataReport, check_folder
from jaxseg.errors import UserError
from jaxseg.training.cases import TrainedNetwork, ensemble_probabilities
from jaxseg.training.checkpoints import Best
from jaxseg.training.evaluation import Evaluation
from jaxseg.training.inference import Inference
from jaxseg.training.sources import Example, labels_of
from jaxseg.training.thresholds import cut_of

Folder = str | PathLike[str]


@dataclasses.dataclass(frozen=True)
class Model:
    """Trained networks that are used as one, by the mean of their probabilities.

    Attributes:
      members: the networks, each with the settings of its run.
      names: of the classes, by id, or of the regions.
    """

    members: tuple[TrainedNetwork, ...]
    names: tuple[str, ...]

    def predict(
        self,
        image: np.ndarray,
        *,
        threshold: float | str | None = None,
        decide: str | None = None,
        **options: Any,
    ) -> np.ndarray:
        """The class of each pixel, ``[*size]`` uint8: the most probable unless told.

        Of a run of regions it is the class that these say, see `LabelMap.of_regions`.

        Example:
          >>> image = np.zeros((16, 16, 1), np.uint8)
          >>> mask = jaxseg.load("runs/small").predict(image)
          >>> mask.shape, mask.dtype
          ((16, 16), dtype('uint8'))

        Args:
          image: see `probabilities`.
          threshold: of foreground, in (0, 1), or "dice", as ``--threshold``.
          decide: "expected-dice", "expected-jaccard" or "fast-dice", as ``--decide``.
          **options: see `probabilities`.

        Raises:
          UserError: there is no such rule, or two are given.
        """
        flags = {"threshold": threshold, "decide": decide}
        rule = inference_flags.rule_of(_parse_use(flags))
        cut = cut_of(labels_of(self.members[0].config), rule)
        return cut(self.probabilities(image, **options))

    def probabilities(
        self,
        image: np.ndarray,
        *,
        spacing_mm: Sequence[float] | None = None,
        window: Sequence[int] | None = None,
        overlap: float = 0.5,
        mirror: bool = False,
    ) -> np.ndarray:
        """Probabilities of the classes, or regions, ``[*size, classes]`` float32.

        Example:
          >>> image = np.zeros((16, 16, 1), np.uint8)
          >>> probs = jaxseg.load("runs/small").probabilities(image, mirror=True)
          >>> probs.shape, bool(np.allclose(probs.sum(-1), 1))
          ((16, 16, 2), True)

        Args:
          image: ``[H, W]`` or ``[H, W, C]`` uint8; for a run of volumes ``[X, Y, Z]``
            or ``[X, Y, Z, C]`` numbers as their files hold them, in RAS order.
          spacing_mm: voxel size of a volume; needed if the run resamples.
          window: size of overlapping windows; None is as `jaxseg predict` does.
          overlap: least share of a window that its neighbour covers too.
          mirror: whether to average over all flips.

        Raises:
          UserError: the image is not of the kind that the run was trained on.
        """
        config = self.members[0].config
        pixels = np.asarray(image)
        axes = len(config.size)
        if pixels.ndim == axes:
            pixels = pixels[..., None]
        if pixels.ndim != axes + 1 or pixels.shape[-1] != config.channels:
            raise UserError(
                f"the run takes images [{', '.join('HWD'[:axes])}, {config.channels}], "
                f"channels last, not {np.shape(image)}"
            )
        if not config.volumes and pixels.dtype != np.uint8:
            raise UserError(
                f"the run takes images of 8 bits, 0 to 255, not {pixels.dtype}"
            )
        if 0 in pixels.shape:
            raise UserError(f"the image {np.shape(image)} is empty")
        if window is not None and (len(window) != axes or min(window) < 1):
            raise UserError(
                f"window {tuple(window)}: expected {' '.join('HWD'[:axes])}, one "
                "number for each axis, 1 or more"
            )
        if not 0 <= overlap <= 0.95:
            raise UserError(f"overlap {overlap} is not from 0 to 0.95")
        if config.spacing is not None and spacing_mm is None:
            raise UserError("the run resamples volumes: pass spacing_mm=(x, y, z)")
        if config.volumes:
            pixels = pixels.astype(np.float32)
        spacing = None if spacing_mm is None else tuple(map(float, spacing_mm))
        how = Inference(
            window=None if window is None else tuple(window),
            overlap=overlap,
            mirror=mirror,
        )
        (found,) = ensemble_probabilities(
            self.members, _One(Example("array", pixels, None, spacing)), how
        )
        return found[1]


@dataclasses.dataclass(frozen=True)
class _One:
    """A single case as a sequence of them."""

    example: Example

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Example:
        if index:
            raise IndexError(index)
        return self.example


def load(*runs: Folder, best: Best | None = None, calibrated: bool = True) -> Model:
    """Opens trained runs.

    Example:
      >>> model = jaxseg.load("runs/small")
      >>> model.names, model.members[0].config.loss
      (('background', 'class 1'), 'dice_ce')

    Args:
      *runs: their folders; several give the mean of their probabilities.
      best: "dice" or "loss" for the checkpoint with the best validation; None for the
        newest.
      calibrated: whether to use what ``jaxseg calibrate`` has fitted to a run, if any.

    Raises:
      UserError: a folder is no run, or the runs do not go together.
    """
    if not runs:
        raise UserError("jaxseg.load needs the folder of a run")
    if best not in (None, *get_args(Best)):
        raise UserError(f"best={best!r}: expected 'dice', 'loss' or None")
    found = inference_flags.open_runs([Path(run) for run in runs])
    members = tuple(
        load_trained(run, best=best, calibrated=calibrated) for run in found
    )
    return Model(members, inference_flags.class_names(found[0].config))


def train(data: Folder, loss: str, out: Folder, **settings: Any) -> Model:
    """`jaxseg train`: trains a network and opens the run.

    Example:
      >>> small = dict(steps=2, batch_size=2, size=(16, 16), depth=1, width=4)
      >>> model = jaxseg.train("synthetic", "dice_ce", "runs/small", **small)
      wrote runs/small/config.json
      ...
      next: jaxseg evaluate --run runs/small --split test
      >>> model.names
      ('background', 'class 1')

    Args:
      data: folder, list, or "synthetic".
      loss: a name of `jaxseg.losses.CATALOG`.
      out: a new folder for the run.
      **settings: the command's further flags, see ``docs/settings.md``; `steps` is
        needed.

    Raises:
      UserError: what the command refuses.
    """
    flags = {"data": data, "loss": loss, "out": out, **settings}
    train_command(_parse("train", flags))
    return load(out)


def evaluate(*runs: Folder, **settings: Any) -> Evaluation:
    """`jaxseg evaluate` without its files: `.rows` has each case, `.summary()` means.

    Example:
      >>> found = jaxseg.evaluate("runs/small", split="test", surfaces="none")
      >>> len(found.rows), 0 <= found.summary().dice <= 1
      (64, True)

    Args:
      *runs: their folders; several are scored as one.
      **settings: the command's further flags, such as ``split="test"`` or `data`.

    Raises:
      UserError: what the command refuses.
    """
    arguments = _parse("evaluate", {"run": runs, **settings})
    gathered = gather(arguments)
    return score(gathered, gathered.networks(arguments), arguments)


def check(data: Folder) -> DataReport:
    """`jaxseg check`: what a data set holds, and every problem by name.

    Example:
      >>> jaxseg.check("images-of-nobody")
      Traceback (most recent call last):
        ...
      jaxseg.errors.UserError: the data folder images-of-nobody does not exist

    Raises:
      UserError: there is no data set.
    """
    return check_folder(Path(data))


def _parse(command: str, settings: Mapping[str, Any]) -> argparse.Namespace:
    argv = [word for name, value in settings.items() for word in _words(name, value)]
    return parser(command).parse_args([command, *argv])


def _parse_use(settings: Mapping[str, Any]) -> argparse.Namespace:
    """The flags of `inference_flags.add_use` alone."""
    use = Parser(prog="predict", add_help=False)
    inference_flags.add_use(use)
    return use.parse_args([w for k, v in settings.items() for w in _words(k, v)])


def _words(name: str, value: Any) -> Iterator[str]:
    """A keyword as words of the command line."""
    flag = "--" + name.replace("_", "-")
    if value is None or value is False:
        return
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from (flag, f"{key}={part}")
        return
    yield flag
    if value is True:
        return
    parts = value if isinstance(value, list | tuple) else (value,)
    yield from map(str, parts)
