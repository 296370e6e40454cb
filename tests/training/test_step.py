"""The step on many devices, or in parts, is the step on one: losses pool pixels."""

import dataclasses
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from jaxseg.data.batch import Batch, split_batch
from jaxseg.data.synthetic import Lesions, make_batch
from jaxseg.losses import LossAt, dice_loss
from jaxseg.models.norms import NORMS, NamedNorm
from jaxseg.models.unet import UNet
from jaxseg.training.network import Network
from jaxseg.training.parallel import (
    AXIS,
    map_devices,
    parallel_step,
    place_batch,
    replicate,
    undivided,
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
    """Five steps; with `parts`, of batches split by device.

    Once compiled, no step moves anything between host and devices, and each uses the
    memory of the state before it.
    """
    state = first(objective)
    if not parts:
        for batch in batches():
            state, report = step(state, batch)
        return state, report
    state = replicate(state, parallel)
    for number, batch in enumerate(batches()):
        divided, before = place_batch(split_batch(batch, parts), parallel), state
        with jax.transfer_guard("disallow" if number > 1 else "allow"):
            state, report = step(state, divided)
        assert all(leaf.is_deleted() for leaf in jax.tree.leaves(before.params))
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
    "way",
    [
        "8 devices",
        "4 devices",
        "shard_map",
        pytest.param("jit", marks=pytest.mark.slow),
        pytest.param("fsdp", marks=pytest.mark.slow),
        "in parts",
        "shard_map in parts",
    ],
)
def test_the_same_parameters_however_a_batch_is_spread(on_one_device, way, monkeypatch):
    """SGD in float64, five steps, an uneven batch, augmentation and void labels.

    Cross-entropy, batch Dice, Lovász and the label-marginal KL divergence together;
    shard_map also checks that what the step returns is equal on every device; by fsdp
    weights lie in parts before and after.
    """
    assert jax.local_device_count() == 8
    assert BATCH % 8
    monkeypatch.setattr("jaxseg.training.parallel.SMALLEST", 1)
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
                state, other = step(state, split_batch(batch, 4))
        else:
            parallel = {"8 devices": "pmap", "jit": "jit", "fsdp": "fsdp"}.get(
                way, "shard_map"
            )
            step = parallel_step(objective, parallel)
            state, other = run(step, objective, 8, parallel)
            parts = [not x.is_fully_replicated for x in jax.tree.leaves(state.params)]
            assert any(parts) == (way == "fsdp")
            whole = undivided(state, parallel).params
            assert all(x.is_fully_replicated for x in jax.tree.leaves(whole))
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
    parts = place_batch(split_batch(batch, 8), "shard_map")
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
        many = map_devices(inspect)(replicate(state), split_batch(batch, 8))
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
        b = map_devices(loss)(replicate(state), split_batch(batch, 8))
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
        state, _ = step(state, split_batch(batch, 8))
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


class Convolution(nn.Module):
    """The least network, with a kernel that eight devices divide."""

    @nn.compact
    def __call__(self, x, *, train=False):
        return nn.Conv(8, (3, 3))(x)


@pytest.mark.parametrize("parallel", ["jit", "fsdp"])
def test_the_compiler_divides_a_step_to_the_same_parameters(parallel, monkeypatch):
    """As of a U-Net above, of one layer; by fsdp its weights lie in parts."""
    monkeypatch.setattr("jaxseg.training.parallel.SMALLEST", 1)
    network = Network(Convolution())
    objective = objective_of(dice_loss, augment="none", network=network)
    batch = make_batch(jax.random.key(0), BATCH, Lesions(size=(8, 8)))
    params, _ = jax.jit(network.init)(jax.random.key(0), batch.images[:1])
    params = jax.tree.map(np.asarray, params)  # steps donate what they are given

    def fresh():
        return init_state(objective, jax.tree.map(jnp.array, params), jax.random.key(1))

    state, report = alone(objective)(fresh(), batch)
    step, spread = parallel_step(objective, parallel), replicate(fresh(), parallel)
    parts = place_batch(split_batch(batch, 8), parallel)
    lowered = step.lower(spread, parts).compile()
    before = spread
    with jax.transfer_guard("disallow"):
        spread, other = lowered(spread, parts)
    kernel = spread.params["Conv_0"]["kernel"]
    assert kernel.is_fully_replicated == (parallel == "jit")
    assert before.params["Conv_0"]["kernel"].is_deleted()
    assert distance(undivided(spread, parallel).params, state.params) < 1e-6
    assert distance(state.params, params) > 1e-4
    np.testing.assert_allclose(other["loss"], report["loss"], rtol=1e-5)


def test_shard_map_takes_over_where_pmap_is_gone(monkeypatch):
    monkeypatch.delattr(jax, "pmap")

    def total(state, batch, *, axis_name):
        return state + jax.lax.psum(jnp.sum(batch), axis_name)

    for parallel in ("pmap", "shard_map"):
        state = replicate(jnp.float32(1), parallel)
        parts = place_batch(np.arange(16, dtype=np.float32).reshape(8, 2), parallel)
        assert map_devices(total, parallel)(state, parts) == 1 + 15 * 8


def test_a_mesh_with_explicit_axes_gives_the_same_step():
    """Of the losses, whose sums over a divided axis need no annotation."""
    explicit = jax.make_mesh((8,), (AXIS,), axis_types=(AxisType.Explicit,))
    lie = NamedSharding(explicit, PartitionSpec(AXIS))
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((8, 4, 4, 3)).astype(np.float32)
    labels = rng.integers(0, 3, (8, 4, 4)).astype(np.int32)
    call = jax.jit(jax.value_and_grad(dice_loss))
    parts = jax.device_put((logits, labels), lie)
    value, grad = call(*parts)
    assert grad.sharding.spec[0] == AXIS
    alone, slope = call(logits, labels)
    np.testing.assert_allclose(value, alone, rtol=1e-6)
    np.testing.assert_allclose(grad, slope, atol=1e-7)


def test_batch_normalisation_over_all_devices_is_that_of_the_whole_batch():
    """An uneven batch, with fillers; without it every device takes its own."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((11, 4, 4, 3)) + np.arange(11).reshape(-1, 1, 1, 1)
    real = np.ones(11, bool)
    parts = split_batch(Batch(images, real, real, real), 8)

    def of(norm, devices):
        module = NamedNorm(NORMS[norm])
        network = Network(_Bare(module))

        def forward(images, real):
            params, extra = network.init(jax.random.key(0), images)
            (scores,), after = network.forward(
                params, extra, images, jax.random.key(0), real
            )
            return scores, jax.tree.leaves(after)[0]

        if devices == 1:
            return jax.jit(forward)(images, real)
        return jax.vmap(forward, axis_name=AXIS)(parts.images, parts.real)

    with jax.enable_x64():
        whole, mean = of("batch", 1)
        spread, means = of("sync-batch", 8)
        np.testing.assert_allclose(means, np.tile(mean, (8, 1)), rtol=1e-12)
        there = np.asarray(spread).reshape(-1, 4, 4, 3)[:11]
        np.testing.assert_allclose(there, whole, rtol=1e-6, atol=1e-6)
        apart, _ = of("batch", 8)
        assert np.abs(np.asarray(apart).reshape(-1, 4, 4, 3)[:11] - whole).max() > 0.1


class _Bare(nn.Module):
    """A normalisation as a network."""

    inner: nn.Module

    def __call__(self, x, *, train=False):
        return self.inner(x, train=train)
