"""Scores of cases that are annotated for some classes, or regions, alone."""

import numpy as np

from jaxseg.metrics.case_surfaces import SurfaceOptions
from jaxseg.training.evaluation import Evaluation

ACTUAL = np.array([[0, 1, 1, 0], [0, 1, 255, 0]])
PREDICTED = np.array([[0, 1, 2, 2], [0, 1, 2, 0]])


def test_what_is_not_annotated_counts_as_background_and_in_no_mean():
    evaluation = Evaluation(3)
    known = np.array([True, True, False])
    evaluation.add("part", PREDICTED, ACTUAL, annotated=known)
    evaluation.add("whole", np.array([[2, 2, 1]]), np.array([[2, 0, 1]]))
    part, whole = evaluation.rows
    np.testing.assert_allclose(part["dice"][:2], [2 * 4 / (4 + 5), 2 * 2 / (3 + 2)])
    assert part["dice"][2] is None
    assert part["predicted_pixels"] == [5, 2, None]
    np.testing.assert_allclose(whole["dice"], [0, 1, 2 / 3])
    summary = evaluation.summary()
    np.testing.assert_allclose(summary.dice_by_class, [(0.8 + 1) / 2, 2 / 3])
    np.testing.assert_allclose(summary.dice, (0.8 + (1 + 2 / 3) / 2) / 2)


def test_regions_that_are_not_annotated_count_in_no_mean():
    regions = ((1, 2), (2,))
    evaluation = Evaluation(3, surfaces=SurfaceOptions(), regions=regions)
    known = np.array([True, False])
    evaluation.add("part", PREDICTED, ACTUAL, annotated=known)
    evaluation.add("whole", np.array([[2, 2, 1]]), np.array([[2, 0, 1]]))
    part, whole = evaluation.rows
    assert (part["dice"][0], part["dice"][2]) == (None, None)
    np.testing.assert_allclose(part["dice"][1], 2 * 3 / (4 + 3))
    np.testing.assert_allclose(whole["dice"], [0, 2 * 2 / 5, 2 / 3])
    assert part["surfaces"]["hausdorff"][2] is None
    assert part["surfaces"]["hausdorff"][1] == 1
    summary = evaluation.summary()
    np.testing.assert_allclose(summary.dice_by_class, [(6 / 7 + 4 / 5) / 2, 2 / 3])
    assert summary.surfaces["means"]["hausdorff"]["counted"] == 2


def test_calibration_of_regions_is_that_of_yes_and_no():
    probs = np.array([[[0.9, 0.3], [0.2, 0.1]]])
    evaluation = Evaluation(3, regions=((1, 2), (2,)))
    evaluation.add("x", np.array([[1, 0]]), np.array([[2, 0]]), probs=probs)
    brier = np.array([0.1, 0.7, 0.2, 0.1]) ** 2
    found = evaluation.summary().calibration["brier"]
    np.testing.assert_allclose(found, 2 * brier.mean(), rtol=1e-6)
