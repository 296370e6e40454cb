"""Calibration by hand, against an oracle, and pooled over batches."""

import functools
import json
import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.metrics.calibration import (
    brier_score,
    calibration_counts,
    calibration_scores,
    expected_calibration_error,
    reliability_curve,
)
from jaxseg.metrics.overlap import to_host
from tests.metrics import oracle

BINS = 7
jitted = jax.jit(calibration_counts, static_argnames="bins")


def random_case(shape=(6, 8, 9), classes=3, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(*shape, classes)) * 3
    probs = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    ids = np.where(rng.random(shape) < 0.6, probs.argmax(-1), 1).astype(np.int32)
    return probs.astype(np.float32), ids, rng.random(shape) < 0.8


def of_kind(kind, case):
    return case if kind == "host" else tuple(jnp.asarray(x) for x in case)


@pytest.mark.parametrize("kind", ["host", "device"])
def test_four_pixels_by_hand(kind):
    probs = np.array([[0.75, 0.25], [0.625, 0.375], [0.125, 0.875], [0.25, 0.75]])
    probs, ids = of_kind(kind, (probs.astype(np.float32), np.array([0, 1, 1, 0])))
    scores = calibration_scores(calibration_counts(probs, ids, bins=4))
    # Confidences 0.75 right, 0.625 wrong, 0.75 wrong in (0.5, 0.75]; 0.875 right above.
    ece = (abs(1 - (0.75 + 0.625 + 0.75)) + abs(1 - 0.875)) / 4
    assert float(scores.ece) == pytest.approx(ece)
    # Class 1: 0.25 wrong; 0.375 right; 0.75 wrong; 0.875 right, each in its own bin.
    class1 = (0.25 + (1 - 0.375) + 0.75 + (1 - 0.875)) / 4
    # Class 0: 0.125 and 0.25 in one bin, the latter right; 0.625 wrong, 0.75 right.
    class0 = (abs(1 - 0.375) + abs(1 - 1.375)) / 4
    np.testing.assert_allclose(scores.ece_by_class, [class0, class1])
    # Each bin alike: (0.5, 0.75] has (0.75 + 0.625 + 0.75 - 1) / 3, the last one 1/8.
    assert float(scores.ace) == pytest.approx((1.125 / 3 + 0.125) / 2)
    assert float(scores.mce) == pytest.approx(1.125 / 3)
    # Class 0 has two bins of two, class 1 four of one.
    np.testing.assert_allclose(scores.mce_by_class, [0.625 / 2, 0.75])
    np.testing.assert_allclose(scores.ace_by_class, [(0.625 + 0.375) / 4, class1])
    assert float(scores.classwise_ece) == pytest.approx((class0 + class1) / 2)
    brier = 2 * (0.25**2 + 0.625**2 + 0.125**2 + 0.75**2) / 4
    assert float(scores.brier) == pytest.approx(brier)
    assert (scores.bins, scores.empty_rule, float(scores.pixels)) == (4, "nan", 4)
    json.dumps(scores.to_json(), allow_nan=False)


@pytest.mark.parametrize("kind", ["host", "device"])
def test_scores_against_an_oracle(kind):
    probs, ids, where = random_case()
    given = of_kind(kind, (probs, ids, where))
    count = calibration_counts if kind == "host" else jitted
    scores = calibration_scores(count(given[0], given[1], bins=BINS, where=given[2]))
    p, t = probs[where].astype(np.float64), ids[where]
    ece = oracle.calibration_error(p.max(-1), p.argmax(-1) == t, BINS)
    assert float(scores.ece) == pytest.approx(ece, rel=1e-5)
    by_class = [oracle.calibration_error(p[:, c], t == c, BINS) for c in range(3)]
    np.testing.assert_allclose(scores.ece_by_class, by_class, rtol=1e-5)
    assert float(scores.brier) == pytest.approx(oracle.brier(p, t), rel=1e-5)
    for c in range(3):
        gaps = [
            abs((t[inside] == c).mean() - p[inside, c].mean())
            for k in range(BINS)
            if (inside := (np.ceil(p[:, c] * BINS) - 1).clip(0) == k).any()
        ]
        np.testing.assert_allclose(scores.ace_by_class[c], np.mean(gaps), rtol=1e-4)
        np.testing.assert_allclose(scores.mce_by_class[c], np.max(gaps), rtol=1e-4)
    assert scores.pixels == where.sum()


def test_bins_are_closed_above_and_the_first_one_below_too():
    confidence = np.array([0, 0.25, 0.25 + 2**-20, 0.5, 0.75, 1], np.float32)
    probs = np.stack([1 - confidence, confidence], -1)
    for kind in ("host", "device"):
        counts = calibration_counts(*of_kind(kind, (probs, np.zeros(6, int))), bins=4)
        np.testing.assert_array_equal(counts.by_class.predictions[1], [2, 2, 1, 1])


