"""E06-E08: cross-entropy, its weights, and the Hamming similarities behind them."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import sympy

from jaxseg import counts
from jaxseg.losses import balanced_weights, cross_entropy_loss
from theory.claim import Claim, Evidence, Verdict, worst_of
from theory.eelbode import SOURCE
from theory.engines import enumeration, samples, symbolic
from theory.engines.enumeration import for_all, for_each

E06 = Claim(
    id="E06",
    source=SOURCE,
    where="II-A, before Eq. (10)",
    statement=(
        "For H, cross-entropy and other convex surrogates are statistically "
        "consistent; to optimise H_gamma one may employ weighted cross-entropy."
    ),
    assumes=(
        "Consistent: the best scores, thresholded at 1/2, maximise the expected "
        "similarity given the image, for every law of y. All scores are possible; for "
        "H_gamma, y is neither empty nor full."
    ),
    verdict=Verdict.CORRECTED,
    correction=(
        "CE is consistent for H. Of convex surrogates phi of the margin those are that "
        "have a slope phi'(0) < 0. Weighted CE is consistent for H_gamma with the "
        "weights gamma / |y| and (1 - gamma) / (d - |y|), which change with the image; "
        "with the same weights for all images, as in Eq. (10), it is not."
    ),
    counterexample=(
        "Four pixels, one of them foreground: the first with probability 0.4, the "
        "second and third with 0.3. With gamma = 1/2, (10) is half of CE and predicts "
        "nothing: H_gamma = 1/2. Predicting the first three has H_gamma = (1 + 1/3) / "
        "2 = 2/3. And phi(m) = max(-m, -2m), convex and falling, has slopes -2 and -1 "
        "around 0: where the posterior is 3/5 its risk is least at score 0."
    ),
    proof=(
        "E[H] and E[H_gamma] are sums over pixels: pixel i should be foreground if a_i "
        "> b_i, with a_i, b_i the expected weights of missing it and of marking it: "
        "for H, the posterior and its complement; for H_gamma, gamma E[y_i / |y|] and "
        "(1 - gamma) E[(1 - y_i) / (d - |y|)]. CE with those weights is least at p_i = "
        "a_i / (a_i + b_i). Convex phi: the theorem of Bartlett, Jordan and McAuliffe, "
        "2006."
    ),
    values={
        "weighted_hamming_of_no_prediction": 0.5,
        "weighted_hamming_of_best_prediction": 2 / 3,
        "hamming_of_no_prediction": 0.75,
    },
)

Mask = tuple[int, ...]
Law = Mapping[Mask, Fraction]  # of y, given the image
TIGHTER = Fraction(1, 10**6)
HALF = Fraction(1, 2)

EXAMPLE: Law = {
    (1, 0, 0, 0): Fraction(2, 5),
    (0, 1, 0, 0): Fraction(3, 10),
    (0, 0, 1, 0): Fraction(3, 10),
}
"""One pixel of four is foreground, and it is not known which."""

VARIED: Law = {
    (1, 0, 0, 0): Fraction(1, 2),
    (1, 1, 0, 0): Fraction(1, 6),
    (0, 1, 1, 1): Fraction(1, 3),
}
"""The size of the object is not known either."""

LAWS = (EXAMPLE, VARIED)
GAMMAS = tuple(map(Fraction, ("1/10", "1/3", "1/2", "4/5")))


def expected_hamming(law: Law, predicted: Mask, gamma: Fraction | None) -> Fraction:
    """E[H_gamma], or E[H] for None."""
    total = Fraction(0)
    for actual, weight in law.items():
        pairs = list(zip(predicted, actual, strict=True))
        masks = enumeration.exact_counts(
            pairs.count((1, 1)), pairs.count((1, 0)), pairs.count((0, 1)), len(actual)
        )
        if gamma is None:
            total += weight * counts.hamming_index(masks)
        else:
            total += weight * counts.weighted_hamming_index(masks, gamma=gamma)
    return total


def regret(law: Law, predicted: Mask, gamma: Fraction | None) -> Fraction:
    """How far from the best of all masks."""
    every = itertools.product((0, 1), repeat=len(predicted))
    best = max(expected_hamming(law, mask, gamma) for mask in every)
    return best - expected_hamming(law, predicted, gamma)


def threshold_of_minimiser(
    law: Law, foreground: Callable[[Mask], Fraction], background: Callable
) -> Mask:
    """Where the minimiser of a cross-entropy with weights by image exceeds 1/2.

    At a pixel the expected loss is -a log p - b log(1 - p), with a and b the expected
    weights of foreground and background there, and least at p = a / (a + b).
    """
    size = len(next(iter(law)))
    found = []
    for i in range(size):
        a = sum(weight * foreground(y) for y, weight in law.items() if y[i])
        b = sum(weight * background(y) for y, weight in law.items() if not y[i])
        found.append(int(a > b))
    return tuple(found)


def plain_weights(gamma: Fraction) -> tuple[Callable, Callable]:
    """Eq. (10) as printed."""
    return lambda _: gamma, lambda _: 1 - gamma


def normalised_weights(gamma: Fraction) -> tuple[Callable, Callable]:
    """Each image's term divided by |y| and by d - |y|, as H_gamma divides."""
    return (
        lambda y: gamma / sum(y),
        lambda y: (1 - gamma) / (len(y) - sum(y)),
    )


