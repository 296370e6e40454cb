"""Each way of convolving on a CPU against XLA's own, value and both gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxseg.models import convolutions
from jaxseg.models.convolutions import conv_on_cpu, images
from jaxseg.models.layers import conv
from tests.models.gradients import array, value_and_gradients

NUMBERS = {2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}

CASES = {
    # size, channels, features, kernel, strides, dilation, groups
    "dense": ((9, 11), 4, 6, (3, 3), (1, 1), 1, 1),
    "dense, uneven strides": ((9, 12), 4, 6, (3, 5), (2, 1), 1, 1),
    "depthwise": ((7, 8), 5, 5, (3, 3), (1, 1), 1, 5),
    "depthwise of five": ((6, 5), 3, 3, (5, 5), (1, 1), 1, 3),
    "depthwise, half the size": ((8, 10), 4, 4, (3, 3), (2, 2), 1, 4),
    "depthwise, odd, halved": ((9, 7), 4, 4, (5, 5), (2, 2), 1, 4),
    "depthwise, a third, dilated": ((11, 9), 2, 2, (3, 3), (3, 3), 2, 2),
    "depthwise, uneven": ((8, 9), 3, 3, (5, 3), (1, 2), 1, 3),
    "depthwise, dilated": ((9, 12), 4, 4, (5, 5), (1, 1), 2, 4),
    "depthwise, one row": ((1, 6), 4, 4, (3, 3), (1, 1), 1, 4),
    "one pixel": ((5, 6), 4, 7, (1, 1), (1, 1), 1, 1),
    "one pixel, halved": ((5, 6), 4, 7, (1, 1), (2, 2), 1, 1),
    "few a group": ((6, 7), 8, 12, (3, 3), (1, 1), 1, 4),
    "few a group, halved": ((6, 7), 8, 8, (3, 3), (2, 2), 1, 4),
    "many a group": ((6, 7), 12, 4, (3, 3), (1, 1), 1, 2),
    "many a group, halved, dilated": ((9, 8), 10, 10, (3, 3), (2, 2), 2, 2),
    "groups of one pixel": ((4, 4), 12, 6, (1, 1), (1, 1), 1, 2),
    "volume of one channel": ((7, 6, 8), 1, 8, (3, 3, 3), (1, 1, 1), 1, 1),
    "volume": ((7, 6, 8), 8, 8, (3, 3, 3), (1, 1, 1), 1, 1),
    "volume, flat kernel": ((7, 6, 8), 8, 8, (3, 3, 1), (2, 2, 1), 1, 1),
    "volume, kernel of a plane": ((7, 6, 8), 8, 8, (1, 3, 3), (1, 2, 2), 1, 1),
    "volume, dilated": ((7, 6, 8), 8, 8, (3, 3, 3), (2, 1, 2), 2, 1),
    "volume, groups": ((7, 6, 8), 8, 8, (5, 1, 1), (1, 1, 1), 1, 4),
    "volume, depthwise": ((5, 6, 4), 8, 8, (3, 3, 3), (1, 2, 2), 1, 8),
    "volume of one voxel": ((3, 4, 5), 8, 4, (1, 1, 1), (1, 1, 1), 1, 1),
}


def both_ways(case, dtype=np.float32):
    """The value and gradients here, and by XLA, in the case's settings."""
    size, channels, features, kernel, strides, dilation, groups = case
    x = array((2, *size, channels), 0, dtype)
    w = array((*kernel, channels // groups, features), 1, dtype)
    padding = [(dilation * (k // 2), dilation * (k // 2)) for k in kernel]
    options = dict(
        rhs_dilation=(dilation,) * len(size),
        feature_group_count=groups,
        dimension_numbers=NUMBERS[len(size)],
    )
    return (
        value_and_gradients(
            lambda x, w, f=f: f(x, w, strides, padding, **options), x, w
        )
        for f in (conv_on_cpu, lax.conv_general_dilated)
    )


def assert_close(found, wanted, tolerance):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance),
        found,
        wanted,
    )


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_way_is_that_of_xla(case):
    assert_close(*both_ways(case), 1e-4)


@pytest.mark.parametrize("name", ["depthwise, odd, halved", "few a group"])
def test_double_precision_is_kept(name):
    with jax.enable_x64():
        found, wanted = both_ways(CASES[name], np.float64)
        assert found[0].dtype == np.float64
        assert_close(found, wanted, 1e-12)


@pytest.mark.parametrize("name", ["depthwise", "few a group", "many a group"])
def test_half_precision_sums_in_single(name):
    found, _ = both_ways(CASES[name], jnp.bfloat16)
    wanted, _ = both_ways(CASES[name])
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert a.dtype == jnp.bfloat16
        scale = np.abs(b).max()
        np.testing.assert_allclose(a.astype(np.float32) / scale, b / scale, atol=0.02)


def test_a_depthwise_convolution_by_hand():
    x = jnp.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
    x = jnp.concatenate([x, 10 * x], axis=-1)
    w = jnp.zeros((3, 3, 1, 2)).at[1, 1].set(1.0).at[0, 1, 0, 1].set(1.0)
    found = conv_on_cpu(x, w, (1, 1), [(1, 1)] * 2, feature_group_count=2)
    assert found[0, ..., 0].tolist() == [[1, 2], [3, 4]]  # itself
    assert found[0, ..., 1].tolist() == [[10, 20], [40, 60]]  # with the row above


def test_gradients_of_gradients_go_through():
    size, channels, features, kernel, strides, _, groups = CASES["depthwise"]
    x = array((1, *size, channels))
    w = array((*kernel, 1, features), 1)

    def by(convolve):
        def total(w):
            found = convolve(
                x, w, strides, [(1, 1)] * 2, feature_group_count=groups,
                dimension_numbers=NUMBERS[2],
            )  # fmt: skip
            return (found**3).sum()

        def slopes(w):
            return (jax.grad(total)(w) ** 2).sum()

        return jax.jit(jax.grad(slopes))(w)

    found, wanted = by(conv_on_cpu), by(lax.conv_general_dilated)
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_large_images_keep_xlas_gradient_whole(monkeypatch):
    calls = []
    monkeypatch.setattr(
        images, "dense", lambda x, kernel, window, together: calls.append(together)
    )
    for size in (8, 128):
        x, w = jnp.zeros((4, size, size, 1)), jnp.zeros((3, 3, 1, 2))
        conv_on_cpu(x, w, (1, 1), [(1, 1)] * 2)
    assert calls == [1, 4]


def test_layers_take_xlas_own_on_accelerators(monkeypatch):
    monkeypatch.setattr(convolutions.jax, "default_backend", lambda: "gpu")
    assert conv(4, (3, 3)).conv_general_dilated is lax.conv_general_dilated
    monkeypatch.undo()
    assert conv(4, (3, 3)).conv_general_dilated is conv_on_cpu
