"""L06, Proposition 1: the bias term of the log-Dice loss is smallest at a vertex."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg.losses import dice_bias_loss
from jaxseg.losses.marginal import Marginals, dice_bias_penalty
from theory.claim import Claim, Evidence, Verdict, worst_of
from theory.engines import enumeration, interval, samples, search
from theory.engines.dual import ball
from theory.engines.enumeration import for_each
from theory.liu import SOURCE

L06 = Claim(
    id="L06",
    source=SOURCE,
    where="Prop. 1, Eq. (2); Appendix A.1",
    statement=(
        "With t_j = 1 where y_j = max y and 0 elsewhere, DB(t) <= DB(p) = sum_k "
        "log(p_k + y_k) for all p in the simplex."
    ),
    assumes="y is a point of the simplex; log 0 is minus infinity.",
    verdict=Verdict.CORRECTED,
    correction=(
        "Let t be the vertex of any one class of largest proportion. The printed t has "
        "a 1 for each such class, so on a tie it is no point of the simplex and (2) "
        "fails for it. Where every y_k > 0 the minimisers are the vertices of largest "
        "classes and no others, with DB(t) = log(1 + max y) + the sum of the other log "
        "y_k. With an empty class (2) holds as minus infinity <= DB(p), and every p "
        "that leaves an empty class empty is a minimiser."
    ),
    counterexample=(
        "Two classes, y = (1/2, 1/2). The printed t is (1, 1): DB(t) = 2 log(3/2) = "
        "0.811, yet p = (1/2, 1/2) has DB = 0 and p = (1, 0) has log(3/4) = -0.288."
    ),
    proof=(
        "DB is concave (strictly where all y_k > 0), so its minimum over the simplex "
        "is at a vertex. At the vertex of class j, DB is sum_k log y_k + log(1 + 1 / "
        "y_j), which falls as y_j grows. With an empty class k and another class j the "
        "vertex of j has p_k + y_k = 0. Every vertex j is a strict local minimum "
        "besides: moving mass to k changes DB at the rate 1 / y_k - 1 / (1 + y_j) > 0. "
        "Descent therefore goes to a vertex, but not always to t."
    ),
    values=lambda: _values(),
)

Shares = Sequence[Fraction]

EXAMPLES = tuple(
    tuple(map(Fraction, shares))
    for shares in (
        ("1/2", "3/10", "1/5"),
        ("1/3", "1/3", "1/3"),
        ("2/5", "2/5", "1/5"),
        ("9/10", "1/20", "1/20"),
        ("98/100", "1/100", "1/100"),
    )
)
"""Proportions y of three classes, with and without a tie."""


def one_largest(actual: Shares) -> tuple[Fraction, ...]:
    """The corrected t: the vertex of the first class of largest proportion."""
    return vertex(len(actual), actual.index(max(actual)))


def printed(actual: Shares) -> tuple[Fraction, ...]:
    """The printed t: 1 at every class of largest proportion, so 1 + 1 on a tie."""
    return tuple(Fraction(share == max(actual)) for share in actual)


def one_smallest(actual: Shares) -> tuple[Fraction, ...]:
    """False: the vertex of a class of smallest proportion."""
    return vertex(len(actual), actual.index(min(actual)))


def vertex(classes: int, at: int) -> tuple[Fraction, ...]:
    """e_k: all pixels in the class `at`."""
    return tuple(Fraction(k == at) for k in range(classes))


def exponential(predicted: Shares, actual: Shares) -> Fraction:
    """Exp DB: the product of p_k + y_k, exact, also where DB is minus infinity."""
    terms = (p + y for p, y in zip(predicted, actual, strict=True))
    return math.prod(terms, start=Fraction(1))


@L06.check("exact grid")
@L06.twin("printed t, exact", target=printed)
@L06.twin("min for max, exact", target=one_smallest)
@for_each(lambda: _pairs())
def least_on_a_grid(
    predicted: Shares, actual: Shares, *, target: Callable = one_largest
) -> Fraction:
    """Exp DB(t) <= exp DB(p) for all p and y on grids, ties and empty classes too."""
    return exponential(predicted, actual) - exponential(target(actual), actual)


def _pairs():
    for classes, parts in ((2, 24), (3, 10), (4, 5)):
        for actual in enumeration.simplex_grid(classes, parts):
            for predicted in enumeration.simplex_grid(classes, parts):
                yield predicted, actual


def describe(case: tuple[Shares, Shares]) -> dict[str, list[Fraction]]:
    """A pair of proportions as a witness."""
    return {"predicted": list(case[0]), "actual": list(case[1])}


@L06.check("minimisers")
@L06.twin("unique with empty classes", empty=True)
def minimisers(*, empty: bool = False) -> Evidence:
    """Where every class occurs, vertices of largest classes alone reach the minimum.

    Any other p on the grid must exceed it. With `empty` classes may have y = 0: then
    infinitely many p reach exp DB = 0.
    """

    def slack(case: tuple[Shares, Shares]) -> Fraction:
        predicted, actual = case
        excess = exponential(predicted, actual) - exponential(
            one_largest(actual), actual
        )
        is_vertex = max(predicted) == 1 and actual[predicted.index(1)] == max(actual)
        return excess - Fraction(1, 10**9) if not is_vertex else -abs(excess)

    cases = (case for case in _pairs() if empty or min(case[1]) > 0)
    return enumeration.worst_case(cases, slack, describe=describe)


@L06.check("certified")
@L06.twin("printed t, certified", target=printed)
@L06.twin("min for max, certified", target=one_smallest)
def least_on_the_simplex(*, target: Callable = one_largest) -> Evidence:
    """DB(p) >= DB(t) on the whole simplex of three classes, for each example y."""
    found = []
    for actual in EXAMPLES:
        floor = ball(exponential(target(actual), actual)).log()

        def room(first: Any, second: Any, *, actual=actual, floor=floor) -> Any:
            rest = 1 - first
            predicted = (first, rest * second, rest * (1 - second))
            logs = [(p + y).log() for p, y in zip(predicted, actual, strict=True)]
            return sum(logs, start=-floor)

        evidence = interval.certify_nonnegative(room, ((0.0, 1.0),) * 2)
        witness = {**evidence.witness, "actual": list(actual)}
        found.append(dataclasses.replace(evidence, witness=witness))
    return worst_of(found)


@L06.check("penalty")
@L06.twin("y scaled", weight=1 + 1e-6)
def penalty_is_the_log(*, weight: float = 1.0) -> Evidence:
    """The penalty is the log of the exact product, wherever p and y are positive."""
    pairs = [pair for pair in _pairs() if len(pair[0]) == 3 and min(map(min, pair)) > 0]
    predicted, actual = (jnp.array(side, float) for side in zip(*pairs, strict=True))
    exact = np.array([float(exponential(*pair)) for pair in pairs])

    def of_one(predicted, actual):
        marginals = Marginals.of_proportions(predicted, actual)
        return jnp.sum(dice_bias_penalty(marginals))

    found = jax.vmap(of_one)(predicted, weight * actual)
    slack = -jnp.abs(found - np.log(exact))
    case = {"predicted": predicted, "actual": actual}
    return samples.worst_draw(slack, case, tolerance=1e-13)


LABELS = (0,) * 5 + (1,) * 3 + (2,) * 2  # y = (1/2, 3/10, 1/5)


def minimum(actual: Sequence[float], at: int) -> float:
    """DB at the vertex of class `at`: log(1 + y_at) plus the logs of the others."""
    return math.fsum(math.log(y + (k == at)) for k, y in enumerate(actual))


def _descend(key: jax.Array, starts: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Descent on `dice_bias_loss`: scores at the start, ends, marginals at the ends."""
    labels = jnp.array(LABELS)
    level_key, noise_key = jax.random.split(key)
    level = 2 * jax.random.normal(level_key, (starts, 1, 3))
    logits = level + jax.random.normal(noise_key, (starts, len(LABELS), 3))
    found = search.maximise(
        lambda z: -dice_bias_loss(z, labels), logits, steps=300, learning_rate=0.3
    )
    probs = jax.nn.softmax(jnp.asarray(found.parameters))
    return np.asarray(logits), -found.values, np.asarray(jnp.mean(probs, axis=1))


