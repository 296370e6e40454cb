"""Batches read from files by threads, in an order fixed by the seed."""

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import grain
import numpy as np

from jaxseg.data.batch import Batch
from jaxseg.data.cases import Case, read_case
from jaxseg.data.geometry import Spacing
from jaxseg.data.images import VOID, resize_image, resize_mask
from jaxseg.data.intensity import Window, normalized
from jaxseg.data.labels import LabelMap
from jaxseg.data.patches import draw_patch, holds_foreground, places_of_classes
from jaxseg.data.resample import resample, resample_labels, resampled_shape

CACHE_BYTES = 2 * 2**30
ENDLESS = 2**40
"""Batches that a stream promises: any number beyond a run's steps, and one that stays
exact where it is divided in floating point."""
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
        size = sum(x.nbytes for x in record.values() if isinstance(x, np.ndarray))
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
        foreground_share: float = 0.0,
        room: int = CACHE_BYTES,
    ):
        self.cases = cases
        self.size = size
        self.channels = channels
        self.labels = labels
        self.foreground_share = foreground_share
        self._records = Kept(self._read, room)

    def __len__(self) -> int:
        """How many cases."""
        return len(self.cases)

    def _read(self, index: int) -> Record:
        stored = read_case(self.cases[index], self.channels)
        ids = stored.ids(self.labels)
        assert ids is not None
        return {
            "image": resize_image(stored.image, self.size),
            "labels": resize_mask(ids, self.size),
        }

    @functools.cached_property
    def _holders(self) -> tuple[tuple[int, ...], ...]:
        """Cases that hold each foreground class that there is, at the size of use."""
        holders: dict[int, list[int]] = {}
        for index in range(len(self.cases)):
            for kind in np.unique(self._records[index]["labels"]):
                if kind not in (0, VOID):
                    holders.setdefault(int(kind), []).append(index)
        return tuple(tuple(holders[kind]) for kind in sorted(holders))

    def sample(self, case: int, number: int, seed: int) -> dict[str, np.ndarray]:
        """The whole image, ``[H, W, C]`` uint8, and its labels ``[H, W]`` uint8.

        Raises:
          UserError: a file that cannot be read; the sentence names it.
        """
        if holds_foreground(number, self.foreground_share) and self._holders:
            rng = np.random.default_rng((seed, number))
            of_kind = self._holders[rng.integers(len(self._holders))]
            case = of_kind[rng.integers(len(of_kind))]
        return self._records[case]


class PatchSource:
    """Patches of volumes, resampled and normalised; cases that fit are kept.

    Attributes:
      cases: what to read.
      size: (X, Y, Z) of a patch in voxels.
      spacing_mm: voxel size to resample to; None leaves each case as it is.
      windows: normalisation of each channel, see `jaxseg.data.intensity.normalized`.
      labels: what the values of label files mean.
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
        foreground_share: float = 1 / 3,
        room: int = CACHE_BYTES,
    ):
        self.cases = cases
        self.size = size
        self.spacing_mm = spacing_mm
        self.windows = tuple(windows)
        self.labels = labels
        self.foreground_share = foreground_share
        self._records = Kept(self._read, room)

    def __len__(self) -> int:
        """How many cases."""
        return len(self.cases)

    def _read(self, index: int) -> Record:
        stored = read_case(self.cases[index], len(self.windows))
        voxels, ids = stored.image, stored.ids(self.labels)
        assert ids is not None
        if self.spacing_mm is not None:
            assert stored.spacing_mm is not None
            shape = resampled_shape(ids.shape, stored.spacing_mm, self.spacing_mm)
            voxels, ids = resample(voxels, shape), resample_labels(ids, shape)
        return {
            "image": normalized(voxels, self.windows),
            "labels": ids,
            "places": places_of_classes(ids),
        }

    def sample(self, case: int, number: int, seed: int) -> dict[str, np.ndarray]:
        """A patch ``[X, Y, Z, C]`` float32 and its labels ``[X, Y, Z]`` uint8.

        Raises:
          UserError: a file that cannot be read; the sentence names it.
        """
        record = self._records[case]
        image, labels = draw_patch(
            record["image"],
            record["labels"],
            record["places"],
            self.size,
            np.random.default_rng((seed, number)),
            foreground=holds_foreground(number, self.foreground_share),
        )
        return {"image": image, "labels": labels}


class _Stream:
    """The samples of a run that one process needs, by their number among these."""

    def __init__(self, source: Source, seed: int, batch_size: int, share: slice):
        self._source = source
        self._seed = seed
        self._batch_size = batch_size
        self._low = share.start
        self._each = share.stop - share.start
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
    share = share or slice(0, batch_size)
    stream = _Stream(source, seed, batch_size, share)
    batches = grain.MapDataset.source(stream).batch(share.stop - share.start)[start:]
    options = grain.ReadOptions(num_threads=2, prefetch_buffer_size=4)
    positions = np.arange(share.start, share.stop, dtype=np.int32)
    for record in batches.to_iter_dataset(options):
        real = np.ones(len(positions), bool)
        yield Batch(record["image"], record["labels"], real, positions)
