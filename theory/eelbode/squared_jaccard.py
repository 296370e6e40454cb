"""E42: the soft Jaccard loss with squares."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jax import Array

from jaxseg import counts, links
from jaxseg.losses import region
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.engines import masks, samples, symbolic

E42 = Claim(
    id="E42",
    source=SOURCE,
    where="II-A, after Eq. (13)",
    statement=(
        "In the soft Jaccard loss the L1 norm may be replaced with a squared L2 norm."
    ),
    assumes="1 - <y, yt> / (|y|^2 + |yt|^2 - <y, yt>), not both zero everywhere.",
    verdict=Verdict.HOLDS,
    proof=(
        "Squares of 0 and 1 are themselves, so it is 1 - J on masks. The loss is |y - "
        "yt|^2 / (|y - yt|^2 + <y, yt>): in [0, 1], and 0 at yt = y alone, also for "
        "soft y, for which the form with sums and <y, yt> is not smallest there. It "
        "is to the squared Dice loss as J is to D."
    ),
    values={
        "one_pixel_at_1/2": 1 - 0.5 / (1 + 0.25 - 0.5),
        "one_pixel_at_1/2_plain": 1 - 0.5 / (1 + 0.5 - 0.5),
    },
)


@E42.check("all masks")
@E42.twin("less by 1e-6", scale=1 - 1e-6)
def masks_scale_jaccard(*, squared: bool = True, scale: float = 1.0) -> Evidence:
    """The loss is `scale` times 1 - J on all pairs of hard masks."""

    def loss(probs: Array, labels: Array) -> Array:
        return region.jaccard_loss(probs, labels, squared=squared, link=links.identity)

    def exact(found: counts.SoftCounts) -> Fraction:
        return Fraction(scale) * (1 - Fraction(counts.jaccard_index(found)))

    return masks.agrees_on_all_masks(loss, exact, pixels=4)


@E42.check("range")
@E42.twin("sums for squares", squared=False)
def loss_in_unit_interval(*, squared: bool = True) -> Evidence:
    """0 <= loss <= 1, and 0 at p = t alone, also for soft targets t.

    With `squared` false sum p t stands over sum p + sum t - sum p t, which is larger
    than 0 at p = t.
    """
    rng = np.random.default_rng(42)
    probs, targets = rng.beta(0.5, 0.5, size=(2, 512, 5))
    targets[:64] = probs[:64]

    def slack(p: Array, t: Array) -> Array:
        inner = jnp.sum(p * t)
        if squared:
            shape = (-1, 1)
            value = region.jaccard_loss(
                p.reshape(shape), t.reshape(shape), squared=True, link=links.identity
            )
        else:
            value = 1 - inner / (jnp.sum(p) + jnp.sum(t) - inner)
        far = jnp.max(jnp.abs(p - t))
        room = jnp.minimum(value, 1 - value)
        return jnp.where(far > 0, jnp.minimum(room, value - 1e-9), -jnp.abs(value))

    found = jax.jit(jax.vmap(slack))(jnp.asarray(probs), jnp.asarray(targets))
    case = {"probs": probs, "targets": targets}
    return samples.worst_draw(found, case, tolerance=1e-12)


@E42.check("algebra")
@E42.twin("3 - D", two=3)
def identities_of_sets(*, two: int = 2) -> Evidence:
    """J = D / (2 - D) for the squared forms, too; 1 - J is |p - t|^2 over the rest."""
    inner, p, t = sympy.symbols("inner p t", positive=True)
    dice, jaccard = 2 * inner / (p + t), inner / (p + t - inner)
    return symbolic.identities(
        [
            (jaccard, dice / (two - dice)),
            (1 - jaccard, (p + t - 2 * inner) / (p + t - inner)),
        ]
    )
