"""L15, L16: where the entropy term of Proposition 2 is smallest, and what it admits."""

import functools
import itertools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg.losses import cross_entropy_loss, marginal_kl_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import examples, samples, search
from theory.liu import SOURCE
from theory.liu.entropy import matching_term

LABELS = (0, 0, 0, 0, 1, 1)
"""Six pixels, y = (2/3, 1/3)."""

LABEL_ENTROPY = math.log(3) - 2 / 3 * math.log(2)
"""H(y) of these."""


def plain_entropy(features: Sequence[int]) -> float:
    """H(F|K) of features that are symbols: the plug-in estimate at the pixels."""
    total = 0.0
    for k in set(LABELS):
        region = [f for f, label in zip(features, LABELS, strict=True) if label == k]
        shares = [region.count(f) / len(region) for f in set(region)]
        total -= len(region) / len(LABELS) * sum(p * math.log(p) for p in shares)
    return total


# L15

L15 = Claim(
    id="L15",
    source=SOURCE,
    where="Section 2.5",
    statement=(
        "The entropy term H(F|K) reaches its global minima when the feature embedding "
        "is constant within each region."
    ),
    assumes="Hard labels, every region non-empty, p_ik > 0 of the true classes.",
    verdict=Verdict.DEPENDS,
    readings={
        "features are symbols, H(F|K) their conditional entropy": (
            "Holds, and only then: H(F|K) = 0."
        ),
        "features have a density given the label": (
            "Fails: a constant embedding has none, and the differential entropy has no "
            "minimum: it falls below every bound as the features contract."
        ),
        "the proof's estimate, -mean log(p_ik / p_k)": (
            "Fails: constant features are necessary but not enough. Its infimum is "
            "-H(y), approached as p tends to the labels and nowhere else; one feature "
            "for the whole image gives 0."
        ),
    },
    counterexample=(
        "Proof's estimate: one embedding for all pixels makes p_ik = p_k and the term "
        "0, above -H(y), which p = t reaches."
    ),
    proof=(
        "Estimate: let a_k be the mean of p_k over region k. By Jensen the term is at "
        "least sum_k y_k log(p_k / a_k), and p_k >= y_k a_k, so at least sum_k y_k log "
        "y_k; equality needs p_k constant on region k and 0 outside of it, for all k, "
        "so p = t."
    ),
    values=lambda: {
        "infimum_of_estimate": -LABEL_ENTROPY,
        "estimate_of_one_embedding": 0.0,
        "entropy_of_unit_normal": gaussian_entropy(1.0),
    },
)


@L15.check("symbols, all assignments")
@L15.twin("one symbol alone", anywhere=True)
def constant_by_region(*, anywhere: bool = False) -> Evidence:
    """Symbols: H(F|K) = 0 just where the feature is constant in each region.

    All assignments of three symbols; `anywhere` asks for one symbol in the image.
    """
    slacks, cases = [], []
    for features in itertools.product(range(3), repeat=len(LABELS)):
        entropy = plain_entropy(features)
        regions = [
            {f for f, label in zip(features, LABELS, strict=True) if label == k}
            for k in set(LABELS)
        ]
        constant = all(len(region) == 1 for region in regions)
        if anywhere:
            constant = len(set.union(*regions)) == 1
        slacks.append(-abs(entropy) if constant else entropy - 1e-3)
        cases.append(features)
    return samples.worst_draw(slacks, {"features": cases}, tolerance=1e-12)


@functools.cache
def _attack() -> search.Found:
    labels = jnp.array(LABELS)
    starts = samples.draw_logits(jax.random.key(15), 32, len(LABELS), 2)

    def objective(scores: Array) -> Array:
        return -matching_term(scores, labels)

    return search.maximise(objective, starts, steps=300, learning_rate=0.5)


@L15.check("estimate, ascent")
@L15.twin("estimate at least 0", floor=0.0)
@L15.twin("estimate lower", floor=-0.7)
def least_estimate(*, floor: float = -LABEL_ENTROPY) -> Evidence:
    """The proof's estimate comes down to -H(y), no further."""
    found = _attack()
    value, at = found.best()
    slack = min(-value - floor, 1e-3 - abs(-value - floor))
    return Evidence(slack, 1e-12, found.starts, "search", {"scores": at})


_estimate = jax.jit(matching_term)


def estimate(probs: Sequence[Sequence[float]]) -> float:
    """The proof's estimate for one distribution per region."""
    logits = jnp.log(jnp.array([probs[label] for label in LABELS]))
    return float(_estimate(logits, jnp.array(LABELS)))