def test_device_and_host_count_alike_and_jit_changes_nothing():
    probs, ids, where = random_case()
    host = calibration_counts(probs, ids, bins=BINS, where=where)
    assert host.squared_error.dtype == np.float64
    device = of_kind("device", (probs, ids, where))
    for count in (calibration_counts, jitted):
        counts = count(device[0], device[1], bins=BINS, where=device[2])
        chex.assert_trees_all_close(counts, host, rtol=1e-5)
        np.testing.assert_array_equal(counts.top.predictions, host.top.predictions)
        np.testing.assert_array_equal(counts.by_class.hits, host.by_class.hits)


def test_batches_pool_to_the_whole():
    probs, ids, where = random_case()
    whole = calibration_scores(calibration_counts(probs, ids, bins=BINS, where=where))
    parts = [
        calibration_counts(probs[part], ids[part], bins=BINS, where=where[part])
        for part in (slice(0, 1), slice(1, 6))
    ]
    pooled = calibration_scores(parts[0] + parts[1])
    chex.assert_trees_all_close(pooled, whole, rtol=1e-12)
    one_by_one = [float(calibration_scores(part).ece) for part in parts]
    assert abs(np.mean(one_by_one) - float(whole.ece)) > 1e-3  # not a mean of scores
    count = functools.partial(calibration_counts, bins=BINS)
    mapped = jax.vmap(lambda p, t, w: count(p, t, where=w))(
        *of_kind("device", (probs, ids, where))
    )
    summed = calibration_scores(jax.tree.map(lambda x: x.sum(0), to_host(mapped)))
    chex.assert_trees_all_close(summed, whole, rtol=1e-5)


@pytest.mark.parametrize("kind", ["host", "device"])
def test_no_pixel_has_no_score(kind):
    probs, ids, where = of_kind(kind, random_case())
    counts = calibration_counts(probs, ids, bins=BINS, where=where & ~where)
    scores = calibration_scores(counts)
    for value in (scores.ece, scores.classwise_ece, scores.brier, scores.mce):
        assert math.isnan(value)
    assert scores.pixels == 0
    assert scores.to_json()["ece"] is None


def test_what_is_masked_counts_in_nothing():
    probs, ids, where = random_case()
    spoiled = np.where(where[..., None], probs, np.nan)
    labels = np.where(where, ids, 255)
    for kind in ("host", "device"):
        clean = of_kind(kind, (probs, ids, where))
        dirty = of_kind(kind, (spoiled, labels, where))
        a = calibration_counts(*clean[:2], bins=BINS, where=clean[2])
        b = calibration_counts(*dirty[:2], bins=BINS, where=dirty[2])
        chex.assert_trees_all_equal(a, b)


def test_range_of_the_scores():
    sure = np.array([[1, 0, 0]] * 5, np.float32)
    right = calibration_counts(sure, np.zeros(5, int))
    wrong = calibration_counts(sure, np.ones(5, int))
    assert brier_score(right) == 0
    assert brier_score(wrong) == 2
    assert expected_calibration_error(right.top) == 0
    assert expected_calibration_error(wrong.top) == 1


def test_labels_drawn_from_the_probabilities_are_calibrated():
    rng = np.random.default_rng(0)
    chance = rng.random(200_000)
    probs = np.stack([1 - chance, chance], -1)
    ids = (rng.random(chance.shape) < chance).astype(int)
    honest = calibration_scores(calibration_counts(probs, ids))
    assert honest.ece < 0.01
    assert honest.classwise_ece < 0.01
    sharpened = probs**3 / (probs**3).sum(-1, keepdims=True)
    assert calibration_scores(calibration_counts(sharpened, ids)).ece > 0.05
    # E (p - t)^2 = E p (1 - p) = 1/6 for each of the two classes.
    assert honest.brier == pytest.approx(1 / 3, abs=0.005)


def test_reliability_curve_shows_means_of_bins_and_their_weight():
    probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6]])
    counts = calibration_counts(probs, np.array([0, 1, 1]), bins=4)
    curve = reliability_curve(counts.top)
    nan = math.nan
    np.testing.assert_allclose(curve.edges, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(curve.confidence, [nan, nan, 0.6, 0.85])
    np.testing.assert_allclose(curve.accuracy, [nan, nan, 1, 0.5])
    np.testing.assert_allclose(curve.share, [0, 0, 1 / 3, 2 / 3])
    gaps = np.nansum(curve.share * np.abs(curve.accuracy - curve.confidence))
    assert expected_calibration_error(counts.top) == pytest.approx(gaps)
    assert reliability_curve(counts.by_class).accuracy.shape == (2, 4)


def test_shapes_that_disagree_are_refused():
    probs, ids, where = random_case()
    with pytest.raises(ValueError, match=r"\(6, 8, 9\) of probs"):
        calibration_counts(probs, ids[0])
    with pytest.raises(ValueError, match="where must have the shape"):
        calibration_counts(probs, ids, where=where[0])
