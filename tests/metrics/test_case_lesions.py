"""Lesions of cases of several classes, regions, void and partly annotated ones."""

import csv
import io

import numpy as np
import pytest

from jaxseg.cli.evaluate import csv_of
from jaxseg.metrics.case_lesions import LesionOptions, case_lesions
from jaxseg.training.evaluation import Evaluation

ACTUAL = np.array([[1, 1, 0, 2, 2], [0, 0, 0, 0, 0], [1, 0, 255, 0, 2]])
PREDICTED = np.array([[1, 1, 0, 0, 2], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0]])


def test_each_class_alone_without_void_pixels():
    """The predicted 1 lies on void; of each class one lesion of two is found."""
    case = case_lesions(
        PREDICTED, ACTUAL, [[1], [2]], options=LesionOptions(), void=255
    )
    np.testing.assert_array_equal(case.values("true"), [np.nan, 2, 2])
    np.testing.assert_array_equal(case.values("predicted"), [np.nan, 1, 1])
    np.testing.assert_allclose(case.values("dice")[1:], [1 / 2, (2 / 3) / 2])
    stored = case.to_json()
    assert stored["sizes"] == [None, [2, 1], [2, 1]]
    assert stored["dice_by_lesion"][1] == [1, 0]


@pytest.mark.parametrize("regions", [(), ((1, 2), (2,))], ids=["classes", "regions"])
def test_evaluations_count_what_is_annotated(regions):
    options = LesionOptions(threshold=0.5)
    evaluation = Evaluation(3, regions=regions, lesions=options)
    evaluation.add("whole", PREDICTED, ACTUAL)
    known = np.array([True, False]) if regions else np.array([True, True, False])
    evaluation.add("part", PREDICTED, ACTUAL, annotated=known)
    found = evaluation.summary().to_json()["lesions"]
    # All of the first case, and of the second what it has annotated.
    first = 4 if regions else 2
    assert found["true"] == 2 * first + 2
    assert sum(part["lesions"] for part in found["by_size"]) == found["true"]
    assert evaluation.rows[1]["lesions"]["true"][2] is None
    assert evaluation.rows[0]["lesions"]["true"] == [None, first, 2]
    lines = list(csv.DictReader(io.StringIO(csv_of(evaluation.rows))))
    assert [line["lesions_true"] for line in lines][:3] == ["", str(first), "2"]


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_a_table_has_classes_and_not_axes(classes):
    """Voxels have three sizes, as many as the classes or not."""
    evaluation = Evaluation(classes)
    masks = np.arange(2 * 3 * 4).reshape(2, 3, 4) % classes
    evaluation.add("volume", masks, masks, spacing_mm=(1.0, 2.0, 3.0))
    lines = list(csv.DictReader(io.StringIO(csv_of(evaluation.rows))))
    assert [line["class"] for line in lines] == [str(c) for c in range(classes)]
    assert {line["dice"] for line in lines} == {"1.0"}
    assert "spacing_mm" not in lines[0]


def test_a_data_set_by_size():
    """Six lesions of sizes 1 to 6, of which those of 1, 2 and 4 are missed."""
    actual = np.zeros((11, 6), int)
    for size in range(1, 7):
        actual[2 * size - 2, :size] = 1
    predicted = actual.copy()
    predicted[[0, 2, 6]] = 0
    predicted[1, 5] = 1
    evaluation = Evaluation(2, lesions=LesionOptions())
    evaluation.add("six", predicted, actual)
    found = evaluation.summary().lesions
    assert found is not None
    assert (found["sensitivity"], found["precision"]) == (3 / 6, 3 / 4)
    np.testing.assert_allclose(found["f1"], 2 * 3 / 8 / (3 / 6 + 3 / 4))
    assert [part["found"] for part in found["by_size"]] == [0, 1 / 2, 1]
    assert [part["largest"] for part in found["by_size"]] == [2, 4, 6]
    np.testing.assert_allclose(found["means"]["dice"]["mean"], 3 / 7)
    assert Evaluation(2).lesions is None
