"""The topological loss: by hand, its gradient, and what it refuses."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import links
from jaxseg.losses import per_image, topological_loss

HILLS = np.array(  # two hills, 0.9 and 0.6, with a saddle of 0.3; a pond of 0.2
    [
        [0.11, 0.12, 0.13, 0.14, 0.15],
        [0.81, 0.70, 0.82, 0.16, 0.17],
        [0.83, 0.20, 0.90, 0.30, 0.60],
        [0.84, 0.85, 0.86, 0.18, 0.19],
    ]
)


def _loss(probs, labels, **options):
    return topological_loss(
        jnp.asarray(probs, float)[..., None], labels, link=links.identity, **options
    )


def test_a_hill_and_a_pond_too_many_by_hand():
    """The higher hill lasts down to 0, the lower to the saddle, the pond to its rim."""
    one_part = np.zeros(HILLS.shape, int)
    one_part[1, 0] = 1
    hill, lower, pond = 0.9, 0.6 - 0.3, 0.7 - 0.2
    np.testing.assert_allclose(
        _loss(HILLS, one_part), 1 - hill**2 + lower**2 + pond**2, rtol=1e-6
    )
    ring = np.pad(np.ones((3, 3), int), ((1, 0), (0, 2)))
    ring[2, 1] = 0
    right = 1 - hill**2 + lower**2 + 1 - pond**2
    np.testing.assert_allclose(_loss(HILLS, ring), right, rtol=1e-6)
    both = 1 - hill**2 + 1 - lower**2 + pond**2
    np.testing.assert_allclose(_loss(HILLS, ring, betti=[(2, 0)]), both, rtol=1e-6)


def test_the_gradient_meets_critical_pixels_alone():
    """Of the hills, the saddle, the pond and its rim; by differences in float64."""
    with jax.enable_x64():
        loss = jax.jit(lambda probs: _loss(probs, jnp.zeros(HILLS.shape, int)))
        slope = np.asarray(jax.grad(loss)(jnp.asarray(HILLS)))
        expected = np.zeros(HILLS.shape)
        expected[2, 2] = 2 * 0.9
        expected[2, 4], expected[2, 3] = 2 * 0.3, -2 * 0.3
        expected[1, 1], expected[2, 1] = 2 * 0.5, -2 * 0.5
        np.testing.assert_allclose(slope, expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(5, 6), (3, 4, 3)], ids=str)
def test_the_gradient_is_that_of_differences_away_from_ties(shape):
    with jax.enable_x64():
        rng = np.random.default_rng(0)
        logits = jnp.asarray(rng.permutation(2 * np.prod(shape)) / 20.0 - 1.5)
        logits = logits.reshape(*shape, 2)
        labels = jnp.asarray(rng.integers(0, 2, shape))
        where = jnp.asarray(rng.random(shape) < 0.9)
        ways = jnp.eye(logits.size).reshape(-1, *logits.shape)

        @jax.jit
        def both(logits):
            def loss(logits):
                return topological_loss(
                    logits, labels, where=where, spatial=len(shape), link=links.sigmoid
                )

            steps = logits[None] + 1e-5 * jnp.concatenate([ways, -ways])
            up, down = jnp.split(jax.lax.map(loss, steps), 2)
            return jax.grad(loss)(logits), (up - down) / 2e-5

        slope, differences = both(logits)
        assert np.count_nonzero(slope) >= 10
        np.testing.assert_allclose(slope.reshape(-1), differences, atol=1e-8)


def test_masked_pixels_are_as_outside_of_the_image():
    """A ring whose pond is masked is right without a hole; a masked wall parts it."""
    ring = np.pad(np.ones((3, 3), int), 1)
    ring[2, 2] = 0
    assert _loss(ring, ring) == 0
    assert _loss(ring, ring, betti=[(1, 0)]) == 1
    where = np.ones(ring.shape, bool)
    where[2, 2] = False
    assert _loss(ring, ring, where=where) == 0
    assert _loss(ring, ring, where=where, betti=[(1, 0)]) == 0
    where[:, 2] = False
    assert _loss(ring, ring, where=where) == 0
    assert _loss(ring, ring, where=where, betti=[(1, 0)]) == 1


def test_given_numbers_and_no_pixel():
    """Given numbers ask nothing of an image without a pixel that counts."""
    probs = jnp.asarray(HILLS)[..., None]
    options = {"betti": [(1, 1)], "link": links.identity}
    none = jnp.zeros(HILLS.shape, int)
    assert topological_loss(probs, none, where=none > 0, **options) == 0
    batch = jnp.stack([probs, probs])
    labels = jnp.stack([none, none])
    where = jnp.stack([none == 0, none > 0])
    found = per_image(topological_loss)(batch, labels, where=where, **options)
    np.testing.assert_allclose(found, topological_loss(probs, none, **options))
    wrong: list[Any] = [[1, 0], [(1, 0), (1, 0)], [(0.5, 0)], [(-1, 0)]]
    for betti in wrong:
        with pytest.raises(ValueError, match=r"1 pairs of whole numbers >= 0, not"):
            topological_loss(probs, none, betti=betti, link=links.identity)
