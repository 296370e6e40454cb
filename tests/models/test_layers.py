"""Own layers against Flax's and XLA's plain ones, value and gradient."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.models.group_norm import GroupNorm
from jaxseg.models.layers import (
    UpConv,
    fill_up,
    max_blocks,
    mean_blocks,
    repeat_blocks,
)
from tests.models.gradients import array, value_and_gradients


@pytest.mark.parametrize("groups", [1, 3, 12])
@pytest.mark.parametrize("size", [(5, 4), (3, 2, 4)])
def test_group_norm_is_that_of_flax(groups, size):
    with jax.enable_x64():
        x = array((2, *size, 12), dtype=np.float64) * 3 + 50
        params = {"scale": array((12,), 1, np.float64), "bias": array((12,), 2)}
        params["bias"] = params["bias"].astype(np.float64)
        flax = nn.GroupNorm(groups, use_fast_variance=False)
        found, wanted = (
            value_and_gradients(lambda p, x, m=m: m.apply({"params": p}, x), params, x)
            for m in (GroupNorm(groups), flax)
        )
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9),
            found,
            wanted,
        )


def test_group_norm_in_half_precision_and_of_a_constant_image():
    x = array((2, 6, 6, 8)).astype(jnp.bfloat16)
    norm = GroupNorm(4)
    params = norm.init(jax.random.key(0), x)
    half = norm.apply(params, x)
    assert half.dtype == jnp.bfloat16
    whole = norm.apply(params, x.astype(np.float32))
    np.testing.assert_allclose(half.astype(np.float32), whole, atol=0.02)
    flat, grads = value_and_gradients(
        lambda x: norm.apply(params, x), jnp.full((1, 4, 4, 8), 7.0)
    )
    assert not flat.any()
    assert np.isfinite(grads[0]).all()


def test_coming_up_is_a_transposed_convolution():
    x = array((2, 3, 4, 5))
    up = UpConv(6, (2, 3))
    params = up.init(jax.random.key(0), x)["params"]
    params["bias"] = array((6,), 3)
    found = up.apply({"params": params}, x)
    assert found.shape == (2, 6, 12, 6)
    kernel = params["kernel"].reshape(5, 2, 3, 6)  # in, two rows, three columns, out
    for row, column in ((0, 0), (1, 2)):
        wanted = x @ kernel[:, row, column] + params["bias"].reshape(1, 1, 1, 6)
        np.testing.assert_allclose(
            found[:, row::2, column::3], wanted, rtol=1e-5, atol=1e-5
        )


def test_blocks_by_hand():
    x = jnp.arange(12.0).reshape(1, 2, 6, 1)
    assert max_blocks(x, (2, 3))[0, ..., 0].tolist() == [[8, 11]]
    assert mean_blocks(x, (1, 3))[0, ..., 0].tolist() == [[1, 4], [7, 10]]
    two = repeat_blocks(jnp.array([[[[1.0], [2.0]]]]), (2, 2))
    assert two[0, ..., 0].tolist() == [[1, 1, 2, 2]] * 2
    filled = fill_up(jnp.array([[[1.0], [2.0], [3.0]]]), (4,))
    assert filled[0, :, 0].tolist() == [1, 2, 3, 3]
