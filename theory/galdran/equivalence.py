"""G01-G03: two scores with a softmax against one score with a sigmoid."""

import functools
import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jax import Array

from jaxseg import links
from jaxseg.losses import cross_entropy_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples, samples, symbolic
from theory.galdran import SOURCE

DRAWS, PIXELS = 400, 8


def _images() -> tuple[Array, Array]:
    """Scores ``[N, pixels, 2]`` and labels in {0, 1}, either of them may be absent."""
    rng = np.random.default_rng(31)
    scale = 10 ** rng.uniform(-1, 1.5, size=(DRAWS, 1, 1))
    logits = scale * rng.normal(size=(DRAWS, PIXELS, 2))
    return jnp.array(logits), jnp.array(rng.integers(2, size=(DRAWS, PIXELS)))


@jax.jit
@jax.vmap
def _values_and_slopes(logits: Array, labels: Array):
    """Eq. (1) of two scores, Eq. (2) of their difference; values and slopes."""
    truth = labels[:, None].astype(logits.dtype)

    def binary(scores):
        return cross_entropy_loss(scores, truth, link=links.sigmoid)

    difference = logits[:, 1:] - logits[:, :1]
    return (
        jax.value_and_grad(cross_entropy_loss)(logits, labels),
        jax.value_and_grad(binary)(difference),
    )


# G01

G01 = Claim(
    id="G01",
    source=SOURCE,
    where="Eqs. (1), (2)",
    statement="Eq. (1) with C = 2 and Eq. (2) are fully equivalent.",
    assumes=(
        "The sum of (2) covers both terms; its y is 1 for the second class of (1) and "
        "0 for the first; the probability of (2) is that of the second class, so its "
        "score is the difference of the two scores."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "Of the two indicators of a pixel one is 1: it picks log p for y = 1 and log(1 "
        "- p) for y = 0. The losses are one function of the probabilities. As "
        "functions of scores (1) does not change when both scores of a pixel do by the "
        "same: its slope is (-g, g), g that of (2), so plain descent moves the "
        "difference twice as fast, and weight decay or Adam differ besides. The "
        "equivalence is one of losses, not of their training."
    ),
    values={
        "loss_at_score_0": math.log(2),
        "loss_of_foreground_at_score_1": math.log(1 + math.exp(-1)),
        "speed_ratio": 2.0,
    },
)


@G01.check("losses and gradients")
@G01.twin("classes swapped", swapped=True)
@G01.twin("slope off by 1e-6", speed=1 + 1e-6)
def losses_agree(*, swapped: bool = False, speed: float = 1.0) -> Evidence:
    """Values agree, and the slopes of (1) are minus and plus that of (2).

    `swapped` takes the first class for the foreground; `speed` is a factor on (2)'s
    slope.
    """
    logits, labels = _images()
    given = 1 - labels if swapped else labels
    (first, slopes), _ = _values_and_slopes(logits, labels)
    _, (second, slope) = _values_and_slopes(logits, given)
    slopes, slope = np.asarray(slopes), speed * np.asarray(slope)
    gaps = [np.abs(np.asarray(first) - np.asarray(second))]
    gaps.append(np.abs(slopes - np.concatenate([-slope, slope], axis=-1)).max((1, 2)))
    case = {"logits": logits, "labels": labels}
    return samples.worst_draw(-np.max(gaps, axis=0), case, tolerance=1e-12)


@G01.check("algebra")
@G01.twin("p's sum to 2", complement=2)
def pixel_terms_agree(*, complement: int = 1) -> Evidence:
    """The pixel's terms of (1) and (2) for either label, with q = 1 - p by algebra."""
    p = sympy.symbols("p", positive=True)
    pairs = []
    for label in (0, 1):
        both = (complement - p, p)
        printed = -sum(int(label == c) * sympy.log(both[c]) for c in (0, 1))
        binary = -(label * sympy.log(p) + (1 - label) * sympy.log(1 - p))
        pairs.append((printed, binary))
    return symbolic.identities(pairs)


@jax.jit
def _first_slopes() -> tuple[Array, Array]:
    binary = functools.partial(cross_entropy_loss, link=links.sigmoid)
    both = jax.grad(cross_entropy_loss)(jnp.zeros((1, 2)), jnp.array([1]))
    return both, jax.grad(binary)(jnp.zeros((1, 1)), jnp.ones((1, 1)))


@G01.check("one step")
@G01.twin("same speed", factor=1.0)
def one_step(*, factor: float = 2.0) -> Evidence:
    """One step of descent moves the difference of two scores twice as far as one score.

    One foreground pixel at z = 0, rate 1: 0 + 1/2 for one score, -1/2 and 1/2 for two.
    """
    both, one = _first_slopes()
    found = {"ratio": float((both[0, 0] - both[0, 1]) / -one[0, 0])}
    return examples.agree(found, {"ratio": factor}, tolerance=1e-12)


