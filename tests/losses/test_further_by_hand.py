"""Further losses, their arithmetic spelled out on a few pixels."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import links
from jaxseg.losses import (
    CATALOG,
    asymmetric_unified_focal_loss,
    balanced,
    balanced_weights,
    cldice_loss,
    cross_entropy_loss,
    deep_supervision,
    dice_loss,
    dice_semimetric_loss,
    inverse_frequency_weights,
    jaccard_metric_loss,
    linear,
    log_cosh_dice_loss,
    lovasz_hinge_loss,
    lovasz_loss,
    matthews_loss,
    unified_focal_loss,
    wasserstein_dice_loss,
)
from jaxseg.losses.cldice import soft_skeleton
from jaxseg.losses.deep_supervision import coarsen
from jaxseg.losses.lovasz_gradient import binned_gradient, jaccard_gradient
from tests.losses.market import batch

# Two pixels, the first of class 0, the second of class 1.
PROBS = jnp.array([[0.75, 0.25], [0.5, 0.5]])
IDS = jnp.array([0, 1])


def of(loss, **hyper):
    return float(loss(PROBS, IDS, link=links.identity, **hyper))


def test_log_cosh_dice():
    dice = (2 * 0.75 / 2.25 + 2 * 0.5 / 1.75) / 2
    assert of(log_cosh_dice_loss) == pytest.approx(math.log(math.cosh(1 - dice)))


def test_semimetrics_of_soft_labels():
    soft = jnp.array([[0.6, 0.4], [0.2, 0.8]])
    value = dice_semimetric_loss(PROBS, soft, link=links.identity)
    inner = 0.75 * 0.6 + 0.5 * 0.2, 0.25 * 0.4 + 0.5 * 0.8
    apart = 0.15 + 0.3
    scores = [2 * i / (2 * i + apart) for i in inner]
    assert float(value) == pytest.approx(1 - sum(scores) / 2)
    value = jaccard_metric_loss(PROBS, soft, link=links.identity)
    scores = [i / (i + apart) for i in inner]
    assert float(value) == pytest.approx(1 - sum(scores) / 2)
    assert float(jaccard_metric_loss(soft, soft, link=links.identity)) == 0


def test_matthews():
    """Both classes have TP, TN = 0.75, 0.5 and FP, FN = 0.5, 0.25 or the reverse."""
    top = 0.75 * 0.5 - 0.5 * 0.25
    bottom = math.sqrt(1.25 * 1.0 * 1.0 * 0.75)
    assert of(matthews_loss) == pytest.approx(1 - top / bottom)
    swapped = jnp.array([[0.0, 1.0], [1.0, 0.0]])
    assert float(matthews_loss(swapped, IDS, link=links.identity)) == pytest.approx(2)


def test_lovasz_hinge_of_scores_is_the_extension_of_the_hinges():
    """Hinges 1.5, 0.5 of foreground and 0, 3 outside, two of each in the image."""
    scores = jnp.array([-0.5, 0.5, -1.5, 2.0])[:, None]
    ids = jnp.array([1, 1, 0, 0])
    # Largest first: 3 outside (J 1 - 2/3), 1.5 own (1 - 1/3), 0.5 own (1 - 0/3), 0.
    expected = 3 * (1 / 3) + 1.5 * (1 / 3) + 0.5 * (1 / 3)
    value = lovasz_hinge_loss(scores, ids, link=links.sigmoid)
    assert float(value) == pytest.approx(expected)
    two = jnp.concatenate([jnp.zeros_like(scores), scores], axis=1)
    weighted = lovasz_hinge_loss(two, ids, class_weights=[0.0, 1.0])
    assert float(weighted) == pytest.approx(expected)


def test_histogram_lovasz_lies_below_the_exact_one_by_at_most_a_bin():
    for seed, targets in enumerate(("ids", "soft")):
        logits, labels, where = (jnp.asarray(x) for x in batch(seed=seed))
        if targets == "soft":
            labels = jax.nn.softmax(logits[::-1])
        exact = lovasz_loss(logits, labels, where=where)
        for bins in (1, 7, 100, 16384):
            rough = lovasz_loss(
                logits, labels, where=where, method="histogram", bins=bins
            )
            assert -1e-6 <= float(exact - rough) <= 1 / bins + 1e-6
    assert float(exact - rough) < 1e-4


def test_growth_by_bins_is_the_exact_growth_of_errors_rounded_down():
    rng = np.random.default_rng(3)
    errors = rng.integers(0, 8, (1, 40)) / 8 + 1 / 16
    own = rng.random((1, 40)) < 0.3
    errors, own = jnp.asarray(errors, jnp.float32), jnp.asarray(own, jnp.float32)
    counted = jnp.arange(40) % 5 != 0
    binned = binned_gradient(errors.T, own.T, counted, None, bins=8)[:, 0]
    exact = jaccard_gradient(errors, own * counted[None], counted[None])[0]
    for level in np.unique(errors):  # orders within a tie differ, their sum does not
        tied = np.asarray(errors[0] == level)
        np.testing.assert_allclose(binned[tied].sum(), exact[tied].sum(), rtol=1e-5)
    assert float(binned.sum()) == pytest.approx(1, rel=1e-5)
    assert not binned[~counted].any()


def test_growth_by_bins_of_an_absent_class_is_its_worst_bin():
    errors = jnp.array([[0.9, 0.92, 0.1, 0.0]]).T
    growth = binned_gradient(
        errors, jnp.zeros((4, 1)), jnp.ones(4, bool), None, bins=10
    )
    np.testing.assert_allclose(growth[:, 0], [0.5, 0.5, 0, 0])


def test_histogram_lovasz_over_devices_is_that_of_the_union():
    logits, labels, where = (jnp.asarray(x) for x in batch(seed=4))

    def local(logits, labels, where):
        def loss(logits):
            return lovasz_loss(
                logits, labels, where=where, axis_name="d", method="histogram", bins=64
            )

        return jax.value_and_grad(loss)(logits)

    values, grads = jax.vmap(local, axis_name="d")(logits, labels, where)

    def alone(logits):
        return lovasz_loss(logits, labels, where=where, method="histogram", bins=64)

    value, grad = jax.value_and_grad(alone)(logits)
    np.testing.assert_allclose(values, np.full(4, value), rtol=1e-6)
    np.testing.assert_allclose(grads / 4, grad, rtol=1e-4, atol=1e-8)


def test_unified_focal_losses():
    logs = math.log(0.75), math.log(0.5)
    tversky = 0.75 / (0.75 + 0.4 * 0.5 + 0.6 * 0.25), 0.5 / (0.5 + 0.4 * 0.25 + 0.3)
    pixel = -(0.4 * 0.25**0.5 * logs[0] + 0.6 * 0.5**0.5 * logs[1]) / 2
    region = sum((1 - t) ** 0.5 for t in tversky) / 2
    assert of(unified_focal_loss) == pytest.approx(pixel / 2 + region / 2)
    pixel = -(0.4 * 0.25**0.2 * logs[0] + 0.6 * logs[1]) / 2
    region = (1 - tversky[0] + (1 - tversky[1]) ** 0.8) / 2
    value = of(asymmetric_unified_focal_loss, gamma=0.2, weight=0.3)
    assert value == pytest.approx(0.3 * pixel + 0.7 * region)


def test_wasserstein_dice_forgives_near_labels():
    """Background, then two labels at distance 0.2; both pixels are of label 1."""
    distances = [[0, 1, 1], [1, 0, 0.2], [1, 0.2, 0]]
    probs = jnp.array([[0.1, 0.6, 0.3], [0.2, 0.3, 0.5]])
    work = 0.1 * 1 + 0.3 * 0.2, 0.2 * 1 + 0.5 * 0.2
    hits, errors = (1 - work[0]) + (1 - work[1]), sum(work)
    value = wasserstein_dice_loss(
        probs, jnp.array([1, 1]), distances=distances, link=links.identity
    )
    assert float(value) == pytest.approx(1 - 2 * hits / (2 * hits + errors))
    with pytest.raises(ValueError, match=r"\(3, 3\).*not \(2, 2\)"):
        wasserstein_dice_loss(probs, jnp.array([1, 1]), distances=np.eye(2))
    with pytest.raises(ValueError, match="exclusive"):
        wasserstein_dice_loss(probs, jnp.array([1, 1]), link=links.sigmoid)


def test_soft_skeleton_of_a_bar_is_its_middle_line():
    bar = np.zeros((7, 11), np.float32)
    bar[2:5, 1:10] = 1
    of = jax.jit(soft_skeleton, static_argnums=1)
    skeleton = np.asarray(of(jnp.asarray(bar)[..., None], 3))[..., 0]
    middle = np.zeros_like(bar)
    middle[3, 2:9] = 1
    assert skeleton[3, 2:9].all()
    assert skeleton.sum() == middle.sum()
    assert of(jnp.zeros((7, 11, 1)), 3).sum() == 0


def test_cldice_sees_a_broken_vessel_that_dice_hardly_sees():
    vessel = np.zeros((9, 21), np.int32)
    vessel[3:6] = 1
    broken = vessel.copy()
    broken[3:6, 10:12] = 0
    thinner = vessel.copy()
    thinner[3, 1:7] = 0

    def loss(which, mask):
        scores = jnp.asarray(np.eye(2)[mask], jnp.float32)
        return float(
            which(scores, vessel, link=links.identity, class_weights=[0.0, 1.0])
        )

    assert loss(dice_loss, broken) == pytest.approx(loss(dice_loss, thinner))
    assert loss(cldice_loss, broken) > 2 * loss(cldice_loss, thinner)


def test_deep_supervision_is_the_weighted_mean_over_resolutions():
    rng = np.random.default_rng(0)
    fine = jnp.asarray(rng.standard_normal((2, 8, 6, 3)), jnp.float32)
    coarse = jnp.asarray(rng.standard_normal((2, 4, 2, 3)), jnp.float32)
    ids = jnp.asarray(rng.integers(0, 3, (2, 8, 6)))
    where = jnp.asarray(rng.random((2, 8, 6)) < 0.7)
    value = deep_supervision(cross_entropy_loss)([fine, coarse], ids, where=where)
    at_coarse = ids[:, 1::2, 1::3], where[:, 1::2, 1::3]
    expected = cross_entropy_loss(fine, ids, where=where) + 0.5 * cross_entropy_loss(
        coarse, at_coarse[0], where=at_coarse[1]
    )
    np.testing.assert_allclose(value, expected / 1.5, rtol=1e-6)
    alone = deep_supervision(dice_loss, [1.0])([fine], ids)
    np.testing.assert_allclose(alone, dice_loss(fine, ids), rtol=1e-6)
    with pytest.raises(ValueError, match=r"\(2, 5, 2\).*\(2, 8, 6\)"):
        deep_supervision(dice_loss)([coarse[:, :1].repeat(5, 1)], ids)
    with pytest.raises(ValueError, match="2 score maps and 1 weights"):
        deep_supervision(dice_loss, [1.0])([fine, coarse], ids)


def test_coarse_soft_labels_are_means_over_the_pixels_that_count():
    labels = jnp.array([[0.2, 0.6], [1.0, 0.0]])[..., None]
    where = jnp.array([[True, True], [False, True]])
    coarse, counted = coarsen(labels, where, (1, 1))
    np.testing.assert_allclose(coarse[0, 0, 0], 0.8 / 3, rtol=1e-6)
    assert counted.all()
    _, counted = coarsen(labels, where & False, (1, 1))
    assert not counted.any()


def test_class_weights_from_class_sizes():
    """A share p of foreground: 1 / (2 - 2p) and 1 / (2p)."""
    np.testing.assert_allclose(balanced_weights([0.9, 0.1]), [1 / 1.8, 1 / 0.2])
    np.testing.assert_allclose(balanced_weights([90, 10]), [1 / 1.8, 1 / 0.2])
    weights = inverse_frequency_weights([6.0, 3.0, 0.0, 1.0])
    np.testing.assert_allclose(weights, [10 / 6, 10 / 3, 0, 10], rtol=1e-6)
    ids = jnp.array([0] * 9 + [1])
    flat = cross_entropy_loss(jnp.zeros((10, 2)), ids, class_weights=balanced_weights(
        [0.9, 0.1]))  # fmt: skip
    assert float(flat) == pytest.approx(math.log(2))  # the weights have mean 1


def test_dice_of_a_batch_and_of_its_samples_differ():
    logits, labels, _ = batch(seed=5)
    pooled = CATALOG["dice"].loss(logits, labels)
    sampled = CATALOG["dice_per_image"].loss(logits, labels)
    alone = [dice_loss(z, y) for z, y in zip(logits, labels, strict=True)]
    np.testing.assert_allclose(sampled, np.mean(alone), rtol=1e-6)
    assert abs(float(pooled - sampled)) > 1e-4


def test_balanced_sum_shares_the_gradient_between_two_losses():
    logits, labels, where = (jnp.asarray(x) for x in batch(seed=6))

    def of(loss):
        return jax.value_and_grad(lambda z: loss(z, labels, where=where))(logits)

    value, grad = of(balanced(dice_loss, cross_entropy_loss)(0.0))
    (dice, of_dice), (ce, of_ce) = of(dice_loss), of(cross_entropy_loss)
    assert float(value) == pytest.approx(2 * float(ce))
    np.testing.assert_allclose(grad, ce / dice * of_dice + of_ce, rtol=1e-4, atol=1e-7)
    perfect = 1e4 * jax.nn.one_hot(labels, 3)
    assert not jax.grad(lambda z: balanced(dice_loss, dice_loss)(0.0)(z, labels))(
        perfect
    ).any()


def test_the_weight_of_dice_falls_from_1_to_a_hundredth_beside_the_boundary_loss():
    """By 0.01 an epoch: after 99 of 200 epochs it has arrived."""
    weight = linear(1.0, 0.01, until=99 / 200)
    epochs = np.array([0, 1, 50, 98, 99, 150, 200])
    expected = [1, 0.99, 0.5, 0.02, 0.01, 0.01, 0.01]
    np.testing.assert_allclose(weight(epochs / 200), expected, rtol=1e-5)
    logits, labels, _ = (jnp.asarray(x) for x in batch(seed=7))
    recipe = CATALOG["dice_bd"].build()
    np.testing.assert_allclose(recipe(0.0)(logits, labels), dice_loss(logits, labels))
    boundary = CATALOG["boundary"].loss(logits, labels)
    mixed = 0.01 * dice_loss(logits, labels) + 0.99 * boundary
    np.testing.assert_allclose(recipe(1.0)(logits, labels), mixed, rtol=1e-5)
