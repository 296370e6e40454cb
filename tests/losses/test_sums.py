"""Compound losses are the weighted sums that they say, as a whole and by terms."""

import jax
import numpy as np
import pytest

from jaxseg import losses
from jaxseg.losses import (
    CATALOG,
    ce_kl_loss,
    cross_entropy_loss,
    dice_ce_loss,
    dice_cldice_loss,
    dice_focal_loss,
    dice_hd_loss,
    dice_loss,
    focal_loss,
    hausdorff_loss,
    linear,
    marginal_kl_loss,
    per_image,
)

RNG = np.random.default_rng(0)
LOGITS = RNG.standard_normal((2, 5, 6, 3)).astype(np.float32)
LABELS = RNG.integers(0, 3, (2, 5, 6))
SUMS = [name for name, entry in CATALOG.items() if len(entry.build().terms(0.5)) > 1]


def test_by_their_terms():
    where = RNG.random(LABELS.shape) > 0.3

    def of(loss, **hyper):
        return float(loss(LOGITS, LABELS, where=where, **hyper))

    ce, dice = of(cross_entropy_loss), of(dice_loss)
    assert of(dice_ce_loss, dice=0.5, ce=2.0) == pytest.approx(0.5 * dice + 2 * ce)
    focal = of(focal_loss, gamma=3.0)
    found = of(dice_focal_loss, focal=0.25, gamma=3.0)
    assert found == pytest.approx(dice + 0.25 * focal)
    kl = of(per_image(marginal_kl_loss), temperature=5.0)
    found = of(ce_kl_loss, ce=0.5, weight=0.3, temperature=5.0)
    assert found == pytest.approx(0.5 * ce + 0.3 * kl)
    assert of(dice_cldice_loss, cldice=0.0) == pytest.approx(of(per_image(dice_loss)))
    assert of(dice_hd_loss) == pytest.approx(2 * of(per_image(hausdorff_loss)))


@pytest.mark.parametrize("name", SUMS)
def test_terms_add_up_in_value_and_gradient(name):
    at = CATALOG[name].build()
    whole = jax.value_and_grad(at(0.5))(LOGITS, LABELS)
    terms = [jax.value_and_grad(t)(LOGITS, LABELS) for t in at.terms(0.5).values()]
    for found, parts in zip(whole, zip(*terms, strict=True), strict=True):
        np.testing.assert_allclose(sum(parts), found, rtol=1e-5, atol=1e-7)


def test_weights_may_follow_a_schedule_and_be_traced():
    at = CATALOG["dice_ce"].build(dice=linear(0.0, 1.0), ce=0.0)
    dice = dice_loss(LOGITS, LABELS)
    for progress in (0.0, 0.25, 1.0):
        assert at(progress)(LOGITS, LABELS) == pytest.approx(progress * dice)
        term = at.terms(progress)["dice_loss"]
        assert term(LOGITS, LABELS) == pytest.approx(progress * dice)
    traced = jax.jit(lambda w: dice_ce_loss(LOGITS, LABELS, dice=w, ce=1 - w))
    assert traced(1.0) == pytest.approx(dice)


def test_a_term_of_weight_0_is_not_computed():
    def sizes(weight):
        jaxpr = jax.make_jaxpr(lambda z: ce_kl_loss(z, LABELS, weight=weight))(LOGITS)
        return len(str(jaxpr).splitlines())

    assert sizes(0) < 0.7 * sizes(0.1)


def test_catalog_names_the_function_to_call():
    for name in SUMS:
        function = CATALOG[name].function
        if not function.startswith("CATALOG"):
            loss = getattr(losses, function)
            value = CATALOG[name].loss(LOGITS, LABELS)
            assert loss(LOGITS, LABELS) == pytest.approx(value)
