"""Surface distances against other libraries' stored numbers, SciPy, and by hand."""

import functools
import itertools
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from jaxseg.distance import distance_transform
from jaxseg.metrics import hausdorff
from jaxseg.metrics.empty import EMPTY_VALUES, MISSED_RULES
from jaxseg.metrics.surface import (
    SURFELS,
    VOXELS_MAXIMUM,
    VOXELS_POOLED,
    class_surface_scores,
    inner_border,
    surface_scores,
    surfels,
)
from jaxseg.metrics.surfels import surfel_areas
from tests.metrics.surface_masks import CASES, KINDS, pair
from tests.metrics.surface_pairs import read_nifti

GOLDENS = json.loads((Path(__file__).parent / "goldens/surface.json").read_text())
LIBRARIES = {
    "monai": VOXELS_MAXIMUM,
    "MedPy": VOXELS_POOLED,
    "surface-distance": SURFELS,
}
every_case = pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.slow if case in ("square", "cube") else ())
        for case in CASES
    ],
)


@functools.cache
def scored(definition, spacing):
    return jax.jit(
        functools.partial(
            surface_scores,
            definition=definition,
            spacing=spacing,
            tolerance=GOLDENS["tolerance"],
        )
    )


@functools.cache
def at_two_percentiles(definition, spacing):
    options = {"spacing": spacing, "definition": definition}

    def both(predicted, actual):
        lower = hausdorff(predicted, actual, percentile=47, **options)
        return lower, scored(definition, spacing)(predicted, actual)

    return jax.jit(both)


@every_case
@pytest.mark.parametrize("library", LIBRARIES)
def test_equals_the_library_of_the_definition(library, case):
    definition, spacing = LIBRARIES[library], CASES[case][1]
    for kind in KINDS:
        masks = pair(case, kind)
        golden = GOLDENS["scores"][f"{case} {kind}"][library]
        lower, found = at_two_percentiles(definition, spacing)(*masks)
        values = {"robust_47": lower, "robust_95": found.hd95}
        if library == "surface-distance":
            for name, mask in zip(("predicted", "actual"), masks, strict=True):
                sizes = jnp.asarray(spacing)
                values[f"{name}_area"] = surfels(mask, sizes).sum()
        for name, expected in golden.items():
            value = values.get(name, getattr(found, name, None))
            np.testing.assert_allclose(
                value, expected, rtol=2e-5, err_msg=f"{kind} {name}"
            )


@every_case
def test_distances_equal_those_of_edt(case):
    for kind in KINDS:
        _, actual = pair(case, kind)
        golden = GOLDENS["scores"][f"{case} {kind}"]["edt"]
        places = np.arange(actual.size) / actual.size
        for side, mask in (("inside", actual), ("outside", ~actual)):
            found = np.asarray(distance_transform(mask, spacing=CASES[case][1]))
            expected = golden[f"sum_{side}"], golden[f"place_{side}"]
            np.testing.assert_allclose(
                (found.sum(), found.ravel() @ places), expected, rtol=1e-5
            )


@pytest.mark.parametrize("shape", [(9,), (7, 8), (5, 4, 6)], ids=str)
def test_border_is_the_mask_without_its_erosion(shape):
    mask = np.random.default_rng(0).random(shape) < 0.8
    expected = mask & ~ndimage.binary_erosion(mask)
    found = inner_border(jnp.asarray(mask), jnp.ones(len(shape)))
    np.testing.assert_array_equal(found, expected)


def test_two_squares_by_hand():
    """A 1 x 2 block and the pixel two to its right, in a row of pixels 1 x 3 mm."""
    actual = jnp.zeros((3, 6), bool).at[1, 1:3].set(True)
    predicted = jnp.zeros((3, 6), bool).at[1, 4].set(True)
    found = scored(VOXELS_MAXIMUM, (1.0, 3.0))(predicted, actual)
    assert found.hausdorff == 9  # from the left pixel
    assert found.from_predicted == 6
    assert found.from_actual == 7.5
    assert found.assd == 7
    assert found.nsd == 0
    np.testing.assert_allclose(found.hd95, 6 + 0.95 * 3, rtol=1e-6)
    pooled = scored(VOXELS_POOLED, (1.0, 3.0))(predicted, actual)
    np.testing.assert_allclose(pooled.hd95, 6 + 0.9 * 3, rtol=1e-6)
    assert pooled.assd == 7
    assert pooled.spacing == (1.0, 3.0)
    assert pooled.definition == VOXELS_POOLED.name


def test_surface_elements_by_hand():
    """One pixel is a rhombus between the middles of its sides' neighbours' edges.

    Around it lie 4 corner points, each cut by half a diagonal; a voxel has 8 corner
    points, each cut by a triangle between three middles of edges.
    """
    one = jnp.zeros((3, 3), bool).at[1, 1].set(True)
    sizes = jnp.array([1.0, 10.0])
    np.testing.assert_allclose(
        surfels(one, sizes).sum(), 4 * np.hypot(0.5, 5), rtol=1e-6
    )
    voxel = jnp.zeros((3, 3, 3), bool).at[1, 1, 1].set(True)
    edges = np.array([[-0.5, 1, 0], [-0.5, 0, 5]])
    triangle = np.linalg.norm(np.cross(*edges)) / 2
    np.testing.assert_allclose(
        surfels(voxel, jnp.array([1.0, 2.0, 10.0])).sum(), 8 * triangle, rtol=1e-6
    )
    np.testing.assert_array_equal(surfels(jnp.array([0, 1, 1], bool), jnp.ones(1)),
                                  [0, 1, 0, 1])  # fmt: skip


