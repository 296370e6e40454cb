"""Where a run's images come from: a checked data folder, or synthetic lesions."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import jax
import numpy as np

from jaxseg.data.batch import Batch
from jaxseg.data.cases import Case, read_case
from jaxseg.data.collection import list_cases
from jaxseg.data.folder import list_images
from jaxseg.data.folds import cases_of_fold
from jaxseg.data.geometry import Geometry, Spacing
from jaxseg.data.intensity import Window
from jaxseg.data.labels import LabelMap
from jaxseg.data.nnunet import channels_joined
from jaxseg.data.pipeline import CaseSource, PatchSource, training_batches
from jaxseg.data.synthetic import Lesions, make_batch, make_image
from jaxseg.data.truth import ids_of, used_raters
from jaxseg.data.volumes import list_volume_files
from jaxseg.errors import UserError
from jaxseg.training.config import RunConfig

SYNTHETIC = "synthetic"
SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True)
class Example:
    """One image or volume at its own size, with its class ids if there are any.

    Attributes:
      name: of the case.
      image: ``[H, W, C]`` uint8, or ``[X, Y, Z, C]`` float32 as stored, in RAS order.
      labels: ``[H, W]`` or ``[X, Y, Z]`` uint8 class ids, or None.
      spacing_mm: size of a voxel; None for an image.
      geometry: of the file of a volume, for what is written; None for an image.
      annotated: ``[classes]`` or ``[regions]`` bool, False for what its labels leave
        out; None where they know of all.
    """

    name: str
    image: np.ndarray
    labels: np.ndarray | None
    spacing_mm: tuple[float, ...] | None = None
    geometry: Geometry | None = None
    annotated: np.ndarray | None = None


class Examples(Protocol):
    """A sequence of examples, each read when asked for."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def __getitem__(self, index: int, /) -> Example:
        """One of the examples, read or made anew."""
        ...


@dataclasses.dataclass(frozen=True)
class CaseExamples:
    """Cases of a data set, read at their own size and voxel size.

    Attributes:
      cases: to be read.
      channels: of an image 1 or 3, to which it is converted; that a volume has.
      labels: what the values of their masks mean.
    """

    cases: tuple[Case, ...]
    channels: int
    labels: LabelMap

    def __len__(self) -> int:
        """How many there are."""
        return len(self.cases)

    def __getitem__(self, index: int) -> Example:
        """One of the examples; UserError names a file that cannot be read."""
        case = self.cases[index]
        stored = read_case(case, self.channels)
        return Example(
            case.name,
            stored.image,
            ids_of(stored, self.labels),
            stored.spacing_mm,
            stored.geometry,
            self._annotated(case),
        )

    def _annotated(self, case: Case) -> np.ndarray | None:
        if case.annotated is None:
            return None
        return self.labels.annotated(case.name, case.annotated)


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
        """One of the examples, the same on every call."""
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
        """One of the examples, read or made anew."""
        return self.examples[self.indices[index]]


