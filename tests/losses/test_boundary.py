"""Boundary losses against float64 SciPy, by hand, and under the laws of all losses."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from jaxseg import links
from jaxseg.distance import border_closeness, inner_distance, reciprocal_distance
from jaxseg.losses import (
    CATALOG,
    boundary_loss,
    class_maps,
    distance_cross_entropy_loss,
    hausdorff_erosion_loss,
    hausdorff_loss,
    per_image,
    signed_distance_maps,
)
from tests.losses.boundary_oracle import boundary, distance_ce, erosion, hausdorff
from tests.losses.oracle import probabilities

ORACLES = {
    boundary_loss: boundary,
    hausdorff_loss: hausdorff,
    distance_cross_entropy_loss: distance_ce,
    hausdorff_erosion_loss: erosion,
}
every_loss = pytest.mark.parametrize("loss", ORACLES, ids=lambda loss: loss.__name__)
SHAPE = (11, 9)


@functools.cache
def value_and_grad(loss, link=links.softmax, **hyper):
    def call(logits, labels, where, class_weights):
        return loss(
            logits,
            labels,
            link=link,
            where=where,
            class_weights=class_weights,
            **hyper,
        )

    return jax.jit(jax.value_and_grad(call))


def evaluate(loss, logits, labels, where=None, weights=None, **options):
    step = value_and_grad(loss, **options)
    where = np.ones(logits.shape[:-1], bool) if where is None else where
    weights = np.ones(logits.shape[-1]) if weights is None else weights
    value, grad = step(logits, labels, where, weights.astype(np.float32))
    return np.asarray(value), np.asarray(grad)


def image(seed=0, shape=SHAPE, classes=3):
    """Scores and ids in smooth regions, so that there are insides to be deep in."""
    rng = np.random.default_rng(seed)

    def fields(spread):
        noise = rng.standard_normal((*shape, max(classes, 2)))
        smooth = ndimage.gaussian_filter(noise, (1.5,) * len(shape) + (0,))
        return spread * smooth / smooth.std()

    labels = fields(1).argmax(-1).astype(np.int32)
    where = rng.random(shape) > 0.2
    return fields(2)[..., :classes].astype(np.float32), labels, where


@every_loss
@pytest.mark.parametrize(
    ("link", "classes"),
    [(links.softmax, 3), (links.sigmoid, 1)],
    ids=lambda value: getattr(value, "name", str(value)),
)
@pytest.mark.parametrize("options", ["plain", "masked and weighted"])
def test_value_equals_the_oracle(loss, link, classes, options):
    logits, labels, where = image(seed=1, classes=classes)
    if options == "plain":
        where, weights = np.ones_like(where), np.ones(classes)
    else:
        weights = np.linspace(0.5, 2, classes)
    value, _ = evaluate(loss, logits, labels, where, weights, link=link)
    expected = ORACLES[loss](logits, labels, link.name, weights, where)
    assert abs(expected) > 1e-3
    np.testing.assert_allclose(value, expected, rtol=2e-5)


@pytest.mark.parametrize("loss", [boundary_loss, hausdorff_loss])
def test_volumes_with_spacing_equal_the_oracle(loss):
    logits, labels, where = image(seed=2, shape=(5, 6, 4))
    spacing = (1.0, 0.5, 5.0)
    value, _ = evaluate(loss, logits, labels, where, spacing=spacing)
    expected = ORACLES[loss](logits, labels, where=where, spacing=spacing)
    np.testing.assert_allclose(value, expected, rtol=2e-5)


@every_loss
def test_soft_targets_equal_the_oracle(loss):
    logits, _, where = image(seed=3)
    targets = probabilities(image(seed=4)[0], "softmax").astype(np.float32)
    value, _ = evaluate(loss, logits, targets, where)
    expected = ORACLES[loss](logits, targets, where=where)
    np.testing.assert_allclose(value, expected, rtol=2e-5, atol=1e-6)


@every_loss
def test_gradient_equals_finite_differences_of_the_oracle(loss):
    logits, labels, where = image(seed=5)
    _, grad = evaluate(loss, logits, labels, where)
    rng = np.random.default_rng(6)
    for _ in range(3):
        way, h = rng.standard_normal(logits.shape), 1e-6

        def along(step, way=way):
            return ORACLES[loss](logits + step * way, labels, where=where)

        slope = (along(h) - along(-h)) / (2 * h)
        np.testing.assert_allclose(np.vdot(grad, way), slope, rtol=1e-3, atol=1e-5)


@every_loss
def test_masked_columns_are_as_if_removed(loss):
    logits, labels, where = image(seed=7)
    where[:, 7:] = False
    poisoned = np.where(where[..., None], logits, np.nan)
    value, grad = evaluate(loss, poisoned, np.where(where, labels, 255), where)
    kept, kept_grad = evaluate(loss, logits[:, :7], labels[:, :7], where[:, :7])
    np.testing.assert_allclose(value, kept, rtol=1e-5)
    np.testing.assert_allclose(grad[:, :7], kept_grad, rtol=1e-4, atol=1e-7)
    assert not grad[~where].any()


@every_loss
def test_one_image_a_device_pools_to_the_loss_of_the_batch(loss):
    """Images on devices, of which one is masked, and the pool of their pixels."""
    images = [image(seed=s) for s in range(4)]
    logits, labels, where = (np.stack(x) for x in zip(*images, strict=True))
    where[1] = False

    def local(logits, labels, where):
        return loss(logits, labels, where=where, axis_name="d")

    mesh = jax.sharding.Mesh(np.array(jax.devices()[:4]), ("d",))
    split, whole = jax.sharding.PartitionSpec("d"), jax.sharding.PartitionSpec()

    def on_device(*shards):
        return local(*(x[0] for x in shards))

    sharded = jax.shard_map(
        on_device, mesh=mesh, in_specs=(split,) * 3, out_specs=whole
    )
    value = jax.jit(sharded)(logits, labels, where)
    parts = [
        (w.sum(), ORACLES[loss](z, y, where=w))
        for z, y, w in zip(logits, labels, where, strict=True)
        if w.any()
    ]
    total = sum(n * v for n, v in parts) / sum(n for n, _ in parts)
    np.testing.assert_allclose(value, total, rtol=2e-5)
    means = jax.jit(per_image(loss))(logits, labels, where=where)
    np.testing.assert_allclose(means, np.mean([v for _, v in parts]), rtol=2e-5)


@every_loss
@pytest.mark.parametrize(
    ("dtype", "link", "classes"),
    [
        ("float32", links.softmax, 3),
        ("bfloat16", links.sigmoid, 1),
        ("float16", links.softmax, 3),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_extreme_scores_have_finite_value_and_gradient(loss, link, classes, dtype):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, max(classes, 2), SHAPE).astype(np.int32)
    right = 1e4 * (2 * np.eye(max(classes, 2))[labels] - 1)[..., -classes:]
    signs = rng.choice([-1e4, 0.0, 1e4], right.shape)
    everything, nothing = np.ones(SHAPE, bool), np.zeros(SHAPE, bool)
    for scores in (signs, right, -right, 0 * signs):
        for ids in (labels, 0 * labels, 0 * labels + 1):
            for where in (everything, nothing):
                value, grad = evaluate(
                    loss, jnp.asarray(scores, dtype), ids, where, link=link
                )
                assert value.dtype == np.float32
                assert np.isfinite(value)
                assert np.isfinite(grad.astype(np.float32)).all()
                assert where.any() or (value == 0 and not grad.any())


@every_loss
def test_float64_in_float64_out(loss):
    logits, labels, where = image(seed=8)
    with jax.enable_x64():
        value = loss(jnp.asarray(logits, jnp.float64), jnp.asarray(labels), where=where)
        assert value.dtype == jnp.float64
    expected = ORACLES[loss](logits, labels, where=where)
    np.testing.assert_allclose(value, expected, rtol=1e-11)


@pytest.mark.parametrize("loss", [hausdorff_loss, hausdorff_erosion_loss])
def test_a_perfect_prediction_costs_nothing(loss):
    _, labels, _ = image(seed=9)
    value, grad = evaluate(loss, 1e4 * np.eye(3, dtype=np.float32)[labels], labels)
    assert value == 0
    assert not grad.any()


def test_four_pixels_by_hand():
    """Truth 0 0 1 1, prediction of class 1: .2 .6 .8 .4, one class, pixels of 2 mm."""
    probs = jnp.array([[0.2], [0.6], [0.8], [0.4]])
    labels = jnp.array([0, 0, 1, 1])
    phi = [4, 2, -2, -4]
    expected = (4 * 0.2 + 2 * 0.6 - 2 * 0.8 - 4 * 0.4) / 4
    options = {"link": links.identity, "spacing": 2.0}
    np.testing.assert_allclose(
        boundary_loss(probs, labels, **options), expected, rtol=1e-6
    )
    maps = signed_distance_maps(labels, 1, spacing=2.0)
    np.testing.assert_array_equal(maps[:, 0], phi)
    np.testing.assert_allclose(
        boundary_loss(probs, labels, signed_distance=maps, link=links.identity),
        expected,
        rtol=1e-6,
    )
    # Thresholded, the prediction is 0 1 1 0.
    square_sums = [16 + 4, 4 + 4, 4 + 4, 16 + 4]
    errors = [0.2**2, 0.6**2, 0.2**2, 0.6**2]
    expected = np.dot(errors, square_sums) / 4
    np.testing.assert_allclose(
        hausdorff_loss(probs, labels, **options), expected, rtol=1e-6
    )
    sums = [4 + 2, 2 + 2, 2 + 2, 4 + 2]
    np.testing.assert_allclose(
        hausdorff_loss(probs, labels, alpha=1.0, **options),
        np.dot(errors, sums) / 4,
        rtol=1e-6,
    )
    inner = [0, 4, 4 + 4, 16]  # inside 0 1 1 0 alone, and inside 0 0 1 1 alone
    np.testing.assert_allclose(
        hausdorff_loss(probs, labels, transform=inner_distance, **options),
        np.dot(errors, inner) / 4,
        rtol=1e-6,
    )


def test_distance_cross_entropy_by_hand():
    """d = 2 1 | 1 2 3: closeness to the border 0 1/2 | 2/3 1/3 0, reciprocal 1/d."""
    logits = jnp.array([[1.0, 0], [0, 0], [0, 1], [0, 0], [1, 0]])
    labels = jnp.array([0, 0, 1, 1, 1])
    logs = -np.log(1 + np.exp([-1.0, 0, -1, 0, 1]))
    for options, factors in (
        ({}, [1, 3 / 2, 5 / 3, 4 / 3, 1]),
        ({"distance": reciprocal_distance}, [3 / 2, 2, 2, 3 / 2, 4 / 3]),
        ({"distance": jnp.full((5, 2), 0.5)}, [1.5] * 5),
    ):
        value = distance_cross_entropy_loss(logits, labels, **options)
        np.testing.assert_allclose(value, -np.mean(factors * logs), rtol=1e-6)


def test_a_block_of_errors_is_eroded_by_hand():
    """5 x 5 wrong pixels of 7 x 7, one class.

    After one erosion a pixel keeps 2 m - 1, with m the share of its cross that is
    wrong: the 9 inner ones 1, 12 on the sides 3/5, 4 corners 1/5.
    """
    labels = np.zeros((7, 7), np.int32)
    labels[1:6, 1:6] = 1
    value = hausdorff_erosion_loss(
        jnp.zeros((7, 7, 1)), labels, link=links.identity, erosions=1
    )
    np.testing.assert_allclose(value, (9 + 12 * 0.6 + 4 * 0.2) / 49, rtol=1e-6)


def test_no_boundary_no_boundary_loss_and_no_gradient():
    logits, labels, _ = image(seed=10)
    for ids in (0 * labels, 0 * labels + 2):
        value, grad = evaluate(boundary_loss, logits, ids)
        assert value == 0
        assert not grad.any()


def test_worst_prediction_of_an_empty_image_is_not_free():
    """All foreground where there is none: no boundary anywhere, and yet it costs."""
    labels = np.zeros(SHAPE, np.int32)
    scores = np.stack([np.full(SHAPE, -3.0), np.full(SHAPE, 3.0)], -1)
    value, grad = evaluate(hausdorff_loss, scores.astype(np.float32), labels)
    p = 1 / (1 + np.exp(-6.0))
    np.testing.assert_allclose(value, 2 * p**2 * (11**2 + 9**2), rtol=1e-5)
    assert (grad[..., 1] > 0).all()


@pytest.mark.parametrize("name", ["boundary", "dice_bd", "distance_cross_entropy"])
def test_maps_made_before_the_step_give_the_same_loss(name):
    """Images with void pixels, one of them all void and one without foreground."""
    images = [image(seed=s) for s in range(4)]
    logits, labels, where = (np.stack(x) for x in zip(*images, strict=True))
    where[1], labels[2] = False, 0
    if name == "distance_cross_entropy":
        targets = jnp.asarray(labels[..., None] == np.arange(3), float)
        maps = {"distance": jax.vmap(
            lambda t, w: class_maps(border_closeness, t, where=w))(targets, where)
        }  # fmt: skip
    else:
        make = jax.vmap(lambda y, w: signed_distance_maps(y, 3, where=w))
        maps = {"signed_distance": make(labels, where)}
    assert all(array.shape == logits.shape for array in maps.values())

    def both(logits, maps):
        loss = CATALOG[name].loss
        return [
            jax.value_and_grad(loss)(logits, labels, where=where, **given)
            for given in ({}, maps)
        ]

    inside, before = jax.jit(both)(logits, maps)
    np.testing.assert_allclose(before[0], inside[0], rtol=1e-6)
    np.testing.assert_allclose(before[1], inside[1], rtol=1e-6, atol=1e-9)
    wrong = {k: 2 * v for k, v in maps.items()}
    assert abs(jax.jit(both)(logits, wrong)[1][0] - inside[0]) > 1e-4


def test_wrong_shapes_of_maps_are_refused():
    logits, labels, _ = image()
    with pytest.raises(ValueError, match="signed_distance needs the shape"):
        boundary_loss(logits, labels, signed_distance=np.zeros(SHAPE))
    with pytest.raises(ValueError, match="distance needs the shape"):
        distance_cross_entropy_loss(logits, labels, distance=np.zeros(SHAPE))
    with pytest.raises(ValueError, match="each of its 2 axes"):
        hausdorff_loss(logits, labels, spacing=(1.0, 2.0, 3.0))
