"""The U-Net: shapes, any size, depth and width, and what a pixel can see."""

import jax
import numpy as np
import pytest

from jaxseg.models.layers import count_parameters
from jaxseg.models.norms import NORMS
from jaxseg.models.unet import UNet


def apply(network, images):
    params = jax.jit(network.init)(jax.random.key(0), images)
    return jax.jit(network.apply)(params, images), params


@pytest.mark.parametrize("norm", sorted(NORMS))
def test_scores_have_the_size_of_the_images(norm):
    network = UNet(4, depth=2, width=4, norm=NORMS[norm])
    images = np.random.default_rng(0).random((2, 13, 18, 3)).astype(np.float32)
    scores, params = apply(network, images)
    assert scores.shape == (2, 13, 18, 4)
    assert np.isfinite(scores).all()
    assert np.std(scores) > 1e-3
    for size in [(16, 16), (8, 5), (1, 1)]:
        shape = jax.eval_shape(network.apply, params, images[:, :1, :1].repeat(
            size[0], 1).repeat(size[1], 2)).shape  # fmt: skip
        assert shape == (2, *size, 4)


def test_depth_and_width_are_what_they_say():
    images = np.zeros((1, 16, 16, 1), np.float32)
    sizes = [
        count_parameters(
            jax.eval_shape(UNet(2, depth=d, width=w).init, jax.random.key(0), images)
        )
        for d, w in ((1, 4), (2, 4), (2, 8))
    ]
    assert sizes[0] < sizes[1] < sizes[2]
    # depth 1, width 4: (1->4, 4->4) + (4->8, 8->8) + up 8->4 + (8->4, 4->4) + 4->2
    convs = [(1, 4), (4, 4), (4, 8), (8, 8), (8, 4), (4, 4)]
    expected = sum(9 * a * b for a, b in convs)  # the norm has the offset
    expected += sum(2 * b for _, b in convs)  # scale and offset of each norm
    expected += 4 * 8 * 4 + 4 + 4 * 2 + 2
    assert sizes[0] == expected


def test_images_of_a_batch_do_not_see_each_other():
    rng = np.random.default_rng(0)
    images = rng.random((3, 16, 16, 1)).astype(np.float32)
    network = UNet(2, depth=2, width=4)
    scores, params = apply(network, images)
    changed = images.copy()
    changed[1] = rng.random((16, 16, 1))
    other = jax.jit(network.apply)(params, changed)
    np.testing.assert_allclose(other[0], scores[0], rtol=1e-5, atol=1e-6)
    assert np.abs(other[1] - scores[1]).max() > 1e-3
