"""Scalings by hand, recovered from what they made, and best among their kind."""

import numpy as np
import pytest

from jaxseg.training.scaling import (
    PENALTY,
    Scaling,
    fit_scaling,
    mean_surprise,
    probs_of,
    scores_of,
)


def drawn(weights, shift, pixels=40_000, odds=False, seed=0):
    """Probabilities, and labels drawn from what a scaling makes of them."""
    rng = np.random.default_rng(seed)
    scores = 2 * rng.standard_normal((pixels, len(shift)))
    probs = probs_of(scores, odds=odds)
    true = probs_of(scores_of(probs, odds=odds) @ weights.T + shift, odds=odds)
    if odds:
        return probs, rng.random(true.shape) < true
    return probs, (rng.random((pixels, 1)) > np.cumsum(true, -1)).sum(-1)


def test_a_temperature_by_hand():
    """Three of four right at 0.9 ask for 0.75: odds 9 to 3, T = log 9 / log 3."""
    probs = np.tile([[0.9, 0.1]], (4, 1))
    found = fit_scaling(probs, np.array([0, 0, 0, 1]), "temperature")
    assert found.temperature == pytest.approx(np.log(9) / np.log(3), rel=1e-4)
    np.testing.assert_allclose(found(probs)[0], [0.75, 0.25], rtol=1e-4)
    again = Scaling.from_json(found.to_json())
    np.testing.assert_array_equal(again(probs), found(probs))


@pytest.mark.parametrize("odds", [False, True])
def test_what_made_the_labels_is_found(odds):
    probs, labels = drawn(np.eye(3) / 2, np.zeros(3), odds=odds)
    found = fit_scaling(probs, labels, "temperature", odds=odds)
    assert found.temperature == pytest.approx(2, rel=0.05)
    weights, shift = np.diag([0.5, 1.5, 1.0]), np.array([0.5, -0.5, 0.0])
    probs, labels = drawn(weights, shift, odds=odds)
    found = fit_scaling(probs, labels, "vector", odds=odds)
    np.testing.assert_allclose(np.diag(found.weights), np.diag(weights), atol=0.06)
    differences = found.shift if odds else found.shift - found.shift.mean()
    np.testing.assert_allclose(differences, shift, atol=0.06)


def test_a_matrix_is_found_up_to_its_penalty():
    weights = np.array([[1.0, 0.4, 0.0], [-0.3, 0.8, 0.0], [0.0, 0.0, 1.2]])
    probs, labels = drawn(weights, np.zeros(3))
    found = fit_scaling(probs, labels, "dirichlet")
    truth = np.eye(3)[labels]

    def loss(scaling):
        return mean_surprise(np.log(scaling(probs).astype(float)), truth)

    made = loss(Scaling("dirichlet", weights, np.zeros(3)))
    assert loss(found) < made + PENALTY
    assert loss(found) < loss(fit_scaling(probs, labels, "vector")) - 0.005


@pytest.mark.parametrize("method", ["temperature", "vector", "dirichlet"])
def test_slopes_are_zero_at_the_optimum_and_no_neighbour_is_better(method):
    probs, labels = drawn(np.eye(3) * 0.7, np.array([0.3, 0, -0.3]), pixels=500)
    found = fit_scaling(probs, labels, method)
    truth = np.eye(3)[labels]

    def loss(weights, shift):
        value = mean_surprise(scores_of(probs) @ weights.T + shift, truth)
        off = ~np.eye(3, dtype=bool)
        if method == "dirichlet":
            value += PENALTY * (np.mean(weights[off] ** 2) + np.mean(shift**2))
        return value

    best = loss(found.weights, found.shift)
    for by in (0.02, -0.02):
        assert loss(found.weights * (1 + by), found.shift) > best
        if method != "temperature":
            step = by * np.array([1.0, 0.0, 0.0])
            assert loss(found.weights, found.shift + step) > best
            assert loss(found.weights + np.diag(step), found.shift) > best


def test_certain_pixels_stay_finite_and_masks_stay_under_a_temperature():
    probs = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.4], [0.3, 0.7]], np.float32)
    found = fit_scaling(probs, np.array([0, 1, 1, 1]), "temperature")
    assert np.isfinite(found(probs)).all()
    np.testing.assert_array_equal(found(probs).argmax(-1), probs.argmax(-1))
    regions = Scaling("vector", np.eye(2), np.zeros(2), odds=True)
    np.testing.assert_allclose(regions(probs), probs, atol=1e-6)


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(ValueError, match="no pixel to fit"):
        fit_scaling(np.zeros((0, 2)), np.zeros(0, int), "vector")
    with pytest.raises(ValueError, match="'dirichlet' of regions"):
        fit_scaling(np.ones((1, 2)), np.ones((1, 2)), "dirichlet", odds=True)
    with pytest.raises(ValueError, match="weights of shape"):
        Scaling.from_json(
            {"method": "vector", "weights": [[1]], "shift": [0, 0], "odds": False}
        )
