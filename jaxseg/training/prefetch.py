"""Batches made ready by a thread while the devices work on those before."""

import contextlib
import queue
import threading
from collections.abc import Generator, Iterator

from jaxseg.data.batch import Batch
from jaxseg.training.config import Parallel
from jaxseg.training.devices import Share
from jaxseg.training.parallel import place_batch

_SECONDS = 0.1


def ahead(
    feed: Iterator[Batch], share: Share, parallel: Parallel, depth: int = 2
) -> Generator[Batch]:
    """The batches, split and on their devices up to `depth` in advance.

    What the feed raises is raised here. Closing the generator ends the thread.
    """
    ready: queue.Queue = queue.Queue(depth)
    stopped = threading.Event()

    def hand_over(item: Batch | BaseException) -> None:
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=_SECONDS)
                return

    def fill() -> None:
        try:
            for batch in feed:
                hand_over(place_batch(share.split(batch), parallel))
                if stopped.is_set():
                    return
        except BaseException as error:
            hand_over(error)

    threading.Thread(target=fill, daemon=True).start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
