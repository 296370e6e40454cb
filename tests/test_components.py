"""Connected components against SciPy's and by hand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from jaxseg import components
from jaxseg.components import component_sizes, connected_components, first_pixels

SHAPES = [  # with a connectivity each; 1120 masks in all
    ((40,), 1),
    ((1, 9), 2),
    ((33, 33), 1),
    ((33, 33), 2),
    ((7, 12, 10), 1),
    ((7, 12, 10), 2),
    ((7, 12, 10), 3),
    ((3, 4, 2, 5), 2),
]
MASKS = 140


@functools.cache
def labels_of(connectivity):
    return jax.jit(
        jax.vmap(functools.partial(connected_components, connectivity=connectivity))
    )


def spiral(n):
    """A path of one pixel that winds inwards, with one pixel between its turns."""
    mask = np.zeros((n, n), bool)
    place, way = np.zeros(2, int), np.array([0, 1])
    mask[0, 0] = True
    for length in np.repeat(np.arange(n - 1, 0, -2), 2):
        for _ in range(length):
            place += way
            if (place < 0).any() or (place >= n).any():
                return mask
            mask[tuple(place)] = True
        way = way[::-1] * (1, -1)
    return mask


def comb(n):
    mask = np.zeros((n, n), bool)
    mask[:, ::2] = mask[-1] = True
    return mask


def snake(n):
    mask = np.zeros((n, n), bool)
    mask[::2] = mask[1::4, -1] = mask[3::4, 0] = True
    return mask


def maze(rng, n):
    """A spanning tree of random corridors: one component with long ways."""
    mask = np.zeros((n, n), bool)
    cells = n // 2 + 1
    seen, stack = {(0, 0)}, [(0, 0)]
    mask[0, 0] = True
    while stack:
        i, j = stack[-1]
        near = [(i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)]
        near = [c for c in near if min(c) >= 0 and max(c) < cells and c not in seen]
        if not near:
            stack.pop()
            continue
        k, m = near[rng.integers(len(near))]
        mask[2 * k, 2 * m] = mask[i + k, j + m] = True
        seen.add((k, m))
        stack.append((k, m))
    return mask


def adversaries(rng, shape):
    chequered = np.indices(shape).sum(0) % 2 == 0
    found = [np.zeros(shape, bool), np.ones(shape, bool), chequered, ~chequered]
    if len(shape) == 2 and shape[0] == shape[1]:
        n = shape[0]
        drawn = [spiral(n), comb(n), snake(n), maze(rng, n)]
        for mask in (*drawn, *(~m for m in drawn)):
            found += [mask, mask.T, mask[::-1], mask[:, ::-1]]
    return found


def random_masks(rng, shape, count):
    for _ in range(count):
        smooth = ndimage.gaussian_filter(
            rng.standard_normal(shape), rng.choice([0, 0, 1, 2])
        )
        yield smooth > np.quantile(smooth, rng.uniform(0.05, 0.95))


@pytest.mark.parametrize(("shape", "connectivity"), SHAPES, ids=str)
def test_a_thousand_masks_are_labelled_as_by_scipy(shape, connectivity):
    rng = np.random.default_rng(0)
    masks = adversaries(rng, shape)
    masks = np.stack([*masks, *random_masks(rng, shape, MASKS - len(masks))])
    structure = ndimage.generate_binary_structure(len(shape), connectivity)
    expected = np.zeros(masks.shape, np.int32)
    for mask, labels in zip(masks, expected, strict=True):
        ndimage.label(mask, structure, output=labels)
    found = labels_of(connectivity)(masks)
    assert found.dtype == jnp.int32
    np.testing.assert_array_equal(found, expected)


def test_labels_by_hand():
    mask = jnp.array([[1, 0, 1], [0, 1, 0], [0, 1, 1]], bool)
    assert connected_components(mask).tolist() == [[1, 0, 2], [0, 3, 0], [0, 3, 3]]
    assert connected_components(mask, connectivity=2).max() == 1
    assert component_sizes(connected_components(mask), 4).tolist() == [1, 1, 3, 0]
    assert component_sizes(connected_components(mask), 2).tolist() == [1, 1]
    assert first_pixels(mask).tolist() == [[0, 9, 2], [9, 4, 9], [9, 4, 4]]


@pytest.mark.parametrize("draw", [spiral, comb, snake], ids=lambda f: f.__name__)
def test_long_ways_take_few_rounds(draw, monkeypatch):
    """About as the logarithm of the way: 800 pixels of a spiral in at most 9 rounds."""
    mask = draw(41)
    rounds = 0

    def while_loop(unfinished, one_round, state):
        nonlocal rounds
        while unfinished(state):
            state, rounds = one_round(state), rounds + 1
        return state

    monkeypatch.setattr(components.lax, "while_loop", while_loop)
    for turned in (mask, mask.T, mask[::-1, ::-1]):
        rounds = 0
        assert connected_components(turned).max() == 1
        assert rounds <= 9


@pytest.mark.parametrize("shape", [(0,), (0, 4), (3, 0, 4)], ids=str)
def test_images_without_a_pixel_have_no_component(shape):
    assert connected_components(np.zeros(shape, bool)).shape == shape


def test_what_is_no_mask_or_connectivity_is_refused():
    with pytest.raises(ValueError, match="bool array.*int32"):
        connected_components(np.zeros((2, 2), np.int32))
    for connectivity in (0, 3):
        with pytest.raises(
            ValueError, match=f"of 2 axes is 1 to 2, not {connectivity}"
        ):
            connected_components(np.zeros((2, 2), bool), connectivity=connectivity)
