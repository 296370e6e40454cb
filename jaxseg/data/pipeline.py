"""Batches read from files by threads, in an order fixed by the seed."""

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from jaxseg.data.batch import Batch
from jaxseg.data.cases import Case, read_case
from jaxseg.data.geometry import Spacing
from jaxseg.data.images import VOID, resize_image
from jaxseg.data.intensity import Window, normalize
from jaxseg.data.labels import LabelMap
from jaxseg.data.patches import draw_patch, holds_foreground, places_of_classes
from jaxseg.data.raters import Raters
from jaxseg.data.resample import resample, resampled_shape
from jaxseg.data.truth import hard, resampled, resized, truths

CACHE_BYTES = 2 * 2**30
ENDLESS = 2**40
"""Batches that a stream promises: any number beyond a run's steps, and one that stays
exact where it is divided in floating point."""
RATERS = 1
"""Of the draw of a rater, which changes no other draw."""
Record = dict[str, Any]


class Kept:
    """Records by index, read once and kept as long as there is room for them."""

    def __init__(self, read: Callable[[int], Record], room: int):
        self._read = read
        self._room = room
        self._kept: dict[int, Record] = {}
        self._lock = threading.Lock()

    def __getitem__(self, index: int) -> Record:
        """The record, from memory or as read."""
        kept = self._kept.get(index)
        if kept is not None:
            return kept
        record = self._read(index)
        parts = (x if isinstance(x, tuple) else (x,) for x in record.values())
        size = sum(x.nbytes for x in sum(parts, ()) if isinstance(x, np.ndarray))
        with self._lock:
            if size <= self._room and index not in self._kept:
                self._room -= size
                self._kept[index] = record
        return record


class Source(Protocol):
    """Cases by index, and samples drawn from them."""

    def __len__(self) -> int:
        """How many cases."""
        ...

    def sample(self, case: int, number: int, seed: int) -> dict[str, np.ndarray]:
        """``image`` and ``labels`` of sample `number` of a run, from a case."""
        ...


class CaseSource:
    """Images resized to one size as uint8 arrays; those that fit in memory are kept.

    Attributes:
      cases: what to read.
      size: (height, width) to resize to.
      channels: 1 or 3.
      labels: what the values of masks mean.
      raters: how masks of several are used.
      foreground_share: share of the samples that must hold foreground: an image drawn
        evenly from those with a class drawn evenly, in place of the one whose turn it
        is. Without foreground anywhere it does nothing.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        size: tuple[int, int],
        channels: int,
        labels: LabelMap,
        *,
        raters: Raters | None = None,
        foreground_share: float = 0.0,
        room: int = CACHE_BYTES,
    ):
        self.cases = cases
        self.size = size
        self.channels = channels
        self.labels = labels
        self.raters: Raters | None = raters
        self.known = known_of(cases, labels)
        self.foreground_share = foreground_share
        self._records = Kept(self._read, room)

    def __len__(self) -> int:
        """How many cases."""
        return len(self.cases)

    def _read(self, index: int) -> Record:
        stored = read_case(self.cases[index], self.channels)
        found = truths(stored, self.labels, self.raters)
        return {
            "image": resize_image(stored.image, self.size),
            "labels": tuple(resized(truth, self.size) for truth in found),
        }

    @functools.cached_property
    def _holders(self) -> tuple[tuple[int, ...], ...]:
        """Cases that hold each foreground class that there is, at the size of use."""
        holders: dict[int, list[int]] = {}
        for index in range(len(self.cases)):
            ids = np.stack([hard(x) for x in self._records[index]["labels"]])
            for kind in np.unique(ids):
                if kind not in (0, VOID):
                    holders.setdefault(int(kind), []).append(index)
        return tuple(tuple(holders[kind]) for kind in sorted(holders))

    def sample(self, case: int, number: int, seed: int) -> dict[str, np.ndarray]:
        """The whole image, ``[H, W, C]`` uint8, and its truth, see `truths`.

        Raises:
          UserError: a file that cannot be read; the sentence names it.
        """
        if holds_foreground(number, self.foreground_share) and self._holders:
            rng = np.random.default_rng((seed, number))
            of_kind = self._holders[rng.integers(len(self._holders))]
            case = of_kind[rng.integers(len(of_kind))]
        record = self._records[case]
        truth = record["labels"][_rater(record, number, seed)]
        found = {"image": record["image"], "labels": truth}
        return _with_known(found, self.known, case)


class PatchSource:
    """Patches of volumes, resampled and normalised; cases that fit are kept.

    Attributes:
      cases: what to read.
      size: (X, Y, Z) of a patch in voxels.
      spacing_mm: voxel size to resample to; None leaves each case as it is.
      windows: normalisation of each channel, see `jaxseg.data.intensity.normalize`.
      labels: what the values of label files mean.
      raters: how labels of several are used.
      foreground_share: share of the samples that must hold foreground.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        size: tuple[int, ...],
        *,
        spacing_mm: Spacing | None,
        windows: Sequence[Window | None],
        labels: LabelMap,
        raters: Raters | None = None,
        foreground_share: float = 1 / 3,
        room: int = CACHE_BYTES,
    ):
        self.cases = cases
        self.size = size
        self.spacing_mm = spacing_mm
        self.windows = tuple(windows)
        self.labels = labels
        self.raters: Raters | None = raters
        self.known = known_of(cases, labels)
        self.foreground_share = foreground_share
        self._records = Kept(self._read, room)

    def __len__(self) -> int:
        """How many cases."""
        return len(self.cases)

    def _read(self, index: int) -> Record:
        stored = read_case(self.cases[index], len(self.windows))
        voxels, found = stored.image, truths(stored, self.labels, self.raters)
        if self.spacing_mm is not None:
            assert stored.spacing_mm is not None
            shape = voxels.shape[:-1]
            shape = resampled_shape(shape, stored.spacing_mm, self.spacing_mm)
            voxels = resample(voxels, shape)
            found = tuple(resampled(truth, shape) for truth in found)
        return {
            "image": normalize(voxels, self.windows),
            "labels": found,
            "places": tuple(places_of_classes(hard(truth)) for truth in found),
        }

    def sample(self, case: int, number: int, seed: int) -> dict[str, np.ndarray]:
        """A patch ``[X, Y, Z, C]`` float32 and its truth, see `truths`.

        Raises:
          UserError: a file that cannot be read; the sentence names it.
        """
        record = self._records[case]
        rater = _rater(record, number, seed)
        image, labels = draw_patch(
            record["image"],
            record["labels"][rater],
            record["places"][rater],
            self.size,
            np.random.default_rng((seed, number)),
            foreground=holds_foreground(number, self.foreground_share),
        )
        return _with_known({"image": image, "labels": labels}, self.known, case)


