"""Scores of single lesions: against panoptica and BraTS' evaluator, and by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from jaxseg.metrics.lesions import (
    Froc,
    brats_scores,
    find_lesions,
    froc,
    lesion_dice,
    lesion_f1,
    lesion_scores,
    panoptic_quality,
)
from tests.metrics.lesion_pairs import COUNT, challenge_of, random_pair

ROWS = json.loads((Path(__file__).parent / "goldens/lesions.json").read_text())["rows"]
BRATS = {
    "BraTS-GLI": {"dilation": 3, "smallest": 50},
    "BraTS-MEN": {"dilation": 1, "smallest": 50},
    "BraTS-MET": {"dilation": 1, "smallest": 2},
}


def test_a_thousand_pairs_equal_panoptica():
    """Four neighbours in 2D and 26 in 3D, its defaults; without a lesion it has nan."""
    assert len(ROWS) == COUNT
    for index, row in enumerate(ROWS):
        pred, true = random_pair(index)
        connectivity = 1 if true.ndim == 2 else 3
        found = lesion_scores(pred, true, connectivity=connectivity, empty="nan")
        assert [found.true, found.predicted, found.matched] == row[:3]
        # A quality of no match is 0 there where there is any lesion.
        qualities = [found.panoptic_quality, found.recognition_quality]
        if found.true or found.predicted:
            np.testing.assert_allclose(qualities, [row[3], row[5]], atol=1e-6)
            quality = np.nan_to_num(found.segmentation_quality)
            np.testing.assert_allclose(quality, row[4], atol=1e-6)
        else:
            assert np.isnan(qualities).all()


def test_volumes_equal_the_evaluator_of_brats():
    """Dice and counts of all; surfaces of some, since they take longer."""
    volumes = [k for k in range(COUNT) if len(random_pair(k)[0].shape) == 3]
    assert len(volumes) == COUNT // 3
    for index in volumes:
        dice, hd95, *counts = ROWS[index][7:]
        surfaces = index < 40
        options = BRATS[challenge_of(index)]
        found = brats_scores(*random_pair(index), hd95=surfaces, **options)
        np.testing.assert_allclose(found.dice, dice, atol=1e-6)
        numbers = found.true_positives, found.false_negatives, found.false_positives
        assert list(numbers) == counts
        if surfaces:
            assert found.hd95 is not None
            np.testing.assert_allclose(found.hd95, hd95, rtol=1e-6)


PRED = np.array([[1, 1, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 0]], bool)
TRUE = np.array([[1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1]], bool)


def test_two_lesions_and_a_false_one_by_hand():
    """Sizes 4 and 2 found by 3 and 2, of which 3 and 1 are shared; one is invented."""
    lesions = find_lesions(PRED, TRUE)
    assert lesions.true.tolist() == [4, 2]
    assert lesions.predicted.tolist() == [3, 1, 2]
    assert lesions.overlaps.tolist() == [[3, 0, 0], [0, 0, 1]]
    scores = lesion_scores(PRED, TRUE)
    assert (scores.matched, scores.found, scores.right) == (1, 2, 2)  # IoU 3/4 and 1/3
    np.testing.assert_allclose(scores.segmentation_quality, 3 / 4)
    np.testing.assert_allclose(scores.recognition_quality, 2 / 5)
    assert panoptic_quality(PRED, TRUE) == pytest.approx(3 / 4 * 2 / 5)
    assert lesion_dice(PRED, TRUE) == pytest.approx((6 / 7 + 2 / 4 + 0) / 3)
    assert (scores.sensitivity, scores.precision) == (1, 2 / 3)
    assert lesion_f1(PRED, TRUE) == pytest.approx(2 * 2 / 3 / (1 + 2 / 3))
    lower = lesion_scores(PRED, TRUE, threshold=1 / 3)
    assert lower.matched == 2
    both = brats_scores(PRED, TRUE, dilation=0, smallest=2)
    assert (both.dice, both.false_positives) == (pytest.approx((6 / 7 + 0) / 2), 1)


def test_one_rule_for_what_is_empty():
    nothing = np.zeros_like(TRUE)
    for score in (panoptic_quality, lesion_dice, lesion_f1):
        assert score(nothing, nothing) == 1
        assert np.isnan(score(nothing, nothing, empty="nan"))
        assert score(nothing, TRUE) == score(TRUE, nothing) == 0
        assert score(TRUE, TRUE) == 1
    assert brats_scores(nothing, nothing, hd95=True).hd95 == 0
    assert brats_scores(nothing, TRUE, smallest=0, hd95=True).hd95 == 374
    with pytest.raises(ValueError, match="above 0 and at most 1, not 0"):
        panoptic_quality(PRED, TRUE, threshold=0)
    with pytest.raises(ValueError, match="of 2 axes is 1 to 2, not 3"):
        lesion_f1(PRED, TRUE, connectivity=3)
    with pytest.raises(ValueError, match="probability > 0.5"):
        lesion_dice(PRED * 0.5, TRUE)


def test_a_free_response_curve_by_hand():
    probs = np.array([0.9, 0.0, 0.6, 0.0, 0.3, 0.0])
    true = np.array([0, 0, 1, 0, 1, 1], bool)
    curve = froc(probs, true, thresholds=(0.2, 0.5, 0.8))
    assert curve.found.tolist() == [2, 1, 0]
    assert curve.false.tolist() == [1, 1, 1]
    clean = froc(0 * probs, true, thresholds=(0.2, 0.5, 0.8))
    pooled = curve + clean
    np.testing.assert_allclose(pooled.sensitivity, [2 / 4, 1 / 4, 0])
    np.testing.assert_allclose(pooled.false_per_image, [1 / 2] * 3)
    # At 1/8 and 1/4 false ones an image nothing is found, then half of the lesions.
    np.testing.assert_allclose(pooled.score(), 5 / 7 * 1 / 2)
    with pytest.raises(ValueError, match="same thresholds"):
        _ = curve + froc(probs, true)
    none = Froc(np.array([0.5]), np.array([0]), np.array([0]), 0, 1)
    assert np.isnan(none.score())
