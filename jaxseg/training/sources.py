"""Where a run's images come from: a checked image folder, or synthetic lesions."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import jax
import numpy as np

from jaxseg.data.batch import Batch
from jaxseg.data.folder import Case, list_cases, list_images
from jaxseg.data.images import read_image, read_mask
from jaxseg.data.pipeline import CaseSource, training_batches
from jaxseg.data.synthetic import Lesions, make_batch, make_image
from jaxseg.errors import UserError
from jaxseg.training.config import RunConfig

SYNTHETIC = "synthetic"
SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True)
class Example:
    """One image at its own size, with its mask if there is one.

    Attributes:
      name: of the case.
      image: ``[H, W, C]`` uint8.
      labels: ``[H, W]`` uint8 class ids, or None.
      spacing_mm: size of a pixel along each axis, None if unknown.
    """

    name: str
    image: np.ndarray
    labels: np.ndarray | None
    spacing_mm: tuple[float, ...] | None = None


class Examples(Protocol):
    """A sequence of examples, each read when asked for."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def __getitem__(self, index: int, /) -> Example:
        """One of them."""
        ...


@dataclasses.dataclass(frozen=True)
class FolderExamples:
    """The cases of a folder, read at their own size."""

    cases: tuple[Case, ...]
    channels: int

    def __len__(self) -> int:
        """How many there are."""
        return len(self.cases)

    def __getitem__(self, index: int) -> Example:
        """One of them; UserError names a file that cannot be read."""
        case = self.cases[index]
        image = read_image(case.image, self.channels)
        labels = None if case.mask is None else read_mask(case.mask)
        if labels is not None and labels.shape != image.shape[:2]:
            raise UserError(
                f"the mask {case.mask} is {labels.shape[1]}x{labels.shape[0]} pixels "
                f"but its image {case.image} is {image.shape[1]}x{image.shape[0]}"
            )
        return Example(case.name, image, labels)


@dataclasses.dataclass(frozen=True)
class SyntheticExamples:
    """Held-back synthetic lesions; every fifth or so has none."""

    settings: Lesions
    seed: int
    split: str
    count: int

    def __len__(self) -> int:
        """How many there are."""
        return self.count

    def __getitem__(self, index: int) -> Example:
        """One of them, the same on every call."""
        if not 0 <= index < self.count:
            raise IndexError(index)
        key = jax.random.fold_in(_split_key(self.seed, self.split), index)
        image, labels = _synthetic_image(key, self.settings)
        pixels = np.asarray(np.round(255 * np.asarray(image)), np.uint8)
        return Example(
            f"lesions{index:04d}", pixels, np.asarray(labels).astype(np.uint8)
        )


@dataclasses.dataclass(frozen=True)
class Subset:
    """Some of the examples, by index."""

    examples: Examples
    indices: tuple[int, ...]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.indices)

    def __getitem__(self, index: int) -> Example:
        """One of them."""
        return self.examples[self.indices[index]]


def spread(items: Sequence[int], count: int) -> tuple[int, ...]:
    """Up to `count` of `items`, evenly spread over them."""
    count = min(count, len(items))
    return tuple(items[k * len(items) // count] for k in range(count))


_synthetic_image = jax.jit(make_image, static_argnums=1)
_synthetic_batch = jax.jit(make_batch, static_argnums=(1, 2))


def _split_key(seed: int, split: str) -> jax.Array:
    return jax.random.fold_in(jax.random.key(seed + 1), SPLITS.index(split))


def lesions_of(config: RunConfig) -> Lesions:
    """Settings of the synthetic images of a run."""
    return Lesions(size=config.size, num_classes=config.num_classes, **config.synthetic)


def batches(config: RunConfig, start: int) -> Iterator[Batch]:
    """Training batches from step `start` on; batch k is the same from any start."""
    if config.data == SYNTHETIC:
        return _synthetic_batches(config, start)
    cases = list_cases(Path(config.data), "train")
    source = CaseSource(cases, config.size, config.channels)
    return training_batches(
        source, batch_size=config.batch_size, seed=config.seed, start=start
    )


def _synthetic_batches(config: RunConfig, start: int) -> Iterator[Batch]:
    key = _split_key(config.seed, "train")
    settings = lesions_of(config)
    step = start
    while True:
        yield _synthetic_batch(
            jax.random.fold_in(key, step), config.batch_size, settings
        )
        step += 1


def examples(config: RunConfig, data: str, split: str, count: int) -> Examples:
    """Held-back cases of a split; `count` is how many synthetic ones.

    Raises:
      UserError: the folder or split is missing or ill-formed.
    """
    if data == SYNTHETIC:
        if config.data != SYNTHETIC:
            raise UserError(
                f"--data synthetic does not fit a run that was trained on {config.data}"
            )
        if split not in SPLITS:
            raise UserError(
                f"synthetic data has the splits {', '.join(SPLITS)}, not {split!r}"
            )
        return SyntheticExamples(lesions_of(config), config.seed, split, count)
    return FolderExamples(tuple(list_cases(Path(data), split)), config.channels)


def images_only(folder: Path, channels: int) -> FolderExamples:
    """The images of a plain folder, without ground truth."""
    cases = (Case(path.stem, path, None) for path in list_images(folder))
    return FolderExamples(tuple(cases), channels)
