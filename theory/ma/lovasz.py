"""M10, M11: the Jaccard loss as a set function, and its Lovász extension."""

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg import counts, links
from jaxseg.losses import lovasz_loss
from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples, samples
from theory.ma import SOURCE

# M10

M10 = Claim(
    id="M10",
    source=SOURCE,
    where="Section 2.2.4, footnote 2",
    statement="The IoU loss is submodular.",
    assumes=(
        "As the function of Eq. (13): of the set of mispredicted pixels m, m -> |m| / "
        "|G or m|, for one class; with G empty it is 0 at the empty set, else 1. As a "
        "function of the predicted set S it is not submodular, see the proof."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "With a missed and b false pixels of G of size g, f = (a + b) / (g + b). "
        "Adding a pixel of G gains 1 / (g + b), which falls with b and ignores a; one "
        "outside gains (g - a) / ((g + b) (g + b + 1)), which falls with a and b: "
        "gains diminish. Of the predicted set it fails: G = {x}, S = {}, adding x "
        "gains -1, but from S = {y} it gains -1/2, more. The soft IoU loss (10) is no "
        "set function at all."
    ),
    values=lambda: {
        "gain_of_a_missed_pixel_of_4": float(loss_of_mistakes(4, 1, 0)),
        "gain_of_a_false_pixel_beside_4": float(loss_of_mistakes(4, 0, 1)),
    },
)


def loss_of_mistakes(size: int, missed: int, false: int) -> Fraction:
    """1 - J where `missed` of the `size` pixels of G and `false` others are wrong."""
    masks = enumeration.exact_counts(size - missed, false, missed, size + false)
    return 1 - Fraction(counts.jaccard_index(masks))


def loss_of_prediction(size: int, hits: int, false: int) -> Fraction:
    """1 - J where the prediction has `hits` of the `size` pixels of G and others."""
    return loss_of_mistakes(size, size - hits, false)


@M10.check("exact")
@M10.twin("of the predicted set", loss=loss_of_prediction)
def diminishing(
    *,
    loss: Callable[[int, int, int], Fraction] = loss_of_mistakes,
    pixels: int = 14,
) -> Evidence:
    """f(A + x) + f(A + y) >= f(A) + f(A + x + y), all A, x, y, G up to so many pixels.

    Sets count by how many of their pixels are inside and outside of G.
    """

    def slack(case: tuple[int, int, int, tuple[int, int]]) -> Fraction:
        size, inside, outside, (x, y) = case  # x, y: how many of the two are inside

        def at(first: int, second: int) -> Fraction:
            return loss(size, inside + first, outside + second)

        both = at(x + y, 2 - x - y)
        return at(x, 1 - x) + at(y, 1 - y) - at(0, 0) - both

    cases = (
        (size, inside, outside, kinds)
        for size in range(pixels + 1)
        for inside in range(size + 1)
        for outside in range(pixels - size + 1)
        for kinds in ((0, 0), (0, 1), (1, 1))
        if inside + sum(kinds) <= size and outside + 2 - sum(kinds) <= pixels - size
    )
    names = ("size of G", "inside", "outside", "kinds")
    return enumeration.worst_case(
        cases, slack, describe=lambda case: dict(zip(names, case, strict=True))
    )


# M11

M11 = Claim(
    id="M11",
    source=SOURCE,
    where="Section 2.2.4, Eqs. (11)-(13)",
    statement=(
        "The Lovász loss is a piecewise linear convex surrogate of the IoU loss, "
        "L = Delta_c(m(c)) with Delta(m) = sum_i m_i d_i(m), errors m sorted in "
        "decreasing order."
    ),
    assumes=(
        "The gain of the empty set is 0 (as printed 0/0 for an absent class). The sort "
        "is of the m_i, which the text calls x."
    ),
    verdict=Verdict.CORRECTED,
    correction=(
        "(12) leaves c free: the loss is the mean of Delta_c(m(c)) over the classes, "
        "all of them or those that occur. It is a convex function of the errors and so "
        "of the probabilities, not of the scores. For an absent class it is the "
        "largest error."
    ),
    counterexample=(
        "Two pixels of class 1 of three classes, p = (1/2, 1/4, 1/4) at both. (12) is "
        "1/2 for c = 1, and 1/4, the largest error, for each of the absent classes: "
        "without a rule for c the loss is 1/2, 1/4 or their mean 1/3."
    ),
    proof=(
        "Sorted errors write m as a mean of indicators of growing sets, and (13) is "
        "that mean of the sets' losses: exact on the vertices, linear where the order "
        "stays, and the same for every order of ties. The extension is convex if and "
        "only if the set function is submodular, M10. An error is 1 - s or s, affine "
        "in s."
    ),
    values={
        "error_1/2_inside_1/4_outside": 0.5,
        "error_1/4_inside_1/2_outside": 0.375,
        "absent_class_with_errors_1/2_1/4": 0.5,
    },
)


