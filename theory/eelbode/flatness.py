"""E34, E35: plain (L1) and squared (L2) soft Dice, around and away from the truth."""

import itertools
from collections.abc import Mapping, Sequence
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import sympy

from jaxseg import counts, links
from jaxseg.counts import SoftCounts
from jaxseg.losses import dice_loss
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.engines import enumeration, samples, symbolic
from theory.engines.enumeration import for_all, for_each

E34 = Claim(
    id="E34",
    source=SOURCE,
    where="Fig. 2 and IV-A",
    statement="The L2 variants of soft Dice are flatter around the global minimum.",
    assumes=(
        "y binary and not empty, n = |y|; the minimum is at yt = y. In the space of "
        "probabilities: behind a sigmoid that saturates both slopes vanish at y."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "With h = yt - y, L1 = |h|_1 / (2n + sum h) and L2 = |h|_2^2 / (n + |yt|_2^2). "
        "At h = 0 the slopes of L1 are -1 / (2n) on y and 1 / (2n) elsewhere, so it "
        "rises linearly into the cube; the gradient of L2 is 0, its Hessian 1/n times "
        "the identity. Not only around y: yt^2 <= yt gives L2 <= L1 on the whole cube, "
        "with equality where yt is binary or misses y."
    ),
    values={
        "plain_slope_at_one_pixel": 0.5,
        "squared_slope_at_one_pixel": 0.0,
        "squared_curvature_at_one_pixel": 1.0,
        "plain_loss_at_0.9": 0.1 / 1.9,
        "squared_loss_at_0.9": 0.01 / 1.81,
    },
)

Point = tuple[Fraction, ...]
LEVELS = tuple(map(Fraction, ("0", "1/4", "1/2", "3/4", "1")))


def soft_counts(
    actual: Sequence[Fraction], predicted: Sequence[Fraction]
) -> SoftCounts:
    """Exact counts of a binary y and a soft prediction."""
    overlap = sum((y * p for y, p in zip(actual, predicted, strict=True)), Fraction(0))
    return SoftCounts(
        intersection=overlap,
        inner=overlap,
        predicted=sum(predicted, Fraction(0)),
        actual=sum(actual, Fraction(0)),
        predicted_squares=sum((p * p for p in predicted), Fraction(0)),
        actual_squares=sum((y * y for y in actual), Fraction(0)),
        pixels=Fraction(len(predicted)),
    )


def dice_losses(actual: Point, predicted: Point) -> tuple[Fraction, Fraction]:
    """L1 and L2 loss."""
    found = soft_counts(actual, predicted)
    plain, squared = (
        Fraction(counts.dice_index(found, squared=flag)) for flag in (False, True)
    )
    return 1 - plain, 1 - squared


def _cases(pixels: int = 3) -> list[tuple[Point, Point]]:
    hard = itertools.product((Fraction(0), Fraction(1)), repeat=pixels)
    return [(y, p) for y in hard for p in itertools.product(LEVELS, repeat=pixels)]


def _named(case: tuple[Point, Point]) -> dict[str, list[Fraction]]:
    return {"actual": list(case[0]), "predicted": list(case[1])}


@E34.check("L2 below L1")
@E34.twin("strictly below", strict=True)
def squared_is_lower(*, strict: bool = False) -> Evidence:
    """L2 <= L1 on a grid of the cube; `strict` asks for more than equality."""

    def slack(case: tuple[Point, Point]) -> Fraction:
        plain, squared = dice_losses(*case)
        return plain - squared - Fraction(strict, 10**9)

    return enumeration.worst_case(_cases(), slack, describe=_named)


@E34.check("by distance")
@E34.twin("first powers", power=1)
@for_each(lambda: [case for case in _cases() if sum(case[0]) + sum(case[1]) > 0])
def closed_forms(y: Point, p: Point, *, power: int = 2) -> Fraction:
    """L1 = |h|_1 / (2n + sum h) and L2 = |h|_2^2 / (|y|^2 + |p|^2), h = p - y."""
    h = [b - a for a, b in zip(y, p, strict=True)]
    plain, squared = dice_losses(y, p)
    total, squares = sum(y) + sum(p), sum(y) + sum(x * x for x in p)
    return -max(
        abs(plain * total - sum(map(abs, h))),
        abs(squared * squares - sum(abs(x) ** power for x in h)),
    )


