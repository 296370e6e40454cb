"""What broke on other people's masks and probabilities, with the right values."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import metrics
from jaxseg.metrics.calibration import calibration_counts, calibration_scores
from jaxseg.metrics.case_surfaces import SurfaceOptions, case_surfaces
from jaxseg.metrics.means import defined_mean
from jaxseg.metrics.overlap import case_scores, mask_counts
from jaxseg.metrics.surface import (
    SURFELS,
    VOXELS_MAXIMUM,
    class_surface_scores,
    surface_scores,
)

SQUARE = np.zeros((40, 40), bool)
SQUARE[4:27, 8:31] = True
SHIFTED = np.roll(SQUARE, 5, axis=0)
FURTHER = {"nsd": (1.0,), "f_beta": (2.0,)}
"""Arguments after the two masks."""


def of_two_masks(name):
    return lambda pred, true: getattr(metrics, name)(pred, true, *FURTHER.get(name, ()))


TWO_MASKS = [*map(of_two_masks, metrics.__all__), surface_scores]


def test_masks_of_0_and_255():
    """Shifted by 5: Hausdorff 0, HD95 inf, NSD 1; right are 5, 5 and 0.456."""
    grey = [255 * mask.astype(np.uint8) for mask in (SHIFTED, SQUARE)]
    for score in TWO_MASKS:
        for kind in (np.asarray, jnp.asarray):
            with pytest.raises(ValueError, match="uint8 with the value 255.*mask > 0"):
                score(*map(kind, grey))
        with pytest.raises(ValueError, match="traced uint8"):
            jax.jit(score)(*grey)
    found = surface_scores(*(mask > 0 for mask in grey), definition=SURFELS)
    assert (found.hausdorff, found.hd95) == (5, 5)
    np.testing.assert_allclose(found.nsd, 0.456, atol=5e-4)
    ones = [mask.astype(np.int32) for mask in (SHIFTED, SQUARE)]
    assert metrics.hd95(*ones) == 5  # 0 and 1 are a mask


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray])
def test_probabilities_and_other_floats_for_masks(kind):
    """The truth times 0.9999: Dice 0.667 by NumPy and 1 by JAX."""
    true, soft = kind(SQUARE), kind(SQUARE * np.float32(0.9999))
    for score in TWO_MASKS:
        with pytest.raises(ValueError, match="float32.*probability > 0.5"):
            score(soft, true)
        with pytest.raises(ValueError, match="float32"):
            score(true, kind(SQUARE.astype(np.float32)))
    ids = kind(SQUARE.astype(np.int32))
    for score in (
        lambda a, b: mask_counts(a, b, 2),
        lambda a, b: class_surface_scores(a, b, 2),
        lambda a, b: case_surfaces(a, b, 2, options=SurfaceOptions()),
        lambda a, b: calibration_counts(jnp.ones((*SQUARE.shape, 2)) / 2, a),
    ):
        with pytest.raises(ValueError, match="whole numbers.*float32"):
            score(soft, ids)


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray])
def test_true_ids_that_are_no_class_are_refused(kind):
    ids = np.array([[0, 1, 3], [0, 255, 1]])
    with pytest.raises(ValueError, match=r"id 3, not one of 0 to 1.*void=255"):
        mask_counts(kind(np.minimum(ids, 1)), kind(ids), 2)
    found = mask_counts(kind(ids), kind(np.where(ids == 3, 1, ids)), 2)
    # A predicted id that is no class is a miss.
    np.testing.assert_array_equal(found.false_negatives, [0, 1])


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray])
def test_calibration_of_scores_that_are_no_probabilities(kind):
    """Scores had an ECE of 3.46."""
    scores = np.array([[3.0, -1.0], [0.5, 0.5]], np.float32)
    ids = kind(np.array([0, 1]))
    with pytest.raises(ValueError, match=r"probability is in \[0, 1\], not (3|-1)"):
        calibration_counts(kind(scores), ids)
    where = kind(np.array([False, True]))
    kept = calibration_scores(calibration_counts(kind(scores), ids, where=where))
    np.testing.assert_allclose(kept.brier, 0.5)
    traced = jax.jit(calibration_counts)(scores, np.array([0, 1]))
    assert np.isnan(calibration_scores(traced).ece)
    with pytest.raises(ValueError, match="id 2, not one of 0 to 1"):
        calibration_counts(kind(scores / 4 + 0.25), kind(np.array([0, 2])))


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray])
def test_calibration_of_a_network_that_diverged(kind):
    probs = np.array([[np.nan, np.nan], [0.5, 0.5]], np.float32)
    counts = calibration_counts(kind(probs), kind(np.array([0, 1])))
    scores = calibration_scores(counts)
    for value in (scores.ece, scores.classwise_ece, scores.brier):
        assert np.isnan(value)


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray])
def test_calibration_of_one_class_under_a_sigmoid(kind):
    """It was scored as if it were always predicted: 0.527 where 0.137 is right."""
    foreground = np.array([0.9, 0.2, 0.6, 0.1], np.float32)[:, None]
    ids = kind(np.array([1, 0, 0, 0]))
    two = np.concatenate([1 - foreground, foreground], axis=-1)
    one, both = (
        calibration_scores(calibration_counts(kind(p), ids)) for p in (foreground, two)
    )
    # Confidences 0.9, 0.8, 0.6, 0.9, of which the third is wrong.
    np.testing.assert_allclose(one.ece, (2 * 0.1 + 0.2 + 0.6) / 4, rtol=1e-5)
    chex.assert_trees_all_close(one, both, rtol=1e-6)
    assert one.ece_by_class.shape == (2,)


NOTHING = np.zeros((6, 8), bool)
SOME = np.zeros((6, 8), bool)
SOME[2:4, 3:6] = True


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray])
@pytest.mark.parametrize("empty", ["one", "nan"])
def test_one_vocabulary_for_what_is_empty(empty, kind):
    """A missed object is 0 in overlap and surface alike, whatever neither mask is.

    There was no rule with 0 for a missed class and nan for none, so that a mean of NSD
    dropped exactly the missed objects.
    """
    nothing, some = kind(NOTHING), kind(SOME)
    agreed = {"one": 1.0, "nan": np.nan}[empty]

    def dice(pred, true):
        return metrics.dice(pred, true, empty=empty)

    def nsd(pred, true):
        return metrics.nsd(pred, true, 1.0, empty=empty)

    for score in (dice, nsd):
        assert float(score(nothing, some)) == float(score(some, nothing)) == 0
        np.testing.assert_equal(float(score(nothing, nothing)), agreed)
        assert float(score(some, some)) == 1
    for distance in (metrics.hausdorff, metrics.hd95, metrics.assd):
        np.testing.assert_equal(
            float(distance(nothing, nothing, empty=empty)),
            0 if empty == "one" else np.nan,
        )
        for missed, value in (("diagonal", 10), ("infinite", np.inf), ("nan", np.nan)):
            found = distance(nothing, some, empty=empty, missed=missed)
            np.testing.assert_equal(float(found), value)
    ids = (
        np.stack([NOTHING, NOTHING]).astype(int),
        np.stack([SOME, NOTHING]).astype(int),
    )
    cases = [
        case_surfaces(*pair, 2, options=SurfaceOptions(empty=empty))
        for pair in zip(*ids, strict=True)
    ]
    mean = defined_mean(np.stack([case.nsd[1:] for case in cases]))
    assert mean.mean == (0.5 if empty == "one" else 0)
    overlaps = [
        case_scores(mask_counts(*pair, 2), empty=empty)
        for pair in zip(*ids, strict=True)
    ]
    mean = defined_mean(np.stack([case.dice[1:] for case in overlaps]))
    assert mean.mean == (0.5 if empty == "one" else 0)


@pytest.mark.parametrize("shape", [(0, 4), (3, 0, 4)], ids=str)
def test_images_without_a_pixel_hold_two_empty_masks(shape):
    none = np.zeros(shape, bool)
    for kind in (np.asarray, jnp.asarray):
        assert metrics.dice(kind(none), kind(none)) == 1
        assert metrics.hd95(kind(none), kind(none)) == 0
        assert metrics.nsd(kind(none), kind(none), 1.0) == 1


def test_spacing_and_tolerance_that_are_traced():
    """A study over cases with their own spacing compiles one program."""
    traces = []

    @jax.jit
    def score(pred, true, spacing, tolerance):
        traces.append(spacing)
        found = surface_scores(pred, true, spacing=spacing, tolerance=tolerance)
        near = metrics.nsd(pred, true, tolerance, spacing)
        return found, near, metrics.volume_difference(pred, SOME, spacing)

    moved = np.roll(SOME, 1, axis=0)
    for spacing in ((1.0, 1.0), (2.0, 1.0), (2.0, 3.0)):
        found, near, volume = score(moved, SOME, spacing, 1.5)
        plain = surface_scores(moved, SOME, spacing=spacing, tolerance=1.5)
        for name in ("hausdorff", "hd95", "assd", "nsd"):
            np.testing.assert_allclose(getattr(found, name), getattr(plain, name))
        assert near == plain.nsd
        assert tuple(found.spacing) == spacing
        assert volume == 0
    assert len(traces) == 1


def test_a_batch_is_mapped():
    batch = np.stack([SOME, np.roll(SOME, 2, axis=1)])
    found = jax.vmap(lambda p: metrics.hd95(p, jnp.asarray(SOME)))(batch)
    np.testing.assert_allclose(found, [0, 2])


@pytest.mark.parametrize("definition", ["monai", "medpy", "surface_distance"])
def test_the_door_and_the_table_agree(definition):
    from jaxseg.metrics.surface import DEFINITIONS

    spacing = (2.0, 1.0)
    pred = np.roll(SQUARE, (3, 1), (0, 1)) | np.eye(40, dtype=bool)
    options = {"spacing": spacing, "definition": definition}
    table = surface_scores(
        pred, SQUARE, spacing=spacing, definition=DEFINITIONS[definition]
    )
    assert metrics.hausdorff(pred, SQUARE, **options) == table.hausdorff
    assert metrics.hausdorff(pred, SQUARE, percentile=95, **options) == table.hd95
    assert metrics.hd95(pred, SQUARE, **options) == table.hd95
    assert metrics.assd(pred, SQUARE, **options) == table.assd
    assert metrics.nsd(pred, SQUARE, 1.0, **options) == table.nsd
    with pytest.raises(ValueError, match="definition is one of monai, medpy"):
        metrics.hd95(pred, SQUARE, definition="scipy")
    assert surface_scores(pred, SQUARE).definition == VOXELS_MAXIMUM.name


def test_scores_of_two_masks_by_hand():
    """2 hits, 1 false alarm, 2 misses, 5 rightly outside."""
    pred = np.array([[0, 1, 1, 1, 0], [0, 0, 0, 0, 0]], bool)
    true = np.array([[0, 0, 1, 1, 1], [0, 0, 0, 1, 0]], bool)
    surfaces = {"hausdorff", "hd95", "assd", "nsd"}  # see test_surface
    for kind in (np.asarray, jnp.asarray):
        p, t = kind(pred), kind(true)
        by_hand = (
            (metrics.dice, 4 / 7),
            (metrics.iou, 2 / 5),
            (metrics.sensitivity, 2 / 4),
            (metrics.precision, 2 / 3),
            (metrics.specificity, 5 / 6),
            (metrics.accuracy, 7 / 10),
            (metrics.balanced_accuracy, (1 / 2 + 5 / 6) / 2),
            (metrics.kappa, (7 / 10 - 54 / 100) / (1 - 54 / 100)),
            (metrics.matthews, (2 * 5 - 1 * 2) / np.sqrt(3 * 4 * 6 * 7)),
            (metrics.volume_difference, 1),
        )
        named = {score.__name__ for score, _ in by_hand} | {"f_beta"} | surfaces
        assert named == set(metrics.__all__), "a metric that no hand has computed"
        for score, value in by_hand:
            np.testing.assert_allclose(score(p, t), value, rtol=1e-6)
        np.testing.assert_allclose(
            metrics.f_beta(p, t, 2), 10 / (10 + 8 + 1), rtol=1e-6
        )
        np.testing.assert_allclose(
            metrics.volume_difference(p, t, spacing=(2.0, 0.5)), 1.0
        )
