"""Margin-based losses: by hand, borders and void pixels, and scores of -inf."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import links
from jaxseg.losses import cross_entropy_loss, mbls_loss, nacl_loss
from tests.losses.goldens import inputs

LOGITS, LABELS = jnp.array([[8.0, 0.0], [0.0, 1.0]]), jnp.array([0, 1])


def test_a_margin_by_hand():
    """Scores 8 apart and 1 apart: only the first pixel is past a margin of 5."""
    cross_entropy = (np.log1p(np.exp(-8)) + np.log1p(np.exp(-1))) / 2
    loss = mbls_loss(LOGITS, LABELS, margin=5.0, weight=0.2)
    np.testing.assert_allclose(loss, cross_entropy + 0.2 * (8 - 5) / 4, rtol=1e-6)
    within = mbls_loss(LOGITS, LABELS, margin=8.0, weight=0.2)
    np.testing.assert_allclose(within, cross_entropy, rtol=1e-6)


def test_slope_past_the_margin_holds_scores_together():
    """The best of two scores is pulled down by weight / (N C), the other up."""

    def penalty(z):
        return mbls_loss(z, LABELS, margin=5.0) - cross_entropy_loss(z, LABELS)

    slope = jax.grad(penalty)(LOGITS)
    expected = [[0.1 / 4, -0.1 / 4], [0, 0]]
    np.testing.assert_allclose(slope, expected, atol=1e-7)


@pytest.mark.parametrize("link", [links.softmax, links.sigmoid, links.identity])
def test_foreground_alone_is_one_of_two_classes(link):
    """A score z under a sigmoid, (0, z) under a softmax, p as it is: one margin."""
    z = jnp.array([7.0, -9.0, 0.5])
    scores = {
        "softmax": jnp.stack([0 * z, z], -1),
        "sigmoid": z[:, None],
        "identity": jax.nn.sigmoid(z)[:, None],
    }[link.name]
    labels = jnp.array([1, 1, 0])
    loss = mbls_loss(scores, labels, margin=5.0, weight=1.0, link=link)
    costs = np.log1p(np.exp([-7.0, 9.0, 0.5])).mean()
    np.testing.assert_allclose(loss, costs + (2 + 4) / 2 / 3, rtol=1e-4)


def test_mbls_equals_released_code():
    """LogitMarginL1(margin=2, alpha=0.5) of github.com/by-liu/MbLS, run once."""
    data = inputs.batch(3)
    with jax.enable_x64():
        scores, labels = jnp.asarray(data["logits"]), jnp.asarray(data["ids"])
        loss = mbls_loss(scores, labels, margin=2.0, weight=0.5)
    np.testing.assert_allclose(loss, 2.0123483294004014, rtol=1e-7)


def test_nacl_equals_released_code_away_from_borders():
    """AdaptMarginSVLS(alpha=0.5) of github.com/Bala93/MarginLoss, run once.

    It takes pixels beyond the border for class 0, and so all are that near it.
    """
    rng = np.random.default_rng(7)
    logits, ids = rng.standard_normal((2, 8, 8, 3)), np.zeros((2, 8, 8), np.int64)
    ids[:, 2:-2, 2:-2] = rng.integers(0, 3, (2, 4, 4))
    with jax.enable_x64():
        scores, labels = jnp.asarray(logits), jnp.asarray(ids)
        loss = nacl_loss(scores, labels, weight=0.5, spatial=2)
    np.testing.assert_allclose(loss, 1.93810886672812, rtol=1e-7)


def test_shares_around_by_hand():
    """Column of classes 0, 0, 1: tau of class 1 is 0, 1/3 and 1/2."""
    labels, logits = jnp.array([[0], [0], [1]]), jnp.zeros((3, 1, 2))
    loss = nacl_loss(logits, labels, weight=1.0)
    # Each pixel costs (tau_0 + tau_1) / 2 where scores are 0.
    np.testing.assert_allclose(loss, np.log(2) + 1 / 2, rtol=1e-6)
    tau = np.array([[[1, 0]], [[2 / 3, 1 / 3]], [[1 / 2, 1 / 2]]])
    at_shares = nacl_loss(jnp.asarray(tau), labels, weight=1.0)
    plain = cross_entropy_loss(jnp.asarray(tau), labels)
    np.testing.assert_allclose(at_shares, plain, rtol=1e-6)


def test_void_neighbours_do_not_count():
    """Without its last pixel the middle one has a share of 0, and not 1/3."""
    labels, where = jnp.array([0, 0, 1]), jnp.array([True, True, False])
    scores = jnp.array([[1.0, 0.0]] * 3)
    loss = nacl_loss(scores, labels, weight=1.0, where=where)
    plain = cross_entropy_loss(scores, labels, where=where)
    np.testing.assert_allclose(loss, plain, rtol=1e-6)
    assert nacl_loss(scores, labels, weight=1.0) > cross_entropy_loss(scores, labels)


def test_foreground_alone_has_a_share_of_its_own():
    """Scores of 2 where the box is all foreground, or of 3 where it is half."""
    labels, z = jnp.array([1, 1, 1, 0]), jnp.array([2.0, 2.0, 3.0, 3.0])
    loss = nacl_loss(z[:, None], labels, weight=1.0, link=links.sigmoid)
    plain = cross_entropy_loss(z[:, None], labels, link=links.sigmoid)
    far = (1 + 1 + (3 - 2 / 3) + (3 - 1 / 2)) / 4
    np.testing.assert_allclose(loss - plain, far, rtol=1e-5)


@pytest.mark.parametrize("loss", [mbls_loss, nacl_loss])
def test_a_class_that_is_switched_off_costs_nothing(loss):
    scores = jnp.array([[1.0, 0.0, -jnp.inf], [0.0, 1.0, -jnp.inf]])
    labels = jnp.array([0, 1])
    off, slope = jax.value_and_grad(loss)(scores, labels)
    assert np.isfinite(off)
    assert np.isfinite(slope).all()
    assert not slope[:, 2].any()
    assert loss(scores.at[:, 2].set(-1e4), labels) > 100


@pytest.mark.parametrize("loss", [mbls_loss, nacl_loss])
def test_a_range_is_named(loss):
    with pytest.raises(ValueError, match="weight of .* is at least 0, not -1"):
        loss(LOGITS, LABELS, weight=-1)
