"""Images that only fill up a batch: they count in no statistic, as in no loss."""

import dataclasses
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.data.batch import Batch, split_batch
from jaxseg.errors import UserError
from jaxseg.losses import dice_loss
from jaxseg.training.network import Network, network_of, require_gradients
from jaxseg.training.parallel import parallel_step, replicate
from jaxseg.training.step import init_state, inspect_step, train_step
from tests.training.small import objective_of, small_config


class Statistics(nn.Module):
    """Batch normalisation of the images themselves, then scores."""

    @nn.compact
    def __call__(self, x, *, train=False):
        x = nn.BatchNorm(use_running_average=not train, momentum=0.9)(x)
        return nn.Conv(2, (1, 1))(x)


def five_images() -> Batch:
    rng = np.random.default_rng(0)
    images = rng.random((5, 4, 4, 1), np.float32)
    return Batch.of(images, rng.integers(0, 2, (5, 4, 4)).astype(np.uint8))


def objective(parts=1):
    return objective_of(
        dice_loss,
        network=Network(Statistics()),
        augment="none",
        prepare=lambda images: images,
        accumulate=parts,
    )


def state_of(what):
    params, extra = what.network.init(jax.random.key(0), jnp.zeros((1, 4, 4, 1)))
    return init_state(what, params, jax.random.key(1), extra)


def moved(statistics, name):
    """What the running statistics moved to, a tenth of the way from 0 or 1."""
    before = {"mean": 0.0, "var": 1.0}[name]
    return (float(statistics["BatchNorm_0"][name][0]) - 0.9 * before) / 0.1


def weighted(groups, measure):
    return sum(len(g) * float(measure(g)) for g in groups) / 5


@pytest.mark.parametrize("devices", [2, 4, 8])
def test_running_statistics_are_those_of_the_real_images(devices):
    """Five images on 2 to 8 devices: by hand, the mean over them of each device's."""
    what, batch = objective(), five_images()
    each = -(-5 // devices)
    groups = [batch.images[k : k + each] for k in range(0, 5, each)]
    step = jax.pmap(
        functools.partial(train_step, objective=what, axis_name="d"),
        axis_name="d",
        in_axes=(None, 0),
        out_axes=None,
        devices=jax.devices()[:devices],
    )
    state, report = step(state_of(what), split_batch(batch, devices, each))
    for name, measure in (("mean", np.mean), ("var", np.var)):
        found = moved(state.extra["batch_stats"], name)
        assert found == pytest.approx(weighted(groups, measure), rel=1e-4)
    assert np.isfinite(report["gradient_norm"])


def test_parts_of_a_batch_leave_fillers_out():
    """Five images in two parts of three: running statistics move twice."""
    what, batch = objective(parts=2), five_images()
    step = jax.jit(functools.partial(train_step, objective=what, axis_name=None))
    state, _ = step(state_of(what), batch)
    expected = 0.9 * (0.9 + 0.1 * np.var(batch.images[:3])) + 0.1 * np.var(
        batch.images[3:]
    )
    found = state.extra["batch_stats"]["BatchNorm_0"]["var"][0]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_part_of_fillers_alone_moves_nothing():
    what, batch = objective(parts=4), five_images()
    step = jax.jit(functools.partial(train_step, objective=what, axis_name=None))
    few = dataclasses.replace(batch, real=np.array([1, 1, 0, 0, 0], bool))
    state, _ = step(state_of(what), few)  # parts of two images, the last of fillers
    expected = 0.9 + 0.1 * np.var(batch.images[:2])
    found = state.extra["batch_stats"]["BatchNorm_0"]["var"][0]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_what_is_looked_at_and_the_loss_do_not_depend_on_fillers():
    what, batch = objective(), five_images()
    filled = split_batch(batch, 1, 8)
    changed = dataclasses.replace(
        filled, images=np.where(filled.real[..., None, None, None], filled.images, 9.0)
    )
    step = functools.partial(train_step, objective=what, axis_name=None)
    look = functools.partial(inspect_step, objective=what, axis_name=None)
    one, *others = (
        jax.jit(lambda s, b: (step(s, b), look(s, b)))(
            state_of(what), jax.tree.map(lambda x: x[0], b)
        )
        for b in (split_batch(batch, 1), filled, changed)
    )
    for other in others:
        jax.tree.map(
            functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6),
            jax.tree.map(_plain, one),
            jax.tree.map(_plain, other),
        )


def _plain(leaf):
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.key_data(leaf)
    return leaf


def test_shard_map_finds_the_statistics_equal_on_every_device():
    what, batch = objective(), five_images()
    step = parallel_step(what, "shard_map")
    devices = jax.device_count()
    from jaxseg.training.parallel import place_batch

    state = replicate(state_of(what), "shard_map")
    state, _ = step(state, place_batch(split_batch(batch, devices), "shard_map"))
    var = weighted(np.split(batch.images, 5), np.var)
    assert moved(state.extra["batch_stats"], "var") == pytest.approx(var, rel=1e-4)


@pytest.mark.parametrize(
    ("norm", "images", "fine"),
    [("instance", 2, False), ("batch", 1, False), ("batch", 2, True),
     ("group", 1, True), ("frozen-batch", 1, True), ("none", 1, True)],
)  # fmt: skip
def test_a_single_pixel_that_a_norm_makes_zero_is_refused(norm, images, fine):
    """16 x 16 at depth 4: half of the parameters would never get a gradient."""
    config = small_config(depth=4, norm=norm, batch_size=images)
    network = network_of(config)
    params, extra = jax.eval_shape(
        network.init, jax.random.key(0), jax.ShapeDtypeStruct((1, 16, 16, 1), "float32")
    )
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda x: jnp.asarray(rng.normal(size=x.shape)), params)
    extra = jax.tree.map(lambda x: jnp.ones(x.shape), extra)
    image = jnp.asarray(rng.normal(size=(images, 16, 16, 1)), jnp.float32)

    def loss(params):
        maps, _ = network.forward(params, extra, image, jax.random.key(0))
        return jnp.sum(jnp.square(maps[0][..., 0]))

    grads = jax.tree.leaves(jax.jit(jax.grad(loss))(params))
    dead = sum(not np.any(grad) for grad in grads)
    if fine:
        require_gradients(config, network, images)
        assert dead <= 1
    else:
        with pytest.raises(UserError, match="--size 16 16 shrinks to a single pixel"):
            require_gradients(config, network, images)
        assert dead > 1
    deep = dataclasses.replace(config, depth=3)
    require_gradients(deep, network_of(deep), images)
