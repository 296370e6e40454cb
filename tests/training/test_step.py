"""The step on many devices is the step on one, for every loss that pools pixels."""

import dataclasses
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxseg.data.augment import AUGMENTATIONS
from jaxseg.data.batch import Batch, split
from jaxseg.data.synthetic import Lesions, make_batch
from jaxseg.losses import (
    cross_entropy_loss,
    dice_loss,
    lovasz_loss,
    marginal_kl_loss,
    scheduled,
)
from jaxseg.models.unet import UNet
from jaxseg.training.step import (
    AXIS,
    Objective,
    init_state,
    parallel_step,
    replicate,
    train_step,
)

BATCH = 11  # does not divide by eight devices
NETWORK = UNet(2, depth=1, width=4)
LOSSES = {
    "cross_entropy": cross_entropy_loss,
    "dice": dice_loss,
    "lovasz": lovasz_loss,
    "marginal_kl": marginal_kl_loss,
}


def objective_of(loss, *, augment="full") -> Objective:
    return Objective(
        apply=lambda params, images: NETWORK.apply({"params": params}, images),
        loss_at=scheduled(loss),
        optimizer=optax.sgd(0.1),
        steps=5,
        augmentation=AUGMENTATIONS[augment],
    )


def float64(tree):
    def widen(x):
        x = jnp.asarray(x)
        return x.astype(jnp.float64) if x.dtype == jnp.float32 else x

    return jax.tree.map(widen, tree)


def first(objective):
    image = jnp.zeros((1, 16, 16, 1))
    params = jax.jit(NETWORK.init)(jax.random.key(0), image)["params"]
    return init_state(objective, float64(params), jax.random.key(1))


def batches():
    settings = Lesions(size=(16, 16), foreground_share=0.1)
    for step in range(5):
        batch = make_batch(jax.random.key(100 + step), BATCH, settings)
        labels = batch.labels.at[0, :3].set(255)  # and some void
        yield float64(dataclasses.replace(batch, labels=labels))


def run_on_one_device(objective):
    step = jax.jit(functools.partial(train_step, objective=objective, axis_name=None))
    state = first(objective)
    for batch in batches():
        state, report = step(state, batch)
    return state, report


def run_on_all_devices(objective, step=None):
    step = step or parallel_step(objective)
    state = replicate(first(objective))
    for batch in batches():
        state, report = step(state, split(batch, jax.local_device_count()))
    return state, report


def distance(a, b):
    gaps = jax.tree.map(lambda x, y: float(np.abs(x - y).max()), a.params, b.params)
    return max(jax.tree.leaves(gaps))


@pytest.mark.parametrize(
    "name",
    ["dice", "lovasz"]
    + [
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("cross_entropy", "marginal_kl")
    ],
)
def test_eight_devices_train_like_one(name):
    """SGD in float64, five steps, an uneven batch, augmentation and void labels."""
    assert jax.local_device_count() == 8
    assert BATCH % 8
    with jax.enable_x64():
        objective = objective_of(LOSSES[name])
        one, report = run_on_one_device(objective)
        many, report_of_many = run_on_all_devices(objective)
        assert distance(one, many) < 1e-10
        np.testing.assert_allclose(report_of_many["loss"], report["loss"], rtol=1e-10)
        assert distance(one, first(objective)) > 1e-4  # something was learnt


@pytest.mark.parametrize("mistake", ["no pmean", "psum for pmean", "local loss"])
def test_the_comparison_would_see_a_wrong_reduction(mistake, monkeypatch):
    def local_dice(logits, labels, *, axis_name=None, **options):
        return dice_loss(logits, labels, **options)

    loss = local_dice if mistake == "local loss" else dice_loss
    wrong = {
        "no pmean": lambda grads, axis: grads,
        "psum for pmean": jax.lax.psum,
        "local loss": jax.lax.pmean,
    }[mistake]
    with jax.enable_x64():
        one, _ = run_on_one_device(objective_of(dice_loss))
        monkeypatch.setattr("jaxseg.training.step.lax.pmean", wrong)
        many, _ = run_on_all_devices(objective_of(loss))
        assert distance(one, many) > 1e-6


def test_the_step_passes_the_strict_rules_of_shard_map():
    objective = objective_of(dice_loss)
    mesh = jax.sharding.Mesh(np.array(jax.devices()), (AXIS,))
    whole, shared = jax.sharding.PartitionSpec(), jax.sharding.PartitionSpec(AXIS)
    step = functools.partial(train_step, objective=objective, axis_name=AXIS)
    sharded = jax.jit(
        jax.shard_map(step, mesh=mesh, in_specs=(whole, shared), out_specs=whole)
    )
    batch = make_batch(jax.random.key(0), 8, Lesions(size=(16, 16)))
    params = jax.jit(NETWORK.init)(jax.random.key(0), jnp.zeros((1, 16, 16, 1)))
    state = init_state(objective, params["params"], jax.random.key(1))
    after, report = sharded(state, batch)
    expected, _ = jax.jit(
        functools.partial(train_step, objective=objective, axis_name=None)
    )(state, batch)
    assert distance(after, expected) < 1e-5
    assert np.isfinite(report["loss"])


def test_the_first_call_compiles_and_the_others_do_not():
    traces = []

    class Counting(nn.Module):
        @nn.compact
        def __call__(self, x):
            traces.append(x.shape)
            return nn.Conv(2, (1, 1))(x)

    network = Counting()
    objective = dataclasses.replace(
        objective_of(dice_loss),
        apply=lambda params, images: network.apply({"params": params}, images),
    )
    params = network.init(jax.random.key(0), jnp.zeros((1, 16, 16, 1)))["params"]
    state = replicate(init_state(objective, params, jax.random.key(0)))
    step = parallel_step(objective)
    traces.clear()
    for seed in range(3):
        batch = make_batch(jax.random.key(seed), BATCH, Lesions(size=(16, 16)))
        state, _ = step(state, split(batch, 8))
    assert len(traces) == 1


def test_filling_images_change_nothing():
    objective = objective_of(dice_loss)
    with jax.enable_x64():
        state = first(objective)
        batch = next(batches())
        step = jax.jit(
            functools.partial(train_step, objective=objective, axis_name=None)
        )
        filled = jax.tree.map(lambda x: x[0], split(batch, 1))
        padded = jax.tree.map(
            lambda x: jnp.pad(x, [(0, 5)] + [(0, 0)] * (x.ndim - 1)), filled
        )
        a, _ = step(state, batch)
        b, _ = step(state, padded)
        assert distance(a, b) < 1e-12


def test_progress_runs_from_zero_to_one():
    seen = []
    objective = dataclasses.replace(
        objective_of(dice_loss, augment="none"),
        loss_at=lambda progress: (
            lambda logits, labels, **options: progress + 0 * logits.sum()
        ),
    )
    step = jax.jit(functools.partial(train_step, objective=objective, axis_name=None))
    params = jax.jit(NETWORK.init)(jax.random.key(0), jnp.zeros((1, 16, 16, 1)))
    state = init_state(objective, params["params"], jax.random.key(0))
    batch = Batch.of(
        np.zeros((1, 16, 16, 1), np.uint8), np.zeros((1, 16, 16), np.uint8)
    )
    for _ in range(5):
        state, report = step(state, batch)
        seen.append(float(report["loss"]))
    np.testing.assert_allclose(seen, [0, 0.25, 0.5, 0.75, 1.0])
