"""Certified suprema and signs over a box, by branch and bound in ball arithmetic.

Each box gets three bounds: plain interval evaluation, the mean value form, and, where a
partial derivative keeps its sign, that of the face on which the supremum must lie.
Nothing is decided by a floating-point comparison of uncertain numbers.
"""

import dataclasses
import heapq
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from flint import arb, ctx

from theory.claim import Evidence, UndecidedError
from theory.engines.dual import enclose

Box = tuple[tuple[float, float], ...]
PRECISION = 96  # bits


@dataclasses.dataclass(frozen=True)
class Enclosure:
    """A supremum lies in [lower, upper], and at `at` the function reaches `lower`."""

    lower: float
    upper: float
    at: tuple[float, ...]
    boxes: int


@dataclasses.dataclass(frozen=True)
class _Bounded:
    """A box, shrunk to where its supremum lies, with bounds of that supremum."""

    box: Box
    lower: float
    upper: float
    at: tuple[float, ...]
    weights: tuple[float, ...]  # how much each coordinate makes the function vary

    def halves(self) -> list[Box]:
        """Both halves along the coordinate that matters most; none for a point."""
        axis = max(range(len(self.box)), key=lambda i: self.weights[i])
        lo, hi = self.box[axis]
        middle = self.at[axis]
        if not lo < middle < hi:
            return []
        ends = ((lo, middle), (middle, hi))
        return [(*self.box[:axis], end, *self.box[axis + 1 :]) for end in ends]


def _below(ball: arb) -> float:
    """A float that is no more than any number in `ball`."""
    return math.nextafter(float(ball.lower()), -math.inf)


def _above(ball: arb) -> float:
    """A float that is no less than any number in `ball`."""
    return math.nextafter(float(ball.upper()), math.inf)


def _balls(box: Box) -> list[arb]:
    return [arb(lo) if lo == hi else arb(lo).union(arb(hi)) for lo, hi in box]


def _shrink(box: Box, slopes: Sequence[arb]) -> Box:
    """The face of `box` where a function with these slopes is largest."""

    def side(lo: float, hi: float, slope: arb) -> tuple[float, float]:
        if slope >= 0:
            return hi, hi
        return (lo, lo) if slope <= 0 else (lo, hi)

    return tuple(side(*ends, slope) for ends, slope in zip(box, slopes, strict=True))


def _bound(function: Callable[..., Any], box: Box) -> _Bounded:
    while True:
        value, slopes = enclose(function, _balls(box))
        smooth = all(slope.is_finite() for slope in slopes)
        face = _shrink(box, slopes) if smooth else box
        if face == box:
            break
        box = face
    middle = tuple((lo + hi) / 2 for lo, hi in box)
    centre, _ = enclose(function, [arb(x) for x in middle])
    upper = _above(value) if value.is_finite() else math.inf
    weights = tuple(hi - lo for lo, hi in box)
    if smooth and centre.is_finite():
        spread = [
            slope * (ball - x)
            for slope, ball, x in zip(slopes, _balls(box), middle, strict=True)
        ]
        upper = min(upper, _above(sum(spread, start=centre)))
        weights = tuple(
            float(term.abs_upper()) if hi > lo else 0.0
            for term, (lo, hi) in zip(spread, box, strict=True)
        )
    lower = _below(centre) if centre.is_finite() else -math.inf
    return _Bounded(box, lower, upper, middle, weights)


def supremum(
    function: Callable[..., Any],
    box: Box,
    *,
    width: float = 1e-9,
    max_boxes: int = 20_000,
) -> Enclosure:
    """Encloses the supremum of `function` over `box`, certified.

    Args:
      function: of one `Dual` per coordinate; arithmetic and `log` only.
      box: (lower, upper) per coordinate, floats, taken exactly.
      width: largest width of the answer.
      max_boxes: how many boxes may be looked at before giving up.

    Raises:
      UndecidedError: the width was not reached with so many boxes.
    """
    with ctx.workprec(PRECISION):
        first = _bound(function, box)
        ties = itertools.count()
        heap = [(-first.upper, next(ties), first)]
        best = first
        for boxes in range(1, max_boxes + 1):
            upper, _, top = heap[0]
            if -upper - best.lower <= width:
                return Enclosure(best.lower, -upper, best.at, boxes)
            halves = top.halves()
            if not halves:
                break
            heapq.heappop(heap)
            for half in halves:
                child = _bound(function, half)
                best = max(best, child, key=lambda bounded: bounded.lower)
                heapq.heappush(heap, (-child.upper, next(ties), child))
    raise UndecidedError(
        f"the supremum lies in [{best.lower:.9g}, {-heap[0][0]:.9g}], wider than "
        f"{width:g}, after the allowed {max_boxes} boxes"
    )


def certify_nonnegative(
    function: Callable[..., Any],
    box: Box,
    *,
    tolerance: float = 1e-12,
    max_boxes: int = 20_000,
) -> Evidence:
    """Certifies `function` >= -`tolerance` on all of `box`, or names a point below.

    Raises:
      UndecidedError: neither was reached with so many boxes.
    """
    with ctx.workprec(PRECISION):
        todo, slack, at = [box], math.inf, ()
        for boxes in range(1, max_boxes + 1):
            bounded = _bound(lambda *x: -function(*x), todo.pop())
            if bounded.lower > tolerance:
                witness = {"at": bounded.at}
                return Evidence(-bounded.lower, tolerance, boxes, "interval", witness)
            if bounded.upper > tolerance:
                todo.extend(bounded.halves() or [bounded.box])
            elif -bounded.upper < slack:
                slack, at = -bounded.upper, bounded.at
            if not todo:
                witness = {"at": at}
                return Evidence(slack, tolerance, boxes, "interval", witness)
    raise UndecidedError(
        f"the sign is open on {len(todo)} boxes after the allowed {max_boxes}"
    )
