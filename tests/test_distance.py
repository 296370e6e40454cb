"""Distance maps against scipy's and by hand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from jaxseg.distance import (
    _steps_by_line,
    _steps_by_tree,
    diagonal,
    distance_transform,
    signed_distance,
    squared_distance_transform,
)

CASES = [  # one of each: 1D to 4D, odd sizes, 16 bits and not, spacings to 1:10
    ((1,), None),
    ((37,), 2.5),
    ((1, 9), None),
    ((9, 1), (1.0, 10.0)),
    ((17, 24), None),
    ((13, 22), (10.0, 1.0)),
    ((301, 70), None),
    ((7, 12, 10), (0.7, 0.7, 5.0)),
    ((11, 8, 9), None),
    ((3, 4, 2, 5), (1.0, 2.0, 3.0, 4.0)),
]


MASKS = 102  # of each case: over a thousand in all


@functools.cache
def transform(spacing):
    return jax.jit(functools.partial(distance_transform, spacing=spacing))


def blob(rng, shape):
    smooth = ndimage.gaussian_filter(rng.standard_normal(shape), rng.uniform(0, 3))
    return smooth > np.quantile(smooth, rng.uniform(0.01, 0.99))


def masks_of(rng, shape):
    """A blob and its inverse, noise, one seed, one line, and the border."""
    seed, line, border = (np.ones(shape, bool) for _ in range(3))
    seed.flat[rng.integers(seed.size)] = False
    line[(..., rng.integers(shape[-1]))] = False
    border[(slice(1, -1),) * len(shape)] = False
    noise = rng.random(shape) < rng.uniform(0.5, 1)
    smooth = blob(rng, shape)
    return [m for m in (smooth, ~smooth, noise, seed, line, border) if not m.all()]


@pytest.mark.parametrize(("shape", "spacing"), CASES, ids=str)
def test_a_thousand_masks_equal_scipys(shape, spacing):
    rng = np.random.default_rng(0)
    masks = []
    while len(masks) < MASKS:
        masks += masks_of(rng, shape)
    masks = np.stack(masks[:MASKS])
    found = jax.jit(jax.vmap(transform(spacing)))(masks)
    for mask, distances in zip(masks, found, strict=True):
        expected = ndimage.distance_transform_edt(mask, sampling=spacing)
        np.testing.assert_allclose(distances, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [((37,), 2.5), ((17, 33), None), ((13, 22), (10.0, 1.0)),
     ((7, 12, 10), (0.7, 0.7, 5.0))],
    ids=str,
)  # fmt: skip
def test_distances_to_the_other_side_equal_scipys(shape, spacing):
    """From one pass, and from the two that masked pixels need."""
    rng = np.random.default_rng(1)
    masks = np.stack([m for _ in range(4) for m in masks_of(rng, shape) if m.any()])
    signed = functools.partial(signed_distance, spacing=spacing)
    found = jax.jit(jax.vmap(signed))(masks)
    two_passes = jax.jit(jax.vmap(lambda m, w: signed(m, where=w)))
    np.testing.assert_allclose(two_passes(masks, np.ones_like(masks)), found, rtol=1e-6)
    for mask, distances in zip(masks, found, strict=True):
        inside, outside = (
            ndimage.distance_transform_edt(m, sampling=spacing) for m in (mask, ~mask)
        )
        np.testing.assert_allclose(distances, outside - inside, rtol=1e-6)


def test_by_hand():
    mask = jnp.array([[1, 1, 1, 0], [1, 1, 1, 1]], bool)
    expected = np.sqrt([[9, 4, 1, 0], [9 + 4, 4 + 4, 1 + 4, 4]])
    np.testing.assert_allclose(distance_transform(mask, spacing=(2, 1)), expected)
    np.testing.assert_allclose(
        squared_distance_transform(mask, spacing=(2, 1)), expected**2, rtol=1e-6
    )


def test_signed_distance_by_hand():
    mask = jnp.array([0, 0, 1, 1, 1, 0], bool)
    np.testing.assert_array_equal(signed_distance(mask), [2, 1, -1, -2, -1, 1])
    where = jnp.array([1, 1, 1, 1, 1, 0], bool)  # no boundary on the right
    np.testing.assert_array_equal(
        signed_distance(mask, where=where), [2, 1, -1, -2, -3, 1]
    )


@pytest.mark.parametrize("spacing", [None, (2.0, 3.0)])
def test_masks_without_boundary(spacing):
    full, empty = jnp.ones((3, 5), bool), jnp.zeros((3, 5), bool)
    length = 34**0.5 if spacing is None else (6**2 + 15**2) ** 0.5
    np.testing.assert_allclose(diagonal((3, 5), spacing), length, rtol=1e-6)
    np.testing.assert_allclose(
        distance_transform(full, spacing=spacing), np.full((3, 5), length), rtol=1e-6
    )
    for mask in (full, empty):
        assert not signed_distance(mask, spacing=spacing).any()
        nothing = signed_distance(mask, spacing=spacing, where=empty)
        assert not nothing.any()
    assert not distance_transform(empty, spacing=spacing).any()
    assert distance_transform(jnp.zeros((0, 4), bool)).shape == (0, 4)


def test_whole_numbers_in_16_bits_equal_floats():
    """Known equal spacings take the first path, a traced one the second."""
    mask = blob(np.random.default_rng(2), (33, 20))
    traced = jax.jit(lambda mask, size: distance_transform(mask, spacing=size))
    for size in (1.0, 3.0):
        np.testing.assert_allclose(
            distance_transform(mask, spacing=size), traced(mask, size), rtol=1e-6
        )


def test_largest_sum_of_16_bits_does_not_wrap():
    """128^3 is the largest cube: 3 * 128^2 for no False plus 127^2 is below 2^16."""
    mask = np.ones((128, 8, 128), bool)
    mask[0, 0, 0] = False
    far = transform(None)(mask)[-1, -1, -1]
    np.testing.assert_allclose(far, (127**2 + 7**2 + 127**2) ** 0.5, rtol=1e-6)
    full = transform(None)(np.ones((128, 128, 8), bool))
    np.testing.assert_allclose(full, np.full_like(full, 32832**0.5), rtol=1e-6)


def test_one_result_under_jit_vmap_pmap_and_shard_map():
    rng = np.random.default_rng(3)
    masks = np.stack([blob(rng, (6, 7)) for _ in range(8)])
    expected = np.stack([ndimage.distance_transform_edt(m) for m in masks])
    mesh = jax.sharding.Mesh(np.array(jax.devices()), ("d",))
    split = jax.sharding.PartitionSpec("d")
    batched = jax.vmap(distance_transform)
    strict = jax.shard_map(batched, mesh=mesh, in_specs=split, out_specs=split)
    for route in (jax.jit(batched), jax.pmap(distance_transform), jax.jit(strict)):
        np.testing.assert_allclose(route(masks), expected, rtol=1e-6)
    np.testing.assert_allclose(distance_transform(masks[0]), expected[0], rtol=1e-6)


def test_sweeps_and_trees_count_the_same_steps():
    """CPU's way and the other backends'."""
    tiles = jnp.asarray(blob(np.random.default_rng(6), (2, 15, 11)))
    tiles = tiles.at[0, :, 3].set(True)
    lines, tree = _steps_by_line(tiles), _steps_by_tree(tiles)
    np.testing.assert_array_equal(lines, tree)
    assert lines.max() == 15  # of the column without any False


def test_float64_when_it_is_on():
    mask = blob(np.random.default_rng(4), (9, 14))
    with jax.enable_x64():
        found = distance_transform(mask, spacing=(0.1, 0.3))
        assert found.dtype == jnp.float64
    expected = ndimage.distance_transform_edt(mask, sampling=(0.1, 0.3))
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_memory_is_linear_in_the_image():
    """A few images of room, whatever the number of sources."""
    mask = jnp.ones((4, 512, 256), bool)
    compiled = jax.jit(jax.vmap(distance_transform)).lower(mask).compile()
    analysis = compiled.memory_analysis()
    assert analysis.temp_size_in_bytes < 5 * 4 * mask.size


def test_no_gradient_flows():
    mask = blob(np.random.default_rng(5), (5, 6))
    slope = jax.grad(lambda size: distance_transform(mask, spacing=size).sum())
    assert not slope(jnp.array([1.0, 2.0])).any()


@pytest.mark.parametrize(
    ("mask", "spacing", "part"),
    [
        (np.ones((2, 2)), None, "bool array"),
        (np.bool_(True), None, "at least one axis"),
        (np.ones((2, 2), bool), (1.0, 2.0, 3.0), "each of its 2 axes"),
        (np.ones((2, 2), bool), (1.0, 0.0), "positive"),
    ],
)
def test_what_is_no_mask_or_spacing_is_refused(mask, spacing, part):
    with pytest.raises(ValueError, match=part):
        distance_transform(mask, spacing=spacing)
    with pytest.raises(ValueError, match="shape"):
        signed_distance(np.ones(3, bool), where=np.ones(4, bool))


def test_accelerators_get_a_program_too():
    """Lowered, not run: on a CPU machine it can be no more."""
    mask = jax.ShapeDtypeStruct((9, 14), jnp.bool_)
    traced = jax.jit(signed_distance).trace(mask)
    for platform in ("cuda", "tpu"):
        text = traced.lower(lowering_platforms=(platform,)).as_text()
        assert text.count("stablehlo.while") == 1  # one min-plus, no sweeps by line
    assert traced.lower(lowering_platforms=("cpu",)).as_text().count("while") > 1