@L06.check("descent")
@L06.twin("every descent ends at t", every=True)
@L06.twin("minimum higher by 0.01", shift=0.01)
@L06.twin("minimum lower by 0.01", shift=-0.01)
def descents(*, every: bool = False, shift: float = 0.0) -> Evidence:
    """All descents end at vertices, none below DB(t), and the best one at t.

    With `every` the claim is that all of them end at t.
    """
    actual = [LABELS.count(k) / len(LABELS) for k in range(3)]
    starts, ends, marginals = _descend(jax.random.key(6), 256)
    floor = minimum(actual, actual.index(max(actual))) + shift
    at_a_vertex = 1e-3 - (1 - marginals.max(axis=1))
    slack = np.minimum(ends - floor, at_a_vertex)
    slack = np.minimum(slack, 1e-4 - (ends.min() - floor))
    if every:
        slack = np.minimum(slack, 1e-3 - (ends - floor))
    case = {"start": starts, "end": ends, "marginals": marginals}
    return samples.worst_draw(slack, case, tolerance=1e-12, method="search")


def _values() -> dict[str, float]:
    actual = (0.5, 0.3, 0.2)
    values = {f"bias_at_vertex_{k + 1}": minimum(actual, k) for k in range(3)}
    values["bias_at_p=y"] = sum(math.log(2 * y) for y in actual)
    values["tie_at_one_vertex"] = math.log(3 / 4)
    values["tie_at_printed_t"] = 2 * math.log(3 / 2)
    values["tie_at_p=y"] = 0.0
    return values
