"""Laws that every catalog loss obeys; a new loss is tested by being listed.

All tests of one loss run together and share its compiled programs: nearly all use one
shape, with a mask and weights that may be all ones.
"""

import functools
import json
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import links
from jaxseg.losses import CATALOG, sums
from tests import derivatives
from tests.losses.market import (
    DETACHED,
    EXCLUSIVE,
    FAR_SCORES_COUNT,
    NAMES,
    NOT_OPTIMAL_AT_SOFT_TARGETS,
    ORACLES,
    SPATIAL,
    WITH_BACKGROUND,
    batch,
    evaluate,
    value_and_grad,
)
from tests.readme import ROOT

CLOSE = {"rtol": 2e-5, "atol": 2e-6}

links_and_classes = pytest.mark.parametrize(
    ("link", "classes"),
    [(links.softmax, 3), (links.sigmoid, 3), (links.sigmoid, 1)],
    ids=lambda value: getattr(value, "name", str(value)),
)
both_links = pytest.mark.parametrize(
    "link", [links.softmax, links.sigmoid], ids=lambda link: link.name
)


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    yield request.param
    value_and_grad.cache_clear()
    jax.clear_caches()


@pytest.fixture
def sums_too(name, request):
    """Skips weighted sums of other losses, unless the slow tests run as well."""
    function = CATALOG[name].function
    here = getattr(getattr(sums, function, None), "__module__", None)
    of_others = function.startswith("CATALOG") or here == sums.__name__
    if of_others and request.config.getoption("-m") == "not slow":
        pytest.skip("a sum of losses that are tested; `make test-all` runs it")


def skip_if_refused(name, link, classes):
    if name in EXCLUSIVE and link is links.sigmoid and classes > 1:
        pytest.skip("refuses several classes that are not exclusive")


def test_every_loss_has_an_oracle():
    assert set(ORACLES) == set(CATALOG)


@links_and_classes
@pytest.mark.parametrize("options", ["plain", "masked and weighted"])
def test_value_equals_the_oracle(name, link, classes, options):
    skip_if_refused(name, link, classes)
    seed = zlib.crc32(f"{name}{link.name}{classes}".encode())
    logits, labels, where = batch(seed=seed, classes=classes)
    chosen = {}
    if options != "plain":
        where[2] = False  # one image without a pixel
        chosen["where"] = where
        chosen["class_weights"] = np.linspace(0.5, 2, classes).astype(np.float32)
    value, _ = evaluate(name, logits, labels, link=link, **chosen)
    weights = chosen.pop("class_weights", None)
    expected = ORACLES[name](logits, labels, link=link.name, weights=weights, **chosen)
    np.testing.assert_allclose(value, expected, **CLOSE)


@pytest.mark.parametrize("ids", ["all background", "all of class 1", "one pixel"])
@pytest.mark.parametrize("spread", [0.0, 1.0, 10.0])
def test_degenerate_and_far_inputs_equal_the_oracle(name, ids, spread):
    """Absent and filling classes, ties everywhere, scores up to about 40."""
    logits, labels, where = batch(seed=16, spread=spread)
    labels[:] = ids == "all of class 1"
    if ids == "one pixel":
        labels[1, 2, 3], where[1, 2, 3] = 2, True
    value, grad = evaluate(name, logits, labels, where)
    expected = ORACLES[name](logits, labels, where=where)
    np.testing.assert_allclose(value, expected, rtol=1e-4, atol=2e-6)
    assert np.isfinite(grad).all()


@pytest.mark.usefixtures("sums_too")
def test_volumes_are_pools_of_voxels_like_any_other(name):
    logits, labels, where = batch(shape=(2, 4, 3, 5), classes=3)
    value = jax.jit(CATALOG[name].loss)(logits, labels, where=where)
    expected = ORACLES[name](logits, labels, where=where)
    np.testing.assert_allclose(value, expected, **CLOSE)


def test_soft_targets_equal_the_oracle(name):
    logits, _, where = batch(seed=5)
    rng = np.random.default_rng(6)
    targets = rng.dirichlet(np.ones(3), logits.shape[:-1]).astype(np.float32)
    value, grad = evaluate(name, logits, targets, where)
    expected = ORACLES[name](logits, targets, where=where)
    np.testing.assert_allclose(value, expected, **CLOSE)
    assert np.isfinite(grad).all()