def extension(errors: Sequence[Fraction], truth: Sequence[int]) -> Fraction:
    """Eqs. (12), (13) for one class, to the letter: sort, then sum m_i d_i."""
    order = sorted(range(len(errors)), key=lambda i: errors[i], reverse=True)
    total, before = Fraction(0), Fraction(0)
    missed = false = 0
    for i in order:
        missed, false = missed + truth[i], false + 1 - truth[i]
        after = loss_of_mistakes(sum(truth), missed, false)
        total += errors[i] * (after - before)
        before = after
    return total


def _problems(pixels: int, levels: Sequence[Fraction]):
    for truth in itertools.product((0, 1), repeat=pixels):
        for errors in itertools.product(levels, repeat=pixels):
            yield truth, errors


def _named(case: tuple) -> dict:
    return {"truth": case[0], "errors": case[1]}


@M11.check("vertices")
@M11.twin("less by 1e-6", scale=1 - Fraction(1, 10**6))
def vertices(*, scale: Fraction = Fraction(1), pixels: int = 5) -> Evidence:
    """At errors in {0, 1} it is the Jaccard loss of that set of mistakes."""

    def slack(case: tuple[Sequence[int], Sequence[Fraction]]) -> Fraction:
        truth, errors = case
        missed = sum(int(e * t) for t, e in zip(truth, errors, strict=True))
        false = int(sum(errors)) - missed
        hard = loss_of_mistakes(sum(truth), missed, false)
        return -abs(extension(errors, truth) - scale * hard)

    cases = _problems(pixels, [Fraction(0), Fraction(1)])
    return enumeration.worst_case(cases, slack, describe=_named)


@M11.check("convex")
@M11.twin("concave", sign=-1)
def convex(*, sign: int = 1, pixels: int = 3) -> Evidence:
    """The middle of any two points of a grid lies below the mean of their values."""
    levels = [Fraction(i, 2) for i in range(3)]
    points = list(itertools.product(levels, repeat=pixels))

    def slack(case: tuple) -> Fraction:
        truth, first, second = case
        middle = [(a + b) / 2 for a, b in zip(first, second, strict=True)]
        ends = extension(first, truth) + extension(second, truth)
        return sign * (ends / 2 - extension(middle, truth))

    cases = (
        (truth, first, second)
        for truth in ((1, 1, 0), (1, 0, 0), (0, 0, 0))
        for first, second in itertools.combinations(points, 2)
    )
    return enumeration.worst_case(
        cases,
        slack,
        describe=lambda c: {"truth": c[0], "first": c[1], "second": c[2]},
    )


@M11.check("losses")
@M11.twin("sum over classes", divide=False)
def sums_of_classes(*, divide: bool = True) -> Evidence:
    """The loss is the mean of (12) over the classes of a softmax, ties included."""
    rng = np.random.default_rng(11)
    parts = rng.multinomial(4, [1 / 3] * 3, size=(40, 5)) / 4
    labels = np.stack(
        [rng.permutation([0, 1, 2, *row]) for row in rng.integers(0, 3, (40, 2))]
    )

    def of_one(probs: jax.Array, labels: jax.Array) -> jax.Array:
        return lovasz_loss(probs, labels, link=links.identity, classes="all")

    found = np.asarray(jax.jit(jax.vmap(of_one))(jnp.array(parts), jnp.array(labels)))
    hand = []
    for probs, ids in zip(parts, labels, strict=True):
        terms = []
        for c in range(3):
            truth = [int(k == c) for k in ids]
            errors = [
                1 - Fraction(p) if t else Fraction(p)
                for p, t in zip(probs[:, c].tolist(), truth, strict=True)
            ]
            terms.append(extension(errors, truth))
        hand.append(float(sum(terms)) / (3 if divide else 1))
    case = {"probs": parts, "labels": labels}
    return samples.worst_draw(-np.abs(found - np.array(hand)), case, tolerance=1e-14)


@M11.check("by hand")
@M11.twin("gain 1 inside first", at_half=Fraction(1, 4))
def two_errors_by_hand(*, at_half: Fraction = Fraction(3, 8)) -> Evidence:
    """G one pixel with error 1/2, another with error 1/4; and an absent class.

    Sorted 1/2, 1/4: gains 1 and 0. Reversed errors: gains 1/2 and 1/2, 3/8 in all.
    """
    half, quarter = Fraction(1, 2), Fraction(1, 4)
    found = {
        "larger error inside": extension([half, quarter], [1, 0]),
        "larger error outside": extension([quarter, half], [1, 0]),
        "absent class": extension([half, quarter], [0, 0]),
    }
    hand = {
        "larger error inside": half,
        "larger error outside": at_half,
        "absent class": half,
    }
    return examples.agree(found, hand)