def known_of(cases: Sequence[Case], labels: LabelMap) -> np.ndarray | None:
    """What each case is annotated for, ``[cases, classes]`` bool; None if for all."""
    if all(case.annotated is None for case in cases):
        return None
    return np.stack([labels.annotated(case.name, case.annotated) for case in cases])


def _with_known(
    sample: dict[str, np.ndarray], known: np.ndarray | None, case: int
) -> dict[str, np.ndarray]:
    return sample if known is None else {**sample, "annotated": known[case]}


def _rater(record: Record, number: int, seed: int) -> int:
    """Whose labels sample `number` of a run has; one of those there are, evenly."""
    there = len(record["labels"])
    if there == 1:
        return 0
    return int(np.random.default_rng((seed, number, RATERS)).integers(there))


class _Stream:
    """The samples of a run that one process needs, by their number among these."""

    def __init__(self, source: Source, seed: int, batch_size: int, share: slice):
        self._source = source
        self._seed = seed
        self._batch_size = batch_size
        self._low = share.start
        self._each = share.stop - share.start
        import grain  # a second of imports, which only training pays

        order = grain.MapDataset.range(len(source))
        self._order = order.shuffle(seed=seed).repeat()

    def __len__(self) -> int:
        """As good as endless."""
        return ENDLESS * self._each

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        """Sample `index` of this process."""
        batch, position = divmod(index, self._each)
        number = batch * self._batch_size + self._low + position
        case = self._order[number]
        assert case is not None
        return self._source.sample(case, number, self._seed)

    def __repr__(self) -> str:
        """Names the stream without listing the files."""
        return f"Stream({len(self._source)} cases, seed {self._seed})"


def training_batches(
    source: Source,
    *,
    batch_size: int,
    seed: int,
    start: int = 0,
    share: slice | None = None,
) -> Iterator[Batch]:
    """Endless batches, shuffled anew each epoch; batch k is the same from any start.

    Args:
      source: where samples come from.
      batch_size: images a batch; epochs run on through batches, so all are full.
      seed: of the order and of what is drawn.
      start: number of batches to leave out: resuming costs nothing.
      share: places in each batch that this process reads; None reads all.
    """
    import grain

    share = share or slice(0, batch_size)
    stream = _Stream(source, seed, batch_size, share)
    batches = grain.MapDataset.source(stream).batch(share.stop - share.start)[start:]
    options = grain.ReadOptions(num_threads=2, prefetch_buffer_size=4)
    positions = np.arange(share.start, share.stop, dtype=np.int32)
    for record in batches.to_iter_dataset(options):
        real = np.ones(len(positions), bool)
        yield Batch(
            record["image"],
            record["labels"],
            real,
            positions,
            record.get("annotated"),
        )
