import jax
import jax.numpy as jnp
import numpy as np

from theory.engines import residuals


def sum_of_probs(logits, labels, factor=1.0):
    del labels
    return factor * jnp.sum(jax.nn.softmax(logits)) - residuals.PIXELS


def test_an_identity_and_its_slope_vanish():
    with jax.enable_x64():
        found = residuals.vanishing(sum_of_probs, *residuals.images(2))
    assert found.holds
    assert found.cases == residuals.DRAWS


def test_a_wrong_value_is_refuted():
    def off(logits, labels):
        return sum_of_probs(logits, labels, factor=1 + 1e-6)

    with jax.enable_x64():
        found = residuals.vanishing(off, *residuals.images(2))
    assert found.refutes
    np.testing.assert_allclose(found.slack, -6e-6, rtol=1e-6)


def test_a_wrong_slope_alone_is_refuted():
    def tilted(logits, labels):
        del labels
        return 1e-3 * (logits[0, 0] - jax.lax.stop_gradient(logits[0, 0]))

    with jax.enable_x64():
        found = residuals.vanishing(tilted, *residuals.images(2))
    assert found.slack == -1e-3
    assert set(found.witness) == {"logits", "given_0"}
