"""Average calibration errors as losses: by hand, as the metric, and as released."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import links
from jaxseg.losses import l1_ace_loss, soft_l1_ace_loss
from jaxseg.metrics.calibration import (
    average_calibration_error,
    calibration_counts,
)


def test_two_pixels_by_hand():
    """Class 0 has 0.9 (right) and 0.6 (wrong) in one hard bin: (1.5 - 1) / 2."""
    probs, labels = jnp.array([[0.9, 0.1], [0.6, 0.4]]), jnp.array([0, 1])
    hard = l1_ace_loss(probs, labels, bins=2, link=links.identity)
    np.testing.assert_allclose(hard, 0.25, rtol=1e-6)
    # Soft: middles 1/4 and 3/4; 0.9 is in the upper bin alone, 0.6 0.3 and 0.7.
    lower, upper = 0.3 * 0.6 / 0.3, abs((0.9 - 1) + 0.7 * 0.6) / (1 + 0.7)
    soft = soft_l1_ace_loss(probs, labels, bins=2, link=links.identity)
    np.testing.assert_allclose(soft, (lower + upper) / 2, rtol=1e-6)


def test_the_hard_loss_is_the_metric():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(40, 50, 3)).astype(np.float32)
    labels, where = rng.integers(0, 3, (40, 50)), rng.random((40, 50)) < 0.8
    loss = l1_ace_loss(logits, labels, where=where)
    probs = np.asarray(jax.nn.softmax(logits))
    counts = calibration_counts(probs, labels, bins=20, where=where)
    errors = average_calibration_error(counts.by_class)
    np.testing.assert_allclose(loss, errors.mean(), rtol=1e-4)


def test_a_bin_pulls_its_pixels_together_and_a_soft_one_out_of_itself():
    """0.9 twice, one of them wrong: the slope of |1.8 - 1| / 2 is 1/2 for both."""
    probs, labels = jnp.array([[0.1, 0.9], [0.1, 0.9]]), jnp.array([1, 0])

    def foreground(loss):
        weights = jnp.array([0.0, 1.0])
        return lambda p: loss(
            jnp.stack([1 - p, p], -1),
            labels,
            bins=4,
            link=links.identity,
            class_weights=weights,
        )

    hard = jax.grad(foreground(l1_ace_loss))(probs[:, 1])
    np.testing.assert_allclose(hard, [0.5, 0.5], rtol=1e-5)
    inner = jnp.array([0.7, 0.7])  # between the middles 5/8 and 7/8
    soft = jax.grad(foreground(soft_l1_ace_loss))(inner)
    by = 1e-3
    value = foreground(soft_l1_ace_loss)
    for k in range(2):
        step = jnp.zeros(2).at[k].set(by)
        slope = (value(inner + step) - value(inner - step)) / (2 * by)
        np.testing.assert_allclose(soft[k], slope, rtol=1e-2)


@pytest.mark.parametrize("loss", [l1_ace_loss, soft_l1_ace_loss])
def test_calibrated_pixels_cost_nothing_whatever_they_are_sure_of(loss):
    """Frequencies in the place of labels: three bins, each with its own share."""
    share = jnp.array([0.05, 0.5, 0.95, 0.3])
    probs = jnp.stack([1 - share, share], -1)
    assert float(loss(probs, probs, link=links.identity)) < 1e-7
    sure = jnp.round(probs)
    assert float(loss(sure, probs, link=links.identity)) > 0.05