@E34.check("derivatives at the truth")
@E34.twin("L1 flat too", squared=False)
def derivatives_at_the_truth(*, squared: bool = True) -> Evidence:
    """Gradients -+ 1 / (2n) and 0 at y, Hessian of L2 the identity over n: by autodiff.

    With `squared` False the zero gradient is claimed of L1.
    """
    pixels = 5
    labels = jnp.array([[i < n for i in range(pixels)] for n in range(1, 6)])

    def derivatives(truth):
        def loss(probs, flag):
            return dice_loss(probs, truth, squared=flag, link=links.identity)

        slope = jax.grad(loss)
        at = truth[:, None].astype(float)
        plain, flat = slope(at, False), slope(at, squared)
        return plain[:, 0], flat[:, 0], jax.hessian(loss)(at, True)[:, 0, :, 0]

    found = jax.jit(jax.vmap(derivatives))(labels.astype(int))
    plain, flat, hessian = map(np.asarray, found)
    hard, sizes = np.asarray(labels), np.asarray(labels).sum(1)
    expected = np.where(hard, -0.5, 0.5) / sizes[:, None]
    identity = np.eye(pixels) / sizes[:, None, None]
    slack = -np.abs(plain - expected).max(1)
    slack = np.minimum(slack, -np.abs(flat).max(1))
    slack = np.minimum(slack, -np.abs(hessian - identity).max((1, 2)))
    case = {"labels": hard, "plain": plain, "squared": flat}
    return samples.worst_draw(slack, case, tolerance=1e-14)


# E35

E35 = Claim(
    id="E35",
    source=SOURCE,
    where="IV-A",
    statement=(
        "The L2 surrogates do not favour integer solutions (and the L1 surrogates do)."
    ),
    assumes=(
        "Favour: the best prediction is binary. The paper offers it as what flatness "
        "could indicate. Whether trained networks behave so is not settled here."
    ),
    verdict=Verdict.DEPENDS,
    readings={
        "One known mask y": (
            "L2 does favour them: for both losses yt = y is the only minimiser, and "
            "from any prediction each pixel alone is best at 0 or 1."
        ),
        "Unknown y, ratio of expected counts (many pixels pooled)": (
            "Holds: L1 has a binary minimiser, L2 has yt = c eta with the posterior "
            "eta, where that is at most 1."
        ),
        "Unknown y, expected loss of one image": (
            "L2 does not, but nor does L1 always: with y = {1, 2} of probability "
            "243/341 and else {3}, L1 Dice is 0.7156 at (1, 1, 1/2), 0.7126 at (1, 1, "
            "0) and 0.7138 at (1, 1, 1), the best binary ones."
        ),
    },
    proof=(
        "For hard y, L1 Dice is a Moebius function of each probability; the slope of "
        "L2 Dice in it is 2 (y - D yt) / (n + |yt|^2), >= 0 on y and <= 0 elsewhere. "
        "Pooled L1 Dice is a ratio of linear functions, so it has a best vertex; the "
        "slope of pooled L2 Dice vanishes at yt = eta / D, and then D^2 = sum eta^2 / "
        "sum eta. An expectation of ratios is no ratio of linear functions: in the "
        "example the slope in the third pixel changes from + to - at 1/2."
    ),
    values={
        "expected_dice_at_1_1_1/2": float(243 / 341 * 8 / 9 + 98 / 341 * 2 / 7),
        "expected_dice_at_1_1_0": 243 / 341,
        "expected_dice_at_1_1_1": float(243 / 341 * 4 / 5 + 98 / 341 / 2),
        "l2_level_at_posterior_1/4": 1.0 / 2,
    },
)


Law = Mapping[Point, Fraction]
POOLED_POSTERIORS = tuple(
    tuple(map(Fraction, text.split()))
    for text in ("1/2 1/4", "3/4 1/2 1/4", "9/10 1/10", "2/3 2/3 1/3")
)

