"""A release's weights give its PyTorch network's features; wrong files are named."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from jaxseg.errors import UserError
from jaxseg.models.catalog import DECODERS, ENCODERS, build_model
from jaxseg.models.encoder_decoder import Cascade, EncoderDecoder
from jaxseg.models.encoders import ResNet
from jaxseg.models.norms import NORMS
from jaxseg.models.weights import load_weights, released_name
from tests.models.tiny import tiny_fields
from tests.models.weight_rule import described, digest, image, weight

STORED = json.loads(Path(__file__).with_name("weight_goldens.json").read_text())[
    "networks"
]
SHORT = {
    "resnext14": dict(blocks=(1, 1, 1, 1), bottleneck=True, groups=32, group_width=4),
    "dilated20": dict(blocks=(1, 1, 2, 2), bottleneck=True, output_stride=8),
}
FAST = ("resnet18", "mobilenetv2", "resnext14", "dilated20", "efficientnet_lite2")


def network_of(name, norm="frozen-batch"):
    norm = NORMS["none" if name == "vgg16" else norm]
    if name in SHORT:
        encoder = ResNet(**SHORT[name], norm=norm)
    else:
        encoder = ENCODERS[name](norm=norm)
    return EncoderDecoder(encoder, DECODERS["fpn"](2, pyramid=8, width=8))


def shapes_of(network, size=32):
    variables = jax.eval_shape(network.init, jax.random.key(0), image(size))
    return variables, released_shapes(variables)


def released_shapes(variables):
    shapes = {}
    for keys, leaf in jax.tree_util.tree_leaves_with_path(variables):
        place = tuple(key.key for key in keys)
        if "encoder" in place:
            name = released_name(place[place.index("encoder") + 1 :])
            shape = leaf.shape
            if len(shape) == 4:
                shape = (shape[3], shape[2], *shape[:2])
            shapes[name] = shape
    return shapes


def write(path, shapes, **changes):
    tensors = {n: np.asarray(weight(n, s), np.float32) for n, s in shapes.items()}
    tensors |= {name.replace("__", "."): value for name, value in changes.items()}
    save_file({k: v for k, v in tensors.items() if v is not None}, path)


def zeros(variables):
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), variables)


@pytest.mark.parametrize("name", sorted(STORED))
def test_names_and_shapes_are_those_of_the_release(name):
    _, shapes = shapes_of(network_of(name))
    assert len(shapes) == STORED[name]["tensors"]
    assert digest(shapes) == STORED[name]["digest"]


@pytest.mark.parametrize(
    "name",
    [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in STORED],
)
def test_features_are_those_of_the_release(name, tmp_path):
    network = network_of(name)
    variables, shapes = shapes_of(network)
    path = tmp_path / "weights.safetensors"
    write(path, shapes, fc__weight=np.zeros((9, 9), np.float32))
    loaded = load_weights(path, zeros(variables))
    x = image(STORED[name]["size"]).astype(np.float32)
    features = jax.jit(
        lambda v, x: network.apply(v, x, method=lambda m, x: m.encoder(x))
    )(loaded, x)
    for feature, stored in zip(features, STORED[name]["features"], strict=True):
        ours = described(feature)
        assert ours["shape"] == stored["shape"]
        size = abs(stored["mean"]) + stored["spread"]
        for key in ("mean", "spread", "some"):
            np.testing.assert_allclose(ours[key], stored[key], atol=1e-4 * size)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small network, zeros for its variables, and a file of weights for it."""
    fields = tiny_fields("resnet18_fpn")
    network = build_model("resnet18_fpn", 2, norm="frozen-batch", **fields)
    variables, shapes = shapes_of(network)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    write(path, shapes)
    return network, zeros(variables), path


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (dict(bn1__weight=None), r"lacks bn1.weight \[8\]"),
        (dict(conv1__weight=np.ones((8, 3, 3, 3), np.float32)),
         r"holds conv1.weight as \[8, 3, 3, 3\], but .* needs \[8, 3, 7, 7\]"),
        (dict(layer1__1__conv1__weight=np.ones(3, np.float32)),
         "holds layer1.1.conv1.weight, which this network does not have"),
        (dict(bn1__bias=np.full(8, np.nan, np.float32)),
         "holds numbers in bn1.bias that are not finite"),
    ],
)  # fmt: skip
def test_a_file_of_another_network_is_named(small, tmp_path, changes, sentence):
    _, variables, path = small
    other = tmp_path / "other.safetensors"
    save = {**load_file(path), **{k.replace("__", "."): v for k, v in changes.items()}}
    save_file({k: v for k, v in save.items() if v is not None}, other)
    with pytest.raises(UserError, match=f"other.safetensors {sentence}"):
        load_weights(other, variables)


