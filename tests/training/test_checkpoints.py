"""Checkpoints: which are kept, and what a full disk costs."""

import gc
import resource

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.errors import UserError
from jaxseg.training import checkpoints
from jaxseg.training.plateau import fresh_plateau
from jaxseg.training.step import TrainState


def state_of(step, size=3, **parts) -> TrainState:
    settings = dict(
        step=jnp.int32(step),
        params={"w": jnp.arange(float(size)) + step},
        extra={},
        opt_state=(jnp.zeros(2),),
        average=None,
        plateau=jax.tree.map(jnp.asarray, fresh_plateau()),
        key=jax.random.key(step),
    )
    return TrainState(**{**settings, **parts})


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_two_and_the_best_are_kept(tmp_path):
    for step, score in ((1, 0.5), (2, 0.9), (3, None), (4, 0.9), (5, 0.1), (6, None)):
        checkpoints.save(tmp_path, state_of(step), score=score)
    assert names(tmp_path) == ["00000004", "00000005", "00000006"]
    newest = checkpoints.restore(tmp_path, state_of(0))
    best = checkpoints.restore(tmp_path, state_of(0), best="dice")
    assert newest is not None
    assert best is not None
    assert (int(newest.step), int(best.step)) == (6, 4)
    np.testing.assert_array_equal(best.params["w"], np.arange(3.0) + 4)


def test_the_lowest_loss_is_kept_beside_the_highest_score(tmp_path):
    marks = ((1, 0.9, 0.5), (2, 0.1, 0.2), (3, 0.2, 0.2), (4, 0.3, float("nan")),
             (5, 0.2, None), (6, None, None))  # fmt: skip
    for step, score, loss in marks:
        checkpoints.save(tmp_path, state_of(step), score=score, loss=loss)
    assert [int(name) for name in names(tmp_path)] == [1, 3, 5, 6]
    found = {
        by: checkpoints.restore(tmp_path, state_of(0), best=by)
        for by in ("dice", "loss", None)
    }
    assert {by: int(state.step) for by, state in found.items()} == {
        "dice": 1, "loss": 3, None: 6,
    }  # fmt: skip


def test_all_parts_of_a_state_come_back(tmp_path):
    parts = dict(
        extra={"batch_stats": {"mean": jnp.ones(2)}},
        average={"w": jnp.full(3, 7.0)},
        plateau=jax.tree.map(lambda x: jnp.asarray(x) + 1, fresh_plateau()),
    )
    state = state_of(3, **parts)
    checkpoints.save(tmp_path, state)
    like = jax.tree.map(lambda x: x, state_of(0, **parts))
    again = checkpoints.restore(tmp_path, like)
    assert again is not None
    assert jax.tree.structure(again) == jax.tree.structure(state)
    for a, b in zip(jax.tree.leaves(again), jax.tree.leaves(state), strict=True):
        if jax.dtypes.issubdtype(a.dtype, jax.dtypes.prng_key):
            a, b = jax.random.key_data(a), jax.random.key_data(b)
        np.testing.assert_array_equal(a, b)
    with pytest.raises(UserError, match=r"another network.* average/w is"):
        checkpoints.restore(tmp_path, state_of(0, **{**parts, "average": {
            "w": jnp.zeros(4)}}))  # fmt: skip


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_full_disk_costs_the_new_checkpoint_and_no_other(tmp_path):
    """A limit on the size of files, in the place of a disk that is full."""
    big = 300_000
    noise = {"w": jnp.asarray(np.random.default_rng(0).random(big), jnp.float32)}
    for step in (1, 2):
        checkpoints.save(tmp_path, state_of(step, params=noise), score=step)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (big, hard))
    try:
        with pytest.raises(UserError, match="cannot write the checkpoint .*00000003"):
            checkpoints.save(tmp_path, state_of(3, params=noise), score=3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        gc.collect()  # what Orbax leaves of its broken event loop warns in this test
    assert names(tmp_path) == ["00000001", "00000002"]  # what was half done is gone
    whole = checkpoints.restore(tmp_path, state_of(0, params=noise))
    assert whole is not None
    assert int(whole.step) == 2
    checkpoints.save(tmp_path, state_of(3, params=noise), score=3)
    assert names(tmp_path) == ["00000002", "00000003"]
