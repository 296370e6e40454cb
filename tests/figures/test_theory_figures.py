"""Theory figures: curves are the formulas, dots lie on them."""

import math

import numpy as np
import pytest

from figures import (
    finite_images,
    lovasz_gap,
    prevalence,
    temperature,
    thresholds,
    tversky_errors,
)


def test_tversky_errors_over_one_weight():
    """Eelbode 2020, Fig. 1: by hand at 1/8, 1/2 and 1."""
    errors = tversky_errors.compute_errors(12)
    at = dict(zip(errors.weights.round(3), errors.absolute, strict=True))
    assert at[0.125] == pytest.approx(1 / 3, abs=1e-12)
    assert at[1.0] == pytest.approx(3 - 2 * math.sqrt(2))
    ratio = dict(zip(errors.weights.round(3), errors.ratio, strict=True))
    assert (ratio[0.01], ratio[0.5], ratio[1.0]) == pytest.approx((50, 1, 2))
    for weight, found in errors.enumerated.items():
        assert found <= tversky_errors.tversky.bound(weight, weight) + 1e-6
        assert found >= tversky_errors.tversky.bound(weight, weight) - 5e-3
    left, right = tversky_errors.draw_errors(errors).axes
    np.testing.assert_array_equal(left.lines[0].get_ydata(), errors.absolute)
    np.testing.assert_array_equal(right.lines[0].get_ydata(), errors.ratio)


def test_enclosures_hold_the_formulas_of_the_plane():
    plane = tversky_errors.compute_plane(points=9)
    for (alpha, beta), (lower, upper) in plane.certified.items():
        value = tversky_errors.tversky.bound(alpha, beta)
        assert lower - 1e-12 <= value <= upper + 1e-12
    for pair, (lower, upper) in plane.certified_relative.items():
        value = tversky_errors.tversky_ratio.all_terms(*pair) - 1
        assert 0.98 * value <= lower <= upper <= value + 1e-9
    drawn = tversky_errors.draw_plane(plane).axes[0]
    dots = drawn.collections[-1].get_offsets()
    np.testing.assert_allclose(dots, list(plane.certified))


def test_best_hamming_weights_are_found_by_search():
    best = prevalence.compute_best_weights()
    for share, (error, gamma) in best.searched.items():
        formula = prevalence.prevalence.best(share)
        np.testing.assert_allclose((error, gamma), formula, atol=6e-3)
    third = prevalence.prevalence.best(1 / 3)
    assert third[0] == pytest.approx(0.25)
    left, right = prevalence.draw_best_weights(best).axes
    np.testing.assert_array_equal(left.lines[0].get_ydata(), best.errors)
    np.testing.assert_array_equal(right.lines[0].get_ydata(), best.gammas)


def test_errors_of_finite_images_by_hand():
    found = finite_images.compute_convergence((2, 4, 16))
    maxima = {name.split(",")[0]: values for name, values in found.maxima.items()}
    np.testing.assert_allclose(maxima["|D − H|"], [1 / 2, 3 / 4, 15 / 16])
    np.testing.assert_allclose(maxima["D / J − 1"], [1 / 3, 3 / 5, 15 / 17])
    np.testing.assert_allclose(maxima["|D − J|"][0], 2 / 3 - 1 / 2)
    for name, values in found.maxima.items():
        assert (np.diff(values) >= 0).all()
        assert values[-1] < found.limits[name]
    left = finite_images.draw_convergence(found).axes[0]
    np.testing.assert_array_equal(left.lines[0].get_ydata(), maxima["|D − J|"])


def test_the_lovasz_loss_stays_below_the_soft_one():
    found = lovasz_gap.compute_relaxations(pixels=16, objects=(1, 4))
    for size in (1, 4):
        np.testing.assert_allclose(found.lovasz[size], found.errors, atol=1e-5)
        e = found.errors
        soft = 1 - size * (1 - e) / (size + (16 - size) * e)
        np.testing.assert_allclose(found.soft[size], soft, atol=1e-5)
        assert (found.drawn[size][:, 0] <= found.drawn[size][:, 1] + 1e-6).all()
        gap = (4 - size**0.5) / (4 + size**0.5)
        assert (found.soft[size] - found.lovasz[size]).max() == pytest.approx(
            gap, abs=2e-3
        )
    left, right = lovasz_gap.draw_relaxations(found).axes
    np.testing.assert_array_equal(left.lines[0].get_ydata(), found.soft[1])
    np.testing.assert_array_equal(right.lines[0].get_xydata(), found.drawn[1])


def test_the_marked_threshold_is_the_best_of_the_curve():
    eta = thresholds.posteriors(2000, -2.5, 2.0)
    for alpha, beta in thresholds.INDICES.values():
        curve = thresholds.compute_curve(eta, alpha, beta)
        assert curve.least <= curve.losses.min() + 1e-6
        assert curve.thresholds[curve.losses.argmin()] == pytest.approx(
            curve.best, abs=0.03
        )
        assert curve.best < 0.5
        taken = eta >= 0.3
        hits, false = eta[taken].sum(), (1 - eta[taken]).sum()
        missed = eta[~taken].sum()
        loss = 1 - hits / (hits + alpha * false + beta * missed)
        at = np.argmin(abs(curve.thresholds - 0.3))
        assert curve.losses[at] == pytest.approx(loss, abs=1e-6)
    name = "Dice"
    curve = thresholds.compute_curve(eta, *thresholds.INDICES[name])
    assert curve.best == pytest.approx((1 - curve.least) / 2, abs=1e-6)
    panel = thresholds.draw_curves(eta, {name: curve}).axes[1]
    np.testing.assert_array_equal(panel.lines[0].get_ydata(), curve.losses)
    assert panel.lines[1].get_xdata()[0] == curve.best


def test_sharpening_tends_to_the_mask_and_starts_at_the_mean():
    found = temperature.compute_sharpening()
    for factor, probs in found.softmax.items():
        expected = 1 / (1 + np.exp(-factor * found.scores))
        np.testing.assert_allclose(probs, expected, rtol=1e-4, atol=1e-9)
    one = np.argmin(abs(found.factors - 1))
    assert found.factors[one] == pytest.approx(1)
    for name, shares in found.estimated.items():
        assert shares[one] == pytest.approx(found.expected[name], abs=1e-5)
        assert shares[-1] == pytest.approx(found.mask[name], abs=5e-3)
    constant = found.estimated["all pixels at p = 0.3"]
    assert (constant[one], constant[-1]) == pytest.approx((0.3, 0.0), abs=1e-5)
    left, _ = temperature.draw_sharpening(found).axes
    np.testing.assert_array_equal(left.lines[2].get_ydata(), found.softmax[1.0])
