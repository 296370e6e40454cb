"""Surface scores of cases: other libraries' numbers, and the faults they have not."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.metrics import hausdorff
from jaxseg.metrics.case_surfaces import SURFACE_SCORES, SurfaceOptions, case_surfaces
from jaxseg.metrics.surface import (
    DEFINITIONS,
    Samples,
    percentile_of_directions,
    surface_scores,
)
from jaxseg.training.evaluation import Evaluation
from tests.metrics.compare_surfaces import TOLERANCE
from tests.metrics.surface_pairs import random_pair, volume_pair

GOLDENS = json.loads((Path(__file__).parent / "goldens/surface_pairs.json").read_text())
RANDOM = [int(name.split()[0]) for name in GOLDENS if "/" not in name]
FLAT_AND_DEEP = (1, 4)  # shapes with spacings 1:10
VOLUMES = [name for name in GOLDENS if "/" in name]
every_definition = pytest.mark.parametrize("library", DEFINITIONS)


def scores(pair, library):
    found = case_surfaces(
        pair.predicted,
        pair.actual,
        pair.num_classes,
        options=SurfaceOptions(definition=library, tolerance=TOLERANCE),
        spacing_mm=pair.spacing,
    )
    return np.stack([getattr(found, name)[1:] for name in SURFACE_SCORES], axis=1)


def assert_equals_golden(pair, library):
    expected = np.array(GOLDENS[pair.name][library], float)
    found = scores(pair, library)
    for k, name in enumerate(SURFACE_SCORES):
        if np.isnan(expected[:, k]).all():
            assert (library, name) == ("medpy", "nsd")  # it has none
            continue
        # MONAI's place of a percentile among distances is rounded to float32.
        rtol = 2e-5 if (library, name) == ("monai", "hd95") else 1e-6
        np.testing.assert_allclose(
            found[:, k], expected[:, k], rtol=rtol, err_msg=f"{pair.name} {name}"
        )


@every_definition
def test_random_pairs_equal_the_library(library):
    chosen = [index for index in RANDOM if index % 6 in FLAT_AND_DEEP]
    assert len(chosen) > 40
    for index in chosen:
        assert_equals_golden(random_pair(index), library)


@pytest.mark.slow
@every_definition
def test_more_random_pairs_equal_the_library(library):
    for index in RANDOM:
        assert_equals_golden(random_pair(index), library)


@every_definition
@pytest.mark.parametrize(
    "names",
    [
        pytest.param([n for n in VOLUMES if n.startswith("hippocampus")][:2], id="two"),
        pytest.param(VOLUMES, id="all", marks=pytest.mark.slow),
    ],
)
def test_volumes_equal_the_library(library, names, real_data):
    for name in names:
        assert_equals_golden(volume_pair(real_data, name), library)


@pytest.fixture(scope="module")
def disc():
    """Ids 0, 1 and 3 of 4, in a corner of an image, with void pixels."""
    rows, columns = np.mgrid[:20, :24]
    actual = ((rows - 5) ** 2 + (columns - 6) ** 2 < 16).astype(np.uint8)
    actual[2:4, 10:13] = 3
    predicted = np.roll(actual, 2, axis=1)
    actual[:, 15:17] = 255
    return predicted, actual


@every_definition
def test_cutting_and_filling_up_change_nothing(library, disc):
    predicted, actual = disc
    options = SurfaceOptions(definition=library)
    found = case_surfaces(predicted, actual, 4, options=options, spacing_mm=(2.0, 1.0))
    masks = [np.where(actual == 255, 0, ids) == 1 for ids in disc]
    with jax.enable_x64():
        whole = surface_scores(
            *masks, spacing=(2.0, 1.0), definition=DEFINITIONS[library]
        )
    np.testing.assert_allclose(found.hausdorff[1], whole.hausdorff, rtol=1e-12)
    np.testing.assert_allclose(found.hd95[1], whole.hd95, rtol=1e-12)
    np.testing.assert_allclose(found.assd[1], whole.assd, rtol=1e-12)
    np.testing.assert_allclose(found.nsd[1], whole.nsd, rtol=1e-12)
    assert np.isnan(found.hausdorff[0])  # background
    assert (found.hausdorff[2], found.nsd[2]) == (0, 1)  # in neither
    assert found.unit == "mm"


def test_void_pixels_belong_to_no_mask(disc):
    predicted, actual = disc
    poisoned = np.where(actual == 255, 1, predicted)
    plain, same = (
        case_surfaces(ids, actual, 4, options=SurfaceOptions())
        for ids in (predicted, poisoned)
    )
    np.testing.assert_array_equal(plain.hd95, same.hd95)
    assert plain.unit == "pixels"


def evaluated(masks, rule="diagonal"):
    options = SurfaceOptions(missed=rule)
    evaluation = Evaluation(2, surfaces=options)
    for index, (predicted, actual) in enumerate(masks):
        evaluation.add(str(index), predicted, actual)
    return evaluation.rows, evaluation.summary().surfaces


def test_a_missed_object_is_never_a_perfect_score():
    """MONAI: HD95 nan for a missed object, and the mean of nothing but nan is 0."""
    some, none = np.zeros((6, 8), np.uint8), np.zeros((6, 8), np.uint8)
    some[2:4, 3:5] = 1
    rows, summary = evaluated([(none, some), (none, some)])
    assert [row["surfaces"]["hd95"] for row in rows] == [[None, 10.0]] * 2
    assert summary["means"]["hd95"] == {"mean": 10.0, "counted": 2}
    assert summary["means"]["nsd"]["mean"] == 0
    assert (summary["missed"], summary["invented"]) == (2, 0)
    _, left_out = evaluated([(none, some), (none, some)], "nan")
    assert left_out["means"]["hd95"] == {"mean": None, "counted": 0}
    _, half = evaluated([(none, some), (some, some)])
    assert half["means"]["hd95"]["mean"] == 5


def test_percentile_0_is_the_shortest_distance():
    """MONAI takes a percentile of 0 for none and returns the longest."""
    predicted = jnp.zeros(9, bool).at[jnp.array([0, 4])].set(True)
    actual = jnp.zeros(9, bool).at[jnp.array([0, 8])].set(True)
    assert hausdorff(predicted, actual, percentile=0) == 0
    assert hausdorff(predicted, actual) == 4


def test_two_empty_masks_agree_and_one_is_worst():
    """surface-distance: HD inf and NSD nan where both are empty; MetricsReloaded: where
    one is, the distances of an image without any surface, which are not defined."""
    some, none = np.zeros((6, 8), np.uint8), np.zeros((6, 8), np.uint8)
    some[0, 0] = 1
    for options in (SurfaceOptions(definition=name) for name in DEFINITIONS):
        both = case_surfaces(none, none, 2, options=options)
        assert (both.hausdorff[1], both.hd95[1]) == (0, 0)
        assert (both.assd[1], both.nsd[1]) == (0, 1)
        for pair in ((some, none), (none, some)):
            one = case_surfaces(*pair, 2, options=options)
            assert (one.hd95[1], one.nsd[1]) == (10, 0)


@pytest.mark.slow
def test_percentiles_of_more_than_2_to_the_24_points():
    """torch.quantile refuses as many."""
    count = 2**24 + 3
    distances = jnp.arange(count, dtype=jnp.float32) / count
    samples = Samples(distances[::-1], jnp.ones(count))
    found = percentile_of_directions(samples, samples, 0.95)
    np.testing.assert_allclose(found, 0.95, rtol=1e-6)


def test_masks_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        case_surfaces(
            np.zeros((2, 3), int), np.zeros((3, 2), int), 2, options=SurfaceOptions()
        )
