"""One process of several that take the same five steps; run by `test_processes`.

python -m tests.training.one_of_many HOST:PORT PROCESSES NUMBER PMAP_OR_SHARD_MAP FILE
"""

import sys

import jax
import numpy as np

from jaxseg.training.devices import join_processes, share_of
from jaxseg.training.parallel import parallel_step, place_batch, replicate
from tests.training.small import BATCH, batches, first, objective_of


def main() -> None:
    """Trains on this process's share of each batch, and stores the parameters."""
    address, processes, number, parallel, path = sys.argv[1:]
    jax.config.update("jax_enable_x64", True)
    with join_processes(address, int(processes), int(number)):
        assert jax.process_count() == int(processes)
        objective = objective_of()
        share = share_of(BATCH)
        state = replicate(first(objective), parallel)
        step = parallel_step(objective, parallel)
        for batch in batches():
            mine = jax.tree.map(lambda x: np.asarray(x)[share.places], batch)
            state, report = step(state, place_batch(share.split(mine), parallel))
        leaves = [leaf.addressable_data(0) for leaf in jax.tree.leaves(state.params)]
        np.savez(path, *map(np.asarray, leaves), loss=np.asarray(
            report["loss"].addressable_data(0)))  # fmt: skip


if __name__ == "__main__":
    main()
