"""Counts add, pool and divide once; indices take numbers of any kind."""

from fractions import Fraction

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.counts import (
    SoftCounts,
    accuracy_index,
    counts_of_ids,
    dice_index,
    f_beta_index,
    hamming_index,
    jaccard_index,
    kappa_index,
    log_intersection,
    log_intersection_of_ids,
    matthews_index,
    precision_index,
    sensitivity_index,
    soft_counts,
    specificity_index,
    tversky_index,
    weighted_hamming_index,
)

INDICES = {
    "dice": dice_index,
    "dice_squared": lambda c: dice_index(c, squared=True),
    "jaccard": jaccard_index,
    "jaccard_squared": lambda c: jaccard_index(c, squared=True),
    "tversky": lambda c: tversky_index(c, alpha=2, beta=3),
    "sensitivity": sensitivity_index,
    "precision": precision_index,
    "f_two": lambda c: f_beta_index(c, beta=2),
    "specificity": specificity_index,
    "hamming": hamming_index,
    "kappa": kappa_index,
}
BY_HAND = {  # 3 hits, 1 false alarm, 2 misses, 4 right rejections
    "dice": Fraction(6, 9),
    "dice_squared": Fraction(6, 9),
    "jaccard": Fraction(3, 6),
    "jaccard_squared": Fraction(3, 6),
    "tversky": Fraction(3, 3 + 2 + 6),
    "sensitivity": Fraction(3, 5),
    "precision": Fraction(3, 4),
    "f_two": Fraction(5 * 3, 5 * 3 + 4 * 2 + 1),
    "specificity": Fraction(4, 5),
    "hamming": Fraction(7, 10),
    # Observed agreement 7/10; by chance 4/10 5/10 + 6/10 5/10 = 1/2.
    "kappa": (Fraction(7, 10) - Fraction(1, 2)) / (1 - Fraction(1, 2)),
}
EXACT = SoftCounts.of_sets(Fraction(3), Fraction(1), Fraction(2), Fraction(10))


@pytest.mark.parametrize("name", INDICES)
def test_indices_of_fractions_are_exact(name):
    value = INDICES[name](EXACT)
    assert value == BY_HAND[name]
    assert isinstance(value, Fraction)
    nothing = SoftCounts.of_sets(*(Fraction(0),) * 4)
    assert INDICES[name](nothing) == 1


@pytest.mark.parametrize("name", INDICES)
def test_indices_of_hard_masks_agree_with_those_of_fractions(name):
    target = jnp.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0.0])[:, None]
    prediction = jnp.array([1, 1, 1, 0, 0, 1, 0, 0, 0, 0.0])[:, None]
    counts = soft_counts(prediction, target)
    np.testing.assert_allclose(INDICES[name](counts), [float(BY_HAND[name])])
    on_host = INDICES[name](jax.tree.map(lambda x: np.asarray(x, np.float64), counts))
    assert isinstance(on_host, np.ndarray)
    np.testing.assert_allclose(on_host, [float(BY_HAND[name])], rtol=1e-15)


def test_counts_of_parts_add_up_to_the_counts_of_the_whole():
    rng = np.random.default_rng(0)
    probs = rng.random((6, 4, 3)).astype(np.float32)
    targets = rng.random((6, 4, 3)).astype(np.float32)
    where = rng.random((6, 4)) > 0.4
    whole = soft_counts(probs, targets, where)
    parts = soft_counts(probs[:2], targets[:2], where[:2]) + soft_counts(
        probs[2:], targets[2:], where[2:]
    )
    chex.assert_trees_all_close(whole, parts, rtol=1e-5)
    assert whole.pixels == where.sum()


def test_minimum_and_product_agree_on_hard_targets_with_their_gradients():
    probs = jnp.array([0.0, 0.3, 1.0, 0.0, 0.3, 1.0])[:, None]
    targets = jnp.array([0.0, 0, 0, 1, 1, 1])[:, None]

    def of(name):
        return lambda p: getattr(soft_counts(p, targets), name).sum()

    for function in (jnp.asarray, lambda p: p):
        a = jax.value_and_grad(of("intersection"))(function(probs))
        b = jax.value_and_grad(of("inner"))(function(probs))
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])


def test_weighted_hamming_by_hand_and_at_the_weight_where_it_is_hamming():
    # Eelbode 2020, eq. (5): 1 - 1/4 2/5 - 3/4 1/5.
    quarter = weighted_hamming_index(EXACT, gamma=Fraction(1, 4))
    assert quarter == 1 - Fraction(1, 4) * Fraction(2, 5) - Fraction(3, 4) / 5
    share = EXACT.actual / EXACT.pixels
    assert weighted_hamming_index(EXACT, gamma=share) == hamming_index(EXACT)


def test_f_beta_is_tversky_at_its_weights_and_dice_at_one():
    square = Fraction(9, 4)
    weights = {"alpha": 1 / (1 + square), "beta": square / (1 + square)}
    f_score = f_beta_index(EXACT, beta=Fraction(3, 2))
    assert f_score == tversky_index(EXACT, **weights)
    assert f_beta_index(EXACT, beta=Fraction(1)) == dice_index(EXACT)


