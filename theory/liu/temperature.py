"""L23, L24: what the factor tau on the scores does to predictions and proportions."""

import itertools
import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import sympy

from jaxseg import links
from jaxseg.losses.marginal import label_marginals
from theory.claim import Claim, Evidence, Verdict
from theory.engines import examples, samples, symbolic
from theory.engines.enumeration import for_each
from theory.liu import SOURCE

FACTORS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0, 1000.0)

_sharpened = jax.jit(
    jax.vmap(
        lambda z, tau: links.softmax(links.softmax.sharpen(z, tau)), in_axes=(None, 0)
    )
)


def _scores(*, ties: bool = False) -> np.ndarray:
    """Scores ``[500, 4]``, the largest ahead by at least 0.05, or tied."""
    scores = np.sort(np.random.default_rng(23).normal(size=(500, 4)), axis=1)
    scores[:, -1] = scores[:, -2] + (0 if ties else 0.05 + scores[:, -1] ** 2)
    return scores


# L23

L23 = Claim(
    id="L23",
    source=SOURCE,
    where="Appendix C, Eq. (22), Fig. 5",
    statement=(
        "The confidence of the softmax increases with tau; high tau pushes it towards "
        "the vertices of the simplex, each entry to 0 or 1."
    ),
    assumes="Confidence is the largest probability; tau > 0.",
    verdict=Verdict.CORRECTED,
    correction=(
        "The confidence increases strictly unless all scores are equal, where it stays "
        "1/K. The limit is a vertex just where one score is the largest, with 1 - max "
        "p <= (K - 1) exp(-tau gap); where m scores tie for it, each of them tends to "
        "1/m."
    ),
    counterexample="z = (0, 0): p = (1/2, 1/2) for every tau.",
    proof=(
        "d p_j / d tau = p_j (z_j - sum_k p_k z_k), which is >= 0 for the largest "
        "score, and 0 just if all scores with p_k > 0, so all, are equal. p_k / p_j = "
        "exp(-tau (z_j - z_k)). Entropy falls too, at the rate tau Var_p(z)."
    ),
    values={
        "confidence_at_gap_1_tau_1": 1 / (1 + math.exp(-1)),
        "confidence_at_gap_1_tau_10": 1 / (1 + math.exp(-10)),
        "confidence_at_tie": 0.5,
    },
)


@L23.check("derivative")
@L23.twin("without the mean", centre=0)
def derivative(*, centre: int = 1) -> Evidence:
    """D p_1 / d tau = p_1 (z_1 - sum_k p_k z_k), three classes, exactly."""
    z = sympy.symbols("z:3", positive=True)
    tau = sympy.symbols("tau", positive=True)
    total = sum(sympy.exp(tau * score) for score in z)
    p = [sympy.exp(tau * score) / total for score in z]
    mean = sum(a * b for a, b in zip(p, z, strict=True))
    return symbolic.identity(sympy.diff(p[0], tau), p[0] * (z[0] - centre * mean))


@L23.check("confidence")
@L23.twin("confidence falls", sign=-1)
def confidence_rises(*, sign: int = 1) -> Evidence:
    """Jaxseg's largest probability never falls from one factor to the next."""
    scores = _scores()
    top = np.asarray(_sharpened(scores, jnp.array(FACTORS))).max(axis=-1)
    slack = (sign * np.diff(top, axis=0)).min(axis=0)
    return samples.worst_draw(slack, {"scores": scores}, tolerance=1e-15)


@L23.check("limit")
@L23.twin("a vertex in spite of ties", ties=True)
def goes_to_a_vertex(*, ties: bool = False) -> Evidence:
    """1 - max p <= (K - 1) exp(-tau gap) where one score is ahead by the gap."""
    scores = _scores(ties=ties)
    top = np.asarray(_sharpened(scores, jnp.array(FACTORS))).max(axis=-1)
    gap = scores[:, -1] - scores[:, -2]
    bound = 3 * np.exp(-np.outer(FACTORS, gap if not ties else np.full(500, 0.05)))
    slack = (bound - (1 - top)).min(axis=0)
    return samples.worst_draw(slack, {"scores": scores}, tolerance=1e-14)


# L24

