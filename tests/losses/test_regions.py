"""Losses of overlapping regions and of partly annotated images, against arithmetic."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import links
from jaxseg.losses import (
    CATALOG,
    LossAt,
    cross_entropy_loss,
    deep_supervision,
    dice_ce_loss,
    dice_loss,
    merged_background,
    partly_annotated,
    per_region,
    scheduled,
)
from jaxseg.targets import region_targets
from tests.losses.market import EXCLUSIVE

REGIONS = ((1, 2, 3), (1, 3), (3,))
"""Whole tumour, core and enhancing of four classes."""


def scores_and_ids(outputs, shape=(2, 6, 5), seed=0):
    rng = np.random.default_rng(seed)
    scores = jnp.asarray(2 * rng.standard_normal((*shape, outputs)), jnp.float32)
    return scores, jnp.asarray(rng.integers(0, 4, shape))


def test_regions_by_hand():
    ids = jnp.array([[0, 1, 2, 3]])
    probs = np.array([[0.1, 0.2, 0.1], [0.9, 0.5, 0.25], [0.5, 0.5, 0.5], [1, 0.75, 1]])
    scores = jnp.asarray(np.log(probs / (1.0 + 1e-12 - probs)))[None]
    value = per_region(dice_loss, REGIONS)(scores, ids)
    whole = 2 * (0.9 + 0.5 + 1) / (0.1 + 0.9 + 0.5 + 1 + 3)
    core = 2 * (0.5 + 0.75) / (0.2 + 0.5 + 0.5 + 0.75 + 2)
    enhancing = 2 * 1 / (0.1 + 0.25 + 0.5 + 1 + 1)
    np.testing.assert_allclose(value, 1 - (whole + core + enhancing) / 3, rtol=1e-5)


def test_regions_are_one_sigmoid_each():
    """Cross-entropy is the mean of nine binary ones, weighed as the mean is."""
    scores, ids = scores_and_ids(3)
    where = jnp.asarray(np.random.default_rng(1).random(ids.shape) > 0.3)
    inside = np.stack([np.isin(ids, region) for region in REGIONS], -1)
    p = 1 / (1 + np.exp(-np.asarray(scores, np.float64)))
    costs = -np.log(np.where(inside, p, 1 - p))[np.asarray(where)].mean(0)
    loss = per_region(cross_entropy_loss, REGIONS)
    np.testing.assert_allclose(loss(scores, ids, where=where), costs.mean(), rtol=1e-5)
    weighed = loss(scores, ids, where=where, class_weights=(1.0, 0.0, 3.0))
    np.testing.assert_allclose(weighed, (costs[0] + 3 * costs[2]) / 4, rtol=1e-5)
    soft = region_targets(jax.nn.one_hot(ids, 4), REGIONS)
    np.testing.assert_array_equal(soft, inside)
    np.testing.assert_allclose(
        loss(scores, jax.nn.one_hot(ids, 4), where=where), costs.mean(), rtol=1e-5
    )
    with pytest.raises(ValueError, match="one score for each of the 3 regions"):
        loss(scores[..., :2], ids)


def test_overlap_of_regions_is_that_of_the_joint_loss():
    scores, ids = scores_and_ids(3)
    joint = dice_loss(scores, region_targets(ids, REGIONS), link=links.sigmoid)
    of_regions = per_region(dice_loss, REGIONS)(scores, ids)
    np.testing.assert_allclose(of_regions, joint, rtol=1e-6)


def test_a_region_that_is_not_annotated_has_no_gradient_and_no_pixel():
    """The loss is that of the images that know a region, and its gradient exactly 0."""
    scores, ids = scores_and_ids(3)
    annotated = jnp.array([[True, True, False], [True, False, False]])
    loss = per_region(dice_ce_loss, REGIONS)
    value, grad = jax.value_and_grad(loss)(scores, ids, annotated=annotated)
    grad = np.asarray(grad)
    assert (
        grad[~np.asarray(annotated)[:, None, None].repeat(6, 1).repeat(5, 2)] == 0
    ).all()
    assert (grad[0, ..., :2] != 0).all()
    assert (grad[1, ..., 0] != 0).all()

    def alone(images, region):
        inside = jnp.isin(ids[images], jnp.array(REGIONS[region])).astype(int)
        return dice_ce_loss(
            scores[images][..., region, None], inside, link=links.sigmoid
        )

    by_hand = (alone(slice(0, 2), 0) + alone(slice(0, 1), 1)) / 2
    np.testing.assert_allclose(value, by_hand, rtol=1e-6)


def test_merged_background_by_hand():
    probs = jnp.array([[[0.4, 0.3, 0.2, 0.1]]])
    found = jax.nn.softmax(
        merged_background(jnp.log(probs), jnp.array([[True, True, False, False]]))
    )
    np.testing.assert_allclose(found[0, 0], [0.7, 0.3, 0, 0], rtol=1e-6)
    assert (found[0, 0, 2:] == 0).all()
    same = merged_background(jnp.log(probs), jnp.ones((1, 4), bool))
    np.testing.assert_array_equal(same, jnp.log(probs))
    with pytest.raises(ValueError, match=r"bool array \(1, 4\), images and classes"):
        merged_background(jnp.log(probs), jnp.ones((4,), bool))


@pytest.mark.parametrize("name", ["dice_ce", "lovasz"])
def test_only_the_sum_of_background_and_what_nobody_looked_for_counts(name):
    """Moving probability between the background and such a class changes nothing."""
    scores, ids = scores_and_ids(4)
    annotated = jnp.array([[True, True, False, True]] * 2)
    ids = jnp.where(ids == 2, 0, ids)
    loss = partly_annotated(CATALOG[name].loss)

    def value(share):
        both = jax.nn.logsumexp(scores[..., jnp.array([0, 2])], axis=-1)
        moved = scores.at[..., 0].set(both + jnp.log(1 - share))
        return loss(
            moved.at[..., 2].set(both + jnp.log(share)), ids, annotated=annotated
        )

    first, slope = jax.value_and_grad(value)(0.3)
    np.testing.assert_allclose(first, value(0.9), rtol=1e-5)
    assert abs(float(slope)) < 1e-5
    # It is the loss of three classes whose first is both.
    both = jax.nn.logsumexp(scores[..., jnp.array([0, 2])], axis=-1)
    three = jnp.stack([both, scores[..., 1], scores[..., 3]], axis=-1)
    joint = CATALOG[name].loss(three, jnp.array([0, 1, 0, 2])[ids])
    np.testing.assert_allclose(first, joint, rtol=1e-5)


def test_images_that_leave_out_other_classes_pool_by_class():
    """Each class's counts are those of the images that know it."""
    scores, ids = scores_and_ids(4)
    annotated = np.array([[True, True, False, True], [True, False, True, True]])
    ids = np.array(ids)
    ids[0][ids[0] == 2] = 0
    ids[1][ids[1] == 1] = 0
    value = partly_annotated(dice_loss)(
        scores, jnp.asarray(ids), annotated=jnp.asarray(annotated)
    )
    p = np.asarray(jax.nn.softmax(scores), np.float64)
    dice = []
    for kind, images in ((0, (0, 1)), (1, (0,)), (2, (1,)), (3, (0, 1))):
        hit = total = 0.0
        for b in images:
            share = p[b, ..., kind]
            if kind == 0:
                share = share + p[b, ..., 2 - b]
            hit += share[ids[b] == kind].sum()
            total += share.sum() + (ids[b] == kind).sum()
        dice.append(2 * hit / total)
    np.testing.assert_allclose(value, 1 - np.mean(dice), rtol=1e-5)