def test_accuracy_counts_each_pixel_once():
    hits, found, true = np.array([4, 1, 0]), np.array([5, 2, 2]), np.array([6, 1, 2])
    counts = SoftCounts.of_sets(hits, found - hits, true - hits, np.array(9))
    assert accuracy_index(counts) == pytest.approx(5 / 9)


def test_matthews_by_hand():
    value = (3 * 4 - 1 * 2) / np.sqrt(4 * 5 * 6 * 5)
    assert matthews_index(EXACT) == pytest.approx(value, rel=1e-15)
    small = SoftCounts.of_sets(*(jnp.int32(x) for x in (3, 1, 2, 10)))
    assert float(matthews_index(small)) == pytest.approx(value, rel=1e-6)
    perfect = SoftCounts.of_sets(*(jnp.float32(x) for x in (7, 0, 0, 10)))
    assert matthews_index(perfect) == 1
    opposite = SoftCounts.of_sets(*(jnp.float32(x) for x in (0, 7, 3, 10)))
    assert matthews_index(opposite) == -1


@pytest.mark.parametrize("kind", [jnp.float32, jnp.int32])
def test_matthews_and_kappa_of_large_volumes_do_not_overflow(kind):
    parts = (40_000_000, 10_000_000, 20_000_000, 100_000_000)
    exact = SoftCounts.of_sets(*map(Fraction, parts))
    counts = SoftCounts.of_sets(*(kind(x) for x in parts))
    for index in (matthews_index, kappa_index):
        assert float(index(counts)) == pytest.approx(float(index(exact)), rel=1e-5)


@pytest.mark.parametrize("pixels", [1.0, 1e4, 1e8])
def test_matthews_has_a_finite_slope_where_a_margin_vanishes(pixels):
    tiny = [0.0, 1e-38, 1e-31, 1e-20, 1e-8]
    sizes = np.float32([*(pixels * np.float32(tiny)), pixels / 2, pixels])
    predicted, actual = (x.ravel() for x in np.meshgrid(sizes, sizes))
    for common in (np.minimum(predicted, actual), predicted * (actual / pixels)):
        margins = jnp.stack([common, predicted, actual])

        def index(margins):
            true, found, real = margins
            return matthews_index(
                SoftCounts.of_sets(true, found - true, real - true, pixels)
            )

        value, pull = jax.vjp(index, margins)
        (slope,) = pull(jnp.ones_like(value))
        assert np.all(np.isfinite(value))
        assert np.all(np.abs(value) <= 1)
        assert np.all(np.isfinite(slope))


def test_matthews_slope_is_that_of_its_formula():
    def formula(true, false, missed):
        rest = 10 - true - false - missed
        margins = (true + false) * (true + missed) * (rest + false) * (rest + missed)
        return (true * rest - false * missed) / jnp.sqrt(margins)

    def index(true, false, missed):
        return matthews_index(SoftCounts.of_sets(true, false, missed, 10.0))

    for at in ((3.0, 1.0, 2.0), (4.0, 0.0, 0.0)):
        wanted = jax.grad(formula, (0, 1, 2))(*at)
        np.testing.assert_allclose(jax.grad(index, (0, 1, 2))(*at), wanted, atol=1e-6)


@pytest.mark.parametrize("where", [None, "half"])
def test_the_log_of_the_intersection_is_that_of_the_counts(where):
    scores, ids = (
        np.random.default_rng(0).normal(size=(6, 3)),
        np.array([0, 1, 1, 0, 2, 1]),
    )
    mask = None if where is None else jnp.arange(6) % 2 == 0
    scores, hot = jnp.asarray(scores, jnp.float32), jnp.eye(3)[ids]
    targets = 0.8 * hot + 0.2 / 3
    probs, logs = jax.nn.softmax(scores), jax.nn.log_softmax(scores)
    of_ids = log_intersection_of_ids(scores, jnp.asarray(ids), mask)
    counts = counts_of_ids(scores, jnp.asarray(ids), mask)
    np.testing.assert_allclose(jnp.exp(of_ids), counts.intersection, rtol=1e-6)
    for truth in (hot, targets):
        found = log_intersection(logs, truth, mask)
        expected = soft_counts(probs, truth, mask).intersection
        np.testing.assert_allclose(jnp.exp(found), expected, rtol=1e-6)


def test_the_log_of_an_intersection_too_small_to_be_a_number_is_one():
    scores = jnp.array([[300.0, 0.0], [300.0, 0.0]])
    assert counts_of_ids(scores, jnp.array([0, 1])).intersection[1] == 0
    found = log_intersection_of_ids(scores, jnp.array([0, 1]))
    np.testing.assert_allclose(found, [0, -300], atol=1e-6)
    assert log_intersection_of_ids(scores, jnp.array([0, 0]))[1] == -jnp.inf
