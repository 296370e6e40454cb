"""Losses of single lesions: by hand, with maps made beforehand, and what they see."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import links
from jaxseg.losses import (
    adjacency_loss,
    blob_loss,
    border_weights,
    cc_dice_ce_loss,
    component_maps,
    dice_loss,
    per_image,
    region_maps,
    topological_loss,
)
from tests.losses import lesion_oracle


def test_two_blobs_by_hand():
    """Sizes 2 and 1, two pixels outside, of which each is nearest to another blob."""
    truth = jnp.array([1, 1, 0, 0, 1])
    probs = jnp.array([1.0, 0.5, 0.5, 0.25, 0.25])[:, None]
    whole = 1 - 2 * (1.5 + 0.25) / (2.5 + 3)
    outside = 0.5 + 0.25
    first = 1 - 2 * 1.5 / (1.5 + outside + 2)
    second = 1 - 2 * 0.25 / (0.25 + outside + 1)
    loss = blob_loss(probs, truth, link=links.identity)
    np.testing.assert_allclose(loss, 2 * whole + (first + second) / 2, rtol=1e-6)
    near_first = 1 - 2 * 1.5 / (2.0 + 2) + (np.log(2) + np.log(2)) / 3
    near_second = 1 - 2 * 0.25 / (0.5 + 1) - (np.log(0.75) + np.log(0.25)) / 2
    loss = cc_dice_ce_loss(probs, truth, link=links.identity)
    np.testing.assert_allclose(loss, (near_first + near_second) / 2, rtol=1e-6)
    # Of two equally near the pixel that comes first decides.
    assert region_maps(jnp.array([1, 0, 1]), 1)[:, 0].tolist() == [0, 0, 2]
    assert component_maps(truth, 1)[:, 0].tolist() == [0, 0, 5, 5, 4]


def test_a_small_lesion_that_is_missed_costs_as_much_as_a_large_one():
    truth = np.zeros((12, 12), int)
    small, large = np.s_[10, 10], np.s_[:8, :8]
    truth[large] = truth[small] = 1

    def cost_of_missing(part, loss, **hyper):
        seen = truth.copy()
        seen[part] = 0
        return loss(
            1e4 * (2.0 * seen - 1)[..., None], truth, link=links.sigmoid, **hyper
        )

    for loss, hyper in ((blob_loss, {"main": 0.0}), (cc_dice_ce_loss, {"ce": 0.0})):
        for part in (small, large):
            np.testing.assert_allclose(cost_of_missing(part, loss, **hyper), 0.5)
    assert cost_of_missing(small, dice_loss) < 0.01
    assert cost_of_missing(large, dice_loss) > 0.9


@pytest.mark.parametrize("shape", [(3, 6, 5), (2, 3, 4, 5)], ids=str)
def test_maps_made_beforehand_change_nothing(shape):
    """A batch of images and of volumes, whose maps `per_image` splits."""
    rng = np.random.default_rng(0)
    logits = jnp.asarray(rng.standard_normal((*shape, 2)), jnp.float32)
    labels = jnp.asarray(rng.integers(0, 2, shape))
    where = jnp.asarray(rng.random(shape) > 0.2)
    spatial = len(shape) - 1
    options = {"spatial": spatial, "where": where}
    size = (2.0, 1.0, 3.0)[:spatial]
    of_blobs: Any = per_image(blob_loss)
    of_regions: Any = per_image(cc_dice_ce_loss)

    @jax.jit
    def of_batch(logits):
        blobs = component_maps(labels, 2, **options)
        regions = region_maps(labels, 2, spacing=size, **options)
        assert blobs.shape == regions.shape == logits.shape
        found = (
            blob_loss(logits, labels, **options),
            cc_dice_ce_loss(logits, labels, spacing=size, **options),
        )
        given = (
            of_blobs(logits, labels, where=where, components=blobs),
            of_regions(logits, labels, where=where, regions=regions),
        )
        return found, given

    found, ready = of_batch(logits)
    np.testing.assert_allclose(found, ready, rtol=1e-6)
    expected = [
        lesion_oracle.cc_dice_ce(*image, where=keep, spacing=size)
        for *image, keep in zip(logits, labels, where, strict=True)
    ]
    np.testing.assert_allclose(ready[1], np.mean(expected), rtol=1e-5)
    with pytest.raises(ValueError, match="components need the shape"):
        blob_loss(logits, labels, components=labels[..., None], spatial=spatial)


@pytest.mark.parametrize(
    ("loss", "options"),
    [
        (blob_loss, {}),
        (cc_dice_ce_loss, {}),
        (adjacency_loss, {"allowed": np.eye(2, dtype=bool)}),
        (topological_loss, {}),
    ],
)
def test_images_of_a_mapped_axis_are_averaged(loss, options):
    """One image a device; one of the three has no pixel that counts."""
    rng = np.random.default_rng(1)
    logits = jnp.asarray(rng.standard_normal((3, 4, 4, 2)), jnp.float32)
    labels = jnp.asarray(rng.integers(0, 2, (3, 4, 4)))
    where = jnp.ones(labels.shape, bool).at[1].set(False)
    options = {"link": links.sigmoid, **options}

    @jax.jit
    @functools.partial(jax.vmap, axis_name="images")
    def local(logits, labels, where):
        return loss(logits, labels, where=where, axis_name="images", **options)

    values = local(logits, labels, where)
    plain = functools.partial(per_image(loss), **options)
    expected = jax.jit(plain)(logits[::2], labels[::2])
    assert expected > 0
    np.testing.assert_allclose(values, np.full(3, expected), rtol=1e-6)


def test_contacts_that_no_label_has_by_hand():
    """Boxes of 3 pixels: 0 and 2 share one border, seen from both sides."""
    labels = jnp.array([0, 0, 1, 1, 2, 2])
    probs = jnp.eye(3)[jnp.array([0, 0, 1, 2, 0, 0])]
    loss = adjacency_loss(probs, labels, link=links.identity)
    np.testing.assert_allclose(loss, 2 / 3 / 6, rtol=1e-6)
    allowed = jnp.ones((3, 3), bool).at[1, 2].set(False)  # of one order alone
    loss = adjacency_loss(probs, labels, allowed=allowed, link=links.identity)
    np.testing.assert_allclose(loss, 1 / 3 / 6, rtol=1e-6)
    soft = jnp.full((1, 3), 1 / 3)  # of one pixel, with itself
    loss = adjacency_loss(soft, labels[:1], link=links.identity)
    np.testing.assert_allclose(loss, 6 / 9 / 3, rtol=1e-6)
    with pytest.raises(ValueError, match=r"shape \(3, 3\) of pairs.*\(2, 2\)"):
        adjacency_loss(probs, labels, allowed=jnp.ones((2, 2)), link=links.identity)


def test_background_between_two_cells_weighs_more():
    cells = np.zeros((9, 12), bool)
    cells[2:7, 1:4] = cells[2:7, 5:8] = True
    weights = border_weights(cells)
    np.testing.assert_allclose(weights[4, 4], 1 + 10 * np.exp(-4 / 50), rtol=1e-6)
    np.testing.assert_allclose(weights[4, 9], 1 + 10 * np.exp(-(8**2) / 50), rtol=1e-6)
    assert (weights[cells] == 1).all()
    assert (border_weights(cells[:, :5]) == 1).all()
    wide = border_weights(cells, spacing=(1.0, 2.0))
    np.testing.assert_allclose(wide[4, 4], 1 + 10 * np.exp(-16 / 50), rtol=1e-6)
    with pytest.raises(ValueError, match="not float32"):
        border_weights(weights)
    with pytest.raises(ValueError, match="width above 0"):
        border_weights(cells, width=0)
