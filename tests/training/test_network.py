"""Settings reach the network that is built."""

import jax
import numpy as np
import pytest

from jaxseg.models import MODELS
from jaxseg.models.decoders import AtrousDecoder, FPNDecoder, UNetDecoder
from jaxseg.models.encoder_decoder import Cascade
from jaxseg.models.plan import levels
from jaxseg.training.network import ENCODER_NETWORKS, network_of, strides_of
from tests.training.small import small_config


@pytest.mark.parametrize("name", [n for n in MODELS if n in ENCODER_NETWORKS])
def test_dropout_reaches_every_decoder(name):
    module = network_of(small_config(model=name, channels=3, dropout=0.3)).module
    whole = isinstance(module, Cascade)
    parts = (module.first, module.second) if whole else (module,)
    assert [part.decoder.dropout for part in parts] == [0.3] * len(parts)


@pytest.mark.parametrize(
    "decoder",
    [
        UNetDecoder(2, widths=(4, 4, 4, 4, 4), dropout=0.5),
        FPNDecoder(2, pyramid=8, width=8, dropout=0.5),
        AtrousDecoder(2, width=8, rates=(1,), dropout=0.5),
    ],
    ids=["unet", "fpn", "atrous"],
)
def test_a_decoder_drops_channels_in_training_alone(decoder):
    rng = np.random.default_rng(0)
    features = [rng.random((1, 64 // s, 64 // s, 4), np.float32) for s in
                (2, 4, 8, 16, 32)]  # fmt: skip
    variables = jax.jit(lambda key: decoder.init(key, features, (64, 64)))(
        jax.random.key(0)
    )

    @jax.jit
    def scores(seed):
        drop = {"dropout": jax.random.key(seed)}
        return decoder.apply(variables, features, (64, 64), train=True, rngs=drop)

    first, again, other = scores(0), scores(0), scores(1)
    np.testing.assert_array_equal(first, again)
    assert np.abs(np.asarray(first - other)).max() > 1e-3
    used = decoder.apply(variables, features, (64, 64))  # no random numbers given
    assert np.abs(np.asarray(first - used)).max() > 1e-3


@pytest.mark.parametrize(
    ("size", "spacing", "depth", "expected"),
    [
        # slices of 1 mm end at four voxels, and 6 x 6 mm goes on without them
        ((16, 64, 64), (1, 3, 3), 9,
         [(2, 1, 1), (2, 2, 2), (1, 2, 2), (1, 2, 2), (1, 2, 2)]),
        ((16, 64, 64), (1, 3, 3), 2, [(2, 1, 1), (2, 2, 2)]),
        ((64, 64, 8), (1, 1, 5), 4, [(2, 2, 1), (2, 2, 1), (2, 2, 2), (2, 2, 1)]),
        ((7, 7, 7), (1, 1, 5), 4, None),
        ((16, 64, 64), (1, 1.9, 1.9), 4, None),  # as good as cubes: all are halved
        ((64, 64), None, 4, None),
    ],
)  # fmt: skip
def test_a_run_is_pooled_as_a_plan_is(size, spacing, depth, expected):
    found = strides_of(size, spacing, depth)
    assert found == (None if expected is None else tuple(expected))
    if expected is not None:
        assert found == levels(size, spacing)[0][:depth]


@pytest.mark.parametrize(("width", "widest"), [(8, 512), (600, 600)])
def test_the_first_level_is_as_wide_as_asked_for(width, widest):
    module = network_of(small_config(width=width)).module
    assert module.max_width == widest
    assert module._width(0) == width
