"""Laws of every network: shapes, finite scores, gradients, dtypes, any size."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.losses import cross_entropy_loss, deep_supervision
from jaxseg.models import MODELS, build_model
from jaxseg.models.layers import prediction
from tests.models.tiny import TWINS, tiny_fields

SIZES = {2: (13, 38), 3: (5, 13, 10)}
CASES = [
    pytest.param(name, axes, marks=[pytest.mark.slow] if name in TWINS else [])
    for name, entry in MODELS.items()
    for axes in entry.axes
]


def tiny(name, **options):
    return build_model(name, 3, **{**tiny_fields(name), **options})


def images_of(axes, channels=2):
    rng = np.random.default_rng(axes)
    return rng.standard_normal((2, *SIZES[axes], channels)).astype(np.float32)


QUICKLY_COMPILED = {"xla_backend_optimization_level": 1}
"""For what is run once: LLVM takes most of the time of such a test otherwise.

At level 0 the gradient of the 3D U-Net is NaN in jaxlib 0.10.2, at 1 and above not.
"""


@pytest.mark.parametrize(("name", "axes"), CASES)
def test_scores_are_finite_and_gradients_reach_every_parameter(name, axes):
    network, images = tiny(name), images_of(axes)
    labels = np.random.default_rng(0).integers(0, 3, images.shape[:-1])
    loss = deep_supervision(cross_entropy_loss, MODELS[name].map_weights)

    @functools.partial(jax.jit, compiler_options=QUICKLY_COMPILED)
    def step(key):
        variables = network.init(key, images)

        def value(variables):
            maps = network.apply(variables, images, train=True)
            maps = maps if isinstance(maps, tuple) else (maps,)
            return loss(maps, labels), maps[0]

        grads, scores = jax.grad(value, has_aux=True)(variables)
        return scores, network.apply(variables, images), grads

    scores, used, grads = step(jax.random.key(0))
    assert scores.shape == (*images.shape[:-1], 3)
    assert np.isfinite(scores).all()
    assert np.std(scores, axis=(1, 2)).min() > 1e-4  # it looks at the image
    np.testing.assert_allclose(used, scores, rtol=1e-4, atol=1e-5)
    for path, grad in jax.tree_util.tree_leaves_with_path(grads):
        assert np.isfinite(grad).all(), path
        assert np.abs(grad).max() > 1e-8, path


@pytest.mark.parametrize(("name", "axes"), CASES)
def test_half_precision_is_inside_and_nowhere_else(name, axes):
    """Parameters and scores float32; of all products, only the scores' in float32."""
    network, images = tiny(name, dtype="bfloat16"), images_of(axes)
    variables = jax.eval_shape(network.init, jax.random.key(0), images)
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {np.dtype("float32")}
    scores = jax.eval_shape(network.apply, variables, images)
    assert scores.dtype == jnp.float32
    assert scores.shape == (*images.shape[:-1], 3)
    text = str(jax.make_jaxpr(network.apply)(variables, images))
    convs = re.findall(r":(\w+)\[[\d,]*\] = conv_general_dilated", text)
    assert len(convs) >= 4
    assert set(convs) == {"bf16"}


@pytest.mark.parametrize("norm", ["instance", "batch", "frozen-batch", "none"])
@pytest.mark.parametrize("name", ["unet", "resnet18_fpn", "mobilenetv2_unet"])
def test_any_norm_will_do(name, norm):
    network, images = tiny(name, norm=norm), images_of(2)
    variables = jax.eval_shape(network.init, jax.random.key(0), images)
    assert ("batch_stats" in variables) == ("batch" in norm)
    mutable = [] if norm != "batch" else ["batch_stats"]
    scores, changed = jax.eval_shape(
        lambda v: network.apply(v, images, train=True, mutable=mutable), variables
    )
    assert prediction(scores).shape == (*images.shape[:-1], 3)
    assert bool(changed) == (norm == "batch")


def test_a_wrong_choice_is_named():
    with pytest.raises(ValueError, match="no network 'unett'; perhaps unet"):
        build_model("unett", 2)
    with pytest.raises(ValueError, match="no norm 'grupp'; perhaps group"):
        build_model("unet", 2, norm="grupp")
    with pytest.raises(ValueError, match="no dtype 'float16'; perhaps"):
        build_model("unet", 2, dtype="float16")
    with pytest.raises(ValueError, match="network unet cannot be built.*widht"):
        build_model("unet", 2, widht=3)
    with pytest.raises(ValueError, match="num_classes"):
        build_model("unet", 0)
    with pytest.raises(ValueError, match=r"takes images \[B, H, W, C\]"):
        jax.eval_shape(
            build_model("resnet18_fpn", 2).init, jax.random.key(0), images_of(3)
        )


@pytest.mark.parametrize(
    "name",
    ["resnext50_fpn", "mobilenetv2_unet", "deeplab_vgg16", "cascade_resnet18_fpn"],
)
def test_a_multiplier_narrows_encoder_and_decoder(name):
    images = images_of(2)

    def channels(multiplier):
        network = build_model(name, 3, multiplier=multiplier)
        found = jax.eval_shape(network.init, jax.random.key(0), images)
        return [leaf.shape[-1] for leaf in jax.tree.leaves(found)]

    whole, quarter = channels(1.0), channels(0.25)
    assert np.mean(quarter) < 0.6 * np.mean(whole)


def test_a_multiplier_of_the_decoder_leaves_the_encoder():
    def shapes(**multipliers):
        network = build_model("resnet18_fpn", 3, **multipliers)
        init = jax.eval_shape(network.init, jax.random.key(0), images_of(2))
        return {part: jax.tree.map(jnp.shape, init["params"][part])
                for part in ("encoder", "decoder")}  # fmt: skip

    whole, narrow = shapes(), shapes(decoder_multiplier=0.25)
    assert narrow["encoder"] == whole["encoder"]
    assert whole["decoder"]["Conv_0"]["kernel"][-1] == 256
    assert narrow["decoder"]["Conv_0"]["kernel"][-1] == 64
    both = shapes(multiplier=0.5, decoder_multiplier=0.5)["decoder"]
    assert both["Conv_0"]["kernel"][-1] == 64
