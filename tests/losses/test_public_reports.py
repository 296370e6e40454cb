"""What broke on other people's data, each case with its right value.

`test_laws` has what every loss must show; here are the inputs that failed.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import checkify

from jaxseg import links
from jaxseg.distance import distance_transform
from jaxseg.losses import (
    CATALOG,
    boundary_loss,
    cldice_loss,
    cross_entropy_loss,
    dice_bias_loss,
    dice_loss,
    distance_cross_entropy_loss,
    exponential_logarithmic_loss,
    focal_loss,
    focal_tversky_loss,
    hausdorff_erosion_loss,
    hausdorff_loss,
    log_dice_loss,
    lovasz_loss,
    marginal_kl_loss,
    per_image,
    scheduled,
    signed_distance_maps,
    topk_threshold_loss,
    tversky_loss,
    unified_focal_loss,
    weighted_sum,
)
from jaxseg.targets import check_labels, ignore
from tests.losses import oracle
from tests.losses.market import batch

close = functools.partial(np.testing.assert_allclose, rtol=2e-5)

# Scores that are not numbers.


@pytest.mark.parametrize(
    "loss",
    [
        # All scores nan: a perfect loss of 0.
        focal_tversky_loss,
        log_dice_loss,
        exponential_logarithmic_loss,
        topk_threshold_loss,
        # 2.59 and -3.08.
        marginal_kl_loss,
        dice_bias_loss,
    ],
)
def test_scores_of_a_network_that_diverged(loss):
    value, grad = jax.value_and_grad(loss)(jnp.full((4, 3), jnp.nan), [0, 1, 2, 1])
    assert np.isnan(value)
    assert np.isnan(grad).all()


def test_nan_of_one_class_is_nan_of_its_pixel_where_scores_are_probabilities():
    """Cross-entropy looks at one class of a pixel, but there is no such pixel."""
    probs = jnp.array([[0.5, 0.5, jnp.nan], [0.2, 0.7, 0.1]])
    assert np.isnan(cross_entropy_loss(probs, [0, 1], link=links.identity))


OFF = np.array([[1, 2, -np.inf], [0, 1, -np.inf]], np.float32)


@pytest.mark.parametrize(
    ("loss", "value"),
    [
        # The value was right, the gradient nan.
        (unified_focal_loss, 0.2862734),
        (focal_loss, -((1 - 1 / (1 + np.exp(-1))) ** 2) * np.log(1 / (1 + np.exp(-1)))),
    ],
)
def test_a_class_switched_off_by_minus_infinity(loss, value):
    for ids in (np.array([1, 1]), np.eye(3, dtype=np.float32)[[1, 1]]):
        found, grad = jax.value_and_grad(loss)(OFF, ids)
        close(found, value)
        _, near = jax.value_and_grad(loss)(np.maximum(OFF, -1e4), ids)
        close(grad, near)


def test_log_dice_of_an_object_whose_class_is_switched_off_is_infinite():
    """It was 0, as if the class were absent; cross-entropy is infinite too."""
    assert log_dice_loss(OFF, np.array([1, 2])) == np.inf
    assert cross_entropy_loss(OFF, np.array([1, 2])) == np.inf


# Batches taken for volumes.

BATCH = batch(seed=21, shape=(4, 6, 5))
IMAGE_LOSSES = [
    hausdorff_loss,
    boundary_loss,
    cldice_loss,
    distance_cross_entropy_loss,
    hausdorff_erosion_loss,
]


@pytest.mark.parametrize("loss", IMAGE_LOSSES)
def test_a_batch_is_not_taken_for_a_volume(loss):
    """Hausdorff was 5.88 where the mean of the images is 31.46."""
    logits, labels, where = BATCH
    for axes in ((4, 6, 5), (2, 2, 6, 5)):
        shaped = logits.reshape(*axes, 3), labels.reshape(axes)
        with pytest.raises(ValueError, match=r"spatial=. or spatial=.*per_image"):
            loss(*shaped)
    mean = jax.jit(per_image(loss))(logits, labels, where=where)
    given = jax.jit(functools.partial(loss, spatial=2))(logits, labels, where=where)
    close(given, mean)
    nested = (x.reshape(2, 2, *x.shape[1:]) for x in BATCH)
    masked = functools.partial(loss, spatial=2)
    close(jax.jit(lambda z, y, w: masked(z, y, where=w))(*nested), mean)


@pytest.mark.parametrize("loss", IMAGE_LOSSES)
def test_a_volume_is_one_image_if_someone_says_so(loss):
    """The rank is said by `spatial`, by the spacing, or by `per_image`."""
    logits, labels, _ = BATCH
    whole = jax.jit(functools.partial(loss, spatial=3))(logits, labels)
    of_batch = jax.jit(per_image(loss))(logits[None], labels[None])
    close(whole, of_batch)
    if loss in (hausdorff_loss, boundary_loss, distance_cross_entropy_loss):
        close(loss(logits, labels, spacing=(1.0, 1.0, 1.0)), whole)
        with pytest.raises(ValueError, match="spacing for 2 axes.*spatial=2"):
            loss(logits, labels, spacing=(1.0, 1.0))
        with pytest.raises(ValueError, match="each of its 2 axes"):
            loss(logits, labels, spatial=2, spacing=(1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="image of 4 axes"):
        loss(logits, labels, spatial=4)


def test_one_image_goes_as_before():
    logits, labels, _ = BATCH
    for loss in IMAGE_LOSSES:
        close(loss(logits[0], labels[0]), per_image(loss)(logits[:1], labels[:1]))


def test_distance_maps_of_a_batch_are_not_those_of_a_volume():
    _, labels, _ = BATCH
    with pytest.raises(ValueError, match="spatial=3 or spatial=2"):
        signed_distance_maps(labels, 3)
    maps = signed_distance_maps(labels, 3, spatial=2)
    each = [signed_distance_maps(image, 3) for image in labels]
    np.testing.assert_array_equal(maps, np.stack(each))
    volume = signed_distance_maps(labels, 3, spatial=3)
    assert np.abs(volume - maps).max() > 0.5
    close(
        boundary_loss(*BATCH[:2], signed_distance=maps),
        per_image(boundary_loss)(*BATCH[:2]),
    )


# Labels with ids that are no class.


@pytest.mark.parametrize("unknown", [255, -1, 3])
@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray, list])
def test_void_labels_are_refused(unknown, kind):
    """Cross-entropy fell from 1.379 to 1.207 with every void pixel."""
    logits = jnp.zeros((4, 3))
    labels = kind([0, 1, unknown, 2])
    for loss in (cross_entropy_loss, per_image(dice_loss), CATALOG["dice_ce"].loss):
        z, y = logits, labels
        if loss is not cross_entropy_loss:
            z, y = logits[None], kind([[0, 1, unknown, 2]])
        with pytest.raises(ValueError, match=rf"id {unknown}.*where.*ignore"):
            loss(z, y)
    value = cross_entropy_loss(logits, labels, where=np.array([1, 1, 0, 1], bool))
    close(value, np.log(3))


def test_the_foreground_alone_has_two_ids():
    logits = jnp.zeros((3, 1))
    dice_loss(logits, [0, 1, 1], link=links.sigmoid)
    with pytest.raises(ValueError, match="id 2, not one of 0 to 1"):
        dice_loss(logits, [0, 1, 2], link=links.sigmoid)


@pytest.mark.parametrize("xp", [np, jnp])
def test_ignored_ids_become_a_mask(xp):
    labels = xp.asarray(np.array([[0, 2, 255], [1, -1, 0]], np.int16))
    kept, where = ignore(labels, 255, -1)
    np.testing.assert_array_equal(kept, [[0, 2, 0], [1, 0, 0]])
    np.testing.assert_array_equal(where, [[1, 1, 0], [1, 0, 1]])
    assert isinstance(where, np.ndarray if xp is np else jax.Array)
    _, fewer = ignore(labels, 255, where=xp.asarray(labels) != 0)
    np.testing.assert_array_equal(fewer, [[0, 1, 0], [1, 1, 0]])
    compiled = jax.jit(lambda y: ignore(y, 255, -1))
    np.testing.assert_array_equal(compiled(labels)[1], where)
    with pytest.raises(ValueError, match="integer labels"):
        ignore(xp.ones(3), 255)
    with pytest.raises(ValueError, match="ids to leave out"):
        ignore(labels)


def test_unknown_ids_under_jit_are_found_by_checkify():
    @jax.jit
    @checkify.checkify
    def step(labels, where):
        check_labels(labels, 3, where)
        return cross_entropy_loss(jnp.zeros((3, 3)), labels, where=where)

    everything = jnp.ones(3, bool)
    error, value = step(jnp.array([0, 1, 2]), everything)
    assert error.get() is None
    close(value, np.log(3))
    error, _ = step(jnp.array([0, 255, 2]), everything)
    assert "id 255, not one of 0 to 2" in error.get()
    error, _ = step(jnp.array([0, 255, 2]), jnp.array([True, False, True]))
    assert error.get() is None
    with pytest.raises(ValueError, match="id 255"):
        check_labels(np.array([0, 255]), 3)


# Other people's settings of JAX.


@pytest.mark.parametrize("under_mesh", [False, True])
@pytest.mark.parametrize(
    "loss", [cross_entropy_loss, lovasz_loss, CATALOG["hausdorff"].loss]
)
def test_arrays_on_a_mesh_of_explicit_axes(loss, under_mesh):
    """43 of 49 losses raised where a plain Dice passes."""
    logits, labels, _ = batch(seed=22, shape=(4, 6, 5))
    mesh = jax.make_mesh((2, 2), ("images", "rows"))
    split = jax.NamedSharding(mesh, jax.P("images", "rows"))
    given = [jax.device_put(x, split) for x in (logits, labels)]
    step = jax.jit(jax.value_and_grad(loss))
    value, grad = step(logits, labels)
    if under_mesh:
        with jax.set_mesh(mesh):
            found, slopes = step(*given)
    else:
        found, slopes = step(*given)
    close(found, value)
    np.testing.assert_allclose(slopes, grad, rtol=1e-4, atol=1e-7)
    assert slopes.sharding.is_equivalent_to(split, slopes.ndim)


def test_hyper_parameters_of_other_dtypes_under_strict_promotion():
    logits, labels, _ = batch(seed=23)
    with jax.numpy_dtype_promotion("strict"):
        for loss, hyper in (
            (focal_loss, {"gamma": jnp.asarray(2)}),
            (tversky_loss, {"alpha": jnp.asarray(1), "beta": jnp.bfloat16(0.5)}),
            (hausdorff_loss, {"alpha": jnp.asarray(2), "spatial": 2}),
            (marginal_kl_loss, {"temperature": jnp.asarray(3)}),
            (cross_entropy_loss, {"class_weights": jnp.arange(3)}),
        ):
            jax.eval_shape(functools.partial(loss, **hyper), logits, labels)


def test_lists_for_logits_and_options():
    logits, labels, where = batch(seed=24, shape=(2, 3))
    value = dice_loss(
        logits.tolist(),
        labels.tolist(),
        where=where.tolist(),
        class_weights=[1, 2, 0.5],
    )
    weights = np.array([1, 2, 0.5])
    close(
        value,
        oracle.overlap(logits, labels, where=where, weights=weights, index=oracle.dice),
    )
    value = cross_entropy_loss(
        [[0.0, 0], [0, 0]], [0, 1], pixel_weights=[1, 3], where=[True, True]
    )
    close(value, 2 * np.log(2))


@pytest.mark.parametrize("link", ["sigmoid", None, jax.nn.sigmoid])
def test_a_string_where_a_link_is_meant(link):
    with pytest.raises(ValueError, match=r"object of jaxseg\.links"):
        dice_loss(jnp.zeros((4, 3)), jnp.zeros(4, int), link=link)


# Second derivatives where scores are saturated.


@pytest.mark.parametrize(
    "loss",
    [
        functools.partial(focal_loss, gamma=0.5),
        exponential_logarithmic_loss,
        unified_focal_loss,
        functools.partial(cldice_loss, iterations=1),
    ],
)
def test_hessians_at_saturated_scores(loss):
    """Of sigmoids at scores of 60, where 1 / (1 - p)^2 overflows: nan."""
    labels = np.array([[0, 1], [1, 1]])
    right = (120.0 * labels - 60).astype(np.float32)[..., None]
    hessian = jax.jit(jax.hessian(lambda z: loss(z, labels, link=links.sigmoid)))
    for scores in (right, -right, 0.5 * right):
        assert np.isfinite(hessian(scores)).all()


def test_second_derivative_of_a_root_of_the_error():
    """(1 - p)^(1/2) (-log p) for p = s(z), by hand."""

    def loss(z):
        scores = jnp.stack([z, jnp.zeros_like(z)])[None]
        return focal_loss(scores, np.array([0]), gamma=0.5)

    second = jax.grad(jax.grad(loss))
    with jax.enable_x64():
        z, h = 1.5, 1e-4
        values = [float(loss(jnp.float64(z + k * h))) for k in (-1, 0, 1)]
        difference = (values[0] - 2 * values[1] + values[2]) / h**2
        close(second(jnp.float64(z)), difference, rtol=1e-5)
        # Where q = exp(-z) is small the loss is q^(3/2), and 9/4 of it its curvature.
        close(second(jnp.float64(20)), 9 / 4 * np.exp(-30.0), rtol=1e-2)
    assert np.isfinite(second(jnp.float32(60)))


# Numbers for each axis or class that are traced one by one.


def test_sequences_of_traced_numbers():
    """A tuple of numbers becomes a tuple of traced numbers under jit."""
    mask = np.array([[True, True, False], [True, True, True]])
    close(
        jax.jit(lambda m, s: distance_transform(m, spacing=s))(mask, (1.0, 2.5)),
        distance_transform(mask, spacing=(1.0, 2.5)),
    )
    logits, labels, _ = batch(seed=25, shape=(6, 5))
    for loss, name, numbers in (
        (hausdorff_loss, "spacing", (1.0, 2.0)),
        (boundary_loss, "spacing", (1.0, 2.0)),
        (distance_cross_entropy_loss, "spacing", [1.0, 2.0]),
        (dice_loss, "class_weights", [1.0, 2.0, 0.5]),
        (cross_entropy_loss, "class_weights", (1.0, 2.0, 0.5)),
        (marginal_kl_loss, "target", (0.2, 0.3, 0.5)),
        (marginal_kl_loss, "temperature", 3.0),
    ):
        compiled = jax.jit(lambda n, loss=loss, name=name: loss(
            logits, labels, **{name: n}))  # fmt: skip
        close(compiled(numbers), loss(logits, labels, **{name: numbers}))
    total = jax.jit(lambda w: weighted_sum((w[0], dice_loss), (w[1], focal_loss))(0)(
        logits, labels))((2.0, 3.0))  # fmt: skip
    close(total, 2 * dice_loss(logits, labels) + 3 * focal_loss(logits, labels))
    bound = jax.jit(lambda s: scheduled(hausdorff_loss, spacing=s)(0)(logits, labels))
    close(bound((1.0, 2.0)), hausdorff_loss(logits, labels, spacing=(1.0, 2.0)))


def test_cases_of_their_own_spacing_share_a_program():
    logits, labels, _ = batch(seed=26, shape=(3, 6, 5))
    spacings = np.array([[1.0, 1.0], [1.0, 2.0], [0.5, 3.0]], np.float32)

    def of_case(carry, case):
        logits, labels, spacing = case
        return carry, hausdorff_loss(logits, labels, spacing=spacing)

    _, found = jax.lax.scan(of_case, 0, (logits, labels, spacings))
    traces = []

    @jax.jit
    def one(logits, labels, spacing):
        traces.append(spacing)
        return hausdorff_loss(logits, labels, spacing=spacing)

    for k in range(3):
        close(found[k], one(logits[k], labels[k], tuple(spacings[k])))
        close(found[k], hausdorff_loss(logits[k], labels[k], spacing=spacings[k]))
    assert len(traces) == 1
