"""Several processes as one run: who they are, and which part of a batch each reads."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

import jax

from jaxseg.data.batch import Batch, split
from jaxseg.errors import UserError

HEARTBEAT_SECONDS = 20
"""After so long without a sign of life of one process, all others end."""


@dataclasses.dataclass(frozen=True)
class Share:
    """What one process takes from each batch.

    Attributes:
      places: in the batch of all processes.
      devices: of this process.
      each: images a device, filling ones included.
    """

    places: slice
    devices: int
    each: int

    def split(self, batch: Batch) -> Batch:
        """This process's images, split by device."""
        return split(batch, self.devices, self.each)


def share_of(batch_size: int) -> Share:
    """This process's part of a batch: devices take images in order, all as many.

    Raises:
      UserError: the batch is so small that this process would have no image.
    """
    total, local = jax.device_count(), jax.local_device_count()
    each = -(-batch_size // total)
    low = jax.process_index() * local * each
    high = min(batch_size, low + local * each)
    if low >= high:
        raise UserError(
            f"--batch-size {batch_size} leaves process {jax.process_index()} of "
            f"{jax.process_count()} without an image: with {total} devices in all take "
            f"at least {total}"
        )
    return Share(slice(low, high), local, each)


@contextmanager
def joined(
    coordinator: str | None, processes: int | None, process_id: int | None
) -> Iterator[None]:
    """Makes this process one of several that train together.

    If another one dies, a step that waits for it fails; where none does within
    `HEARTBEAT_SECONDS`, JAX's coordination service ends this process and says why.

    Args:
      coordinator: HOST:PORT of the first process, or "auto" to ask the cluster's own
        environment (SLURM, Open MPI, a TPU pod); None is a process alone.
      processes: how many there are; None with "auto".
      process_id: number of this one, from 0; None with "auto".

    Raises:
      UserError: no connection, or another process ended before its work was done.
    """
    if coordinator is None:
        yield
        return
    auto = coordinator == "auto"
    try:
        jax.distributed.initialize(
            None if auto else coordinator,
            processes,
            process_id,
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
            initialization_timeout=120,
        )
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"--coordinator {coordinator}: the processes did not find each other "
            f"({reason})"
        ) from error
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        raise UserError(
            "another process of this run has ended or cannot be reached "
            f"({str(error).splitlines()[0][:120]}); start all again with --resume"
        ) from error
    jax.distributed.shutdown()
