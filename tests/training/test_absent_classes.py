"""A class that a data set lacks scores neither for nor against a network."""

import numpy as np
import pytest

from jaxseg.metrics.case_surfaces import SurfaceOptions
from jaxseg.training.evaluation import Evaluation

TRUE = np.array([[1, 1, 0, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize("empty", ["one", "nan"])
@pytest.mark.parametrize("invented", [False, True])
def test_an_absent_class_is_left_out_of_every_mean(empty, invented):
    """With class 2 absent a Dice of 2/3 became (2/3 + 1) / 2 under the rule "one"."""
    predicted = np.array([[1, 0, 0, 0], [0, 0, 0, 2 * invented]])
    evaluation = Evaluation(3, empty, SurfaceOptions())
    evaluation.add("a", predicted, TRUE)
    evaluation.add("free", np.zeros_like(TRUE), np.zeros_like(TRUE))
    summary = evaluation.summary()
    assert summary.absent_classes == [2]
    assert summary.dice == pytest.approx(2 / 3)
    assert summary.jaccard == pytest.approx(1 / 2)
    assert summary.dice_by_class == [pytest.approx(2 / 3), None]
    assert summary.all_background == 0
    assert summary.all_foreground == pytest.approx(2 * 2 / (2 + 8))
    background = 2 * (14 - invented) / (14 + 15 - invented)
    assert summary.pooled_dice == pytest.approx((background + 2 / 3) / 2)
    assert summary.surfaces is not None
    alone = Evaluation(2, empty, SurfaceOptions())
    alone.add("a", np.where(predicted == 2, 0, predicted), TRUE)
    kept = alone.summary().surfaces
    assert kept is not None
    assert summary.surfaces["means"] == kept["means"]


def test_nothing_is_left_out_where_every_class_occurs():
    evaluation = Evaluation(3)
    evaluation.add("a", TRUE, TRUE)
    evaluation.add("b", np.full_like(TRUE, 2), np.full_like(TRUE, 2))
    summary = evaluation.summary()
    assert summary.absent_classes == []
    assert summary.dice == 1
    assert summary.dice_by_class == [1, 1]