@L15.check("estimate, by hand")
@L15.twin("constant is enough", least=True)
def constant_is_not_enough(*, least: bool = False) -> Evidence:
    """Estimates for features constant in each region, by hand.

    Equal predictions everywhere give 0, wrong ones more; `least` claims -H(y).
    """
    by_hand = {
        ((0.5, 0.5), (0.5, 0.5)): 0.0,
        ((0.9, 0.1), (0.9, 0.1)): 0.0,
        # p = (0.1, 0.9) on region 0, (0.9, 0.1) on region 1; means 11/30, 19/30
        ((0.1, 0.9), (0.9, 0.1)): -2 / 3 * math.log(0.1 * 30 / 11)
        - 1 / 3 * math.log(0.1 * 30 / 19),
    }
    found = {str(probs): estimate(probs) for probs in by_hand}
    expected = {
        str(probs): -LABEL_ENTROPY if least else value
        for probs, value in by_hand.items()
    }
    return examples.agree(found, expected, tolerance=1e-12)


def gaussian_entropy(deviation: float) -> float:
    """Differential entropy of a normal feature, the same in each region."""
    return math.log(deviation * math.sqrt(2 * math.pi * math.e))


@L15.check("densities")
@L15.twin("densities at least -9", floor=-9.0)
def unbounded_below(*, floor: float = -math.inf) -> Evidence:
    """Densities: each halving of the spread takes log 2 off H(F|K), so no minimum."""
    deviations = 0.5 ** np.arange(60)
    entropies = np.array([gaussian_entropy(d) for d in deviations])
    fall = -np.abs(np.diff(entropies) + math.log(2))
    slack = np.minimum(fall, entropies[1:] - floor)
    return samples.worst_draw(slack, {"deviation": deviations[1:]}, tolerance=1e-12)


# L16

L16 = Claim(
    id="L16",
    source=SOURCE,
    where="Section 2.5",
    statement=(
        "Used alone, the entropy term may lead to trivial imbalanced solutions; the "
        "label-marginal KL term avoids them."
    ),
    assumes=(
        "A trivial solution gives all pixels one embedding, hence one prediction. 'May "
        "lead to' is read as: is among the global minimisers."
    ),
    verdict=Verdict.DEPENDS,
    readings={
        "features are symbols, H(F|K) their conditional entropy": (
            "Holds: one symbol for the image has H(F|K) = 0, the minimum."
        ),
        "the proof's estimate, -mean log(p_ik / p_k)": (
            "Fails: every trivial solution has 0, the estimate's infimum is -H(y) < 0 "
            "and belongs to p = t (L15). Alone it is minimised by the right "
            "segmentation."
        ),
        "the KL term penalises them": (
            "Holds: of trivial solutions p KL(y || p) is 0 just at p = y and infinite "
            "at the vertices. It does not tell p = y everywhere from the labels, the "
            "matching term does."
        ),
    },
    proof=(
        "With one prediction p_ik = p_k, so every ratio in the estimate is 1. CE is "
        "the estimate + KL + H(y) (L12)."
    ),
    values={
        "estimate_of_trivial": 0.0,
        "infimum_of_estimate": -LABEL_ENTROPY,
        "kl_at_p_(1-1/e,1/e)": 1 / 3 * math.log(math.e / 3)
        + 2 / 3 * math.log(2 / 3 / (1 - 1 / math.e)),
    },
)


@L16.check("symbols")
@L16.twin("symbols more by 1e-6", wanted=1e-6)
def trivial_symbols(*, wanted: float = 0.0) -> Evidence:
    """One symbol for the image has H(F|K) = 0, the minimum over all assignments."""
    trivial = plain_entropy((0,) * len(LABELS))
    least = min(
        plain_entropy(features)
        for features in itertools.product(range(3), repeat=len(LABELS))
    )
    found = {"one symbol": trivial, "least": least}
    return examples.agree(
        found, {"one symbol": wanted, "least": wanted}, tolerance=1e-12
    )


_marginal_kl = jax.jit(functools.partial(marginal_kl_loss, temperature=1.0))
_cross_entropy = jax.jit(cross_entropy_loss)


@L16.check("estimate, penalty and cross-entropy")
@L16.twin("no penalty", penalised=False)
def trivial_estimate(*, penalised: bool = True) -> Evidence:
    """One prediction for all pixels, ever closer to all class 0.

    The proof's term stays 0, which is H(y) above its infimum; cross-entropy is KL +
    H(y) and KL grows: by hand y_1 log(y_1 / p_1) + y_0 log(y_0 / p_0).
    """
    found, expected = {}, {}
    labels = jnp.array(LABELS)
    for n in (1, 5, 20):
        share = math.exp(-n)
        logits = jnp.log(jnp.array([[1 - share, share]] * len(LABELS)))
        kl = -1 / 3 * math.log(3 * share) + 2 / 3 * math.log(2 / 3 / (1 - share))
        found[f"term {n}"] = float(_estimate(logits, labels))
        found[f"kl {n}"] = float(_marginal_kl(logits, labels))
        found[f"ce {n}"] = float(_cross_entropy(logits, labels))
        expected[f"term {n}"] = 0.0
        expected[f"kl {n}"] = kl if penalised else 0.0
        expected[f"ce {n}"] = kl + LABEL_ENTROPY
    return examples.agree(found, expected, tolerance=1e-11)
