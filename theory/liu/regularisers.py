"""L26: cross-entropy plus an explicit label-marginal term."""

import jax
import jax.numpy as jnp
from jax import Array

from jaxseg.losses import (
    ce_kl_loss,
    ce_l1_loss,
    cross_entropy_loss,
    dice_bias_ce_loss,
    dice_bias_loss,
    log_dice_ce_loss,
    log_dice_loss,
    marginal_kl_loss,
    marginal_l1_loss,
)
from theory.claim import Claim, Evidence, Verdict
from theory.engines import examples, residuals
from theory.liu import SOURCE

L26 = Claim(
    id="L26",
    source=SOURCE,
    where="Section 2.6, Eq. (5)",
    statement=(
        "CE + lambda R(y; p), with the L1 distance or the KL divergence of the label "
        "marginals as R, controls the label-marginal bias explicitly."
    ),
    assumes=(
        "CE is the mean over pixels, every class occurs, lambda >= 0; the marginal p "
        "is the mean of the probabilities, at temperature 1. With the temperature 10 "
        "of Appendix C R is of another marginal, and the second part does not hold."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "CE is a matching term plus KL plus H(y) (L12), so CE + lambda KL is the same "
        "matching term plus (1 + lambda) KL plus H(y): lambda sets the weight. Where "
        "all pixels have one prediction the matching term is 0. CE and R are smallest, "
        "0, at the truth, so lambda does not move the minimiser of certain labels, "
        "unlike a multiple of the bias of Dice, which is not smallest there (L09)."
    ),
    values={"at_truth": 0.0},
)


@L26.check("sums")
@L26.twin("weight + 1e-6", weight=0.3 + 1e-6)
def recipes_are_sums(*, weight: float = 0.3) -> Evidence:
    """Each recipe is cross-entropy plus 0.3 times its term, value and gradient.

    L1 and KL as in (5), the bias of Dice and log-Dice as compared with in Table 2.
    """

    def residual(logits: Array, labels: Array) -> Array:
        ce = cross_entropy_loss(logits, labels)
        image, ids = logits[None], labels[None]
        gaps = (
            ce_l1_loss(image, ids, weight=weight, temperature=2.0)
            - (ce + 0.3 * marginal_l1_loss(logits, labels, temperature=2.0)),
            ce_kl_loss(image, ids, weight=weight, temperature=2.0)
            - (ce + 0.3 * marginal_kl_loss(logits, labels, temperature=2.0)),
            dice_bias_ce_loss(image, ids, weight=weight, temperature=1.0)
            - (ce + 0.3 * dice_bias_loss(logits, labels, temperature=1.0)),
            log_dice_ce_loss(image, ids, log_dice=weight)
            - (ce + 0.3 * log_dice_loss(logits, labels)),
        )
        # weights without a common measure: gaps cannot cancel by accident
        roots = (1.0, 2**0.5, 3**0.5, 5**0.5)
        return sum(
            (root * gap for root, gap in zip(roots, gaps, strict=True)), jnp.zeros(())
        )

    return residuals.vanishing(residual, *residuals.images(3, seed=26))


@L26.check("weight of the marginal part")
@L26.twin("temperature 10", temperature=10.0)
def scales_the_marginal_part(*, temperature: float = 1.0) -> Evidence:
    """One prediction for all pixels: CE + KL / 2 = H(y) + (3/2) KL, with gradient."""
    logits, labels = residuals.images(3, seed=27)

    def residual(scores: Array, labels: Array) -> Array:
        same = jnp.broadcast_to(scores[:1], scores.shape)
        y = jnp.mean(jax.nn.one_hot(labels, 3, dtype=scores.dtype), axis=0)
        entropy = -jnp.sum(y * jnp.log(y))
        divergence = jnp.sum(y * (jnp.log(y) - jax.nn.log_softmax(scores[0])))
        loss = ce_kl_loss(same[None], labels[None], weight=0.5, temperature=temperature)
        return loss - (entropy + 1.5 * divergence)

    return residuals.vanishing(residual, logits, labels)


@L26.check("zero at the truth")
@L26.twin("unsure of the truth", score=5)
def truth_stays_smallest(*, score: float = 40.0) -> Evidence:
    """Both terms are 0, to rounding, at the certain truth."""
    labels = jnp.array([0, 1, 2, 1, 0, 2])
    logits = score * jnp.eye(3)[labels]
    found = {
        "L1": float(ce_l1_loss(logits[None], labels[None])),
        "KL": float(ce_kl_loss(logits[None], labels[None])),
    }
    return examples.agree(found, dict.fromkeys(found, 0.0), tolerance=1e-12)
