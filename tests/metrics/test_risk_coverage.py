"""Risk-coverage curves by hand, and what no confidence and the best one reach."""

import itertools

import numpy as np
import pytest

from jaxseg.metrics.risk_coverage import risk_coverage


def test_three_images_by_hand():
    found = risk_coverage([0.9, 0.5, 0.7], [0.3, 0.6, 0.0])
    np.testing.assert_allclose(found.coverage, [1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(found.risk, [0.3, 0.3 / 2, 0.9 / 3])
    assert found.aurc == pytest.approx((0.3 + 0.15 + 0.3) / 3)
    assert found.best_aurc == pytest.approx((0 + 0.15 + 0.3) / 3)
    assert found.excess_aurc == pytest.approx(0.1)
    assert found.mean_loss == pytest.approx(0.3)


def test_equal_confidences_are_the_mean_over_orders():
    losses = np.array([0.1, 0.8, 0.4, 0.2])
    tied = risk_coverage([0.5, 0.5, 0.5, 0.9], losses)
    orders = [
        risk_coverage([0.5 + i / 100, 0.5 + j / 100, 0.5 + k / 100, 0.9], losses).risk
        for i, j, k in itertools.permutations(range(3))
    ]
    np.testing.assert_allclose(tied.risk, np.mean(orders, 0))


def test_the_best_confidence_has_no_excess_and_missing_losses_are_left_out():
    losses = np.random.default_rng(0).random(20)
    assert risk_coverage(-losses, losses).excess_aurc == pytest.approx(0)
    worst = risk_coverage(losses, losses)
    assert worst.aurc > worst.mean_loss > worst.best_aurc
    with_nan = risk_coverage(np.append(-losses, 5), np.append(losses, np.nan))
    assert with_nan.aurc == risk_coverage(-losses, losses).aurc
    assert np.isnan(risk_coverage([], []).aurc)
    with pytest.raises(ValueError, match="a confidence is nan"):
        risk_coverage([np.nan], [0.5])
    with pytest.raises(ValueError, match=r"not \(2,\) and \(1,\)"):
        risk_coverage([0.1, 0.2], [0.5])