@pytest.mark.parametrize(
    "name", ["cross_entropy", "dice", "lovasz", "marginal_l1", "matthews"]
)
def test_where_all_is_annotated_it_is_the_loss(name):
    scores, ids = scores_and_ids(3, (2, 4, 4))
    ids = jnp.minimum(ids, 2)
    loss = CATALOG[name].loss
    every = jnp.ones((2, 3), bool)
    found = partly_annotated(loss)(scores, ids, annotated=every)
    plain = loss(scores, ids)
    np.testing.assert_allclose(found, plain, rtol=2e-6)


def test_shards_pool_to_the_loss_of_all():
    scores, ids = scores_and_ids(4, (4, 6, 5))
    annotated = jnp.asarray(np.random.default_rng(2).random((4, 4)) > 0.4)
    for loss, outputs in (
        (partly_annotated(dice_loss), 4),
        (per_region(dice_ce_loss, REGIONS), 3),
    ):
        parts = scores[..., :outputs], ids, annotated[:, :outputs]

        def of(s, t, a, axis_name=None, loss=loss):
            return loss(s, t, annotated=a, axis_name=axis_name)

        sharded = jax.vmap(lambda *x, of=of: of(*x, axis_name="d"), axis_name="d")(
            *(x.reshape(2, 2, *x.shape[1:]) for x in parts)
        )
        np.testing.assert_allclose(sharded, [of(*parts)] * 2, rtol=1e-6)


def test_deep_supervision_and_terms_go_through():
    scores, ids = scores_and_ids(3, (2, 4, 4))
    loss = per_region(dice_ce_loss, REGIONS)
    annotated = jnp.array([[True, False, True], [True, True, True]])
    coarse = scores[:, ::2, ::2]
    value = deep_supervision(loss)([scores, coarse], ids, annotated=annotated)
    two = (
        loss(scores, ids, annotated=annotated),
        loss(coarse, ids[:, 1::2, 1::2], annotated=annotated),
    )
    np.testing.assert_allclose(value, (two[0] + two[1] / 2) / 1.5, rtol=1e-6)
    loss_at = CATALOG["dice_ce"].build().mapped(lambda one: per_region(one, REGIONS))
    assert isinstance(loss_at, LossAt)
    terms = loss_at.terms(0.0)
    assert len(terms) == 2
    total = sum(term(scores, ids, annotated=annotated) for term in terms.values())
    np.testing.assert_allclose(loss_at(0.0)(scores, ids, annotated=annotated), total)
    assert scheduled(dice_loss).mapped(partly_annotated)(0.0) is not dice_loss


@pytest.mark.parametrize("name", sorted(set(CATALOG) - EXCLUSIVE))
def test_every_loss_of_yes_and_no_takes_regions(name):
    scores, ids = scores_and_ids(3, (2, 4, 4))
    value = jax.eval_shape(per_region(CATALOG[name].loss, REGIONS), scores, ids)
    assert value.shape == ()
