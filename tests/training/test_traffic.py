"""What is counted of a step's messages, against arithmetic."""

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from jaxseg.training.traffic import AXIS, Traffic, gradient_bytes, loss_traffic, traffic

VECTOR = jax.ShapeDtypeStruct((5,), jnp.float32)


def test_sums_gathers_and_loops_by_hand():
    def sends(x):
        total = lax.psum(jnp.sum(x), AXIS)
        everything = lax.all_gather(x, AXIS)
        looped = lax.fori_loop(0, 7, lambda _, y: lax.pmax(y, AXIS), x)
        return total + jnp.sum(everything) + jnp.sum(looped)

    assert traffic(sends, VECTOR) == Traffic(4 + 7 * 20, 20, 1 + 1 + 7)
    assert traffic(jax.jit(sends), VECTOR) == traffic(sends, VECTOR)
    assert traffic(jnp.sum, VECTOR) == Traffic()


def test_a_loop_of_unknown_length_is_refused():
    def sends(x):
        return lax.while_loop(lambda y: jnp.all(y > 0), lambda y: lax.psum(y, AXIS), x)

    with pytest.raises(ValueError, match="unknown length"):
        traffic(sends, VECTOR)


def test_only_the_exact_lovasz_loss_sends_more_for_more_pixels():
    small, large = (1, 8, 8), (2, 8, 8)
    for name in ("cross_entropy", "dice_ce", "topk", "marginal_kl"):
        sent = loss_traffic(name, small, 3)
        assert sent == loss_traffic(name, large, 3)
        assert (sent.gathered, 0 < sent.reduced < 1000) == (0, True)
    exact, twice = loss_traffic("lovasz", small, 3), loss_traffic("lovasz", large, 3)
    assert twice.gathered == 2 * exact.gathered > 0
    assert loss_traffic("lovasz", small, 3, method="histogram").gathered == 0
    assert loss_traffic("lovasz", small, 3, method="histogram") == loss_traffic(
        "lovasz", large, 3, method="histogram"
    )


def test_gradients_are_four_bytes_a_parameter():
    # 3 x 3 kernels, norms of a scale and an offset, up 2 x 2, head, each with its bias
    convolutions = 9 * (1 * 4 + 4 * 4 + 4 * 8 + 8 * 8 + 8 * 4 + 4 * 4)
    rest = 2 * (4 * 4 + 2 * 8) + (4 * 8 * 4 + 4) + (4 * 2 + 2)
    count = gradient_bytes((16, 16), 1, 2, depth=1, width=4)
    assert count == 4 * (convolutions + rest)