# G02

G02 = Claim(
    id="G02",
    source=SOURCE,
    where="Section 2.1",
    statement=(
        "For two classes the softmax layer may be replaced by a sigmoid: the second "
        "class's softmax is the sigmoid of the difference of scores, z_2 - z_1."
    ),
    assumes="Finite scores.",
    verdict=Verdict.HOLDS,
    proof="Divide numerator and denominator by exp(z_2).",
    values={"at_difference_log_3": 0.75, "at_difference_0": 0.5},
)


@G02.check("algebra")
@G02.twin("sign flipped, algebra", sign=-1)
def links_in_algebra(*, sign: int = 1) -> Evidence:
    """exp(b) / (exp(a) + exp(b)) = 1 / (1 + exp(-(b - a)))."""
    a, b = sympy.symbols("a b", positive=True)
    softmax = sympy.exp(b) / (sympy.exp(a) + sympy.exp(b))
    return symbolic.identity(softmax, 1 / (1 + sympy.exp(-sign * (b - a))))


@jax.jit
def _link_gap(logits: Array, sign: float) -> Array:
    difference = sign * (logits[..., 1:] - logits[..., :1])
    gaps = [
        links.softmax(logits)[..., 1:] - links.sigmoid(difference),
        jnp.expm1(
            links.softmax.log_probs(logits)[..., 1:]
            - links.sigmoid.log_probs(difference)
        ),
    ]
    return -jnp.max(jnp.abs(jnp.stack(gaps)), axis=(0, 2, 3))


@G02.check("links")
@G02.twin("difference larger by 1e-6", sign=1 + 1e-6)
def links_agree(*, sign: float = 1.0) -> Evidence:
    """Both links of jaxseg, and their logarithms relative to 1, on random scores."""
    logits, _ = _images()
    slack = _link_gap(logits, sign)
    return samples.worst_draw(slack, {"logits": logits}, tolerance=1e-12)


# G03

G03 = Claim(
    id="G03",
    source=SOURCE,
    where="Footnote 1",
    statement="Taking the argmax is equivalent to thresholding the sigmoid at 0.5.",
    assumes="Two classes, background first.",
    verdict=Verdict.DEPENDS,
    readings={
        "no pixel has p = 1/2": "Holds, with > and with >=.",
        "p = 1/2 included, threshold p > 1/2": (
            "Holds where argmax takes the first of equals, here background."
        ),
        "p = 1/2 included, threshold p >= 1/2": (
            "Fails at a tie under that rule; it would hold if argmax took the last."
        ),
        "argmax of scores, sigmoid in float32": (
            "Fails next to a tie: scores (0, 1e-9) have the sigmoid 1/2 exactly, while "
            "argmax says foreground."
        ),
    },
    counterexample="p = 1/2: argmax of (1/2, 1/2) is the first class, p >= 1/2 says 1.",
    proof="p > 1 - p just if p > 1/2.",
    values={"sigmoid_at_1e-9_less_1/2": math.tanh(5e-10) / 2},
)


@G03.check("no ties")
@G03.twin(">= with ties", strict=False, ties=True)
def argmax_is_a_threshold(*, strict: bool = True, ties: bool = False) -> Evidence:
    """Argmax (first of equals) of (1 - p, p) against p > 1/2, on a grid with 1/2.

    `ties` keeps p = 1/2 among the cases, `strict` compares with > and not >=.
    """
    half = Fraction(1, 2)

    def slack(p: Fraction) -> Fraction:
        both = (1 - p, p)
        chosen = both.index(max(both))
        found = p > half if strict else p >= half
        return -Fraction(abs(chosen - int(found)))

    grid = [Fraction(n, 40) for n in range(41)]
    cases = [p for p in grid if ties or p != half]
    return enumeration.worst_case(cases, slack, describe=lambda p: {"p": p})


@G03.check("ties")
@G03.twin(">= breaks ties alike", strict=False)
def strictly(*, strict: bool = True) -> Evidence:
    """With ties: > agrees with an argmax that takes the first of equals."""
    return argmax_is_a_threshold(strict=strict, ties=True)


@G03.check("floats")
@G03.twin("floats at a score of 1", score=1.0)
def argmax_in_floats(*, score: float = 1e-9) -> Evidence:
    """In float32 a score of 1e-9 has sigmoid 1/2: argmax of scores says foreground.

    The slack is positive where the two rules differ.
    """
    scores = jnp.array([0.0, score], jnp.float32)
    chosen = int(jnp.argmax(scores))
    p = float(jax.nn.sigmoid(scores[1] - scores[0]))
    differ = chosen != int(p > 0.5)
    witness = {"score": score, "sigmoid": p, "argmax": chosen}
    return Evidence(1.0 if differ else -1.0, 0.0, 1, "samples", witness)