@both_links
@pytest.mark.usefixtures("sums_too")
def test_gradient_equals_finite_differences_of_the_oracle(name, link):
    """Five-point differences of the float64 oracle along random directions."""
    skip_if_refused(name, link, 3)
    if name in DETACHED:
        pytest.skip("its gradient is not that of its value, by design")
    logits, labels, where = batch(seed=3, spread=0.4)
    rng = np.random.default_rng(4)
    _, grad = evaluate(name, logits, labels, where, link=link)
    for _ in range(2):
        way = rng.standard_normal(logits.shape)
        h = 1e-5

        def along(step, way=way):
            moved = logits.astype(np.float64) + step * way
            return ORACLES[name](moved, labels, link=link.name, where=where)

        slope = (along(-2 * h) - 8 * along(-h) + 8 * along(h) - along(2 * h)) / (12 * h)
        np.testing.assert_allclose(np.vdot(grad, way), slope, rtol=2e-4, atol=4e-6)


VECTORS = json.loads((ROOT / "docs" / "vectors.json").read_text())


def test_golden_vectors_are_met(name):
    """Made as large as all other inputs by void pixels, so that nothing is compiled."""
    settings = {k: v for k, v in CATALOG[name].defaults.items() if v is not None}
    asked = [c for c in VECTORS["losses"] if c["loss"] == name]
    asked = [c for c in asked if c["settings"] == settings]
    assert len(asked) >= 12
    for case in asked:
        given = VECTORS["inputs"][case["input"]]
        arrays = {
            key: np.resize(value["values"], value["shape"])
            for key, value in given.items()
            if isinstance(value, dict)
        }
        scores, labels = arrays["scores"], arrays["labels"]
        if case["input"] in ("volume", "large"):
            continue  # `tests/vectors` has them
        corner = tuple(slice(n) for n in scores.shape[:-1])
        padded = np.zeros((4, 6, 5, scores.shape[-1]), np.float32)
        soft = labels.ndim == scores.ndim
        truth = np.zeros_like(padded) if soft else np.zeros((4, 6, 5), np.int32)
        where = np.zeros((4, 6, 5), bool)
        padded[corner], truth[corner] = scores, labels
        where[corner] = arrays.get("where", 1)
        weights = arrays.get("class_weights")
        weights = None if weights is None else weights.astype(np.float32)
        link = getattr(links, given["link"])
        value, grad = evaluate(name, padded, truth, where, weights, link)
        what = case["input"]
        np.testing.assert_allclose(value, case["value"], 1e-4, 3e-6, err_msg=what)
        if case["gradient"] is None:
            assert np.isfinite(grad).all(), what
            continue
        told = np.reshape(case["gradient"], scores.shape)
        near = 1e-5 + 3e-4 * np.abs(told).max()
        np.testing.assert_allclose(grad[corner], told, 3e-4, near, err_msg=what)


