"""Class weights that are bound to a loss, or to a compound and its terms."""

import jax.numpy as jnp
import numpy as np

from jaxseg.losses import CATALOG, cross_entropy_loss, dice_loss, with_class_weights

LOGITS = jnp.array([[0.0, 1.0], [2.0, 0.5], [0.3, -1.0]])
LABELS = jnp.array([1, 0, 0])
WEIGHTS = (0.25, 2.0)


def test_a_compound_is_the_sum_of_its_weighed_terms():
    bound = with_class_weights(CATALOG["dice_ce"].build(), WEIGHTS)
    each = [
        loss(LOGITS, LABELS, class_weights=jnp.array(WEIGHTS))
        for loss in (cross_entropy_loss, dice_loss)
    ]
    np.testing.assert_allclose(bound(0.5)(LOGITS, LABELS), sum(each), rtol=1e-6)
    terms = [term(LOGITS, LABELS) for term in bound.terms(0.5).values()]
    np.testing.assert_allclose(sorted(terms), sorted(each), rtol=1e-6)


def test_a_class_of_weight_0_does_not_count():
    bound = with_class_weights(CATALOG["dice"].build(), (0.0, 1.0))(0.0)
    p = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
    by_hand = 1 - 2 * p[0, 1] / (p[:, 1].sum() + 1)
    np.testing.assert_allclose(bound(LOGITS, LABELS), by_hand, rtol=1e-6)
