"""G15: cross-entropy and soft Dice with equal weights."""

import jax.numpy as jnp
from jax import Array

from jaxseg import links
from jaxseg.losses import ce_dice_per_image_loss, cross_entropy_loss, dice_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import examples, residuals
from theory.galdran import SOURCE

G15 = Claim(
    id="G15",
    source=SOURCE,
    where="2.1, Eq. (6)",
    statement="Loss addition: L_BCE+Dice = L_BCE + L_Dice, with equal weights.",
    assumes="(2) and (5) of one image; a batch takes the mean over its images.",
    verdict=Verdict.HOLDS,
    proof=(
        "By definition, and so for the gradients. Both parts are smallest, 0, at the "
        "truth alone if there is foreground. Without foreground L_Dice is 1 whatever "
        "is predicted (G08), and the sum teaches as L_BCE does."
    ),
    values={"half_certain_of_one_of_two": 0.34657359027997264 + 0.2},
)


@G15.check("sum")
@G15.twin("weight 1 + 1e-6", weight=1 + 1e-6)
@G15.twin("plain Dice", squared=False)
def recipe_is_the_sum(*, weight: float = 1.0, squared: bool = True) -> Evidence:
    """The recipe on one image is L_BCE + L_Dice of (2) and (5), value and gradient."""

    def residual(logits: Array, labels: Array) -> Array:
        scores, ids = logits[..., 1:], labels % 2
        parts = cross_entropy_loss(scores, ids, link=links.sigmoid)
        parts += dice_loss(scores, ids, squared=squared, link=links.sigmoid)
        whole = ce_dice_per_image_loss(
            scores[None], ids[None], dice=weight, link=links.sigmoid
        )
        return whole - parts

    return residuals.vanishing(residual, *residuals.images(2, seed=15))


@G15.check("by hand")
@G15.twin("plain Dice by hand", dice=1 / 3)
def two_pixels_by_hand(*, dice: float = 1 / 5) -> Evidence:
    """One foreground and one background pixel, the foreground half certain.

    y = (1, 0), p = (1/2, 0): L_BCE = log(2) / 2, L_Dice = 1 - 2 (1/2) / (1 + 1/4).
    """
    probs = jnp.array([0.5, 0.0])[None, :, None]
    value = ce_dice_per_image_loss(probs, jnp.array([[1, 0]]), link=links.identity)
    found = {"sum": float(value)}
    return examples.agree(
        found, {"sum": float(jnp.log(2.0) / 2) + dice}, tolerance=1e-7
    )
