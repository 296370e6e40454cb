from fractions import Fraction

import jax
import jax.numpy as jnp

from theory.engines import masks


def test_all_pairs_once():
    predicted, actual = masks.all_pairs(3)
    pairs = {
        (tuple(a), tuple(b))
        for a, b in zip(predicted.tolist(), actual.tolist(), strict=True)
    }
    assert predicted.shape == actual.shape == (64, 3)
    assert len(pairs) == 64


def test_counts_of_sets():
    predicted, actual = masks.all_pairs(2)
    found = [masks.counts_of(*pair) for pair in zip(predicted, actual, strict=True)]
    sizes = [(c.intersection, c.false_positives, c.false_negatives) for c in found]
    assert sizes.count((2, 0, 0)) == sizes.count((0, 1, 1)) / 2 == 1
    assert all(c.pixels == 2 for c in found)


def wrong_share(probs, ids):
    return jnp.mean(jnp.abs(probs[:, 0] - ids))


def test_a_loss_against_an_oracle():
    with jax.enable_x64():
        right = masks.agrees_on_all_masks(
            wrong_share,
            lambda c: (c.false_positives + c.false_negatives) / c.pixels,
            pixels=3,
        )
        wrong = masks.agrees_on_all_masks(
            wrong_share, lambda c: Fraction(c.false_positives) / c.pixels, pixels=3
        )
    assert right.holds
    assert right.cases == 64
    assert wrong.refutes
    assert wrong.slack == -1
    assert wrong.witness["actual"].tolist() == [1, 1, 1]
