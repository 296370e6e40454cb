import math
from fractions import Fraction

import pytest
from flint import arb

from jaxseg.counts import SoftCounts, dice_index, jaccard_index
from theory.claim import UndecidedError
from theory.engines import interval
from theory.engines.dual import Dual, enclose


def tangent(function, x, step=1e-6):
    return (function(x + step) - function(x - step)) / (2 * step)


@pytest.mark.parametrize(
    ("function", "plain"),
    [
        (lambda x: 3 - 2 * x + x * x, lambda x: 3 - 2 * x + x * x),
        (lambda x: 1 / (1 + x) - x / 3, lambda x: 1 / (1 + x) - x / 3),
        (lambda x: (x + Fraction(1, 3)).log(), lambda x: math.log(x + 1 / 3)),
        (lambda x: (-x).exp(), lambda x: math.exp(-x)),
        (lambda x: abs(x - 1), lambda x: abs(x - 1)),
        (lambda x: abs(x - 0.25), lambda x: abs(x - 0.25)),
    ],
)
def test_dual_values_and_slopes(function, plain):
    value, (slope,) = enclose(function, [arb(0.75)])
    assert float(value) == pytest.approx(plain(0.75), rel=1e-12)
    assert float(slope) == pytest.approx(tangent(plain, 0.75), rel=1e-8)


def test_dual_slopes_per_coordinate():
    _, slopes = enclose(lambda x, y: x * y / (x + y), [arb(1), arb(3)])
    assert [float(slope) for slope in slopes] == pytest.approx([9 / 16, 1 / 16])


def test_open_sign_has_both_slopes():
    _, (slope,) = enclose(abs, [arb(0, 1)])
    assert slope.contains(1)
    assert slope.contains(-1)


def test_dual_zero_is_certain_zero():
    (x,) = Dual.coordinates([arb(0)])
    assert x == 0
    (x,) = Dual.coordinates([arb(0, 1)])
    assert x != 0


def test_a_constant_has_no_slope():
    value, slopes = enclose(lambda x, y: 1, [arb(0), arb(0)])
    assert value == 1
    assert all(slope == 0 for slope in slopes)


def parabola(x):
    return x * (1 - x)


@pytest.mark.parametrize("width", [1e-3, 1e-6, 1e-12])
def test_supremum_inside(width):
    found = interval.supremum(parabola, ((0.0, 1.0),), width=width)
    assert found.lower <= 0.25 <= found.upper
    assert found.upper - found.lower <= 2 * width
    assert parabola(found.at[0]) == pytest.approx(found.lower, abs=1e-15)


def test_supremum_at_a_corner_and_with_a_kink():
    corner = interval.supremum(lambda x, y: x - y + x * y, ((0.0, 2.0), (0.0, 0.5)))
    assert corner.lower <= 2 - 0.5 + 1 <= corner.upper
    kink = interval.supremum(lambda x: -abs(x - 0.3), ((0.0, 1.0),))
    assert kink.lower <= 0 <= kink.upper


def test_supremum_of_jaxsegs_indices():
    def gap(tp):
        masks = SoftCounts.of_sets(tp, 1 - tp, 0, 1)
        return dice_index(masks) - jaccard_index(masks)

    found = interval.supremum(gap, ((0.0, 1.0),), width=1e-12)
    assert found.lower <= 3 - 2 * math.sqrt(2) <= found.upper


def test_the_budget_is_kept():
    with pytest.raises(UndecidedError, match=r"wider than 1e-12, after the .* 5 boxes"):
        interval.supremum(parabola, ((0.0, 1.0),), width=1e-12, max_boxes=5)
    with pytest.raises(UndecidedError, match="sign is open on"):
        interval.certify_nonnegative(
            lambda x: (x - 0.5) * (x - 0.5) + 1e-6,
            ((0.0, 1.0),),
            tolerance=0.0,
            max_boxes=3,
        )


def test_a_pole_is_never_certified():
    with pytest.raises(UndecidedError, match="inf"):
        interval.supremum(lambda x: 1 / x, ((0.0, 1.0),), max_boxes=50)


def test_a_sign_is_certified_or_refuted():
    box = ((-1.0, 2.0),)
    held = interval.certify_nonnegative(lambda x: x * x - 2 * x + 1.001, box)
    assert held.holds
    assert 0 <= held.slack <= 0.001
    broken = interval.certify_nonnegative(lambda x: x * x - 2 * x + 0.999, box)
    assert broken.refutes
    (x,) = broken.witness["at"]
    assert x * x - 2 * x + 0.999 < 0


def test_touching_zero_needs_the_tolerance():
    touching = interval.certify_nonnegative(
        lambda x: x * x, ((-1.0, 1.0),), tolerance=1e-9
    )
    assert touching.holds
    assert -1e-9 <= touching.slack <= 0