def test_areas_are_the_same_from_both_sides_and_turned():
    areas = np.asarray(surfel_areas(jnp.ones(3)))
    assert areas[0] == areas[255] == 0
    np.testing.assert_allclose(areas[::-1], areas, rtol=1e-6)
    corners = list(itertools.product((0, 1), repeat=3))
    for axes in itertools.permutations(range(3)):
        order = [corners.index(tuple(c[a] for a in axes)) for c in corners]
        turned = [
            sum((code >> bit & 1) << order[bit] for bit in range(8))
            for code in range(256)
        ]
        np.testing.assert_allclose(areas[turned], areas, rtol=1e-6)


def test_area_of_a_ball():
    """Marching cubes overestimates a sphere's area by under a tenth, here by half."""
    grid = np.indices((21, 21, 21)) - 10
    ball = jnp.asarray((grid**2).sum(0) <= 8.5**2)
    ratio = surfels(ball, jnp.ones(3)).sum() / (4 * np.pi * 8.5**2)
    assert 1 < ratio < 1.1


@functools.cache
def under_every_rule():
    """One program for all definitions and rules: they share the distances."""
    options = {"spacing": (3.0, 1.0), "tolerance": GOLDENS["tolerance"]}

    def score(predicted, actual):
        return {
            (name, empty, missed): surface_scores(
                predicted,
                actual,
                definition=definition,
                empty=empty,
                missed=missed,
                **options,
            )
            for name, definition in LIBRARIES.items()
            for empty in EMPTY_VALUES
            for missed in MISSED_RULES
        }

    return jax.jit(score)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("empty", EMPTY_VALUES)
@pytest.mark.parametrize("missed", MISSED_RULES)
def test_empty_masks(library, empty, missed):
    nothing = jnp.zeros((4, 6), bool)
    some = nothing.at[1:3, 2:5].set(True)
    names = ("hausdorff", "hd95", "from_predicted", "from_actual", "assd")
    lost = {"nan": np.nan, "infinite": np.inf, "diagonal": np.hypot(12, 6)}[missed]
    agreed = {"one": 0, "nan": np.nan}[empty]

    def score(predicted, actual):
        return under_every_rule()(predicted, actual)[library, empty, missed]

    for masks in ((nothing, some), (some, nothing)):
        found = score(*masks)
        for name in names:
            np.testing.assert_allclose(getattr(found, name), lost, rtol=1e-6)
        assert found.nsd == 0  # never left out of a mean
        assert (found.empty, found.missed) == (empty, missed)
    found = score(nothing, nothing)
    for name in names:
        np.testing.assert_equal(float(getattr(found, name)), agreed)
    np.testing.assert_equal(float(found.nsd), EMPTY_VALUES[empty])
    same = score(some, some)
    assert same.hausdorff == same.assd == same.hd95 == 0
    assert same.nsd == 1


def test_one_score_for_each_class():
    rng = np.random.default_rng(1)
    predicted, actual = rng.integers(0, 3, (2, 6, 5))
    table = class_surface_scores(
        jnp.asarray(predicted), jnp.asarray(actual), 4, definition=VOXELS_POOLED
    )
    for c in range(3):
        alone = surface_scores(predicted == c, actual == c, definition=VOXELS_POOLED)
        np.testing.assert_allclose(table.hd95[c], alone.hd95, rtol=1e-6)
    assert table.hausdorff.shape == (4,)
    assert table.hausdorff[3] == 0  # in neither mask


def test_what_cannot_be_compared_is_refused():
    mask = np.ones((2, 3), bool)
    with pytest.raises(ValueError, match="one shape"):
        surface_scores(mask, mask[:1])
    with pytest.raises(ValueError, match="percentile.*101"):
        hausdorff(mask, mask, percentile=101)
    with pytest.raises(ValueError, match="tolerance.*-1"):
        surface_scores(mask, mask, tolerance=-1)
    with pytest.raises(ValueError, match="1 to 3 axes"):
        surface_scores(mask[None, None], mask[None, None], definition=SURFELS)
    with pytest.raises(ValueError, match="empty is one of one, nan, not 'zero'"):
        surface_scores(mask, mask, empty="zero")
    with pytest.raises(ValueError, match="missed is one of diagonal, infinite, nan"):
        surface_scores(mask, mask, missed="one")


@pytest.mark.parametrize(
    "name", ["hippocampus", pytest.param("cardiac_acdc", marks=pytest.mark.slow)]
)
def test_real_masks(name, real_data):
    """SciPy's distances between borders, and its maps, on a real volume."""
    path = sorted((real_data / name / "labels").glob("*.nii.gz"))[0]
    labels, spacing = read_nifti(path)
    actual = labels == 2
    predicted = ndimage.binary_dilation(actual) & ~np.roll(actual, 3, axis=1)
    assert actual.any()
    assert predicted.any()
    for mask in (~actual, actual):
        np.testing.assert_allclose(
            distance_transform(mask, spacing=spacing),
            ndimage.distance_transform_edt(mask, sampling=spacing),
            rtol=1e-5,
        )
    borders = [m & ~ndimage.binary_erosion(m) for m in (predicted, actual)]
    to_predicted, to_actual = (
        ndimage.distance_transform_edt(~border, sampling=spacing) for border in borders
    )
    directed = to_actual[borders[0]], to_predicted[borders[1]]
    found = scored(VOXELS_MAXIMUM, spacing)(predicted, actual)
    np.testing.assert_allclose(
        found.hd95, max(np.percentile(d, 95) for d in directed), rtol=1e-5
    )
    np.testing.assert_allclose(found.from_predicted, directed[0].mean(), rtol=1e-4)