def spread(items: Sequence[int], count: int) -> tuple[int, ...]:
    """Up to `count` of `items`, evenly spread over them."""
    count = min(count, len(items))
    return tuple(items[k * len(items) // count] for k in range(count))


_synthetic_image = jax.jit(make_image, static_argnums=1)


def _split_key(seed: int, split: str) -> jax.Array:
    return jax.random.fold_in(jax.random.key(seed + 1), SPLITS.index(split))


def lesions_of(config: RunConfig) -> Lesions:
    """Settings of the synthetic images of a run."""
    height, width = config.size
    return Lesions(
        size=(height, width), num_classes=config.num_classes, **config.synthetic
    )


def windows_of(config: RunConfig) -> tuple[Window | None, ...]:
    """Normalisation of each channel of the volumes of a run."""
    return tuple(None if w is None else Window(**w) for w in config.windows or ())


def held_back(config: RunConfig, split: str) -> list[Case]:
    """Cases of the run's data to train with ("train") or to validate on.

    A run with folds takes both from them.

    Raises:
      UserError: the folder, split or fold is missing or ill-formed.
    """
    folder = Path(config.data)
    if config.folds is None or split not in ("train", "validation"):
        return used_raters(list_cases(folder, split), config.raters)
    assert config.fold is not None
    parts = cases_of_fold(folder, Path(config.folds), config.fold)
    return used_raters(parts[split == "validation"], config.raters)


def labels_of(config: RunConfig) -> LabelMap:
    """What the values of the masks of a run mean; class ids where it does not say."""
    if config.labels is None:
        return LabelMap.of_ids(config.num_classes)
    return LabelMap.from_json(config.labels)


def spacing_of(config: RunConfig) -> Spacing | None:
    """Voxel size that volumes are resampled to; None leaves them as they are."""
    if config.spacing is None:
        return None
    x, y, z = config.spacing
    return x, y, z


def source_of(config: RunConfig, cases: Sequence[Case]) -> CaseSource | PatchSource:
    """Training samples of cases in files."""
    if not config.volumes:
        height, width = config.size
        return CaseSource(
            cases,
            (height, width),
            config.channels,
            labels_of(config),
            raters=config.raters,
            foreground_share=config.foreground_images,
        )
    return PatchSource(
        cases,
        config.size,
        spacing_mm=spacing_of(config),
        windows=windows_of(config),
        labels=labels_of(config),
        raters=config.raters,
        foreground_share=config.foreground_patches,
    )


def batches(
    config: RunConfig, start: int, share: slice | None = None
) -> Iterator[Batch]:
    """Training batches from step `start` on; batch k is the same from any start.

    Args:
      config: of the run.
      start: steps to leave out.
      share: places in each batch that this process reads; None reads all.
    """
    if config.data == SYNTHETIC:
        return _synthetic_batches(config, "train", start, share)
    return training_batches(
        source_of(config, held_back(config, "train")),
        batch_size=config.batch_size,
        seed=config.seed,
        start=start,
        share=share,
    )


def validation_batches(
    config: RunConfig, limit: int, share: slice | None = None
) -> Iterator[Batch]:
    """Each of up to `limit` held-back cases about once, the same on every call."""
    if config.data == SYNTHETIC:
        count, feed = limit, _synthetic_batches(config, "validation", 0, share)
    else:
        cases = held_back(config, "validation")
        count = min(limit, len(cases))
        each_once = dataclasses.replace(config, foreground_images=0.0)
        feed = training_batches(
            source_of(each_once, cases),
            batch_size=config.batch_size,
            seed=config.seed,
            share=share,
        )
    return itertools.islice(feed, -(-count // config.batch_size))


def _synthetic_batches(
    config: RunConfig, split: str, start: int, share: slice | None
) -> Iterator[Batch]:
    key = _split_key(config.seed, split)
    settings = lesions_of(config)
    share = share or slice(0, config.batch_size)
    step = start
    while True:
        batch = make_batch(jax.random.fold_in(key, step), config.batch_size, settings)
        yield jax.tree.map(lambda x: x[share], batch)
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
    return examples_of(
        config,
        held_back(config, split)
        if data == config.data
        else list_cases(Path(data), split),
    )


def examples_of(
    config: RunConfig, cases: Sequence[Case], labels: LabelMap | None = None
) -> Examples:
    """The cases, read as the run's data are.

    Args:
      config: of the run.
      cases: of its data or of others.
      labels: what the values of their masks mean; None is as in the run's data.

    Raises:
      UserError: volumes are given to a run of images, or the other way round.
    """
    for case in cases[:1]:
        if case.volume != config.volumes:
            kinds = ("images", "volumes")
            raise UserError(
                f"{case.image} is one of {kinds[not config.volumes]}, but the run was "
                f"trained on {kinds[config.volumes]}"
            )
    return CaseExamples(tuple(cases), config.channels, labels or labels_of(config))


def without_labels(folder: Path, config: RunConfig) -> Examples:
    """The images of a plain folder, or its volumes for a run of volumes.

    Raises:
      UserError: the folder is missing or holds none.
    """
    files = list_volume_files(folder) if config.volumes else list_images(folder)
    channels = config.channels if config.volumes else 1
    return examples_of(config, channels_joined(files, channels))
