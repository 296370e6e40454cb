"""E39: what cross-entropy, weighted or not, promises about Dice."""

import math
from collections.abc import Callable
from fractions import Fraction

import jax
import jax.numpy as jnp

from jaxseg import links
from jaxseg.losses import cross_entropy_loss, dice_loss
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.engines import enumeration, samples
from theory.engines.enumeration import for_all, for_each

E39 = Claim(
    id="E39",
    source=SOURCE,
    where="Abstract; I; end of II-B; III-B",
    statement=(
        "Training with (weighted) cross-entropy can yield arbitrarily poor Dice "
        "scores; no weighting lets it surrogate Dice."
    ),
    assumes=(
        "All scores are possible, masks are p > 1/2. Pooled Dice: of expected counts "
        "over a population of pixels with posterior eta, where the best mask is a cut "
        "of eta. What networks do is not settled here."
    ),
    verdict=Verdict.DEPENDS,
    readings={
        "CE small but not 0, on one image": (
            "Holds: one missed pixel of d costs w log 4 / d with p = 1/4, and D = 0."
        ),
        "The best scores of CE, weights fixed before the data are known": (
            "Holds for every gamma < 1: where eta is just below 1 - gamma everywhere, "
            "D = 0, and all foreground has 2 eta / (1 + eta); for CE, 2/3. As gamma "
            "tends to 1 other populations are segmented too large, with D near 0 and "
            "best D near 1."
        ),
        "Weights chosen for the population": (
            "Fails: gamma = 1 - D*/2, with D* the best pooled Dice, makes the best "
            "scores of weighted CE reach D*. D* is not known before training."
        ),
    },
    proof=(
        "Weighted CE is least at p = gamma eta / (gamma eta + (1 - gamma)(1 - eta)), "
        "above 1/2 if and only if eta > 1 - gamma. The best mask for pooled Dice is "
        "eta > D*/2: adding a pixel of posterior eta to hits h and sizes s with D = 2h "
        "/ s helps if and only if 2 eta > D."
    ),
    values={
        "best_dice_missed_by_ce": 2 / 3,
        "best_dice_missed_at_gamma_9/10": 0.2 / 1.1,
        "ce_of_one_missed_of_1000_unweighted": math.log(4) / 1000,
    },
)

Population = tuple[tuple[Fraction, Fraction], ...]  # (share, posterior)
GAMMAS = tuple(map(Fraction, ("1/100", "1/4", "1/2", "3/4", "99/100")))
STEP = Fraction(1, 10**6)


def pooled_dice(population: Population, above: Fraction) -> Fraction:
    """Pooled D of predicting the pixels whose posterior exceeds `above`."""
    chosen = [(share, eta) for share, eta in population if eta > above]
    hits = sum((share * eta for share, eta in chosen), Fraction(0))
    size = sum((share for share, _ in chosen), Fraction(0))
    actual = sum((share * eta for share, eta in population), Fraction(0))
    return 2 * hits / (size + actual)


def best_dice(population: Population) -> Fraction:
    """The largest pooled D of any threshold; no other prediction does better."""
    cuts = [Fraction(-1), *(eta for _, eta in population)]
    return max(pooled_dice(population, cut_of_posterior) for cut_of_posterior in cuts)


def cut_of_posterior(gamma: Fraction) -> Fraction:
    """Where weighted CE with gamma, thresholded at 1/2, cuts the posterior."""
    return 1 - gamma


@E39.check("nothing found")
@E39.twin("just above the cut", shift=STEP)
@for_all(gamma=GAMMAS)
def nothing_found(gamma: Fraction, *, shift: Fraction = -STEP) -> Fraction:
    """Posterior 1 - gamma - 1e-6 everywhere: CE's mask is empty, D = 0, best D > 0."""
    eta = cut_of_posterior(gamma) + shift
    population = ((Fraction(1), eta),)
    found = pooled_dice(population, cut_of_posterior(gamma))
    stated = 2 * eta / (1 + eta)
    return min(-found, -abs(best_dice(population) - stated), stated - STEP)


@E39.check("too much found")
@E39.twin("the rest below the cut", rest=-Fraction(1, 2))
def too_much_found(*, rest: Fraction = Fraction(1, 10**6)) -> Evidence:
    """For 1 - gamma = t small, a share sqrt t certain and the others just above t.

    D <= 3 sqrt t of weighted CE, and >= 1 - sqrt t of predicting the certain alone.
    """

    def slack(root: Fraction) -> Fraction:
        t = root * root
        population = ((root, Fraction(1)), (1 - root, t * (1 + rest)))
        found = pooled_dice(population, t)
        return min(3 * root - found, best_dice(population) - (1 - root))

    roots = [Fraction(1, 10**k) for k in range(1, 6)]
    return enumeration.worst_case(roots, slack, describe=lambda r: {"gamma": 1 - r * r})


def _populations() -> list[Population]:
    levels = [Fraction(k, 8) for k in range(1, 9)]
    shares = [Fraction(k, 6) for k in range(1, 6)]
    return [
        ((share, high), (1 - share, low))
        for share in shares
        for high in levels
        for low in levels
        if low < high
    ]


def half_of_best(best: Fraction) -> Fraction:
    """The gamma of this population: 1 - D*/2, a cut at D*/2."""
    return 1 - best / 2


@E39.check("weight by population")
@E39.twin("gamma = 1/2 for all", gamma=lambda _: Fraction(1, 2))
@for_each(_populations)
def weight_by_population(
    population: Population, *, gamma: Callable[[Fraction], Fraction] = half_of_best
) -> Fraction:
    """With gamma = 1 - D*/2, weighted CE reaches the best pooled D of each."""
    best = best_dice(population)
    return pooled_dice(population, cut_of_posterior(gamma(best))) - best


@E39.check("low loss without overlap")
@E39.twin("two true pixels", actual=2)
def low_loss_no_overlap(*, actual: int = 1) -> Evidence:
    """Through jaxseg: CE tends to 0 while D is 0, whatever the class weights.

    The first `actual` pixels of d are foreground, one pixel is missed with p = 1/4 and
    all others are certain: CE = w log 4 / d.
    """
    largest = 1000
    labels = (jnp.arange(largest) < actual).astype(int)
    scores = jnp.where(labels == 1, 40.0, -40.0).at[0].set(-math.log(3))
    scores = jnp.stack([jnp.zeros(largest), scores], axis=-1)
    mask = jax.nn.one_hot(jnp.argmax(scores, -1), 2, dtype=float)

    def loss_and_dice(pixels):
        where = jnp.arange(largest) < pixels
        loss = cross_entropy_loss(
            scores, labels, class_weights=jnp.array([0.5, 25.0]), where=where
        )
        foreground = jnp.array([0.0, 1.0])
        dice = 1 - dice_loss(
            mask, labels, link=links.identity, class_weights=foreground, where=where
        )
        return loss, dice

    pixels = jnp.array([10, 100, 1000])
    loss, dice = jax.jit(jax.vmap(loss_and_dice))(pixels)
    slack = -jnp.maximum(jnp.abs(loss - 25 * jnp.log(4.0) / pixels), dice)
    case = {"pixels": pixels, "loss": loss, "dice": dice}
    return samples.worst_draw(slack, case, tolerance=1e-12)