def _described(case: tuple[Law, Fraction]) -> dict[str, object]:
    law, gamma = case
    return {"law": {str(y): w for y, w in law.items()}, "gamma": gamma}


@E06.check("CE for H")
@E06.twin("weighted CE for H", gamma=Fraction(7, 10))
def consistent_for_hamming(*, gamma: Fraction = HALF) -> Evidence:
    """CE and the threshold 1/2 have no regret in H, on laws with and without a size."""
    return enumeration.worst_case(
        LAWS,
        lambda law: (
            -regret(law, threshold_of_minimiser(law, *plain_weights(gamma)), None)
        ),
        describe=lambda law: _described((law, gamma)),
    )


@E06.check("weighted CE for weighted H")
@E06.twin("weights as printed", weights=plain_weights)
def consistent_for_weighted(*, weights: Callable = normalised_weights) -> Evidence:
    """So has CE in H_gamma, with weights gamma / |y| and (1 - gamma) / (d - |y|)."""
    cases = [(law, gamma) for law in LAWS for gamma in GAMMAS]
    return enumeration.worst_case(
        cases,
        lambda c: -regret(c[0], threshold_of_minimiser(c[0], *weights(c[1])), c[1]),
        describe=_described,
    )


@E06.check("minimiser")
@E06.twin("threshold 0.45", threshold=0.45)
def minimiser(*, threshold: float = 0.5) -> Evidence:
    """The library's weighted CE is stationary at p = a / (a + b), convex in the score.

    And p > `threshold` if and only if a > b, with a, b the weighted posteriors.
    """
    grid = np.linspace(0.05, 0.95, 31)
    posterior, gamma = (x.ravel() for x in np.meshgrid(grid, grid))
    a, b = gamma * posterior, (1 - gamma) * (1 - posterior)
    best = np.log(a / b)

    def risk(score: jax.Array, posterior: jax.Array, gamma: jax.Array) -> jax.Array:
        scores = jnp.stack([jnp.zeros(()), score])[None]
        targets = jnp.stack([1 - posterior, posterior])[None]
        weights = jnp.stack([1 - gamma, gamma])
        return cross_entropy_loss(scores, targets, class_weights=weights)

    def derivatives(*at: jax.Array) -> tuple[jax.Array, jax.Array]:
        return jax.grad(risk)(*at), jax.grad(jax.grad(risk))(*at)

    slope, curvature = jax.jit(jax.vmap(derivatives))(best, posterior, gamma)
    agrees = (a / (a + b) > threshold) == (a > b)
    slack = np.minimum(-np.abs(slope), np.where(agrees | np.isclose(a, b), 0.0, -1.0))
    slack = np.minimum(slack, np.where(curvature > 0, 0.0, -1.0))
    case = {"posterior": posterior, "gamma": gamma}
    return samples.worst_draw(slack, case, tolerance=1e-14)


