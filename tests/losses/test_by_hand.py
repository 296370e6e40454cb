"""Arithmetic spelled out, and special cases that equal other losses."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import links
from jaxseg.losses import (
    CATALOG,
    asymmetric_loss,
    cross_entropy_loss,
    dice_bias_loss,
    dice_loss,
    exponential_logarithmic_loss,
    focal_loss,
    focal_tversky_loss,
    generalized_dice_loss,
    jaccard_loss,
    linear,
    log_dice_loss,
    lovasz_loss,
    marginal_kl_loss,
    marginal_l1_loss,
    penalized_generalized_dice_loss,
    per_image,
    region_cross_entropy_loss,
    scheduled,
    sensitivity_specificity_loss,
    switch,
    topk_loss,
    topk_threshold_loss,
    tversky_loss,
    weighted_sum,
)
from jaxseg.losses.lovasz_gradient import (
    jaccard_gradient,
    jaccard_gradient_of_keys,
    pixel_keys,
)
from tests.losses.market import batch

# Two pixels, the first of class 0, the second of class 1.
PROBS = jnp.array([[0.75, 0.25], [0.5, 0.5]])
IDS = jnp.array([0, 1])


def of(loss, **hyper):
    return float(loss(PROBS, IDS, link=links.identity, **hyper))


def test_cross_entropy():
    assert of(cross_entropy_loss) == pytest.approx(-math.log(0.75 * 0.5) / 2)
    weighted = -(2 * math.log(0.75) + 3 * math.log(0.5)) / 2
    assert of(cross_entropy_loss, class_weights=[2.0, 3.0]) == pytest.approx(weighted)
    masked = of(cross_entropy_loss, where=jnp.array([True, False]))
    assert masked == pytest.approx(-math.log(0.75))


def test_dice():
    class0 = 2 * 0.75 / (0.75 + 0.5 + 1)
    class1 = 2 * 0.5 / (0.25 + 0.5 + 1)
    assert of(dice_loss) == pytest.approx(1 - (class0 + class1) / 2)
    assert of(dice_loss, class_weights=[0.0, 1.0]) == pytest.approx(1 - class1)
    assert of(log_dice_loss) == pytest.approx(-math.log(class0 * class1) / 2)
    smooth0 = (2 * 0.75 + 1) / (0.75 + 0.5 + 1 + 1)
    smooth1 = (2 * 0.5 + 1) / (0.25 + 0.5 + 1 + 1)
    assert of(dice_loss, smooth=1.0) == pytest.approx(1 - (smooth0 + smooth1) / 2)
    log_smooth = -math.log(smooth0 * smooth1) / 2
    assert of(log_dice_loss, smooth=1.0) == pytest.approx(log_smooth)


def test_squared_dice_and_jaccard():
    top0, bottom0 = 0.75, 0.75**2 + 0.5**2 + 1
    top1, bottom1 = 0.5, 0.25**2 + 0.5**2 + 1
    dice = (2 * top0 / bottom0 + 2 * top1 / bottom1) / 2
    jaccard = (top0 / (bottom0 - top0) + top1 / (bottom1 - top1)) / 2
    assert of(dice_loss, squared=True) == pytest.approx(1 - dice)
    assert of(jaccard_loss, squared=True) == pytest.approx(1 - jaccard)


def test_jaccard_and_tversky():
    class0 = 0.75 / (0.75 + 0.25 + 0.5)
    class1 = 0.5 / (0.5 + 0.5 + 0.25)
    assert of(jaccard_loss) == pytest.approx(1 - (class0 + class1) / 2)
    # class 0: FP 0.5 (pixel 2), FN 0.25; class 1: FP 0.25, FN 0.5
    class0 = 0.75 / (0.75 + 0.25 * 0.5 + 1.0 * 0.25)
    class1 = 0.5 / (0.5 + 0.25 * 0.25 + 1.0 * 0.5)
    value = of(tversky_loss, alpha=0.25, beta=1.0)
    assert value == pytest.approx(1 - (class0 + class1) / 2)


def test_lovasz():
    # Class 0: errors 0.25 on the target, 0.5 on the rest. First the rest joins the
    # mispredicted set: Jaccard loss 1/2; then the target: 1. So 0.5/2 + 0.25/2.
    class0 = 0.5 * 0.5 + 0.25 * 0.5
    # Class 1: errors 0.5 on its pixel, 0.25 on the rest: loss 1 at once, no growth.
    class1 = 0.5
    assert of(lovasz_loss) == pytest.approx((class0 + class1) / 2)


def test_lovasz_of_an_absent_class():
    only_zero = jnp.array([0, 0])
    value = lovasz_loss(PROBS, only_zero, link=links.identity)
    # Class 0: both pixels are targets, each adds half: (0.25 + 0.5) / 2.
    assert float(value) == pytest.approx(0.375)
    value = lovasz_loss(PROBS, only_zero, link=links.identity, classes="all")
    # Class 1 has no pixel: its loss is its largest error, 0.5.
    assert float(value) == pytest.approx((0.375 + 0.5) / 2)
    with pytest.raises(ValueError, match="'some'"):
        lovasz_loss(PROBS, only_zero, classes="some")  # pyright: ignore


def test_marginals():
    # Predicted (0.625, 0.375), actual (0.5, 0.5).
    assert of(marginal_l1_loss, temperature=1.0) == pytest.approx(0.25)
    kl = 0.5 * math.log(0.5 / 0.625) + 0.5 * math.log(0.5 / 0.375)
    assert of(marginal_kl_loss, temperature=1.0) == pytest.approx(kl, rel=1e-5)
    bias = math.log(1.125) + math.log(0.875)
    assert of(dice_bias_loss) == pytest.approx(bias, rel=1e-5)
    given = of(marginal_l1_loss, temperature=1.0, target=[0.9, 0.1])
    assert given == pytest.approx(2 * (0.9 - 0.625))
    # Temperature 2 squares the odds: 0.75 becomes 9/10.
    assert of(marginal_l1_loss, temperature=2.0) == pytest.approx(abs(0.5 - 0.7) * 2)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (dice_loss, functools.partial(tversky_loss, alpha=0.5, beta=0.5)),
        (jaccard_loss, functools.partial(tversky_loss, alpha=1.0, beta=1.0)),
        (tversky_loss, dice_loss),
        (CATALOG["tversky"].loss, CATALOG["dice"].loss),
        (functools.partial(focal_loss, gamma=0.0), cross_entropy_loss),
        (functools.partial(topk_loss, fraction=1.0), cross_entropy_loss),
        (functools.partial(topk_threshold_loss, threshold=1.0), cross_entropy_loss),
        (
            functools.partial(focal_tversky_loss, gamma=1.0, alpha=0.2, beta=0.9),
            functools.partial(tversky_loss, alpha=0.2, beta=0.9),
        ),
        (functools.partial(asymmetric_loss, beta=1.0), dice_loss),
        (
            functools.partial(asymmetric_loss, beta=2.0),
            functools.partial(tversky_loss, alpha=0.2, beta=0.8),
        ),
        (
            functools.partial(penalized_generalized_dice_loss, k=0.0),
            generalized_dice_loss,
        ),
        (
            functools.partial(
                exponential_logarithmic_loss,
                dice=1.0,
                ce=1.0,
                gamma_dice=1.0,
                gamma_ce=1.0,
                smooth=0.0,
            ),
            CATALOG["log_dice_ce"].loss,
        ),
        (
            CATALOG["dice_ce"].loss,
            lambda *a, **k: dice_loss(*a, **k) + cross_entropy_loss(*a, **k),
        ),
    ],
)
def test_special_cases(one, other):
    logits, labels, where = batch(seed=20)
    a = jax.value_and_grad(one)(logits, labels, where=where)
    b = jax.value_and_grad(other)(logits, labels, where=where)
    np.testing.assert_allclose(a[0], b[0], rtol=1e-6)
    np.testing.assert_allclose(a[1], b[1], atol=1e-8, rtol=1e-5)


@pytest.mark.parametrize("loss", [cross_entropy_loss, marginal_kl_loss])
def test_two_class_softmax_is_a_sigmoid_of_the_difference(loss):
    logits, labels, where = batch(seed=21, classes=2)
    two = loss(logits, labels, where=where)
    one = loss(
        logits[..., 1:] - logits[..., :1], labels, where=where, link=links.sigmoid
    )
    np.testing.assert_allclose(one, two, rtol=1e-5)


@pytest.mark.parametrize(
    "name", ["dice", "lovasz", "cross_entropy", "marginal_kl", "jaccard_squared"]
)
def test_identity_link_takes_the_probabilities_of_the_others(name):
    logits, labels, where = batch(seed=22)
    loss = CATALOG[name].loss
    probs = jax.nn.softmax(logits)
    by_probs = loss(probs, labels, where=where, link=links.identity)
    np.testing.assert_allclose(
        by_probs, loss(logits, labels, where=where), rtol=1e-4, atol=1e-6
    )
    one, labels = jax.nn.sigmoid(logits[..., :1]), np.minimum(labels, 1)
    by_probs = loss(one, labels, where=where, link=links.identity)
    by_sigmoid = loss(logits[..., :1], labels, where=where, link=links.sigmoid)
    np.testing.assert_allclose(by_probs, by_sigmoid, rtol=1e-4, atol=1e-6)


def test_per_image_is_the_mean_of_single_images_that_have_pixels():
    logits, labels, where = batch(seed=23)
    where[1] = False
    singles = [dice_loss(logits[i], labels[i], where=where[i]) for i in (0, 2, 3)]
    value = per_image(dice_loss)(logits, labels, where=where)
    np.testing.assert_allclose(value, np.mean(singles), rtol=1e-6)
    assert abs(float(value) - float(dice_loss(logits, labels, where=where))) > 1e-5


def test_schedules():
    assert [float(linear(1.0, 3.0)(p)) for p in (-1, 0, 0.25, 1, 2)] == [
        1,
        1,
        1.5,
        3,
        3,
    ]
    assert [float(switch(5.0, 7.0)(p)) for p in (0, 0.8999, 0.9, 1)] == [5, 5, 7, 7]


def test_weighted_sum_follows_its_schedules_without_recompiling():
    logits, labels, _ = batch(seed=24)
    loss_at = weighted_sum(
        (2.0, cross_entropy_loss),
        (linear(0, 1), dice_loss),
        (1.0, scheduled(tversky_loss, alpha=linear(0.5, 0.3), beta=linear(0.5, 0.7))),
    )
    traces = []

    @jax.jit
    def at(progress):
        traces.append(progress)
        return loss_at(progress)(logits, labels)

    for progress in (0.0, 0.5, 1.0):
        expected = (
            2 * cross_entropy_loss(logits, labels)
            + progress * dice_loss(logits, labels)
            + tversky_loss(
                logits, labels, alpha=0.5 - 0.2 * progress, beta=0.5 + 0.2 * progress
            )
        )
        np.testing.assert_allclose(at(progress), expected, rtol=1e-6)
    assert len(traces) == 1


def test_bound_options_win_over_those_of_the_call():
    logits, labels, _ = batch(seed=25)
    foreground = jnp.array([0.0, 1.0, 1.0])
    loss_at = weighted_sum(
        (1.0, cross_entropy_loss), (1.0, scheduled(dice_loss, class_weights=foreground))
    )
    expected = cross_entropy_loss(logits, labels) + dice_loss(
        logits, labels, class_weights=foreground
    )
    np.testing.assert_allclose(loss_at(0.0)(logits, labels), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="at least one"):
        weighted_sum()


def test_galdrans_hand_overs_start_with_cross_entropy_and_end_with_dice():
    logits, labels, _ = batch(seed=26)
    dice = per_image(functools.partial(dice_loss, squared=True))(logits, labels)
    ce = cross_entropy_loss(logits, labels)
    linearly, hard = (
        CATALOG[name].build() for name in ("ce_to_dice_linear", "ce_to_dice_hard")
    )
    for progress, weight in ((0.0, 0.0), (0.25, 0.25), (1.0, 1.0)):
        np.testing.assert_allclose(
            linearly(progress)(logits, labels),
            (1 - weight) * ce + weight * dice,
            rtol=1e-6,
        )
    for progress, expected in ((0.0, ce), (0.89, ce), (0.9, dice), (1.0, dice)):
        np.testing.assert_allclose(hard(progress)(logits, labels), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "progress", "ce", "dice"),
    [
        ("ce_dice_per_image", 0.0, 1.0, 1.0),
        ("ce_to_dice_linear", 0.25, 0.75, 0.25),
        ("ce_to_dice_hard", 0.95, 0.0, 1.0),
    ],
)
def test_without_the_background_two_classes_are_galdrans_binary_loss(
    name, progress, ce, dice
):
    """Eqs (2) and (5) of p = 1/4, 1/2, 3/4 in two images, spelled out."""
    p = np.array([[0.25, 0.5, 0.75], [0.5, 0.75, 0.25]])
    labels = jnp.array([[0, 1, 1], [0, 0, 1]])
    logits = jnp.stack([jnp.zeros((2, 3)), jnp.log(p / (1 - p))], axis=-1)
    first = 1 - 2 * (0.5 + 0.75) / (2 + 0.25**2 + 0.5**2 + 0.75**2)
    second = 1 - 2 * 0.25 / (1 + 0.25**2 + 0.5**2 + 0.75**2)
    right = np.array([0.75, 0.5, 0.75, 0.5, 0.25, 0.25])
    expected = ce * -np.log(right).mean() + dice * (first + second) / 2
    loss = CATALOG[name].build(background=0.0)(progress)
    assert float(loss(logits, labels)) == pytest.approx(expected, rel=1e-6)
    one_score = loss(logits[..., 1:], labels, link=links.sigmoid)
    assert float(one_score) == pytest.approx(expected, rel=1e-6)


def test_a_lesion_free_image_gives_dice_no_gradient_and_smoothing_gives_it_one():
    """Galdran 2022, after eq. (5): the loss is 1 whatever is predicted."""
    logits = jnp.array([[0.3], [-2.0], [1.0]])
    lesion_free = jnp.zeros(3, int)
    plain = functools.partial(dice_loss, link=links.sigmoid)
    value, grad = jax.value_and_grad(plain)(logits, lesion_free)
    assert value == 1
    assert not grad.any()
    value, grad = jax.value_and_grad(plain)(logits, lesion_free, smooth=1.0)
    total = float(jax.nn.sigmoid(logits).sum())
    assert float(value) == pytest.approx(1 - 1 / (total + 1))
    assert (grad > 0).all()


def test_the_kl_marginal_has_a_gradient_where_the_l1_marginal_has_none():
    """A missed object: every pixel is background with certainty."""
    logits = jnp.tile(jnp.array([100.0, -100.0]), (6, 1))
    labels = jnp.array([0, 0, 0, 0, 1, 1])
    assert not jax.grad(marginal_l1_loss)(logits, labels).any()
    grad = jax.grad(marginal_kl_loss)(logits, labels)
    # -y log p with p the mean of 6 equal pixels: -(1/3) tau / 6 each for z_1.
    np.testing.assert_allclose(grad[:, 1], -np.full(6, 10 / 18), rtol=1e-5)


def test_a_missed_object_keeps_its_gradient_under_log_dice():
    logits = jnp.array([[1e4, -1e4]] * 5)
    labels = jnp.array([0, 0, 0, 0, 1])
    value, grad = jax.value_and_grad(log_dice_loss)(logits, labels)
    assert float(value) == pytest.approx(1e4, rel=1e-2)  # -log p / 2 classes
    assert float(grad[-1, 1]) == pytest.approx(-0.5, rel=1e-3)


def test_lovasz_gradient_is_exact_for_a_million_pixels():
    """Closed form; a difference of cumulative Jaccards is off by 1e-2 here."""
    rng = np.random.default_rng(0)
    n = 1 << 20
    errors = rng.random(n).astype(np.float32)
    own = rng.random(n) < 0.1
    keys = pixel_keys(jnp.asarray(errors[None]), own[None], jnp.ones((1, n), bool))
    by_key = jaccard_gradient_of_keys(keys[0], keys[0], jnp.float32)
    soft = jaccard_gradient(
        jnp.asarray(errors[None]), jnp.asarray(own[None], jnp.float32), keys > 0
    )[0]
    order = np.lexsort((~own, -errors))  # as the keys rank pixels of equal error
    total = own.sum()
    jaccard = 1 - (total - np.cumsum(own[order])) / (total + np.cumsum(~own[order]))
    expected = np.empty(n)
    expected[order] = np.diff(jaccard, prepend=0.0)
    for growth in (by_key, soft):
        error = np.linalg.norm(growth - expected) / np.linalg.norm(expected)
        assert error < 1e-3  # float32 errors tie now and then, and then share
    unique = np.unique(errors, return_counts=True)
    alone = np.isin(errors, unique[0][unique[1] == 1])
    gap = np.asarray(by_key)[alone] - expected[alone]
    assert np.linalg.norm(gap) / np.linalg.norm(expected) < 1e-6


def test_lovasz_shares_the_growth_of_pixels_that_tie():
    """Four equal errors outside a class of two: u goes from 2 to 6 behind them."""
    errors = jnp.array([[0.5, 0.5, 0.5, 0.5, 0.2, 0.1]])
    own = jnp.array([[False] * 4 + [True] * 2])
    (keys,) = pixel_keys(errors, own, jnp.ones((1, 6), bool))
    growth = jaccard_gradient_of_keys(keys, keys, jnp.float32)
    np.testing.assert_allclose(growth, [1 / 6] * 6, rtol=1e-6)
    (absent,) = pixel_keys(errors, own & False, jnp.ones((1, 6), bool))
    growth = jaccard_gradient_of_keys(absent, absent, jnp.float32)
    np.testing.assert_allclose(growth, [1 / 4] * 4 + [0, 0], rtol=1e-6)
    (masked,) = pixel_keys(errors, own, jnp.arange(6)[None] != 0)
    growth = jaccard_gradient_of_keys(masked, masked, jnp.float32)
    np.testing.assert_allclose(growth, [0] + [1 / 5] * 5, rtol=1e-6)


def test_a_missing_psum_would_be_seen():
    """The law of shards can fail: a loss that forgets its axis differs."""
    logits, labels, _ = batch(seed=27)

    def forgetful(logits, labels):
        return dice_loss(logits, labels)

    values = jax.vmap(forgetful)(logits, labels)
    assert float(np.ptp(values)) > 1e-4


def test_region_cross_entropy_and_focal():
    each = -math.log(0.75) - math.log(0.5)
    assert of(region_cross_entropy_loss) == pytest.approx(each)
    focal = -(0.25**2 * math.log(0.75) + 0.5**2 * math.log(0.5)) / 2
    assert of(focal_loss) == pytest.approx(focal)


def test_region_cross_entropy_of_a_sigmoid_is_equation_20():
    probs = jnp.array([[0.9], [0.6], [0.2], [0.3]])
    value = region_cross_entropy_loss(
        probs, jnp.array([1, 0, 0, 0]), link=links.identity
    )
    outside = (math.log(0.4) + math.log(0.8) + math.log(0.7)) / 3
    assert float(value) == pytest.approx(-math.log(0.9) - outside, rel=1e-5)


def test_pixel_weights_are_factors_of_each_term():
    weights = jnp.array([2.0, 0.0])
    for loss, expected in (
        (cross_entropy_loss, -2 * math.log(0.75) / 2),
        (focal_loss, -2 * 0.25**2 * math.log(0.75) / 2),
        (functools.partial(topk_loss, fraction=0.5), -2 * math.log(0.75) / 2),
    ):
        assert of(loss, pixel_weights=weights) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="pixel_weights need the shape"):
        of(cross_entropy_loss, pixel_weights=jnp.ones(3))


def test_topk_keeps_the_worst_pixels_and_shares_the_last_place():
    # Pixel losses -log(0.75) and -log(0.5); half of two pixels is the worse one.
    assert of(topk_loss, fraction=0.5) == pytest.approx(-math.log(0.5) / 2)
    # Three quarters of two pixels: the worse one and half of the other.
    expected = (-math.log(0.5) - 0.5 * math.log(0.75)) / 2
    assert of(topk_loss, fraction=0.75) == pytest.approx(expected)
    tied = jnp.zeros((4, 2))
    grad = jax.grad(topk_loss)(tied, jnp.array([0, 0, 0, 0]), fraction=0.5)
    np.testing.assert_allclose(grad[:, 0], -np.full(4, 0.5 * 0.5 / 4), rtol=1e-6)


def test_topk_threshold_keeps_what_is_below():
    assert of(topk_threshold_loss, threshold=0.6) == pytest.approx(-math.log(0.5))
    assert of(topk_threshold_loss, threshold=0.4) == 0
    both = -(math.log(0.5) + math.log(0.75)) / 2
    assert of(topk_threshold_loss, threshold=0.8) == pytest.approx(both)


def test_focal_tversky_asymmetric_and_sensitivity_specificity():
    # class 0: TP 0.75, FP 0.5, FN 0.25; class 1: TP 0.5, FP 0.25, FN 0.5
    tversky = [0.75 / (0.75 + 0.3 * 0.5 + 0.7 * 0.25), 0.5 / (0.5 + 0.075 + 0.35)]
    root = sum((1 - t) ** 0.75 for t in tversky) / 2
    assert of(focal_tversky_loss) == pytest.approx(root)
    scores = [3.25 * tp / (3.25 * tp + 2.25 * fn + fp)
              for tp, fp, fn in ((0.75, 0.5, 0.25), (0.5, 0.25, 0.5))]  # fmt: skip
    assert of(asymmetric_loss) == pytest.approx(1 - sum(scores) / 2)
    inside, outside = (0.25**2, 0.5**2), (0.5**2, 0.25**2)
    expected = sum(0.1 * a + 0.9 * b for a, b in zip(inside, outside, strict=True)) / 2
    assert of(sensitivity_specificity_loss) == pytest.approx(expected)


def test_generalized_dice():
    probs = jnp.array([[0.8, 0.2], [0.6, 0.4], [0.5, 0.5]])
    ids = jnp.array([0, 0, 1])
    # weights 1/4 and 1
    top = 2 * (0.25 * 1.4 + 0.5)
    bottom = 0.25 * (1.9 + 2) + (1.1 + 1)
    score = top / bottom
    value = generalized_dice_loss(probs, ids, link=links.identity)
    assert float(value) == pytest.approx(1 - score)
    value = penalized_generalized_dice_loss(probs, ids, link=links.identity)
    assert float(value) == pytest.approx(1 - score / (1 + 2.5 * (1 - score)))


def test_generalized_dice_with_an_absent_class_is_no_constant():
    """The printed weight 1 / 0 would make every prediction look the same."""
    labels = jnp.array([0, 0, 0, 1, 1])
    right = 5 * jax.nn.one_hot(labels, 3)
    swapped = 5 * jax.nn.one_hot(1 - labels, 3)
    absent = 5 * jax.nn.one_hot(jnp.full(5, 2), 3)
    values = [float(generalized_dice_loss(z, labels)) for z in (right, swapped, absent)]
    assert values[0] < 0.1
    assert values[1] > 0.9
    assert values[2] > 0.9
    nothing = jnp.zeros(5, int)
    foreground = jnp.array([0.0, 1.0, 1.0])
    value = generalized_dice_loss(swapped, nothing, class_weights=foreground)
    assert float(value) == 1  # false positives cost though no class is present


@pytest.mark.parametrize("loss", [focal_loss, focal_tversky_loss,
                                  exponential_logarithmic_loss])  # fmt: skip
def test_roots_have_no_nan_at_a_perfect_prediction(loss):
    perfect = 200 * jax.nn.one_hot(jnp.array([0, 1, 1]), 2)
    hyper = {"gamma": 0.5} if loss is focal_loss else {}
    value, grad = jax.value_and_grad(loss)(perfect, jnp.array([0, 1, 1]), **hyper)
    assert float(value) == 0
    assert not grad.any()


@pytest.mark.parametrize("share", [0.0, 2, -0.1, float("nan")])
def test_a_share_of_pixels_outside_its_range_is_refused(share):
    with pytest.raises(
        ValueError, match="fraction of topk is more than 0 and at most 1"
    ):
        topk_loss(jnp.zeros((4, 2)), jnp.zeros(4, int), fraction=share)
    with pytest.raises(ValueError, match="threshold of topk_threshold is more than 0"):
        topk_threshold_loss(jnp.zeros((4, 2)), jnp.zeros(4, int), threshold=share)
