"""Intervals that carry their slopes: forward derivatives in ball arithmetic."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Self

from flint import arb, fmpq


def ball(number: Any) -> arb:
    """A ball that contains `number`: an int, float, fraction or ball."""
    if isinstance(number, Fraction):
        return arb(fmpq(number.numerator, number.denominator))
    return number if isinstance(number, arb) else arb(number)


class Dual:
    """A ball and its partial derivatives, closed under what loss formulas use.

    jaxseg's index functions take counts made of these and return one, and thereby an
    enclosure of the value and of the gradient over a whole box.
    """

    __slots__ = ("slopes", "value")

    def __init__(self, value: arb, slopes: Sequence[arb]):
        self.value = value
        self.slopes = tuple(slopes)

    @classmethod
    def coordinates(cls, balls: Sequence[arb]) -> list[Self]:
        """The coordinates of a box, each with slope 1 in itself."""
        size = len(balls)
        return [
            cls(ball, [arb(int(i == j)) for j in range(size)])
            for i, ball in enumerate(balls)
        ]

    def _lift(self, other: Any) -> "Dual":
        if isinstance(other, Dual):
            return other
        return Dual(ball(other), [arb(0)] * len(self.slopes))

    def _chain(self, value: arb, slope: arb) -> "Dual":
        return Dual(value, [slope * own for own in self.slopes])

    def __add__(self, other: Any) -> "Dual":
        other = self._lift(other)
        slopes = [a + b for a, b in zip(self.slopes, other.slopes, strict=True)]
        return Dual(self.value + other.value, slopes)

    __radd__ = __add__

    def __neg__(self) -> "Dual":
        return self._chain(-self.value, arb(-1))

    def __sub__(self, other: Any) -> "Dual":
        return self + -self._lift(other)

    def __rsub__(self, other: Any) -> "Dual":
        return -self + other

    def __mul__(self, other: Any) -> "Dual":
        other = self._lift(other)
        slopes = [
            a * other.value + self.value * b
            for a, b in zip(self.slopes, other.slopes, strict=True)
        ]
        return Dual(self.value * other.value, slopes)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Dual":
        other = self._lift(other)
        ratio = self.value / other.value
        slopes = [
            (a - ratio * b) / other.value
            for a, b in zip(self.slopes, other.slopes, strict=True)
        ]
        return Dual(ratio, slopes)

    def __rtruediv__(self, other: Any) -> "Dual":
        return self._lift(other) / self

    def log(self) -> "Dual":
        """Natural logarithm; not finite unless the ball is positive."""
        return self._chain(self.value.log(), 1 / self.value)

    def exp(self) -> "Dual":
        """Exponential."""
        value = self.value.exp()
        return self._chain(value, value)

    def __abs__(self) -> "Dual":
        """Modulus; where the sign is open its slopes are those of both signs."""
        if self.value >= 0:
            return self
        if self.value <= 0:
            return -self
        return self._chain(abs(self.value), arb(-1).union(arb(1)))

    def __eq__(self, other: object) -> bool:
        """Whether both are the same single number, for certain."""
        return bool(self.value == ball(getattr(other, "value", other)))

    __hash__ = None  # pyright: ignore[reportAssignmentType]


def enclose(
    function: Callable[..., Any], balls: Sequence[arb]
) -> tuple[arb, tuple[arb, ...]]:
    """Value and gradient of `function` over the box of `balls`."""
    result = function(*Dual.coordinates(balls))
    if not isinstance(result, Dual):  # a constant
        return ball(result), (arb(0),) * len(balls)
    return result.value, result.slopes
