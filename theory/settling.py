"""Many claims at once: in this process, or in several, the slow ones first."""

import concurrent.futures
import multiprocessing
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from theory.claim import Claim, Evidence, Settled, settle
from theory.registry import CLAIMS

FEW = 12
"""Up to so many claims are done before a second process has started."""


def settle_all(
    claims: Sequence[Claim],
    *,
    processes: int = 1,
    done: Callable[[Settled], object] = id,
) -> list[Settled]:
    """Runs the checks of all `claims`.

    Args:
      claims: with more than one process, of the registry.
      processes: how many to use, at most; few claims stay in this one.
      done: told of each claim as soon as it is settled, in any order.

    Returns:
      One entry per claim, in their order.
    """
    if processes == 1 or len(claims) <= FEW:
        return [_tell(settle(claim), done) for claim in claims]
    context = multiprocessing.get_context("spawn")
    pool = concurrent.futures.ProcessPoolExecutor(
        processes, mp_context=context, initializer=_leave_interrupts_to_the_parent
    )
    with pool:
        running = {pool.submit(_evidence_of, claim.id): claim for claim in claims}
        found = {}
        try:
            for future in concurrent.futures.as_completed(running):
                claim = running[future]
                found[claim.id] = _tell(Settled(claim, *future.result()), done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [found[claim.id] for claim in claims]


def _tell(settled: Settled, done: Callable[[Settled], object]) -> Settled:
    done(settled)
    return settled


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _evidence_of(name: str) -> tuple[Mapping[str, Evidence], float]:
    """What a worker sends back: no functions and no arrays on a device."""
    settled = settle(CLAIMS[name])
    evidence = {
        check: Evidence(
            slack=found.slack,
            tolerance=found.tolerance,
            cases=found.cases,
            method=found.method,
            witness=_settle_on_host(found.witness),
        )
        for check, found in settled.evidence.items()
    }
    return evidence, settled.seconds


def _settle_on_host(witness: Mapping[str, Any]) -> dict[str, Any]:
    def plain(leaf: Any) -> Any:
        return np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf

    return {str(key): jax.tree.map(plain, value) for key, value in witness.items()}
