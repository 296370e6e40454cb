"""Guarded division and log-domain sums, at the places where plain ones break."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.numerics import (
    log_add,
    pooled_logsumexp,
    power,
    safe_ratio,
    soft_minimum,
    times,
    weighted_mean,
)


def test_zero_over_zero_has_the_stated_value_and_no_gradient():
    grads = jax.grad(safe_ratio, argnums=(0, 1))(0.0, 0.0, 1.0)
    assert float(safe_ratio(0.0, 0.0, 1.0)) == 1
    assert grads == (0, 0)


def test_quotient_and_slopes_by_hand():
    value, grads = jax.value_and_grad(safe_ratio, argnums=(0, 1))(3.0, 4.0, 1.0)
    assert value == 0.75
    assert grads == (0.25, -0.1875)


@pytest.mark.parametrize("denominator", [1e-30, 1e-20, 1e20])
def test_slopes_are_finite_where_the_square_of_the_denominator_is_not(denominator):
    slope = jax.grad(safe_ratio, argnums=1)(0.0, denominator, 1.0)
    assert slope == 0
    slope = jax.grad(safe_ratio, argnums=0)(0.0, denominator, 1.0)
    assert float(slope) == pytest.approx(1 / denominator, rel=1e-6)


def test_second_derivatives_pass_through():
    second = jax.grad(jax.grad(lambda d: safe_ratio(3.0, d, 1.0)))(2.0)
    assert float(second) == pytest.approx(2 * 3 / 2**3)


def test_exact_numbers_stay_exact():
    assert safe_ratio(Fraction(1), Fraction(3), 1) == Fraction(1, 3)
    assert safe_ratio(Fraction(0), Fraction(0), 1) == 1


@pytest.mark.parametrize(
    ("value", "bound", "expected", "slope"),
    [(0.2, 0.5, 0.2, 1), (0.7, 0.5, 0.5, 0), (1, 1, 1, 1), (0, 0, 0, 0),
     (0.5, 0.5, 0.5, 0.5), (np.nan, 0.5, np.nan, 0.5), (0.5, np.nan, np.nan, np.nan)],
)  # fmt: skip
def test_soft_minimum(value, bound, expected, slope):
    bound = jnp.float32(bound)
    got = jax.value_and_grad(lambda v: soft_minimum(v, bound, tie=bound))(
        jnp.float32(value)
    )
    np.testing.assert_array_equal(got, (np.float32(expected), slope))


def test_zero_times_minus_infinity_is_zero_in_value_and_gradient():
    targets = jnp.array([0.0, 1.0])
    logs = jnp.array([-jnp.inf, -2.0])
    value, grad = jax.value_and_grad(lambda x: times(targets, x).sum())(logs)
    assert value == -2
    np.testing.assert_array_equal(grad, [0, 1])


def test_pooled_logsumexp_of_huge_and_empty():
    logs = jnp.array([[-1e4, 0.0], [-1e4, -jnp.inf]])
    value = pooled_logsumexp(logs, None, None)
    np.testing.assert_allclose(value, [-1e4 + np.log(2), 0.0], rtol=1e-6)
    slope = jax.grad(lambda x, where: pooled_logsumexp(x, where, None).sum())
    np.testing.assert_allclose(slope(logs, None), [[0.5, 1], [0.5, 0]], rtol=1e-3)
    nothing = jnp.zeros((2, 1), bool)
    np.testing.assert_array_equal(pooled_logsumexp(logs, nothing, None), [-np.inf] * 2)
    np.testing.assert_array_equal(slope(logs, nothing), np.zeros((2, 2)))
    zeros = jnp.full((2, 2), -jnp.inf)
    np.testing.assert_array_equal(pooled_logsumexp(zeros, None, None), [-np.inf] * 2)
    np.testing.assert_array_equal(slope(zeros, None), np.zeros((2, 2)))
    missing = logs.at[0, 0].set(jnp.nan)
    np.testing.assert_array_equal(pooled_logsumexp(missing, None, None), [np.nan, 0])
    kept = jnp.array([[False], [True]])
    np.testing.assert_array_equal(pooled_logsumexp(missing, kept, None),
                                  [-1e4, -np.inf])  # fmt: skip


def test_log_add_of_nothing_is_nothing():
    pair = jnp.array([-jnp.inf, -jnp.inf, 1.0]), jnp.array([-jnp.inf, 2.0, -jnp.inf])
    np.testing.assert_allclose(log_add(*pair), [-np.inf, 2, 1])
    for place, slope in ((0, [0, 0, 1]), (1, [0, 1, 0])):
        grad = jax.grad(lambda *x: log_add(*x).sum(), argnums=place)(*pair)
        np.testing.assert_allclose(grad, slope)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
def test_power_and_its_derivatives(exponent):
    base = jnp.array([0.0, 0.25, 4.0])
    value = power(base, exponent)
    np.testing.assert_allclose(value, np.array([0.0, 0.25, 4]) ** exponent, rtol=1e-6)
    first = jax.vmap(jax.grad(lambda x: power(x, exponent)))(base)
    second = jax.vmap(jax.grad(jax.grad(lambda x: power(x, exponent))))(base)
    expected = exponent * np.array([0.25, 4]) ** (exponent - 1)
    np.testing.assert_allclose(first, [0, *expected], rtol=1e-6)
    expected *= (exponent - 1) / np.array([0.25, 4])
    np.testing.assert_allclose(second, [0, *expected], rtol=1e-6)
    by_exponent = jax.grad(lambda g: power(jnp.float32(4), g))(exponent)
    np.testing.assert_allclose(by_exponent, 4**exponent * np.log(4), rtol=1e-6)
    assert np.isnan(power(jnp.float32(jnp.nan), exponent))
    assert np.isnan(jax.grad(lambda x: power(x, exponent))(jnp.float32(jnp.nan)))


def test_weighted_mean_of_nothing_is_zero():
    assert weighted_mean(jnp.ones(3), jnp.zeros(3)) == 0
    assert weighted_mean(jnp.array([1.0, 3.0]), jnp.array([3.0, 1.0])) == 1.5
