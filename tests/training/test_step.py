"""The step on many devices, or in parts, is the step on one: losses pool pixels."""

import dataclasses
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.data.batch import Batch, split
from jaxseg.data.synthetic import Lesions, make_batch
from jaxseg.losses import LossAt, dice_loss
from jaxseg.models.unet import UNet
from jaxseg.training.network import Network
from jaxseg.training.parallel import (
    AXIS,
    over_devices,
    parallel_step,
    placed,
    replicate,
)
from jaxseg.training.step import init_state, inspect_step, loss_step, train_step
from tests.training.small import (
    BATCH,
    NETWORK,
    batches,
    compound,
    distance,
    first,
    objective_of,
)


def run(step, objective, parts=None, parallel="pmap"):
    """Five steps; with `parts`, of batches split by device."""
    state = first(objective)
    if parts:
        state = replicate(state, parallel)
    for batch in batches():
        divided = placed(split(batch, parts), parallel) if parts else batch
        state, report = step(state, divided)
    return state, report


def alone(objective):
    return jax.jit(functools.partial(train_step, objective=objective, axis_name=None))


@pytest.fixture(scope="module")
def on_one_device():
    with jax.enable_x64():
        objective = objective_of()
        state, report = run(alone(objective), objective)
        assert distance(state.params, first(objective).params) > 1e-4  # it has learnt
        return jax.tree.map(np.asarray, (state.params, report))


@pytest.mark.parametrize(
    "way", ["8 devices", "4 devices", "shard_map", "in parts", "shard_map in parts"]
)
def test_the_same_parameters_however_a_batch_is_spread(on_one_device, way):
    """SGD in float64, five steps, an uneven batch, augmentation and void labels.

    Cross-entropy, batch Dice, Lovász and the label-marginal KL divergence together;
    shard_map also checks that what the step returns is equal on every device.
    """
    assert jax.local_device_count() == 8
    assert BATCH % 8
    params, report = on_one_device
    with jax.enable_x64():
        objective = objective_of(accumulate=2 if "in parts" in way else 1)
        if way == "in parts":
            state, other = run(alone(objective), objective)
        elif way == "4 devices":
            step = jax.pmap(
                functools.partial(train_step, objective=objective, axis_name=AXIS),
                axis_name=AXIS,
                in_axes=(None, 0),
                out_axes=None,
                devices=jax.devices()[:4],
            )
            state = first(objective)
            for batch in batches():
                state, other = step(state, split(batch, 4))
        else:
            parallel = "pmap" if way == "8 devices" else "shard_map"
            step = parallel_step(objective, parallel)
            state, other = run(step, objective, 8, parallel)
        assert distance(state.params, params) < 1e-10
        np.testing.assert_allclose(other["loss"], report["loss"], rtol=1e-10)


@pytest.mark.parametrize("mistake", ["no pmean", "psum for pmean", "local loss"])
def test_the_comparison_would_see_a_wrong_reduction(
    on_one_device, mistake, monkeypatch
):
    def build(progress):
        def local(logits, labels, *, axis_name=None, **options):
            return compound()(progress)(logits, labels, **options)

        return local

    loss = LossAt(build) if mistake == "local loss" else None
    wrong = {
        "no pmean": lambda grads, axis: grads,
        "psum for pmean": jax.lax.psum,
        "local loss": jax.lax.pmean,
    }[mistake]
    with jax.enable_x64():
        monkeypatch.setattr("jaxseg.training.step.lax.pmean", wrong)
        objective = objective_of(loss)
        many, _ = run(parallel_step(objective), objective, 8)
        assert distance(many.params, on_one_device[0]) > 1e-6


def test_parts_keep_the_activations_of_one_part_in_memory():
    objective = objective_of(dice_loss, augment="none")
    network = Network(UNet(2, depth=2, width=8))
    batch = make_batch(jax.random.key(0), 16, Lesions(size=(32, 32)))
    key, taken = jax.random.key(0), {}
    for parts in (1, 8):
        whole = dataclasses.replace(objective, network=network, accumulate=parts)
        params, _ = jax.eval_shape(network.init, jax.random.key(0), batch.images[:1])
        state = jax.eval_shape(functools.partial(init_state, whole), params, key)
        program = alone(whole).lower(state, batch).compile()
        taken[parts] = program.memory_analysis().temp_size_in_bytes
    assert taken[8] < 0.4 * taken[1]


