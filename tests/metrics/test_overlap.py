"""Scores of masks by hand, with the rule for empty ones; summaries over cases."""

import json

import numpy as np
import pytest

from jaxseg.metrics.overlap import case_scores, mask_counts
from jaxseg.training.evaluation import Evaluation

ACTUAL = np.array([[0, 0, 1, 1, 1], [0, 0, 0, 1, 255]], np.uint8)
PREDICTED = np.array([[0, 1, 1, 1, 0], [0, 0, 0, 0, 1]], np.uint8)


def test_scores_by_hand():
    scores = case_scores(mask_counts(PREDICTED, ACTUAL, 2))
    # Foreground: 2 hits, 1 false alarm (the other lies on void), 2 misses.
    assert scores.dice[1] == pytest.approx(4 / 7)
    assert scores.jaccard[1] == pytest.approx(2 / 5)
    assert scores.sensitivity[1] == pytest.approx(2 / 4)
    assert scores.precision[1] == pytest.approx(2 / 3)
    np.testing.assert_array_equal(scores.actual_pixels, [5, 4])
    np.testing.assert_array_equal(scores.predicted_pixels, [6, 3])
    assert not scores.lesion_free
    json.dumps(scores.to_json())


def test_empty_masks_follow_the_stated_rule():
    nothing = np.zeros((2, 3), np.uint8)
    both = case_scores(mask_counts(nothing, nothing, 3))
    np.testing.assert_array_equal(both.dice, 1)
    assert both.lesion_free
    assert both.empty_rule == "one"
    missed = case_scores(mask_counts(nothing, nothing + 1, 3))
    np.testing.assert_array_equal(missed.dice, [0, 0, 1])
    invented = case_scores(mask_counts(nothing + 2, nothing, 3))
    np.testing.assert_array_equal(invented.dice, [0, 1, 0])
    void = case_scores(mask_counts(nothing, nothing + 255, 3))
    np.testing.assert_array_equal(void.dice, 1)


def test_summary_separates_cases_with_and_without_lesions():
    evaluation = Evaluation(2)
    evaluation.add("sick", PREDICTED, ACTUAL)
    free = np.zeros((2, 5), np.uint8)
    evaluation.add("healthy", free, free)
    evaluation.add("false alarm", free + np.eye(2, 5, dtype=np.uint8), free)
    summary = evaluation.summary()
    assert (summary.cases, summary.lesion_free) == (1, 2)
    assert summary.dice == pytest.approx(4 / 7)
    assert summary.dice_spread is None
    assert summary.rejected == pytest.approx(1 / 2)
    assert summary.false_positive_share == pytest.approx((0 + 2 / 10) / 2)
    assert summary.all_background == 0
    assert summary.all_foreground == pytest.approx(2 * 4 / (9 + 4))
    pooled = [2 / (2 + 3 + 2), (4 + 10 + 8) / (4 + 10 + 8 + 2 + 1 + 2)]
    assert summary.pooled_jaccard == pytest.approx(np.mean(pooled))
    assert [row["lesion_free"] for row in evaluation.rows] == [False, True, True]


def test_naive_predictions_of_several_classes():
    evaluation = Evaluation(3)
    actual = np.array([[0, 0, 1, 2, 2]], np.uint8)
    evaluation.add("case", actual, actual)
    summary = evaluation.summary()
    assert summary.dice == 1
    # Class 2 everywhere: Dice 4 / 7 for it and 0 for class 1.
    assert summary.all_foreground == pytest.approx(2 / 7)
    assert summary.dice_by_class == [1, 1]


def test_summary_holds_every_index_with_how_many_cases_counted():
    evaluation = Evaluation(3, empty="nan")
    actual = np.array([[0, 0, 1, 1], [0, 0, 0, 0]], np.uint8)
    absent = evaluation.add("no class 2", actual, actual)
    assert absent.dice[1] == absent.foreground_dice == 1
    found = np.array([[0, 0, 1, 2], [0, 0, 0, 2]], np.uint8)
    evaluation.add("both", found, np.where(found == 1, 2, found))
    summary = evaluation.summary()
    # The second case: class 1 invented, class 2 two hits and a miss.
    assert summary.dice == pytest.approx((1 + (0 + 4 / 5) / 2) / 2)
    assert summary.dice_by_class == pytest.approx([1 / 2, 4 / 5])
    assert summary.means["dice"] == {"mean": summary.dice, "counted": 2}
    sensitivity = (1 + 2 / 3) / 2  # of class 1 in the second case there is none
    assert summary.means["sensitivity"]["mean"] == pytest.approx(sensitivity)
    assert summary.empty_rule == "nan"
    assert summary.rejected is None
    json.dumps([evaluation.rows, summary.to_json()], allow_nan=False)


def test_summary_of_the_challenge_and_of_probabilities():
    evaluation = Evaluation(2)
    probs = np.stack([1 - 0.75 * PREDICTED, 0.75 * PREDICTED], -1)
    scores = evaluation.add(
        "sick", PREDICTED, ACTUAL, probs=probs, spacing_mm=(0.5, 0.5)
    )
    assert scores.volume_difference_mm3[1] == 1 / 4
    free = np.zeros((2, 5), np.uint8)
    evaluation.add("healthy", free, free, probs=np.stack([1 - free, free], -1))
    summary = evaluation.summary()
    assert summary.challenge["score"] == pytest.approx((4 / 7 + 1) / 2)
    assert summary.challenge["rejected"] == 1 / 2
    assert summary.challenge["empty_rule"] == "challenge"
    # Of 19 pixels 6 + 10 are sure to be background, 2 of them wrongly; 3 are 3/4 sure
    # to be foreground, one of them wrongly.
    assert summary.calibration is not None
    assert summary.calibration["pixels"] == 19
    ece = (abs(14 - 16) + abs(2 - 3 * 0.75)) / 19
    assert summary.calibration["ece"] == pytest.approx(ece)
    brier = 2 * (2 * 1 + 2 * 0.25**2 + 0.75**2) / 19
    assert summary.calibration["brier"] == pytest.approx(brier)
    assert Evaluation(2).rows == []


def test_cases_of_lesion_free_images_alone_have_no_mean():
    free = np.zeros((2, 5), np.uint8)
    for empty in ("one", "nan"):
        evaluation = Evaluation(2, empty=empty)
        evaluation.add("healthy", free, free)
        summary = evaluation.summary()
        assert (summary.cases, summary.lesion_free) == (0, 1)
        for value in (summary.dice, summary.dice_spread, summary.all_background):
            assert value is None
        assert summary.means["dice"] == {"mean": None, "counted": 0}
        assert (summary.rejected, summary.false_positive_share) == (1, 0)
        assert summary.calibration is None
        json.dumps(summary.to_json(), allow_nan=False)