@pytest.mark.parametrize("damage", ["cut", "text", "missing", "empty"])
def test_a_damaged_file_is_named(small, tmp_path, damage):
    _, variables, path = small
    other = tmp_path / "damaged.safetensors"
    content = path.read_bytes()
    if damage != "missing":
        other.write_bytes(
            {"cut": content[:-9], "text": b"what is this file?", "empty": b""}[damage]
        )
    with pytest.raises(UserError, match="damaged.safetensors (cannot|is not a file)"):
        load_weights(other, variables)


def test_other_numbers_of_channels(small):
    """Grey images count thrice; what a cascade adds begins with weight zero."""
    network, variables, path = small
    loaded = load_weights(path, variables)
    pixels = np.random.default_rng(0).random((1, 32, 32, 3)).astype(np.float32)
    grey = pixels[..., :1]
    kernel = loaded["params"]["encoder"]["conv1"]["kernel"]
    one = jax.eval_shape(network.init, jax.random.key(0), grey)
    of_grey = load_weights(path, zeros(one))["params"]["encoder"]["conv1"]
    np.testing.assert_allclose(
        of_grey["kernel"], kernel.sum(2, keepdims=True), rtol=1e-5, atol=1e-6
    )
    fields = tiny_fields("resnet18_fpn")
    again = build_model("resnet18_fpn", 2, norm="frozen-batch", **fields)
    cascade = Cascade(network, again)
    both = jax.eval_shape(cascade.init, jax.random.key(0), pixels)
    params = load_weights(path, zeros(both))["params"]
    np.testing.assert_array_equal(params["first"]["encoder"]["conv1"]["kernel"], kernel)
    later = params["second"]["encoder"]["conv1"]["kernel"]
    np.testing.assert_array_equal(later[:, :, :3], kernel)
    assert later.shape[2] == 5
    assert not later[:, :, 3:].any()
    two = jax.eval_shape(network.init, jax.random.key(0), pixels[..., :2])
    with pytest.raises(UserError, match=r"conv1.weight as \[8, 3, 7, 7\]"):
        load_weights(path, zeros(two))


def test_networks_that_cannot_have_them_are_refused(small):
    _, _, path = small
    unet = {"params": {"Conv_0": {"kernel": np.zeros((3, 3, 3, 4))}}}
    with pytest.raises(ValueError, match="no encoder"):
        load_weights(path, unet)
    network = build_model("resnet18_fpn", 2, **tiny_fields("resnet18_fpn"))
    with pytest.raises(ValueError, match="norm batch or frozen-batch"):
        load_weights(path, shapes_of(network)[0])


def test_frozen_statistics_stay_and_running_ones_move(small):
    """A step of fine-tuning, with gradients for all but the statistics."""
    frozen, variables, path = small
    loaded = load_weights(path, variables)
    running = build_model(
        "resnet18_fpn", 2, norm="batch", **tiny_fields("resnet18_fpn")
    )
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 32, 32, 3)).astype(np.float32)
    start = jax.jit(frozen.init)(jax.random.key(0), x)  # for the decoder
    loaded["params"]["decoder"] = start["params"]["decoder"]
    loaded["batch_stats"]["decoder"] = start["batch_stats"]["decoder"]

    def step(network):
        def value(params):
            scores, changed = network.apply(
                {**loaded, "params": params}, x, train=True, mutable=["batch_stats"]
            )
            return (scores**2).mean(), changed.get("batch_stats", {})

        return jax.jit(jax.grad(value, has_aux=True))(loaded["params"])

    grads, changed = step(frozen)
    assert all(np.abs(g).max() > 0 for g in jax.tree.leaves(grads))
    assert changed == {} or jax.tree.all(
        jax.tree.map(np.array_equal, changed, loaded["batch_stats"])
    )
    _, changed = step(running)
    before = loaded["batch_stats"]["encoder"]["bn1"]["BatchNorm_0"]
    after = changed["encoder"]["bn1"]["BatchNorm_0"]
    kernel = loaded["params"]["encoder"]["conv1"]["kernel"]
    stem = jax.lax.conv_general_dilated(
        x, kernel, (2, 2), [(3, 3)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    for name, batch in (("mean", stem.mean((0, 1, 2))), ("var", stem.var((0, 1, 2)))):
        np.testing.assert_allclose(
            after[name], 0.9 * before[name] + 0.1 * batch, rtol=1e-4, atol=1e-5
        )
