"""The plan of a data set by worked examples, and networks that follow it."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import lax

from jaxseg.losses import cross_entropy_loss, deep_supervision
from jaxseg.models import build_model, layers
from jaxseg.models.plan import levels, memory_bytes, plan

ISOTROPIC = ([(36, 50, 35)] * 200, [(1.0, 1.0, 1.0)] * 200)
THICK = ([(160, 160, 10)] * 70, [(1.5, 1.5, 10.0)] * 70)


def test_small_isotropic_volumes_are_taken_whole():
    """As the hippocampus: three halvings leave 4, 6 and 4 voxels of 36 x 50 x 35."""
    found = plan(*ISOTROPIC, num_classes=3)
    assert found.strides == ((2, 2, 2),) * 3
    assert found.kernels == ((3, 3, 3),) * 4
    assert found.patch == (40, 56, 40)  # up to multiples of 8
    assert found.covered == 1
    # 36 * 50 * 35 * 200 voxels / 20 / (40 * 56 * 40)
    assert found.batch_size == 7
    assert found.memory_bytes < 2 * 2**30


def test_thick_slices_are_halved_in_their_plane_first():
    """As cardiac MRI: 1.5 x 1.5 x 10 mm is 3 x 3 x 10 after one step, 6 x 6 x 10 after
    two; ten slices bear one halving, 160 pixels five."""
    found = plan(*THICK, num_classes=4)
    plane, all_axes = (2, 2, 1), (2, 2, 2)
    assert found.strides == (plane, plane, all_axes, plane, plane)
    assert found.kernels == ((3, 3, 1),) * 2 + ((3, 3, 3),) * 4
    assert found.patch == (160, 160, 10)
    assert found.batch_size == 3  # 70 / 20


def test_slices_of_volumes():
    found = plan(*THICK, num_classes=4, axes=2)
    assert found.patch == (160, 160)
    assert found.spacing_mm == (1.5, 1.5)
    assert found.batch_size == 35  # 700 / 20
    assert found.strides == ((2, 2),) * 5
    assert found.max_width == 512


def test_photographs():
    found = plan([(256, 320)] * 100, num_classes=2, channels=3)
    assert found.strides == ((2, 2),) * 6
    assert found.patch == (256, 320)
    assert found.batch_size == 5


def test_a_large_volume_is_cut_until_two_patches_fit():
    shapes, spacings = [(432, 512, 512)] * 100, [(1.0, 0.8, 0.8)] * 100
    patches = []
    for memory in (40, 10, 3):
        found = plan(shapes, spacings, num_classes=3, memory_gib=memory)
        assert found.memory_bytes <= memory * 2**30
        assert found.batch_size == 2
        total = np.prod(found.strides, axis=0)
        assert not np.any(np.array(found.patch) % total)
        patches.append(np.prod(found.patch))
    assert patches[0] > patches[1] > patches[2]
    with pytest.raises(ValueError, match=r"1e-06 GiB do not hold two patches"):
        plan(shapes, spacings, num_classes=3, memory_gib=1e-6)


def test_what_is_given_stays_and_the_rest_is_planned_around_it():
    found = plan(*THICK, num_classes=4, patch=(96, 80, 7), batch_size=6, width=8)
    assert (found.patch, found.batch_size, found.width) == ((96, 80, 7), 6, 8)
    plane = (2, 2, 1)
    assert found.strides == (plane,) * 4  # seven slices bear no halving
    assert found.coarse_maps == 2
    assert plan(*THICK, num_classes=4, patch=(90, 80, 7)).coarse_maps == 0
    assert plan(*ISOTROPIC, num_classes=3, spacing_mm=(2, 2, 2)).patch == (20, 28, 20)
    with pytest.raises(ValueError, match=r"0.1 GiB do not hold 6 patches of size \(96"):
        plan(*THICK, num_classes=4, patch=(96, 80, 7), batch_size=6, memory_gib=0.1)


def test_target_spacing_is_the_median_but_across_thick_slices():
    spacings = [(1.0, 1.0, s) for s in (4.0, 5.0, 5.0, 6.0, 8.0)]
    thick = plan([(200, 200, 20)] * 5, spacings, num_classes=2)
    # The tenth percentile of 4, 5, 5, 6, 8 lies at place 0.4: 4 + 0.4 * 1.
    assert thick.spacing_mm == (1.0, 1.0, pytest.approx(4.4))
    assert thick.median_shape == (200, 200, 23)  # 20 * 5 / 4.4
    many = plan([(200, 200, 100)] * 5, spacings, num_classes=2)
    assert many.spacing_mm == (1.0, 1.0, 5.0)


def test_axes_too_short_to_halve_are_left():
    strides, kernels = levels((64, 64, 5), (1.0, 1.0, 1.0))
    assert strides == ((2, 2, 1),) * 4
    assert kernels[0] == (3, 3, 3)
    assert levels((7, 7), (1, 1)) == ((), ((3, 3),))
    with pytest.raises(ValueError, match="no axis can be halved"):
        plan([(7, 7)] * 4, num_classes=2)


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="same cases along two or three axes"):
        plan([(8, 8, 8)], [(1, 1)], num_classes=2)
    with pytest.raises(ValueError, match="above zero"):
        plan([(8, 8, 8)], [(1, 1, 0)], num_classes=2)


@pytest.mark.parametrize("name", ["unet", "residual_unet"])
@pytest.mark.parametrize("axes", [2, 3])
def test_a_network_follows_the_plan(name, axes):
    found = plan(*THICK, num_classes=4, axes=axes, width=4)
    network = build_model(name, 4, norm="instance", **found.fields())
    images = jax.ShapeDtypeStruct((1, *found.patch, 1), np.float32)
    labels = jax.ShapeDtypeStruct(images.shape[:-1], np.int32)
    variables = jax.eval_shape(network.init, jax.random.key(0), images)

    def trained(variables, images):
        return network.apply(variables, images, train=True)

    maps = jax.eval_shape(trained, variables, images)
    assert len(maps) == len(found.strides) - 1
    total = np.ones(axes, int)
    for level, scores in enumerate(maps):
        assert scores.shape[1:-1] == tuple(np.array(found.patch) // total)
        total *= np.array(found.strides[level])
    loss = deep_supervision(cross_entropy_loss)
    assert jax.eval_shape(loss, maps, labels).shape == ()
    odd = jax.ShapeDtypeStruct((1, *(np.array(found.patch) + 1), 1), np.float32)
    assert jax.eval_shape(network.apply, variables, odd).shape == (*odd.shape[:-1], 4)
    with pytest.raises(ValueError, match="deep supervision needs a size"):
        jax.eval_shape(trained, variables, odd)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("axes", "planes", "least"),
    [(2, False, 1 / 2), (3, False, 1 / 2), (3, True, 1 / 3)],
    ids=["images", "volumes", "volumes by planes"],
)
def test_memory_is_estimated_to_within_a_factor(axes, planes, least, monkeypatch):
    """Against the compiler's own figure for a step with Adam.

    Volumes by planes take more: each plane of a kernel keeps the planes that it meets.
    """
    if not planes:
        monkeypatch.setattr(layers, "convolution", lambda _: lax.conv_general_dilated)
    found = plan(*THICK, num_classes=4, axes=axes, width=16)
    batch = 2
    fixed, each = memory_bytes(
        found.patch, found.strides, found.kernels, num_classes=4, channels=1, width=16,
        max_width=found.max_width,
    )  # fmt: skip
    network = build_model("unet", 4, norm="instance", **found.fields())
    images = jax.ShapeDtypeStruct((batch, *found.patch, 1), jnp.float32)
    labels = jax.ShapeDtypeStruct(images.shape[:-1], jnp.int32)
    adam = optax.adam(1e-3)

    def step(variables, state, images, labels):
        def value(variables):
            maps = network.apply(variables, images, train=True)
            return deep_supervision(cross_entropy_loss)(maps, labels)

        updates, state = adam.update(jax.grad(value)(variables), state)
        return optax.apply_updates(variables, updates), state

    variables = jax.eval_shape(network.init, jax.random.key(0), images)
    state = jax.eval_shape(adam.init, variables)
    compiled = jax.jit(step, donate_argnums=(0, 1)).lower(
        variables, state, images, labels
    )
    used = compiled.compile().memory_analysis()
    total = used.temp_size_in_bytes + used.argument_size_in_bytes
    assert least < (fixed + batch * each) / total < 2
