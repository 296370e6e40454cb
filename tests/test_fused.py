"""The fused statistics against plain ones, for few classes and for many."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.counts import counts_of_ids, soft_counts
from jaxseg.fused import (
    UNROLLED,
    by_id,
    mean_costs,
    softmax_sums,
    target_log_probs,
)
from jaxseg.losses import cross_entropy_loss, dice_loss
from jaxseg.numerics import FOLDS, STRIPES, sum_of_pixels
from tests import derivatives

CLASSES = [2, 5, UNROLLED + 1]


def pixels(classes, dtype=np.float64):
    rng = np.random.default_rng(classes)
    shape = (3, 13, 17)  # two pixels in each stripe of each fold, and a rest
    assert 2 * FOLDS * STRIPES < 3 * 13 * 17 < 3 * FOLDS * STRIPES
    scores = rng.standard_normal((*shape, classes)).astype(dtype)
    ids = rng.integers(-1, classes + 1, shape)  # two of them are no class
    return (
        jnp.asarray(scores),
        jnp.asarray(ids),
        jnp.asarray(rng.random(ids.shape) > 0.3),
    )


@pytest.mark.parametrize("classes", CLASSES)
def test_sums_and_slopes_equal_plain_ones(classes):
    with jax.enable_x64():
        scores, ids, where = pixels(classes)
        weights = jax.random.normal(jax.random.key(0), (3, classes), jnp.float64)

        def plain(scores):
            probs = jax.nn.softmax(scores) * where[..., None]
            targets = jax.nn.one_hot(ids, classes, dtype=jnp.float64)
            sums = (probs * targets, probs, probs**2)
            return sum(
                (w * x.sum((0, 1, 2))).sum() for w, x in zip(weights, sums, strict=True)
            )

        def fused(scores):
            sums = softmax_sums(scores, ids, where)
            return sum((w * x).sum() for w, x in zip(weights, sums, strict=True))

        a, b = (jax.value_and_grad(f)(scores) for f in (plain, fused))
        np.testing.assert_allclose(b[0], a[0], rtol=1e-12)
        np.testing.assert_allclose(b[1], a[1], rtol=1e-12, atol=1e-13)
        all_orders_agree(plain, fused, scores)


def all_orders_agree(plain, fused, scores):
    ways = jax.random.normal(jax.random.key(2), (2, *scores.shape), scores.dtype)

    @jax.jit
    def found(scores):
        slopes = derivatives.first(fused, scores, ways[0])
        curvatures = derivatives.second(fused, scores, *ways)
        slope = derivatives.along(plain, "reverse")
        curvature = jax.jvp(lambda x: slope(x, ways[0]), (scores,), (ways[1],))[1]
        return slopes, slope(scores, ways[0]), curvatures, curvature

    slopes, slope, curvatures, curvature = found(scores)
    for order, value in slopes.items():
        np.testing.assert_allclose(value, slope, rtol=1e-11, err_msg=order)
    for order, value in curvatures.items():
        np.testing.assert_allclose(value, curvature, rtol=1e-10, err_msg=order)


@pytest.mark.parametrize("classes", CLASSES)
def test_log_probabilities_and_slopes_equal_plain_ones(classes):
    with jax.enable_x64():
        scores, ids, where = pixels(classes)

        def plain(scores):
            logs = jax.nn.log_softmax(scores)
            own = (jax.nn.one_hot(ids, classes, dtype=jnp.float64) * logs).sum(-1)
            return (jnp.sin(own) * where).sum()

        def fused(scores):
            return (jnp.sin(target_log_probs(scores, ids)) * where).sum()

        a, b = (jax.value_and_grad(f)(scores) for f in (plain, fused))
        np.testing.assert_allclose(b[0], a[0], rtol=1e-12)
        np.testing.assert_allclose(b[1], a[1], atol=1e-13)
        all_orders_agree(plain, fused, scores)


@pytest.mark.parametrize("classes", CLASSES)
def test_mean_costs_and_slopes_equal_plain_ones(classes):
    with jax.enable_x64():
        scores, ids, where = pixels(classes)
        costs = jax.random.uniform(jax.random.key(1), (classes, classes), jnp.float64)

        def plain(scores, costs):
            targets = jax.nn.one_hot(ids, classes, dtype=jnp.float64)
            mean = jnp.sum(targets @ costs * jax.nn.softmax(scores), axis=-1)
            return (jnp.sin(mean) * where).sum()

        def fused(scores, costs):
            return (jnp.sin(mean_costs(scores, ids, costs)) * where).sum()

        a, b = (
            jax.value_and_grad(f, argnums=(0, 1))(scores, costs) for f in (plain, fused)
        )
        np.testing.assert_allclose(b[0], a[0], rtol=1e-12)
        for ours, theirs in zip(b[1], a[1], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)
        if classes == 2:  # unrolled for any number of classes
            all_orders_agree(
                lambda x: plain(x, costs), lambda x: fused(x, costs), scores
            )
            all_orders_agree(
                lambda x: plain(scores, x), lambda x: fused(scores, x), costs
            )


@pytest.mark.parametrize("pixels", [0, 1, 255, 256, 257, 1500])
def test_sum_of_pixels_is_a_sum(pixels):
    """Whole numbers, so that any order of adding gives the same."""
    values = jnp.arange(pixels * 3.0).reshape(pixels, 3) % 17
    total = jax.jit(sum_of_pixels)(values)
    np.testing.assert_array_equal(total, np.asarray(values).sum(0))


def test_sum_of_many_equal_pixels_keeps_its_digits():
    """Equal addends: their rounding does not cancel, so long runs would show."""
    values = jnp.full((2**21, 3), 1 / 3, jnp.float32)
    total = jax.jit(sum_of_pixels)(values)
    np.testing.assert_allclose(total, 2**21 * float(values[0, 0]), rtol=3e-7)


@pytest.mark.parametrize("classes", CLASSES)
def test_counts_of_ids_equal_soft_counts(classes):
    scores, ids, where = pixels(classes, np.float32)
    targets = jax.nn.one_hot(ids, classes)
    plain = soft_counts(jax.nn.softmax(scores), targets, where)
    fused = counts_of_ids(scores, ids, where)
    chex.assert_trees_all_close(fused, plain, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("classes", CLASSES)
def test_values_by_id(classes):
    values = jnp.arange(1.0, classes + 1)
    ids = jnp.array([-1, 0, classes - 1, classes, 255])
    np.testing.assert_array_equal(by_id(values, ids), [0, 1, classes, 0, 0])


@pytest.mark.parametrize("loss", [cross_entropy_loss, dice_loss])
def test_hessians_pass_through_the_hand_written_rule(loss):
    """Forward over reverse, against the general route of one-hot targets."""
    with jax.enable_x64():
        scores, _, _ = pixels(3)
        ids = jnp.array([0, 1, 2, 1])
        scores = scores[0, 0, :4]
        targets = jax.nn.one_hot(ids, 3, dtype=jnp.float64)
        fused = jax.hessian(loss)(scores, ids)
        plain = jax.hessian(loss)(scores, targets)
        np.testing.assert_allclose(fused, plain, atol=1e-13)
        assert np.abs(plain).max() > 1e-3


def test_nothing_of_the_size_of_the_logits_is_kept_for_the_reverse_pass():
    """Only the logits themselves, ids, mask and one number per pixel are saved."""
    scores, ids, _ = pixels(4, np.float32)
    ids = jnp.clip(ids, 0, 3)
    _, reverse = jax.vjp(lambda z: dice_loss(z, ids), scores)
    saved = [x for x in jax.tree.leaves(reverse) if x.shape == scores.shape]
    assert len(saved) <= 1
