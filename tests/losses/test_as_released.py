"""Released losses: what they compute, where they fail, and that they still differ."""

import functools
import inspect
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import links
from jaxseg.losses import cross_entropy_loss
from jaxseg.losses.as_released import (
    AS_RELEASED,
    galdran,
    kervadec,
    liu,
    ma,
    weighted_cross_entropy_loss,
)
from tests import as_released
from tests.losses import released_oracle

every_entry = pytest.mark.parametrize("name", AS_RELEASED)
SHAPE = (4, 5, 5)


def test_the_table_is_up_to_date():
    """Compared number by number, since the last digit may differ between machines."""

    def parts(text):
        cells = [line.split(" | ")[-3:] for line in text.splitlines() if "`" in line]
        numbers = [
            float(c.strip(" |")) for row in cells[-len(AS_RELEASED) :] for c in row
        ]
        return re.sub(r"-?\d[\d.e-]*", "#", text), numbers

    words, numbers = parts(as_released.FILE.read_text())
    expected_words, expected = parts(as_released.document())
    assert words == expected_words, "run `python -m tests.readme`"
    np.testing.assert_allclose(numbers, expected, rtol=2e-2)


@every_entry
def test_released_and_printed_differ(name):
    printed, released = as_released.values()[name]
    assert abs(released - printed) > 1e-11


@every_entry
def test_the_docstring_says_what_is_printed(name):
    function = AS_RELEASED[name].function
    function = function.func if isinstance(function, functools.partial) else function
    if name.startswith("kervadec"):
        function = kervadec.level_set
    doc = inspect.getdoc(function) or ""
    if function in (galdran.ce_to_dice_linear, galdran.ce_to_dice_hard):
        doc = galdran.linear_ce_share.__doc__ + galdran.hard_ce_share.__doc__
    assert any(word in doc for word in ("Printed", "By its name", "Ma 2021, eq. (16)"))


def problem(name, dtype=np.float32):
    """Scores, ids, mask and maps that suit an entry; all classes in every image."""
    entry = AS_RELEASED[name]
    rng = np.random.default_rng(5)
    classes = 1 if entry.binary else 3
    logits = rng.standard_normal((*SHAPE, classes)).astype(dtype)
    labels = rng.integers(0, max(classes, 2), SHAPE).astype(np.int32)
    where = rng.random(SHAPE) > 0.2
    labels[:, 0, :3], where[:, 0, :3] = np.arange(3) % max(classes, 2), True
    maps = {n: rng.random((*SHAPE, 3)).astype(dtype) for n in entry.maps}
    if "distance" in maps:
        maps["distance"] = maps["distance"][..., 0]
    if "inside" in maps:  # a pixel has a distance on one side alone
        maps = {"inside": np.maximum(3 * maps["inside"] - 1, 0)}
        maps["outside"] = np.where(maps["inside"] > 0, 0, 2).astype(dtype)
    return logits, labels, where, maps


def released(name, **bound):
    entry = AS_RELEASED[name]
    link = {"link": links.sigmoid} if entry.binary else {}
    return functools.partial(entry.released_loss, **link, **bound)


def compiled(of_entry):
    """``of_entry(name, *problem(name))`` of all entries: one program compiles fast."""

    def every(problems):
        return {name: of_entry(name, *given) for name, given in problems.items()}

    return jax.jit(every)({name: problem(name) for name in AS_RELEASED})


@functools.cache
def values_and_grads():
    def of_entry(name, logits, labels, where, maps):
        loss = jax.value_and_grad(released(name))
        return loss(logits, labels, where=where, **maps)

    return compiled(of_entry)


@functools.cache
def pooled_values():
    """Values on two devices, half of the images on each."""

    def of_entry(name, *given):
        def local(logits, labels, where, maps):
            loss = released(name, axis_name="devices")
            return loss(logits, labels, where=where, **maps)

        halves = jax.tree.map(lambda x: x.reshape(2, 2, *x.shape[1:]), given)
        return jax.vmap(local, axis_name="devices")(*halves)

    return compiled(of_entry)


@every_entry
def test_value_equals_the_oracle(name):
    logits, labels, where, maps = problem(name)
    value, grad = values_and_grads()[name]
    known = {} if name.endswith("penalized_cross_entropy") else maps
    expected = getattr(released_oracle, name)(logits, labels, where, **known)
    np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)
    assert np.isfinite(grad).all()
    assert grad[where].any()
    assert not grad[~where].any()


@every_entry
def test_shards_pool_to_the_global_loss(name):
    value, _ = values_and_grads()[name]
    pooled = pooled_values()[name]
    np.testing.assert_allclose(pooled, np.full(2, value), rtol=1e-5, atol=1e-6)


# Where released code yields nan or says nothing.

ONE_IMAGE = jnp.array([[[0.5], [-0.5], [1.0]]])


def test_liu_binary_kl_of_an_all_foreground_image_is_nan():
    value = liu.marginal_kl_loss(
        ONE_IMAGE, jnp.ones((1, 3), jnp.int32), link=links.sigmoid
    )
    assert np.isnan(value)


def test_liu_kl_of_a_certain_background_has_no_gradient():
    logits = jnp.full((1, 3, 1), -30.0)
    labels = jnp.array([[0, 0, 1]])
    loss = functools.partial(liu.marginal_kl_loss, link=links.sigmoid)
    value, grad = jax.value_and_grad(loss)(logits, labels)
    third = 1 / 3
    floor = third * np.log(third / (1e-10 / 3)) + 2 * third * np.log(2 * third)
    np.testing.assert_allclose(value, floor, rtol=1e-5)
    assert not grad.any()


