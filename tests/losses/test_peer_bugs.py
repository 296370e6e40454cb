"""Faults of other libraries that jaxseg must not have, each named after the fault.

The numbers in comments are what the named version gave on the same input, run once;
those marked "survey" are from reading or running an earlier version. `GOOD`, `SWAPPED`
and `EVEN` score two classes of three, of which the last does not occur.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import links
from jaxseg.losses import (
    CATALOG,
    boundary_loss,
    cldice_loss,
    cross_entropy_loss,
    dice_loss,
    distance_cross_entropy_loss,
    exponential_logarithmic_loss,
    focal_loss,
    generalized_dice_loss,
    hausdorff_loss,
    jaccard_loss,
    lovasz_loss,
    marginal_kl_loss,
    penalized_generalized_dice_loss,
    per_image,
    signed_distance_maps,
    topk_loss,
    topk_threshold_loss,
    tversky_loss,
    wasserstein_dice_loss,
)

RNG = np.random.default_rng(0)
LOGITS = jnp.asarray(RNG.standard_normal((2, 4, 4, 3)), jnp.float32)
IDS = jnp.asarray(RNG.integers(0, 3, (2, 4, 4)), jnp.int32)
TOP_ROWS = jnp.zeros((2, 4, 4), bool).at[:, :2].set(True)

TWO = jnp.array([[[0, 0, 0, 0], [1, 1, 1, 1]]])
GOOD = 20 * jax.nn.one_hot(TWO, 3)
SWAPPED = 20 * jax.nn.one_hot(1 - TWO, 3)
EVEN = jnp.zeros((1, 2, 4, 3))

compiled_lovasz = jax.jit(lovasz_loss)
foreground = functools.partial(dict, class_weights=jnp.array([0.0, 1.0]))
close = functools.partial(np.testing.assert_allclose, rtol=1e-4)


def value_and_grad(loss, logits, labels, **options):
    return jax.jit(jax.value_and_grad(functools.partial(loss, **options)))(
        logits, labels
    )


# Half precision.


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        # On 512 x 512 float16 scores, all 0, half of each class, the sums overflow.
        # MONAI 1.6.1: 1.0. segmentation_models.pytorch 0.6.0 and optax 0.2.8: nan.
        (dice_loss, 0.5),
        # MONAI 1.6.1, batch=True: nan.
        (functools.partial(dice_loss, squared=True), 1 / 3),
        # MONAI 1.6.1: 1.0; in bfloat16 0.377.
        (generalized_dice_loss, 0.5),
        (jaccard_loss, 2 / 3),
        (tversky_loss, 0.5),
        (cross_entropy_loss, math.log(2)),
    ],
)
def test_sums_of_half_precision_overflow(loss, expected, dtype):
    logits = jnp.zeros((512, 512, 2), dtype)
    labels = jnp.zeros((512, 512), jnp.int32).at[:256].set(1)
    close(loss(logits, labels), expected, rtol=1e-6)


# Soft labels.


@pytest.mark.parametrize(
    ("loss", "floor"),
    [
        # At p = t = 1/2. MONAI 1.6.1 without soft_label=True: 0.5; exacta 0.0.1a5: 0.5;
        # optax 0.2.8: 0.444.
        (dice_loss, 0.0),
        # MONAI 1.6.1: 0.5.
        (generalized_dice_loss, 0.0),
        # MONAI's DiceCELoss 1.6.1, which has no soft_label: log 2 + 0.5.
        (CATALOG["dice_ce"].loss, math.log(2)),
        (jaccard_loss, 0.0),
        (tversky_loss, 0.0),
        (compiled_lovasz, 0.0),
    ],
)
def test_a_soft_label_met_exactly_costs_one_half(loss, floor):
    value = loss(jnp.zeros((4, 4, 2)), jnp.full((4, 4, 2), 0.5))
    close(value, floor, atol=1e-7)


# Void pixels.


def test_focal_mean_over_void_pixels_is_too_large():
    # MONAI 1.6.1 with ignore_index: 0.7074; with the void rows cut away: 0.2358.
    masked = focal_loss(LOGITS, IDS, where=TOP_ROWS)
    close(masked, focal_loss(LOGITS[:, :2], IDS[:, :2]))
    close(masked, 0.7074)


def test_cross_entropy_mean_divides_by_void_pixels():
    # segmentation_models.pytorch 0.6.0, SoftCrossEntropyLoss with half the pixels
    # ignored: 0.6061; PyTorch: 1.2122.
    close(cross_entropy_loss(LOGITS, IDS, where=TOP_ROWS), 1.2122)


def test_topk_takes_its_share_of_void_pixels():
    # nnU-Net (survey) takes 10% of all voxels, void ones included.
    masked = topk_loss(LOGITS, IDS, fraction=0.25, where=TOP_ROWS)
    close(masked, topk_loss(LOGITS[:, :2], IDS[:, :2], fraction=0.25))


def test_a_batch_of_void_pixels_has_a_loss_that_is_no_scalar():
    # LovaszSoftmax (survey) returns its input times 0, of the input's shape.
    void = jnp.zeros((2, 4, 4), bool)
    value, grad = value_and_grad(lovasz_loss, LOGITS, IDS, where=void)
    assert value.shape == ()
    assert value == 0
    assert not grad.any()


# Gradients that are not there, or not numbers.


def test_focal_gradient_of_a_certain_pixel_is_nan_for_gamma_below_one():
    # MONAI 1.6.1, gamma=0.5, scores (40, -40): value 0, gradient nan.
    logits, ids = jnp.array([[40.0, -40.0]]), jnp.array([0])
    value, grad = value_and_grad(focal_loss, logits, ids, gamma=0.5)
    assert value == 0
    assert not grad.any()


def test_an_empty_class_without_smoothing_is_nan():
    # optax 0.2.8, smooth=0, certain background, no foreground: value and gradient nan.
    logits = jnp.zeros((1, 4, 4, 2)).at[..., 0].set(200.0)
    value, grad = value_and_grad(dice_loss, logits, jnp.zeros((1, 4, 4), jnp.int32))
    assert value == 0
    assert not grad.any()


def test_empty_ground_truth_leaves_a_gradient_of_rounding_errors():
    # Score 2 everywhere, no foreground. segmentation_models.pytorch 0.6.0 and
    # SegLossBias: exactly 0 in value and gradient, so that false positives are free.
    # MONAI 1.6.1 and exacta 0.0.1a5, smooth 1e-5: gradient 3e-10.
    logits, none = jnp.full((8, 8, 1), 2.0), jnp.zeros((8, 8), jnp.int32)
    value, grad = value_and_grad(dice_loss, logits, none, link=links.sigmoid)
    assert value == 1  # documented: the price is fixed, the gradient is zero
    assert not grad.any()
    ce = CATALOG["dice_ce"].loss
    _, grad = value_and_grad(ce, logits, none, link=links.sigmoid)
    close(grad, np.full((8, 8, 1), jax.nn.sigmoid(2.0) / 64))
    smooth = dict(link=links.sigmoid, smooth=64.0)
    value, grad = value_and_grad(dice_loss, logits, none, **smooth)
    mass = 64 * jax.nn.sigmoid(2.0)
    close(value, mass / (mass + 64))
    assert (grad > 1e-4).all()


def test_an_image_without_foreground_makes_the_mean_nan():
    # ImgX (survey) averages Dice over classes present and divides 0 by 0.
    ids = IDS.at[0].set(0)
    value, grad = value_and_grad(
        per_image(dice_loss), LOGITS, ids, class_weights=jnp.array([0.0, 1.0, 1.0])
    )
    assert np.isfinite(value)
    assert np.isfinite(grad).all()


def test_nothing_there_and_nothing_predicted_costs_one():
    # Keras (survey) smooths the denominator alone: 1.
    logits = jnp.full((4, 4, 1), -200.0)
    none = jnp.zeros((4, 4), jnp.int32)
    assert dice_loss(logits, none, link=links.sigmoid) == 0


def test_binary_kl_of_an_all_foreground_image_is_nan():
    # SegLossBias 5678f4d: nan.
    logits, full = jnp.full((1, 4, 4, 1), 0.5), jnp.ones((1, 4, 4), jnp.int32)
    value, grad = value_and_grad(marginal_kl_loss, logits, full, link=links.sigmoid)
    close(value, math.log1p(math.exp(-5.0)), rtol=1e-3)
    assert (grad < 0).all()


def test_kl_of_a_certain_background_has_no_gradient():
    # SegLossBias 5678f4d, temperature 10, scores -30: gradient exactly 0.
    logits, some = jnp.full((1, 2, 2, 1), -30.0), jnp.array([[[0, 1], [0, 0]]])
    value, grad = value_and_grad(marginal_kl_loss, logits, some, link=links.sigmoid)
    close(value, 0.25 * (300 + math.log(0.25)) + 0.75 * math.log(0.75))
    close(grad, np.full((1, 2, 2, 1), -0.25 * 10 / 4))


# Absent classes.


def test_generalised_dice_is_constant_where_a_class_is_absent():
    # SegLossOdyssey 76ff3d4: 1 - 1e-5 or closer to 1 for EVEN and SWAPPED alike.
    good, even, swapped = (generalized_dice_loss(z, TWO) for z in (GOOD, EVEN, SWAPPED))
    close(good, 0, atol=1e-6)
    # Every class weighs 1/16: 2 (4/3 + 4/3) over (8/3 + 4) + (8/3 + 4) + 8/3.
    close(even, 2 / 3)
    close(swapped, 1)


def test_generalised_dice_of_swapped_classes_is_perfect():
    # optax 0.2.8, multiclass_generalized_dice_loss: 1e-8.
    close(generalized_dice_loss(SWAPPED, TWO), 1)


def test_generalised_dice_of_false_positives_alone_is_zero():
    # Foreground only, none in the image, predicted everywhere. MONAI 1.6.1 and exacta
    # 0.0.1a5: 0.0.
    logits = jnp.stack([jnp.full((4, 4), -5.0), jnp.full((4, 4), 5.0)], axis=-1)
    none = jnp.zeros((4, 4), jnp.int32)
    close(generalized_dice_loss(logits, none, **foreground()), 1)


def test_false_positives_of_an_absent_class_are_free():
    # Two pixels of class 0 taken for the absent class 2. segmentation_models.pytorch
    # 0.6.0: 1/9, what class 0 lost (Dice 2/3); class 2 itself costs 0.
    taken = 20 * jax.nn.one_hot(jnp.array([[[2, 2, 0, 0], [1, 1, 1, 1]]]), 3)
    close(dice_loss(taken, TWO), (1 / 3 + 0 + 1) / 3)


# Classes.


def test_false_positives_and_negatives_weigh_the_same():
    # kornia (survey; mended by 0.9.0): 0.6584 for either order of alpha and beta.
    values = [
        tversky_loss(LOGITS, IDS, alpha=a, beta=b) for a, b in ((0.2, 0.8), (0.8, 0.2))
    ]
    assert abs(values[0] - values[1]) > 1e-3
    more_false = jnp.array([[[0, 0, 1, 1], [1, 1, 1, 1]]])
    logits = 20 * jax.nn.one_hot(more_false, 2)
    value = tversky_loss(logits, TWO, alpha=0.2, beta=0.8, **foreground())
    close(value, 1 - 4 / (4 + 0.2 * 2))


def test_dice_is_the_mean_probability_of_the_target():
    # kornia 0.9.0, average="micro" by default: 0.6408 = 1 - mean p of the target;
    # average="macro", per image: 0.6483.
    close(per_image(dice_loss)(LOGITS, IDS), 0.6483)


def test_lovasz_of_three_classes_takes_ids_for_masks():
    # kornia (survey; mended by 0.9.0): 0.434 in the place of 0.700 on other input.
    # exacta 0.0.1a5 here: 0.6759, and by image 0.6729.
    close(compiled_lovasz(LOGITS, IDS), 0.6759, rtol=2e-4)
    by_image = jax.jit(per_image(lovasz_loss))
    close(by_image(LOGITS, IDS), 0.6729, rtol=2e-4)


def test_lovasz_of_one_class_raises():
    # LovaszSoftmax (survey) with its default classes="present" raises for C = 1.
    logits, ids = jnp.array([[2.0], [-1.0]]), jnp.array([1, 1])
    miss = 1 - jax.nn.sigmoid(jnp.array([2.0, -1.0]))
    value, _ = value_and_grad(lovasz_loss, logits, ids, link=links.sigmoid)
    close(value, miss.mean())  # each of two pixels missed costs half of the object


def test_lovasz_of_raw_scores():
    # SegLossOdyssey 76ff3d4 (survey): 5.61 in the place of 0.68: no softmax.
    value = compiled_lovasz(LOGITS, IDS)
    assert 0 <= value <= 1
    close(compiled_lovasz(LOGITS + 7, IDS), value)


def test_softmax_focal_is_one_against_the_rest():
    # segmentation_models.pytorch 0.6.0 multiclass: 0.3201, of sigmoids.
    # MONAI 1.6.1 use_softmax=True: 0.2323, a third, for it averages over classes too.
    p = jax.nn.softmax(LOGITS)
    own = jnp.take_along_axis(p, IDS[..., None], axis=-1)
    close(focal_loss(LOGITS, IDS), jnp.mean(-((1 - own) ** 2) * jnp.log(own)))
    close(focal_loss(LOGITS, IDS), 3 * 0.2323, rtol=3e-4)


def test_dice_plus_focal_mixes_softmax_and_sigmoid():
    # MONAI 1.6.1, DiceFocalLoss(softmax=True) minus its DiceLoss: 0.3201, the focal
    # loss of sigmoids; of the softmax it is 0.2323.
    both = CATALOG["dice_focal"].loss(LOGITS, IDS)
    close(both - dice_loss(LOGITS, IDS), focal_loss(LOGITS, IDS))


def test_cross_entropy_of_one_channel_is_zero():
    # MONAI before 1.4 (survey; its issue 6923): DiceCELoss of one channel had CE 0.
    logits, ids = jnp.full((4, 4, 1), 2.0), jnp.zeros((4, 4), jnp.int32)
    ce = cross_entropy_loss(logits, ids, link=links.sigmoid)
    close(ce, math.log1p(math.exp(2.0)))
    close(CATALOG["dice_ce"].loss(logits, ids, link=links.sigmoid), ce + 1)
    with pytest.raises(ValueError, match="softmax over one class"):
        CATALOG["dice_ce"].loss(logits, ids)


# Probabilities under jit.


def test_probabilities_under_jit_raise():
    # optax 0.2.8, dice_loss(apply_softmax=False) in jit: TracerBoolConversionError.
    probs = jax.nn.softmax(LOGITS)
    loss = jax.jit(functools.partial(dice_loss, link=links.identity))
    close(loss(probs, IDS), dice_loss(LOGITS, IDS))


def test_probabilities_of_one_class_raise():
    # optax 0.2.8, binary_dice_loss(apply_sigmoid=False): always a ValueError.
    probs, ids = jnp.full((4, 4, 1), 0.5), jnp.ones((4, 4), jnp.int32)
    close(dice_loss(probs, ids, link=links.identity), 1 - 2 * 8 / (8 + 16))


# The authors' own code: its formulas are in jaxseg.losses.as_released.


def test_topk_by_threshold_of_two_classes_is_nan():
    # SegLossOdyssey 76ff3d4, threshold 0.5: nan, and confident mistakes are left out.
    logits, ids = jnp.array([[3.0, 0.0], [0.0, 3.0]]), jnp.array([0, 0])
    close(topk_threshold_loss(logits, ids), math.log1p(math.exp(3.0)))
    assert topk_threshold_loss(logits, jnp.array([0, 1])) == 0


def test_topk_of_a_tiny_image_is_nan():
    # SegLossOdyssey 76ff3d4: int(9 * 10 / 100) = 0 pixels, nan.
    value = topk_loss(jnp.zeros((9, 2)), jnp.zeros(9, jnp.int32))
    close(value, 0.9 * math.log(2) / 9)


def test_weights_of_pixels_change_nothing():
    # SegLossOdyssey 76ff3d4, distance penalised cross-entropy: plain cross-entropy.
    weights = 1 + jnp.arange(32.0).reshape(2, 4, 4)
    weighted = cross_entropy_loss(LOGITS, IDS, pixel_weights=weights)
    own = -jnp.take_along_axis(jax.nn.log_softmax(LOGITS), IDS[..., None], axis=-1)
    close(weighted, jnp.mean(own[..., 0] * weights))


def test_penalised_dice_focuses_on_what_is_bad_already():
    # SegLossOdyssey 76ff3d4: slopes 2.24, 0.69, 0.33 at scores 0.1, 0.5, 0.9.
    score = 1 - generalized_dice_loss(LOGITS, IDS)
    value = penalized_generalized_dice_loss(LOGITS, IDS)
    close(value, 1 - score / (1 + 2.5 * (1 - score)))
    assert value > 1 - score  # the released one is below


def test_log_of_the_mean_dice_hides_a_missed_class():
    # SegLossOdyssey 76ff3d4: (-log mean Dice)^gamma.
    options = dict(ce=0.0, dice=1.0, gamma_dice=1.0, smooth=0.0)
    value = exponential_logarithmic_loss(LOGITS, IDS, **options)
    scores = [1 - dice_loss(LOGITS, IDS, class_weights=jnp.eye(3)[c]) for c in range(3)]
    close(value, -np.mean(np.log(scores)))
    assert value > -math.log(np.mean(scores))


# Distances and skeletons.

EMPTY = jnp.zeros((6, 6), jnp.int32)
ALL_FOREGROUND = jnp.full((6, 6, 1), 20.0)
ONE_CLASS = {"link": links.sigmoid}


def test_filling_an_empty_image_costs_no_hausdorff_loss():
    # MONAI 1.6.1 and exacta 0.0.1a5, HausdorffDTLoss: 0.
    value = hausdorff_loss(ALL_FOREGROUND, EMPTY, **ONE_CLASS)
    close(value, 2 * (6**2 + 6**2))  # twice the squared diagonal of the image


def test_hausdorff_loss_cannot_be_differentiated():
    # PatRyg99/HausdorffLoss: RuntimeError, numpy() of a tensor that requires grad.
    one = EMPTY.at[2, 2].set(1)
    value, grad = value_and_grad(hausdorff_loss, 0.1 * ALL_FOREGROUND, one, **ONE_CLASS)
    assert jnp.isfinite(value)
    assert jnp.isfinite(grad).all()
    assert grad.any()


def test_boundary_loss_knows_no_spacing():
    # MONAI 1.6.1 takes no spacing. Rows 3 mm apart: phi of a row's neighbours is 3.
    middle = EMPTY.at[3].set(1)
    probs = jnp.zeros((6, 6, 1)).at[2].set(1.0)
    options = dict(link=links.identity)
    fine = boundary_loss(probs, middle, **options)
    coarse = boundary_loss(probs, middle, spacing=(3.0, 1.0), **options)
    close(fine, 6 * 1 / 36)
    close(coarse, 6 * 3 / 36)


def test_level_set_is_not_odd_at_the_border_for_anisotropic_spacing():
    # boundary-loss, issue 45: phi = -(d - 1) inside, whatever the size of a pixel.
    middle = EMPTY.at[3].set(1)
    phi = signed_distance_maps(middle, 1, spacing=(0.5, 2.0))[..., 0]
    close(phi[:, 0], [1.5, 1.0, 0.5, -0.5, 0.5, 1.0])


def test_distance_weights_of_an_image_without_foreground_are_nan():
    # SegLossOdyssey 76ff3d4: (max - d) / max of a map of zeros.
    value, grad = value_and_grad(
        distance_cross_entropy_loss, 0.1 * ALL_FOREGROUND, EMPTY, **ONE_CLASS
    )
    close(value, math.log1p(math.exp(2.0)))
    assert jnp.isfinite(grad).all()


def test_centreline_dice_of_one_channel_is_zero():
    # MONAI 1.4 (survey, #8239): 0 for C = 1 under a softmax; a softmax is refused here.
    vessel = EMPTY.at[2].set(1)
    value = cldice_loss(-0.2 * ALL_FOREGROUND, vessel, **ONE_CLASS)
    assert value > 0.5
    with pytest.raises(ValueError, match="softmax over one class"):
        cldice_loss(ALL_FOREGROUND, vessel)


def test_wasserstein_dice_of_a_batch_mixes_its_images():
    # MONAI 1.5 (survey): a broadcast over B > 1. Pixels are one pool here.
    together = wasserstein_dice_loss(LOGITS, IDS)
    flat = wasserstein_dice_loss(LOGITS.reshape(32, 3), IDS.reshape(32))
    close(together, flat)