@E06.check("slope at 0")
@E06.twin("kink at 0", left=Fraction(2))
def kinked_surrogate(
    *, left: Fraction = Fraction(1), posterior: str = "3/5"
) -> Evidence:
    """Slopes (-left, -1) of a convex phi at 0: is a score other than 0 best?

    With weight n for the true class the slopes of the risk at 0 are n (-1) + (1 - n)
    left to the right and -n left + (1 - n) to the left; 0 is best if the first is >= 0
    and the second <= 0. Then the sign of the score says nothing.
    """
    n = Fraction(posterior)
    right_slope, left_slope = -n + (1 - n) * left, -n * left + (1 - n)
    zero_is_best = right_slope >= 0 >= left_slope
    witness = {"right_slope": right_slope, "left_slope": left_slope}
    return Evidence(Fraction(-zero_is_best), 0.0, 1, "enumeration", witness)


# E07

E07 = Claim(
    id="E07",
    source=SOURCE,
    where="Eq. (10)",
    statement=(
        "-gamma <y, log yt> - (1 - gamma) <1 - y, log(1 - yt)> is the differentiable "
        "surrogate of H_gamma."
    ),
    assumes="0 < gamma < 1; y neither empty nor full; yt in (0, 1)^d.",
    verdict=Verdict.CORRECTED,
    correction=(
        "H_gamma divides the two kinds of mistakes by |y| and d - |y|, and (10) does "
        "not. With the terms divided so it is a consistent surrogate of H_gamma (E06). "
        "As printed, on images with share r of foreground, it is one of H_gamma' with "
        "gamma' = gamma r / (gamma r + (1 - gamma)(1 - r)): at gamma = 1/2 of H. It is "
        "an upper bound, (10) / log 2 >= 1 - H_gamma, for masks yt > 1/2."
    ),
    counterexample=(
        "E06's: four pixels, one of them foreground, the first with probability 0.4, "
        "the second and third with 0.3; gamma = 1/2. (10) is least at yt = (0.4, 0.3, "
        "0.3, 0), that is the empty mask with E[H_gamma] = 1/2; the best mask has 2/3."
    ),
    proof=(
        "gamma FN + (1 - gamma) FP is proportional to gamma' FN / r + (1 - gamma') FP "
        "/ (1 - r) for that gamma'. At a wrong pixel -log p >= log 2, and |y|, d - |y| "
        ">= 1."
    ),
    values={
        "gamma_prime_at_gamma_1/2_share_1/10": 0.1,
        "gamma_prime_at_gamma_9/10_share_1/10": 0.5,
    },
)


def effective_gamma(gamma: Fraction, share: Fraction) -> Fraction:
    """The gamma' whose H_gamma' weighs mistakes as (10) with gamma does."""
    return gamma * share / (gamma * share + (1 - gamma) * (1 - share))


def same_gamma(gamma: Fraction, share: Fraction) -> Fraction:
    """False: as printed."""
    del share
    return gamma


@E07.check("order of masks")
@E07.twin("gamma' = gamma", of=same_gamma)
@for_each(lambda: [(gamma, actual) for gamma in GAMMAS for actual in range(1, 6)])
def same_order(
    gamma: Fraction, actual: int, *, of: Callable[..., Fraction] = effective_gamma
) -> Fraction:
    """For fixed |y|, weighted mistakes of (10) order masks as H_gamma' does.

    With the share r of foreground, gamma FN + (1 - gamma) FP is a positive constant
    times 1 - H_gamma'.
    """
    pixels = 6
    other = of(gamma, Fraction(actual, pixels))
    ratios = set()
    for fn in range(actual + 1):
        for fp in range(pixels - actual + 1):
            if fn or fp:
                masks = enumeration.exact_counts(actual - fn, fp, fn, pixels)
                loss = 1 - counts.weighted_hamming_index(masks, gamma=other)
                ratios.add(loss / (gamma * fn + (1 - gamma) * fp))
    return min(ratios) - max(ratios)


E07.check("normalised weights")(consistent_for_weighted)
E07.twin("weights as printed", weights=plain_weights)(consistent_for_weighted)