def test_ids_equal_one_hot_targets(name):
    """Two routes to one number: the fused one of ids and the general one."""
    logits, labels, where = batch(seed=1)
    by_id = evaluate(name, logits, labels, where)
    by_target = evaluate(name, logits, np.eye(3, dtype=np.float32)[labels], where)
    np.testing.assert_allclose(by_id[0], by_target[0], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(by_id[1], by_target[1], rtol=1e-4, atol=1e-7)


def test_masked_pixels_are_as_if_removed(name):
    """Whole columns go, so that the rest is a smaller image; their content is nan."""
    logits, labels, _ = batch(seed=2)
    where = np.ones(labels.shape, bool)
    where[:, :, 3:] = False
    poisoned = np.where(where[..., None], logits, np.nan)
    value, grad = evaluate(name, poisoned, np.where(where, labels, 255), where)
    smaller = ORACLES[name](logits[:, :, :3], labels[:, :, :3])
    np.testing.assert_allclose(value, smaller, **CLOSE)
    _, clean_grad = evaluate(name, logits, labels, where)
    np.testing.assert_array_equal(grad, clean_grad)
    assert not grad[:, :, 3:].any()


def test_pixels_may_be_permuted(name):
    if name in SPATIAL:
        pytest.skip("its pixels have neighbours")
    logits, labels, where = batch(seed=7)
    order = np.random.default_rng(0).permutation(30)

    def shuffle(x):
        flat = x.reshape(4, 30, *x.shape[3:])[:, order]
        return flat.reshape(x.shape)

    value, grad = evaluate(name, logits, labels, where)
    moved = evaluate(name, shuffle(logits), shuffle(labels), shuffle(where))
    np.testing.assert_allclose(moved[0], value, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(moved[1], shuffle(grad), rtol=1e-4, atol=1e-7)


def test_classes_may_be_permuted(name):
    if name in WITH_BACKGROUND:
        pytest.skip("its first class is the background")
    logits, labels, where = batch(seed=8)
    order = np.array([2, 0, 1])
    value, grad = evaluate(name, logits, labels, where)
    moved = evaluate(name, logits[..., order], np.argsort(order)[labels], where)
    np.testing.assert_allclose(moved[0], value, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(moved[1], grad[..., order], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    "link",
    [links.softmax, pytest.param(links.sigmoid, marks=pytest.mark.slow)],
    ids=lambda link: link.name,
)
@pytest.mark.usefixtures("sums_too")
def test_eight_devices_pool_to_the_global_loss(name, link):
    """Value and gradient in float64, as `pmap` and `pmean` train with them.

    One device has nothing but masked pixels. The value on one device is the oracle's.
    """
    skip_if_refused(name, link, 3)
    devices = jax.device_count()
    logits, labels, where = batch(seed=9, shape=(devices, 3, 3))
    where[1] = False

    def loss(logits, labels, **options):
        return CATALOG[name].loss(logits, labels, link=link, **options)

    def per_device(logits, labels, where):
        def local(logits):
            return loss(logits, labels, where=where, axis_name="devices")

        value, grad = jax.value_and_grad(local)(logits)
        return value, grad / devices  # what pmean does to gradients of shared weights

    def alone(logits, labels, where):
        return jax.value_and_grad(loss)(logits, labels, where=where)

    with jax.enable_x64():
        whole = jnp.asarray(logits, jnp.float64), jnp.asarray(labels), where
        value, grad = jax.jit(alone)(*whole)
        shards = [jnp.asarray(x)[:, None] for x in whole]
        values, grads = jax.pmap(per_device, axis_name="devices")(*shards)
    assert value.dtype == jnp.float64
    expected = ORACLES[name](logits, labels, link=link.name, where=where)
    np.testing.assert_allclose(value, expected, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(values, np.full(devices, value), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(grads[:, 0], grad, rtol=1e-11, atol=1e-13)


@pytest.mark.usefixtures("sums_too")
def test_devices_agree_by_construction(name):
    """The strict rules of shard_map find the value replicated."""
    logits, labels, where = batch(seed=9, shape=(8, 4, 3))
    mesh = jax.sharding.Mesh(np.array(jax.devices()), ("devices",))
    split = jax.sharding.PartitionSpec("devices")
    whole = jax.sharding.PartitionSpec()

    def local(logits, labels, where):
        return CATALOG[name].loss(logits, labels, where=where, axis_name="devices")

    sharded = jax.shard_map(local, mesh=mesh, in_specs=(split,) * 3, out_specs=whole)
    value = jax.eval_shape(jax.jit(sharded), logits, labels, where)
    assert value.shape == ()


def test_jit_with_ones_equals_eager_of_lists_without_mask_and_weights(name):
    logits, labels, _ = batch(seed=10)
    value, _ = evaluate(name, logits, labels)
    eager = CATALOG[name].loss(logits.tolist(), labels.tolist())
    np.testing.assert_allclose(eager, value, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("labels", ["ids", "targets"])
def test_nan_in_nan_out(name, labels):
    """One score, all scores, and of an image without foreground; and one target."""
    logits, ids, _ = batch(seed=17)
    truth = ids if labels == "ids" else np.eye(3, dtype=np.float32)[ids]
    one = logits.copy()
    one[1, 2, 3, 0] = np.nan
    for scores in (one, np.full_like(logits, np.nan)):
        value, grad = evaluate(name, scores, truth)
        assert np.isnan(value)
        assert np.isnan(grad[1, 2, 3]).any()
    if labels == "targets":
        truth[1, 2, 3, 0] = np.nan
        assert np.isnan(evaluate(name, logits, truth)[0])
        return
    logits, ids, _ = batch(seed=17, classes=1)
    logits[1, 2, 3] = np.nan
    value, grad = evaluate(name, logits, np.zeros_like(ids), link=links.sigmoid)
    assert np.isnan(value)
    assert np.isnan(grad[1, 2, 3]).any()


@pytest.mark.parametrize("labels", ["ids", "one-hot", "soft"])
def test_a_class_switched_off_by_minus_infinity_is_as_if_very_small(name, labels):
    logits, ids, where = batch(seed=18)
    ids = np.minimum(ids, 1)
    truth = {
        "ids": ids,
        "one-hot": np.eye(3, dtype=np.float32)[ids],
        "soft": np.float32(0.8) * np.eye(3, dtype=np.float32)[ids]
        + np.array([0.1, 0.1, 0], np.float32),
    }[labels]
    for scores in (logits, 0 * logits):
        scores[..., 2] = -np.inf
        value, grad = evaluate(name, scores, truth, where)
        assert np.isfinite(value)
        assert np.isfinite(grad).all()
        assert not grad[..., 2].any()
        if name not in FAR_SCORES_COUNT:
            scores[..., 2] = -1e4
            np.testing.assert_allclose(
                value, evaluate(name, scores, truth, where)[0], **CLOSE
            )


@pytest.mark.usefixtures("sums_too")
@pytest.mark.parametrize("shape", [(0, 6, 5), (4, 0, 5)], ids=str)
def test_no_pixels_cost_nothing(name, shape):
    loss = jax.jit(jax.value_and_grad(CATALOG[name].loss))
    for labels in (np.zeros(shape, np.int32), np.zeros((*shape, 3), np.float32)):
        value, grad = loss(np.zeros((*shape, 3), np.float32), labels)
        assert value == 0
        assert grad.shape == (*shape, 3)


@pytest.mark.usefixtures("sums_too")
def test_strict_promotion_of_dtypes_is_fine(name):
    logits, labels, where = batch()
    weights = np.ones(3, np.float32)

    def loss(logits, labels, where, weights):
        call = CATALOG[name].loss
        plain = call(logits, labels)
        return plain + call(logits, labels, where=where, class_weights=weights)

    with jax.numpy_dtype_promotion("strict"):
        for truth in (labels, np.eye(3, dtype=np.float32)[labels]):
            slopes = jax.value_and_grad(loss)
            given = jnp.asarray(logits, jnp.bfloat16), truth, where, weights
            value, grad = jax.eval_shape(slopes, *given)
            assert (value.dtype, grad.dtype) == (jnp.float32, jnp.bfloat16)


@pytest.mark.usefixtures("sums_too")
def test_axes_of_a_mesh_may_be_explicit(name):
    """As `jax.make_mesh` makes them, images and rows divided over devices."""
    mesh = jax.make_mesh((2, 2), ("images", "rows"))
    split = jax.NamedSharding(mesh, jax.P("images", "rows"))

    def of(shape, dtype):
        return jax.ShapeDtypeStruct(shape, dtype, sharding=split)

    slopes = jax.jit(jax.value_and_grad(CATALOG[name].loss))
    logits, where = of((4, 6, 5, 3), jnp.float32), of((4, 6, 5), bool)
    for labels in (of((4, 6, 5), jnp.int32), logits):
        value, grad = jax.eval_shape(slopes, logits, labels, where=where)
        assert value.sharding.spec == jax.P()
        assert grad.sharding.spec == jax.P("images", "rows", None, None)


@pytest.mark.usefixtures("sums_too")
def test_second_derivatives_at_saturated_scores_are_finite(name):
    """Hessians times random directions, at scores that are right, wrong and mixed.

    Under a sigmoid, where 1 - p is known far below the rounding of p.
    """
    _, labels, _ = batch(seed=19, shape=(1, 3, 4), classes=1)
    right = (2 * labels[..., None] - 1).astype(np.float32)
    rng = np.random.default_rng(20)
    ways = rng.standard_normal((5, *right.shape)).astype(np.float32)
    scores = [
        scale * kind
        for scale in (0, 20, 40, 60, 80, 100, 1e4)
        for kind in (right, -right, rng.choice([-1, 1], right.shape))
    ]

    @jax.jit
    @functools.partial(jax.vmap, in_axes=(0, None))
    @functools.partial(jax.vmap, in_axes=(None, 0))
    def curvature(scores, way):
        slope = jax.grad(lambda z: CATALOG[name].loss(z, labels, link=links.sigmoid))
        return jax.jvp(slope, (scores,), (way,))[1]

    assert np.isfinite(curvature(np.stack(scores).astype(np.float32), ways)).all()


@pytest.mark.usefixtures("sums_too")
def test_forward_mode_goes_as_deep_as_reverse(name):
    """By tracing alone; that every order has one value is a slow law."""
    logits, labels, where = batch(shape=(2, 3, 3))

    def loss(logits):
        return CATALOG[name].loss(logits, labels, where=where)

    def twice(logits, way):
        return jax.linearize(lambda z: jax.jvp(loss, (z,), (way,))[1], logits)[1](way)

    assert jax.eval_shape(twice, logits, logits).shape == ()


@pytest.mark.slow
@pytest.mark.parametrize("soft", [False, True], ids=["ids", "soft targets"])
def test_derivatives_of_every_order_agree(name, soft):
    """In float64, forward and reverse nested in all ways, and by finite differences."""
    logits, labels, where = batch(seed=3, shape=(2, 4, 3), spread=1.0)
    rng = np.random.default_rng(1)
    truth = rng.dirichlet(np.ones(3), labels.shape) if soft else labels
    ways = rng.standard_normal((2, *logits.shape))

    def loss(logits):
        return CATALOG[name].loss(logits, truth, where=where)

    @jax.jit
    def found(logits):
        return (
            derivatives.first(loss, logits, ways[0]),
            derivatives.second(loss, logits, *ways),
        )

    with jax.enable_x64():
        place = jnp.asarray(logits, jnp.float64)
        slopes, curvatures = found(place)
        slope, curvature = slopes["reverse"], curvatures["forward over reverse"]
        for order, value in slopes.items():
            np.testing.assert_allclose(value, slope, rtol=1e-9, err_msg=order)
        for order, value in curvatures.items():
            near = {"rtol": 1e-9, "atol": 1e-9, "err_msg": order}
            np.testing.assert_allclose(value, curvature, **near)
        if name in DETACHED:
            return
        h, compiled = 1e-4, jax.jit(loss)

        def at(first, second):
            return float(compiled(place + h * (first * ways[0] + second * ways[1])))

        along = at(-2, 0) - 8 * at(-1, 0) + 8 * at(1, 0) - at(2, 0)
        across = at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)
    np.testing.assert_allclose(slope, along / (12 * h), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(curvature, across / (4 * h**2), rtol=2e-4, atol=2e-4)


def _extreme_cases(classes):
    rng = np.random.default_rng(0)
    shape = (4, 6, 5)
    labels = rng.integers(0, max(classes, 2), shape).astype(np.int32)
    signs = rng.choice([-1e4, 0.0, 1e4], (*shape, classes))
    right = 1e4 * (2 * np.eye(max(classes, 2))[labels] - 1)[..., -classes:]
    empty, full = np.zeros_like(labels), np.ones_like(labels)
    everything, nothing = np.ones(shape, bool), np.zeros(shape, bool)
    cases = []
    for scores in (
        signs,
        right,
        -right,
        np.zeros_like(signs),
        np.full_like(signs, 1e4),
    ):
        for ids in (labels, empty, full):
            cases += [(scores, ids, everything), (scores, ids, nothing)]
    return cases


@pytest.mark.parametrize(
    ("dtype", "link", "classes"),
    [
        ("float32", links.softmax, 3),
        ("float32", links.sigmoid, 3),
        ("float32", links.sigmoid, 1),
        ("bfloat16", links.softmax, 3),
        ("float16", links.softmax, 3),
        ("float16", links.sigmoid, 1),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
@pytest.mark.usefixtures("sums_too")
def test_extreme_scores_have_finite_value_and_gradient(name, link, classes, dtype):
    skip_if_refused(name, link, classes)
    low, high = CATALOG[name].bounds
    for scores, labels, where in _extreme_cases(classes):
        logits = jnp.asarray(scores, dtype)
        value, grad = evaluate(name, logits, labels, where, link=link)
        assert value.dtype == np.float32
        assert np.isfinite(value)
        assert np.isfinite(grad.astype(np.float32)).all()
        if link is links.softmax:
            assert low - 1e-6 <= value <= high + 1e-6
        if not where.any():
            assert value == 0
            assert not grad.any()


def test_random_scores_stay_within_the_stated_bounds(name):
    low, high = CATALOG[name].bounds
    for seed in range(20):
        logits, labels, where = batch(seed=seed, spread=3.0)
        value, _ = evaluate(name, logits, labels % (1 + seed % 3), where)
        assert low - 1e-6 <= value <= high + 1e-6


def test_an_image_without_foreground_teaches_what_the_catalog_says(name):
    """Foreground as the only class, absent from the image but not the prediction."""
    logits, labels, _ = batch(seed=14, classes=1)
    _, grad = evaluate(name, logits, np.zeros_like(labels), link=links.sigmoid)
    assert CATALOG[name].learns_from_empty == bool(grad.any())


def test_special_cases_equal_the_other_loss(name):
    logits, labels, where = (jnp.asarray(x) for x in batch(seed=15))
    for case in CATALOG[name].special_cases:
        mine = CATALOG[name].build(**case.hyper)(0.5)
        other = CATALOG[case.name].build(**case.other)(0.5)

        @jax.jit
        def both(logits, labels, where, mine=mine, other=other):
            return [
                jax.value_and_grad(loss)(logits, labels, where=where)
                for loss in (mine, other)
            ]

        (value, grad), (expected, expected_grad) = both(logits, labels, where)
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(grad, expected_grad, rtol=1e-4, atol=1e-7)


def test_a_perfect_prediction_has_the_stated_value(name):
    perfect = CATALOG[name].perfect
    if perfect is None:
        pytest.skip("its value at a perfect prediction depends on the labels")
    _, labels, _ = batch(seed=11)
    value, grad = evaluate(name, 1e4 * np.eye(3, dtype=np.float32)[labels], labels)
    np.testing.assert_allclose(value, perfect, atol=1e-6)
    np.testing.assert_allclose(grad, np.zeros_like(grad), atol=1e-6)


def test_soft_targets_are_their_own_best_prediction(name):
    """No random neighbour of p = t, near or far, does better."""
    if name in NOT_OPTIMAL_AT_SOFT_TARGETS:
        pytest.skip("its docstring says that soft targets are not optimal")
    rng = np.random.default_rng(12)
    targets = rng.dirichlet(2 * np.ones(3), (4, 6, 5)).astype(np.float32)
    at_target = np.log(targets)
    best, grad = evaluate(name, at_target, targets)
    for scale in (1e-3, 1e-1, 1.0, 10.0):
        nearby = at_target + scale * rng.standard_normal(at_target.shape)
        value, _ = evaluate(name, nearby.astype(np.float32), targets)
        assert value >= best - 1e-6
    assert np.isfinite(grad).all()


def test_shapes_that_disagree_are_refused_by_name(name):
    logits, labels, where = batch()
    loss = CATALOG[name].loss
    with pytest.raises(ValueError, match=r"6, 5\).*6, 4\)"):
        loss(logits, labels[:, :, :4])
    with pytest.raises(ValueError, match="bool mask"):
        loss(logits, labels, where=where.astype(np.float32))
    with pytest.raises(ValueError, match="one weight for each of the 3 classes"):
        loss(logits, labels, class_weights=np.ones(2, np.float32))
    with pytest.raises(ValueError, match="softmax over one class"):
        loss(logits[..., :1], labels)
    with pytest.raises(ValueError, match="dtype bool"):
        loss(logits, labels > 0)
