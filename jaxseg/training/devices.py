"""Several processes as one run: who they are, and which part of a batch each reads."""

import dataclasses
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import jax

from jaxseg.data.batch import Batch, split_batch
from jaxseg.errors import STOPPED, UserError
from jaxseg.training.processes import (
    GRACE_SECONDS,
    SILENT_SECONDS,
    connect,
    leave,
)


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
        return split_batch(batch, self.devices, self.each)


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
def join_processes(
    coordinator: str | None, processes: int | None, process_id: int | None
) -> Iterator[None]:
    """Makes this process one of several that train together.

    If another one dies, is killed or loses its network, this one ends too, within
    moments or at most `SILENT_SECONDS`, with exit status 2 and a sentence that says
    which process it was. A process that only stands still is waited for.

    Args:
      coordinator: HOST:PORT of the first process, or "auto" to ask the cluster's own
        environment (SLURM, Open MPI, a TPU pod); None is a process alone.
      processes: how many there are; None with "auto".
      process_id: number of this one, from 0; None with "auto".

    Raises:
      UserError: no connection.
    """
    if coordinator is None:
        yield
        return
    auto = coordinator == "auto"
    _leave_deaths_to_us()
    try:
        jax.distributed.initialize(
            None if auto else coordinator,
            processes,
            process_id,
            initialization_timeout=120,
            coordinator_bind_address=None if auto or process_id else coordinator,
        )
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"--coordinator {coordinator}: the processes did not find each other "
            f"({reason})"
        ) from error
    try:
        host = None if auto else coordinator.rpartition(":")[0].strip("[]")
        others = connect(host)
        others.start(_end_process)
    except UserError as error:
        leave(error)
    try:
        yield
    except UserError as error:
        leave(error)
    except KeyboardInterrupt as stop:
        leave(stop if str(stop) else "stopped", STOPPED)
    except jax.errors.JaxRuntimeError as error:
        number = others.gone(SILENT_SECONDS)
        if number is None:
            traceback.print_exc()
            leave(f"this process failed ({str(error).splitlines()[0][:120]})", 1)
        leave(_sentence(number))
    except Exception as error:
        traceback.print_exc()
        leave(f"this process failed ({type(error).__name__})", 1)
    if jax.process_index() == 0:  # which serves the others until they have left
        others.part()
        jax.distributed.shutdown()
    else:
        jax.distributed.shutdown()
        others.part()


def _leave_deaths_to_us() -> None:
    """Keeps JAX from aborting this process, with its own messages, if another dies."""
    jax.config.update("jax_enable_recoverability", True)
    jax.config.update("jax_enable_preemption_service", False)


def _end_process(number: int) -> None:
    """Ends this process, unless it ends by itself, since another has gone."""
    if number != 0:  # without the first, JAX soon aborts this process
        time.sleep(GRACE_SECONDS)
    leave(_sentence(number))


def _sentence(number: int) -> str:
    return (
        f"process {number} of this run has ended or cannot be reached; the same "
        "command with --resume, in all processes, takes the run up again"
    )
