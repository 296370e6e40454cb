"""Lifetimes of parts and holes, against GUDHI's and by hand."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.persistence import lifetimes
from tests.persistence_images import COUNT, SHAPES, random_levels

ROWS = json.loads((Path(__file__).parent / "goldens/persistence.json").read_text())


def _pairs(levels, lasting):
    """Level and lifetime of what lasts, in the order of the numbers."""
    lasts = lasting > 0
    return sorted(zip(levels[lasts], lasting[lasts], strict=True))


def test_a_thousand_images_equal_gudhi():
    """Levels are whole numbers below 128: float32 is exact."""
    assert len(ROWS["rows"]) == COUNT
    program = jax.jit(jax.vmap(lifetimes))
    for first, shape in enumerate(SHAPES):
        chosen = range(first, COUNT, len(SHAPES))
        levels = np.stack([random_levels(index) for index in chosen])
        assert levels.shape[1:] == shape
        found = jax.tree.map(np.asarray, program(jnp.asarray(levels, jnp.float32)))
        for index, image, parts, holes in zip(chosen, levels, *found, strict=True):
            for lasting, row in zip((parts, holes), ROWS["rows"][index], strict=True):
                pairs = [tuple(p) for p in np.reshape(row, (-1, 2)) if p[1]]
                assert _pairs(image, lasting) == pairs, index


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(48, 64), (12, 14, 16)], ids=str)
def test_images_without_ties_equal_gudhi_live(shape):
    """Where GUDHI is installed; ten images each, from noise to ever smoother ones."""
    gudhi = pytest.importorskip("gudhi")
    rng = np.random.default_rng(0)
    program = jax.jit(lifetimes)
    for passes in range(10):
        image = rng.random(shape)
        for axis in range(len(shape)):
            for _ in range(passes):
                image = (image + np.roll(image, 1, axis)) / 2
        image = image.astype(np.float32)
        complex_ = gudhi.CubicalComplex(top_dimensional_cells=-image.astype(float))
        complex_.compute_persistence()
        for lasting, axis in zip(program(image), (0, len(shape) - 1), strict=True):
            bars = complex_.persistence_intervals_in_dimension(axis)
            expected = np.minimum(bars[:, 1], 0) - bars[:, 0]
            lasting = np.asarray(lasting)
            np.testing.assert_allclose(
                np.sort(lasting[lasting > 0]),
                np.sort(expected[expected > 0]),
                rtol=1e-6,
            )


def test_two_hills_and_a_pond_by_hand():
    """The lower hill ends at the saddle, the pond at the lowest of its rim."""
    image = np.full((5, 7), 0.0)
    image[1:4, 1:4] = 0.9  # a ring of 0.9 around a pond of 0.2
    image[2, 2], image[1, 2] = 0.2, 0.7
    image[2, 4], image[2, 5] = 0.3, 0.6  # a saddle to a hill
    parts, holes = map(np.asarray, lifetimes(jnp.asarray(image, jnp.float32)))
    np.testing.assert_allclose(np.sort(parts, axis=None)[-3:], [0, 0.3, 0.9], 1e-6)
    np.testing.assert_allclose(parts[2, 5], 0.6 - 0.3, rtol=1e-6)
    np.testing.assert_allclose(holes[2, 2], 0.7 - 0.2, rtol=1e-6)
    assert (holes > 0).sum() == 1


def test_what_is_outside_of_the_image_is_neither_part_nor_rim():
    ring = np.pad(np.ones((3, 3), np.float32), 1)
    ring[2, 2] = 0.25
    inside = np.ones(ring.shape, bool)
    assert lifetimes(jnp.asarray(ring), jnp.asarray(inside))[1].max() == 0.75
    inside[1, 2] = False  # the pond runs out
    parts, holes = lifetimes(jnp.asarray(ring), jnp.asarray(inside))
    assert holes.max() == 0
    assert np.sort(parts, axis=None)[-2:].tolist() == [0, 1]


def test_a_masked_wall_parts_what_it_lies_between():
    row = jnp.array([0.9, 0.5, 0.8])
    parts, _ = lifetimes(row)
    np.testing.assert_allclose(parts, [0.9, 0, 0.8 - 0.5], rtol=1e-6)
    parts, _ = lifetimes(row, jnp.array([True, False, True]))
    np.testing.assert_allclose(parts, [0.9, 0, 0.8], rtol=1e-6)