L24 = Claim(
    id="L24",
    source=SOURCE,
    where="Appendix C",
    statement="High tau enables a better estimate of the actual region proportion.",
    assumes="No pixel has tied scores.",
    verdict=Verdict.DEPENDS,
    readings={
        "the proportion of the predicted (argmax) segmentation, as tau grows": (
            "Holds in the limit: the error is at most (K - 1) mean exp(-tau gap_i)."
        ),
        "the same, for any larger of two factors": (
            "Fails: errors of single pixels cancel, and may cancel less at a larger "
            "factor."
        ),
        "the true proportion, where p = eta is calibrated": (
            "Fails: tau = 1 gives its expectation, without bias; a high factor gives "
            "the share of pixels with eta > 1/2."
        ),
    },
    counterexample=(
        "Two pixels, z = 1 and z = -2, mask share 1/2. Error |sigmoid(tau) - sigmoid(2 "
        "tau)| / 2: 0.012 at tau = 0.1, 0.075 at tau = 1. All pixels with eta = 3/10: "
        "expected true share 3/10, mask share 0."
    ),
    proof=(
        "Each pixel's error is at most 1 - max p (L23). Expectation is linear. The "
        "slope of p in the scores is tau p (1 - p): with the factor's gain in "
        "sharpness goes the gradient of confident pixels."
    ),
    values={
        "error_at_tau_0.1": (1 / (1 + math.exp(-0.2)) - 1 / (1 + math.exp(-0.1))) / 2,
        "error_at_tau_1": (1 / (1 + math.exp(-2)) - 1 / (1 + math.exp(-1))) / 2,
        "error_at_tau_10": (1 / (1 + math.exp(-20)) - 1 / (1 + math.exp(-10))) / 2,
    },
)


@jax.jit
def _shares(scores, factors):
    """Foreground proportion of jaxseg's marginals at each factor, ``[F]``."""
    labels = jnp.zeros(scores.shape[0], int)

    def at(factor):
        return label_marginals(scores, labels, temperature=factor).predicted[1]

    return jax.vmap(at)(factors)


@L24.check("limit")
@L24.twin("limit off by 1e-6", shift=1e-6)
def goes_to_the_mask(*, shift: float = 0.0) -> Evidence:
    """|p_1(tau) - the argmax mask's share| <= mean exp(-tau |z_i|), two classes."""
    factors = jnp.array(FACTORS)
    slacks, cases = [], []
    for seed in range(40):
        z = np.random.default_rng(seed).normal(size=6)
        z += 0.05 * np.sign(z)
        soft = np.asarray(_shares(np.stack([0 * z, z], axis=1), factors))
        bound = np.exp(-np.outer(FACTORS, np.abs(z))).mean(axis=1)
        slacks.append((bound - np.abs(soft - (z > 0).mean() - shift)).min())
        cases.append(z)
    return samples.worst_draw(slacks, {"scores": cases}, tolerance=1e-14)


@L24.check("not monotone")
@L24.twin("error always falls", falls=True)
def not_monotone(*, falls: bool = False) -> Evidence:
    """Two pixels with z = 1 and z = -2: the error rises with tau, then falls.

    The error is |sigmoid(tau) - sigmoid(2 tau)| / 2, next to 0 at small tau. `falls`
    claims that it falls from each factor to the next.
    """
    z = np.array([1.0, -2.0])
    soft = np.asarray(_shares(np.stack([0 * z, z], axis=1), jnp.array(FACTORS)))
    errors = np.abs(soft - 1 / 2)
    if falls:
        slack = -np.diff(errors)
        case = {"from_tau": np.array(FACTORS[:-1])}
        return samples.worst_draw(slack, case, tolerance=1e-15)
    found = {f"tau {t}": float(e) for t, e in zip(FACTORS, errors, strict=True)}

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    by_hand = {f"tau {t}": (sigmoid(2 * t) - sigmoid(t)) / 2 for t in FACTORS[:7]}
    return examples.agree(found, by_hand, tolerance=1e-14)


@L24.check("calibrated")
@L24.twin("mask is unbiased", hard=True)
@for_each(
    lambda: (
        (a, b, c)
        for a in [Fraction(n, 8) for n in range(9) if n != 4]
        for b in [Fraction(n, 8) for n in range(9) if n != 4]
        for c in [Fraction(n, 8) for n in range(9) if n != 4]
    )
)
def truth_under_calibration(eta, *, hard: bool = False) -> Fraction:
    """Calibrated eta: the mean of eta is the expected true share, exactly.

    For all posteriors of three independent pixels on a grid; `hard` claims the same of
    the mask's share, the limit of high tau.
    """
    truth = sum(
        Fraction(sum(y), 3)
        * math.prod(x if t else 1 - x for x, t in zip(eta, y, strict=True))
        for y in itertools.product((0, 1), repeat=3)
    )
    mask = Fraction(sum(x > Fraction(1, 2) for x in eta), 3)
    return -abs((mask if hard else Fraction(sum(eta)) / 3) - truth)
