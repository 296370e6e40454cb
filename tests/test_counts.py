"""Counts add, pool and divide once; indices take numbers of any kind."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.counts import (
    SoftCounts,
    dice_index,
    jaccard_index,
    precision_index,
    sensitivity_index,
    soft_counts,
    tversky_index,
)

INDICES = {
    "dice": dice_index,
    "dice_squared": lambda c: dice_index(c, squared=True),
    "jaccard": jaccard_index,
    "jaccard_squared": lambda c: jaccard_index(c, squared=True),
    "tversky": lambda c: tversky_index(c, alpha=2, beta=3),
    "sensitivity": sensitivity_index,
    "precision": precision_index,
}
BY_HAND = {  # 3 hits, 1 false alarm, 2 misses
    "dice": Fraction(6, 9),
    "dice_squared": Fraction(6, 9),
    "jaccard": Fraction(3, 6),
    "jaccard_squared": Fraction(3, 6),
    "tversky": Fraction(3, 3 + 2 + 6),
    "sensitivity": Fraction(3, 5),
    "precision": Fraction(3, 4),
}


@pytest.mark.parametrize("name", INDICES)
def test_indices_of_fractions_are_exact(name):
    counts = SoftCounts.of_sets(Fraction(3), Fraction(1), Fraction(2), Fraction(10))
    assert INDICES[name](counts) == BY_HAND[name]
    nothing = SoftCounts.of_sets(*(Fraction(0),) * 4)
    assert INDICES[name](nothing) == 1


@pytest.mark.parametrize("name", INDICES)
def test_indices_of_hard_masks_agree_with_those_of_fractions(name):
    target = jnp.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0.0])[:, None]
    prediction = jnp.array([1, 1, 1, 0, 0, 1, 0, 0, 0, 0.0])[:, None]
    counts = soft_counts(prediction, target)
    np.testing.assert_allclose(INDICES[name](counts), [float(BY_HAND[name])])


def test_counts_of_parts_add_up_to_the_counts_of_the_whole():
    rng = np.random.default_rng(0)
    probs = rng.random((6, 4, 3)).astype(np.float32)
    targets = rng.random((6, 4, 3)).astype(np.float32)
    where = rng.random((6, 4)) > 0.4
    whole = soft_counts(probs, targets, where)
    parts = soft_counts(probs[:2], targets[:2], where[:2]) + soft_counts(
        probs[2:], targets[2:], where[2:]
    )
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(parts), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
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
