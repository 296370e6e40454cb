"""L25: whether the linear Dice loss has the label-marginal bias of the logarithmic."""

from collections.abc import Callable, Sequence
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg import links
from jaxseg.losses import region
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, residuals, samples
from theory.liu import SOURCE

L25 = Claim(
    id="L25",
    source=SOURCE,
    where="Section 2.4",
    statement=(
        "Logarithmic and linear Dice are very closely related, hence the linear Dice "
        "also hides a class-imbalance bias."
    ),
    assumes="Every class occurs, y_k > 0; hard labels.",
    verdict=Verdict.DEPENDS,
    readings={
        "the foreground alone": (
            "Holds: 1 - D is an increasing function of -log D, so both have the same "
            "minimisers under any constraint; the slopes differ by the factor D, small "
            "where the overlap is bad."
        ),
        "all classes, one prediction for all pixels": (
            "Fails: the linear loss is smallest at c = y, the true proportions, and "
            "nowhere else, like cross-entropy. The logarithmic one gives rare classes "
            "more than their share (L10)."
        ),
    },
    counterexample=(
        "Two classes, y = (1/10, 9/10), the same c for every pixel. Sum of Dice at c = "
        "y: 1/10 + 9/10 = 1; at c = (1/5, 4/5): 2/15 + 72/85 = 0.980. The product, "
        "which log-Dice sees, rises from 0.09 to 0.1129."
    ),
    proof=(
        "Dice_k = 2 c_k y_k / (c_k + y_k) is a harmonic mean, at most (c_k + y_k) / 2, "
        "with equality only at c_k = y_k; the sum of those is 1, and is reached at c = "
        "y. For the product the condition is c_k (c_k + y_k) proportional to y_k. "
        "d(1 - D) = D d(-log D)."
    ),
    values=lambda: {
        "sum_of_dice_at_truth": 1.0,
        "sum_of_dice_at_1/5": 2 / 15 + 72 / 85,
        "product_at_truth": 0.09,
        "product_at_1/5": 2 / 15 * 72 / 85,
        "log_dice_best_share_at_1/10": _log_dice_best(),
    },
)

Shares = Sequence[Fraction]


def class_dice(shares: Shares, truth: Shares) -> list[Fraction]:
    """Dice of each class where all pixels have the probabilities `shares`."""
    return [2 * c * y / (c + y) for c, y in zip(shares, truth, strict=True)]


def total(values: Sequence[Fraction]) -> Fraction:
    """Sum, what the linear loss takes of the classes' coefficients."""
    return sum(values, Fraction(0))


def product(values: Sequence[Fraction]) -> Fraction:
    """Product, what the logarithmic loss takes of them."""
    result = Fraction(1)
    for value in values:
        result *= value
    return result


@L25.check("linear, exact")
@L25.twin("logarithmic, exact", of=product)
def best_at_truth(
    *, of: Callable[[Sequence[Fraction]], Fraction] = total, parts: int = 9
) -> Evidence:
    """The same prediction everywhere: the sum of Dice is largest at c = y, alone."""

    def slack(case: tuple[Shares, Shares]) -> Fraction:
        shares, truth = case
        lost = of(class_dice(truth, truth)) - of(class_dice(shares, truth))
        return -abs(lost) if shares == truth else lost - Fraction(1, 10**6)

    points = [p for p in enumeration.simplex_grid(3, parts) if min(p) > 0]
    cases = ((shares, truth) for truth in points for shares in points)
    return enumeration.worst_case(
        cases, slack, describe=lambda c: {"shares": c[0], "truth": c[1]}
    )


@L25.check("linear, losses")
@L25.twin("logarithmic, losses", logarithm=True)
def flat_at_truth(*, logarithm: bool = False) -> Evidence:
    """The library's loss has no slope at c = y in scores that all pixels share."""
    rng = np.random.default_rng(25)
    counts = rng.integers(1, 7, size=(64, 3))
    labels = np.stack(
        [np.resize(np.repeat(np.arange(3), row), 18) for row in counts.tolist()]
    )
    truth = np.stack([np.bincount(row, minlength=3) for row in labels]) / 18
    loss = region.log_dice_loss if logarithm else region.dice_loss

    def of_shared(scores: Array, ids: Array) -> Array:
        return loss(jnp.broadcast_to(scores, (*ids.shape, 3)), ids)

    slopes = jax.jit(jax.vmap(jax.grad(of_shared)))(
        jnp.log(jnp.asarray(truth)), jnp.asarray(labels)
    )
    case = {"labels": labels, "slope": slopes}
    return samples.worst_draw(
        -np.abs(np.asarray(slopes)).max(axis=1), case, tolerance=1e-12
    )


@L25.check("one class")
@L25.twin("same slopes", damped=False)
def slope_of_one_class(*, damped: bool = True) -> Evidence:
    """One class: the slope of 1 - D is that of -log D times D, in every score."""
    logits, labels = residuals.images(2, seed=25)
    labels = jnp.asarray(labels) % 2

    def gap(logits: Array, labels: Array) -> Array:
        scores = logits[..., 1:]

        def linear(z: Array) -> Array:
            return region.dice_loss(z, labels, link=links.sigmoid)

        def logarithm(z: Array) -> Array:
            return region.log_dice_loss(z, labels, link=links.sigmoid)

        dice = 1 - linear(scores) if damped else 1.0
        return jnp.max(
            jnp.abs(jax.grad(linear)(scores) - dice * jax.grad(logarithm)(scores))
        )

    slack = -jax.jit(jax.vmap(gap))(logits, labels)
    case = {"logits": logits, "labels": labels}
    return samples.worst_draw(slack, case, tolerance=1e-12)


def _log_dice_best() -> float:
    """Where the log-Dice loss of y = (1/10, 9/10) is smallest: the rare class's c."""
    low, high = 0.1, 0.5
    for _ in range(60):  # c (c + y) is proportional to y at the best c
        middle = (low + high) / 2
        rare = middle * (middle + 0.1) / 0.1
        common = (1 - middle) * (1 - middle + 0.9) / 0.9
        low, high = (middle, high) if rare < common else (low, middle)
    return (low + high) / 2