UNCERTAIN: Law = {
    (Fraction(1), Fraction(1), Fraction(0)): Fraction(243, 341),
    (Fraction(0), Fraction(0), Fraction(1)): Fraction(98, 341),
}
"""Two pixels together, or the third alone."""


@E35.check("one mask")
@E35.twin("away from the mask", squared=False)
@for_each(lambda: [(y, p) for y, p in _cases() if sum(y)][::3])
def integers_for_one_mask(
    y: Point, p: Point, *, squared: bool = True, levels=LEVELS
) -> Fraction:
    """For a fixed y both losses fall towards y along every pixel, from anywhere.

    So no pixel alone prefers a value between 0 and 1. (A missed y is a plateau.)
    """
    worst = Fraction(0)
    for i, k in itertools.product(range(len(p)), range(len(levels) - 1)):
        low, high = ((*p[:i], x, *p[i + 1 :]) for x in (levels[k], levels[k + 1]))
        ends = dice_losses(y, low), dice_losses(y, high)
        for before, after in zip(*ends, strict=True):
            rise = after - before
            worst = min(worst, -rise if bool(y[i]) == squared else rise)
    return worst


def pooled_loss(posteriors: Point, predicted: Point, squared: bool) -> Fraction:
    """One minus the ratio of expected counts, with posteriors in the place of y."""
    pairs = zip(posteriors, predicted, strict=True)
    top = 2 * sum((eta * p for eta, p in pairs), Fraction(0))
    sizes = sum((p * p if squared else p for p in predicted), Fraction(0))
    return 1 - top / (sum(posteriors) + sizes)


@E35.check("pooled L1")
@E35.twin("pooled L2 binary", squared=True)
@for_all(posteriors=POOLED_POSTERIORS)
def pooled_integers(posteriors: Point, *, squared: bool = False) -> Fraction:
    """The best binary prediction of L1 is not beaten on a grid of twelfths."""
    size = len(posteriors)
    grid = [Fraction(k, 12) for k in range(13)]
    hard = itertools.product((Fraction(0), Fraction(1)), repeat=size)
    soft = itertools.product(grid, repeat=size)
    best = min(pooled_loss(posteriors, p, squared) for p in hard)
    return min(pooled_loss(posteriors, p, squared) for p in soft) - best


@E35.check("pooled L2")
@E35.twin("cubes", power=3)
def pooled_multiples(*, power: int = 2) -> Evidence:
    """Of L2, c eta with c = sqrt(sum eta / sum eta^2) is stationary."""
    eta = sympy.symbols("eta1:4", positive=True)
    p = sympy.symbols("p1:4", positive=True)
    top = 2 * sum(a * b for a, b in zip(eta, p, strict=True))
    index = top / (sum(eta) + sum(b**2 for b in p))
    factor = sympy.sqrt(sum(eta) / sum(a**power for a in eta))
    at = {b: factor * a for a, b in zip(eta, p, strict=True)}
    slope = sympy.diff(index, p[0]).subs(at)
    return symbolic.identity(slope, sympy.Integer(0))


def mean_dice(law: Law, predicted: Point) -> Fraction:
    """Expected L1 soft Dice over the law of y."""
    return sum(
        (weight * (1 - dice_losses(y, predicted)[0]) for y, weight in law.items()),
        Fraction(0),
    )


@E35.check("expected L1")
@E35.twin("at 0", level=Fraction(0))
def fractional_mean(*, level: Fraction = Fraction(1, 2)) -> Evidence:
    """For the mean over y of L1, (1, 1, level) beats every binary prediction."""
    half = (Fraction(1), Fraction(1), level)
    value = mean_dice(UNCERTAIN, half)
    hard = itertools.product((Fraction(0), Fraction(1)), repeat=3)
    return enumeration.worst_case(
        hard,
        lambda p: value - mean_dice(UNCERTAIN, p) - Fraction(1, 10**6),
        describe=lambda p: {"binary": list(p), "soft_value": value},
    )
