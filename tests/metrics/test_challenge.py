"""The foot ulcer challenge's score and rejections."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.metrics.challenge import challenge_result, challenge_scores, lesion_counts
from jaxseg.metrics.overlap import mask_counts


def counts_of(predicted, actual, classes=2):
    """Counts of N rows of pixels."""
    pairs = zip(np.array(predicted), np.array(actual), strict=True)
    counts = [mask_counts(p, a, classes) for p, a in pairs]
    return jax.tree.map(lambda *x: np.stack(x), *counts)


PREDICTED = [[0, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 0], [0, 0, 1]]
ACTUAL = [[0, 0, 0], [0, 0, 0], [1, 0, 0], [0, 1, 1], [0, 255, 1]]


def test_scores_by_hand():
    # Rightly rejected; invented; missed; one of two found and one invented; void.
    scores = challenge_scores(counts_of(PREDICTED, ACTUAL))
    np.testing.assert_allclose(scores, [1, 0, 0, 1 / 2, 1])


def test_result_by_hand():
    result = challenge_result(counts_of(PREDICTED, ACTUAL))
    assert result.score == pytest.approx(2.5 / 5)
    assert result.rejected == pytest.approx(2 / 5)
    assert result.rejected_lesion_free == pytest.approx(1 / 2)
    assert result.rejected_lesions == pytest.approx(1 / 3)
    assert (result.images, result.lesion_free) == (5, 2)
    assert result.empty_rule == "challenge"


def test_a_share_of_no_images_is_undefined():
    sick = challenge_result(counts_of(PREDICTED[3:], ACTUAL[3:]))
    assert sick.to_json()["rejected_lesion_free"] is None
    assert sick.rejected_lesions == 0
    free = challenge_result(counts_of(PREDICTED[:2], ACTUAL[:2]))
    assert np.isnan(free.rejected_lesions)
    assert free.to_json()["lesion_free"] == 2


def test_rejecting_all_lesion_free_images_rejects_their_share_of_all():
    """Galdran 2022, table 4: 20 of 220 images are lesion-free, printed as 9 %."""
    actual = [[0, 0]] * 20 + [[0, 1]] * 200
    result = challenge_result(counts_of(actual, actual))
    assert round(100 * float(result.rejected)) == 9
    assert (result.score, result.rejected_lesion_free) == (1, 1)


def test_every_foreground_class_is_lesion():
    rng = np.random.default_rng(0)
    predicted, actual = rng.integers(0, 4, (2, 3, 40)).astype(np.uint8)
    lesions = lesion_counts(counts_of(predicted, actual, classes=4))
    binary = counts_of(predicted > 0, (actual > 0).astype(np.uint8))
    for name in ("intersection", "predicted", "actual"):
        parts = getattr(binary, name)[:, 1]
        np.testing.assert_array_equal(getattr(lesions, name), parts)
    np.testing.assert_array_equal(lesions.pixels, binary.pixels)


def test_on_the_device():
    count = functools.partial(mask_counts, num_classes=2)
    counts = jax.vmap(count)(jnp.array(PREDICTED), jnp.array(ACTUAL))
    on_device = jax.jit(challenge_result)(counts)
    on_host = challenge_result(counts_of(PREDICTED, ACTUAL))
    chex.assert_trees_all_close(on_device, on_host, rtol=1e-6)