class Dropping(nn.Module):
    """A network with dropout, running statistics and two score maps."""

    @nn.compact
    def __call__(self, x, *, train=False):
        x = nn.Conv(4, (3, 3))(x)
        x = nn.BatchNorm(use_running_average=not train, momentum=0.5)(x)
        x = nn.Dropout(0.5, deterministic=not train)(x)
        scores = nn.Conv(2, (1, 1))(x)
        coarse = nn.Conv(2, (2, 2), strides=(2, 2))(x)
        return (scores, coarse) if train else scores


def test_dropout_statistics_averages_and_several_maps():
    """One program of all of it, under the strict rules of shard_map."""
    network = Network(Dropping(), map_weights=(1.0, 0.5))
    objective = objective_of(None, network=network, average=0.75)
    image = jnp.zeros((1, 16, 16, 1))
    made = jax.jit(network.init)(jax.random.key(0), image)
    made_on_host = jax.tree.map(np.asarray, made)  # steps donate what they are given
    params, extra = made_on_host
    batch = make_batch(jax.random.key(3), 8, Lesions(size=(16, 16)))
    parts = placed(split(batch, 8), "shard_map")
    step = parallel_step(objective, "shard_map")

    def fresh():
        params, extra = jax.tree.map(jnp.asarray, made_on_host)
        return replicate(init_state(objective, params, jax.random.key(1), extra),
                         "shard_map")  # fmt: skip

    state, report = step(fresh(), parts)
    again, same = step(fresh(), parts)
    assert report["loss"] == same["loss"]  # the masks are a function of the state
    _, other = step(dataclasses.replace(fresh(), step=again.step), parts)
    assert report["loss"] != other["loss"]
    assert distance(state.extra, extra) > 1e-3
    # The average moves by 1 - (1 + 0) / (10 + 0) of the first step.
    moved = jax.tree.map(lambda new, old: old + 0.9 * (new - old), state.params, params)
    assert distance(state.average, moved) < 1e-6
    assert distance(state.average, state.params) > 1e-6
    assert state.variables["params"] is state.average
    assert int(state.plateau.count) == 1
    np.testing.assert_allclose(state.plateau.total, report["loss"], rtol=1e-6)


def test_what_is_looked_at_is_pooled_over_devices():
    with jax.enable_x64():
        objective = objective_of(None, augment="none")
        batch = next(batches())
        state = first(objective)
        inspect = functools.partial(inspect_step, objective=objective)
        one = jax.jit(functools.partial(inspect, axis_name=None))(state, batch)
        many = over_devices(inspect)(replicate(state), split(batch, 8))
        for name in ("predicted_shares", "true_shares"):
            np.testing.assert_allclose(many[name], one[name], rtol=1e-5)
            assert float(one[name].sum()) == pytest.approx(1, rel=1e-5)
        labels = np.asarray(batch.labels)
        share = (labels == 1).sum() / (labels != 255).sum()
        np.testing.assert_allclose(one["true_shares"][1], share, rtol=1e-5)
        terms = ["cross_entropy_loss", "dice_loss", "lovasz_loss", "marginal_kl_loss"]
        assert sorted(one["terms"]) == terms
        assert sum(one["terms"].values()) == pytest.approx(1, rel=1e-5)
        for name, value in one["terms"].items():
            # A device holds N times its share of the gradient, of every term alike.
            np.testing.assert_allclose(many["terms"][name], value, rtol=1e-4)
        loss = functools.partial(loss_step, objective=objective)
        a = jax.jit(functools.partial(loss, axis_name=None))(state, batch)
        b = over_devices(loss)(replicate(state), split(batch, 8))
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_the_first_call_compiles_and_the_others_do_not():
    traces = []

    class Counting(nn.Module):
        @nn.compact
        def __call__(self, x, *, train=False):
            traces.append(x.shape)
            return nn.Conv(2, (1, 1))(x)

    network = Counting()
    objective = dataclasses.replace(objective_of(dice_loss), network=Network(network))
    params = network.init(jax.random.key(0), jnp.zeros((1, 16, 16, 1)))["params"]
    state = replicate(init_state(objective, params, jax.random.key(0)))
    step = parallel_step(objective)
    traces.clear()
    for seed in range(3):
        batch = make_batch(jax.random.key(seed), BATCH, Lesions(size=(16, 16)))
        state, _ = step(state, split(batch, 8))
    assert len(traces) == 1


def test_progress_runs_from_zero_to_one():
    seen = []
    objective = dataclasses.replace(
        objective_of(dice_loss, augment="none"),
        loss_at=LossAt(
            lambda progress: lambda logits, labels, **_: progress + 0 * logits.sum()
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