@E07.check("upper bound")
@E07.twin("without log 2", scale=0.1)
def upper_bound(*, scale: float = 1.0, gamma: float = 0.3) -> Evidence:
    """(10) over log 2, with p > 1/2 as the mask, is at least 1 - H_gamma.

    Through jaxseg's CE, which is the mean over pixels.
    """
    draws, pixels = 2000, 6
    score_key, label_key = jax.random.split(jax.random.key(7))
    logits = samples.draw_logits(score_key, draws, pixels, 2)
    labels = samples.draw_labels(label_key, draws, pixels, 2)

    def slack(logits, labels):
        weights = jnp.array([1 - gamma, gamma])
        loss = pixels * cross_entropy_loss(logits, labels, class_weights=weights)
        wrong = (jnp.argmax(logits, -1) != labels).astype(float)
        actual = jnp.sum(labels)
        missed = jnp.sum(wrong * labels) / actual
        false = jnp.sum(wrong * (1 - labels)) / (pixels - actual)
        return scale * loss / jnp.log(2.0) - gamma * missed - (1 - gamma) * false

    worst = jax.jit(jax.vmap(slack))(logits, labels)
    case = {"logits": logits, "labels": labels}
    return samples.worst_draw(worst, case, tolerance=1e-12)


# E08

E08 = Claim(
    id="E08",
    source=SOURCE,
    where="III-B",
    statement=(
        "The weights 1 / (2p) of foreground and 1 / (2 - 2p) of background balance the "
        "number of foreground and background pixels."
    ),
    assumes=(
        "0 < p < 1 is the share of foreground among all pixels of the training set; on "
        "a single image with another share the classes are not balanced."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "p / (2p) = (1 - p) / (2 - 2p) = 1/2. Weighted CE then cuts the posterior at p "
        "instead of 1/2. It is (10) with gamma = 1 - p, so for images with share p a "
        "surrogate of H_1/2, the mean of sensitivity and specificity, and not of D."
    ),
    values={"foreground_weight_at_1/100": 50.0, "background_weight_at_1/100": 50 / 99},
)


@E08.check("masses")
@E08.twin("on every image", prior_of_images=("1/4", "1/2"))
def equal_masses(*, prior_of_images: Sequence[str] = ("1/4",)) -> Evidence:
    """The library's balanced weights make both classes weigh half of all pixels.

    Args:
      prior_of_images: shares of foreground; the weights are those of the first.
    """
    shares = [Fraction(text) for text in prior_of_images]
    found = []
    for base in (Fraction(1, 1000), Fraction(1, 3), Fraction(9, 10)):
        first = shares[0] * base
        off, on = np.asarray(balanced_weights(jnp.array([1 - first, first], float)))
        for share in shares:
            p = float(share * base)
            masses = (on * p, off * (1 - p))
            exact = max(abs(mass - 0.5) for mass in masses)
            stated = abs(on - 1 / (2 * float(first)))
            slack, witness = -max(exact, stated * p), {"p": p, "masses": masses}
            found.append(Evidence(float(slack), 1e-14, 1, "samples", witness))
    return worst_of(found)


@E08.check("cut at the prior")
@E08.twin("cut at 1/2", at="half")
@for_all(
    posterior=[Fraction(k, 20) for k in range(1, 20)],
    prior=[Fraction(k, 20) for k in range(1, 20)],
)
def cut_at_prior(
    posterior: Fraction, prior: Fraction, *, at: str = "prior"
) -> Fraction:
    """The weighted posterior exceeds 1/2 if and only if the posterior exceeds p."""
    on, off = 1 / (2 * prior), 1 / (2 - 2 * prior)
    weighed = on * posterior / (on * posterior + off * (1 - posterior))
    cut = prior if at == "prior" else HALF
    return Fraction(-((weighed > HALF) != (posterior > cut)))


@E08.check("algebra")
@E08.twin("surrogate of H", gamma_prime=sympy.Symbol("p"))
def is_balanced_accuracy(*, gamma_prime: sympy.Expr = sympy.S.Half) -> Evidence:
    """As (10) the heuristic has gamma = 1 - p, and so gamma' = 1/2 by E07."""
    p = sympy.symbols("p", positive=True)
    on, off = 1 / (2 * p), 1 / (2 - 2 * p)
    gamma = on / (on + off)
    prime = gamma * p / (gamma * p + (1 - gamma) * (1 - p))
    return symbolic.identities([(gamma, 1 - p), (prime, gamma_prime)])
