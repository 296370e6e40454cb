"""Batches of an image folder, read by threads, in an order fixed by the seed."""

import threading
from collections.abc import Iterator, Sequence

import grain
import numpy as np

from jaxseg.data.batch import Batch
from jaxseg.data.folder import Case
from jaxseg.data.images import read_image, read_mask, resize_image, resize_mask

CACHE_BYTES = 2 * 2**30


class CaseSource:
    """Cases by index as resized uint8 arrays; those that fit in memory are kept.

    Attributes:
      cases: what to read.
      size: (height, width) to resize to.
      channels: 1 or 3.
    """

    def __init__(self, cases: Sequence[Case], size: tuple[int, int], channels: int):
        self.cases = cases
        self.size = size
        self.channels = channels
        each = size[0] * size[1] * (channels + 1)
        self._room = CACHE_BYTES // max(each, 1)
        self._kept: dict[int, dict[str, np.ndarray]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many cases."""
        return len(self.cases)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        """``image`` [H, W, C] and ``labels`` [H, W], uint8.

        Raises:
          UserError: a file that cannot be read; the sentence names it.
        """
        kept = self._kept.get(index)
        if kept is not None:
            return kept
        case = self.cases[index]
        assert case.mask is not None
        image = resize_image(read_image(case.image, self.channels), self.size)
        record = {
            "image": image,
            "labels": resize_mask(read_mask(case.mask), self.size),
        }
        with self._lock:
            if len(self._kept) < self._room:
                self._kept[index] = record
        return record

    def __repr__(self) -> str:
        """Names the source without listing the files."""
        return f"CaseSource({len(self)} cases, {self.size})"


def training_batches(
    source: CaseSource, *, batch_size: int, seed: int, start: int = 0
) -> Iterator[Batch]:
    """Endless batches, shuffled anew each epoch; batch k is the same from any start.

    Args:
      source: where cases come from.
      batch_size: images a batch; epochs run on through batches, so all are full.
      seed: of the order.
      start: number of batches to leave out: resuming costs nothing.
    """
    order = grain.MapDataset.source(source).shuffle(seed=seed).repeat()
    batches = order.batch(batch_size)[start:]
    options = grain.ReadOptions(num_threads=2, prefetch_buffer_size=4)
    for record in batches.to_iter_dataset(options):
        yield Batch.of(record["image"], record["labels"])