def test_ma_topk_threshold_of_two_classes_at_one_half_is_nan():
    value = ma.topk_threshold_loss(
        jnp.array([[2.0, 0.0], [0.0, 0.1]]), jnp.array([0, 1]), threshold=0.5
    )
    assert np.isnan(value)


def test_ma_topk_of_nine_pixels_has_none_in_it():
    loss = jax.jit(ma.topk_loss)
    assert np.isnan(loss(jnp.zeros((9, 2)), jnp.zeros(9, jnp.int32)))
    assert np.isfinite(loss(jnp.zeros((10, 2)), jnp.zeros(10, jnp.int32)))


def test_ma_topk_counts_void_pixels():
    logits = jnp.stack([jnp.arange(20.0), jnp.zeros(20)], axis=-1)
    ids = jnp.ones(20, jnp.int32)
    where = jnp.arange(20) < 10
    # K is 2 of 20, not 1 of 10: the worst are the scores 8 and 9.
    expected = np.mean([np.logaddexp(0, z) for z in (8.0, 9.0)])
    value = jax.jit(ma.topk_loss)(logits, ids, where=where)
    np.testing.assert_allclose(value, expected, 1e-6)


def test_ma_distance_penalty_changes_nothing():
    logits, labels, where, maps = problem("ma_distance_penalized_cross_entropy")
    for scale in (0.0, 1.0, 100.0):
        value = ma.distance_penalized_cross_entropy_loss(
            logits, labels, distance=scale * maps["distance"], where=where
        )
        assert value == cross_entropy_loss(logits, labels, where=where)


@pytest.mark.parametrize(
    "loss", [ma.generalized_dice_loss, ma.generalized_dice_v1_loss]
)
def test_ma_generalized_dice_is_constant_where_a_class_is_absent(loss):
    """Class 2 is absent: a good, a random and a swapped prediction cost the same."""
    labels = jnp.asarray([[0, 0, 0, 1, 1, 0, 1, 0]])
    good = 4 * jax.nn.one_hot(labels, 3)
    swapped = 4 * jax.nn.one_hot(1 - labels, 3)
    values = [loss(z, labels) for z in (good, jnp.zeros((1, 8, 3)), swapped)]
    np.testing.assert_allclose(values, np.ones(3), atol=1e-4)


def test_ma_penalty_is_reversed():
    """Slopes at scores 0.1, 0.5, 0.9: 2.24, 0.69, 0.33; printed: 0.33, 0.69, 2.24."""

    def released_of(score):
        return (1 - score) / (1 + 2.5 * score)

    def printed_of(score):
        return 1 - score / (1 + 2.5 * (1 - score))

    slopes = [[abs(jax.grad(f)(s)) for s in (0.1, 0.5, 0.9)]
              for f in (released_of, printed_of)]  # fmt: skip
    np.testing.assert_allclose(slopes[0], [2.24, 0.69, 0.33], atol=5e-3)
    np.testing.assert_allclose(slopes[1], slopes[0][::-1], rtol=1e-5)
    logits, labels, where, _ = problem("ma_penalized_generalized_dice")
    score = 1 - jax.jit(ma.generalized_dice_v1_loss)(logits, labels, where=where)
    value, _ = values_and_grads()["ma_penalized_generalized_dice"]
    np.testing.assert_allclose(value, released_of(score), rtol=1e-5)


def test_ma_dice_plus_hausdorff_is_twice_hausdorff():
    logits, labels, where, maps = problem("ma_hausdorff")
    both, grad = jax.jit(jax.value_and_grad(ma.dice_hausdorff_loss))(
        logits, labels, where=where, **maps
    )
    alone, alone_grad = values_and_grads()["ma_hausdorff"]
    np.testing.assert_allclose(both, 2 * alone, rtol=1e-4)
    assert not np.allclose(grad, 2 * alone_grad, rtol=1e-2)


def test_weights_of_cross_entropy_may_be_scaled():
    logits, labels, where, _ = problem("ma_weighted_cross_entropy")
    loss = jax.jit(weighted_cross_entropy_loss)
    values = [
        loss(logits, labels, where=where, class_weights=jnp.array(w))
        for w in ([1.0, 2.0, 3.0], [10.0, 20.0, 30.0])
    ]
    np.testing.assert_allclose(*values, rtol=1e-6)


def test_level_sets_of_a_line():
    """Five pixels in a row of seven: the released maps, border and all."""
    inside = jnp.array([0.0, 1, 2, 3, 2, 1, 0])
    outside = jnp.array([1.0, 0, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(
        ma.level_set(inside, outside), [1, 0, -2, -3, -2, 0, 1]
    )
    np.testing.assert_array_equal(
        kervadec.level_set(inside, outside), [1, 0, -1, -2, -1, 0, 1]
    )


def test_galdran_shares_of_cross_entropy():
    """Twelve epochs; eqs. (7) and (8) hold in the paper for the whole training."""
    starts = np.arange(12, dtype=np.float32) / 12
    linear = [float(galdran.linear_ce_share()(s)) for s in starts]
    np.testing.assert_allclose(linear, 1 - np.arange(12) / 11, atol=1e-6)
    hard = [float(galdran.hard_ce_share()(s)) for s in starts]
    assert hard == [1.0] * 11 + [0.0]
    twice = [float(galdran.hard_ce_share(cycles=2)(s)) for s in np.arange(24) / 24]
    assert twice == ([1.0] * 11 + [0.0]) * 2
    ten = [float(galdran.hard_ce_share(epochs=10)(s)) for s in np.linspace(0, 1, 11)]
    assert ten == [1.0] * 11
