"""M22, M23, M24, M28: from the distance of boundaries to the boundary loss."""

import functools
import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import sympy

from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration, examples, grids, symbolic
from theory.engines.enumeration import for_each
from theory.engines.grids import Mask, Pixel
from theory.ma import SOURCE, library_maps

Soft = Sequence[Fraction]
HARD = (Fraction(0), Fraction(1))
SOFT = (Fraction(0), Fraction(1, 3), Fraction(1))

# M22

M22 = Claim(
    id="M22",
    source=SOURCE,
    where="Section 2.3.1, Eq. (19), first step",
    statement=(
        "The integral of |q_dS(p) - p|^2 over the boundary of G is approximately twice "
        "the integral of D_G over the mismatch region Delta M."
    ),
    assumes=(
        "No error term is printed. q_dS(p) is the point of the boundary of S that "
        "belongs to p: the nearest, or, as in the cited work, the one along the normal."
    ),
    verdict=Verdict.DEPENDS,
    readings={
        "S is G moved by h(p) along the normals, |h| below the reach of G": (
            "Holds to third order: the region's side is the integral of h^2 + (2/3) K "
            "h^3 + (1/2) h^4 k1 k2, K the sum of the curvatures; the relative error is "
            "at most (2/3) |K h| + O(h^2), and 0 for straight boundaries."
        ),
        "any S, such as the output of a network": (
            "Fails, without bound: a false component away from G adds to the region's "
            "side twice its area times its distance and nothing to the boundary's; a G "
            "that is missed beyond its middle counts too little."
        ),
    },
    counterexample=(
        "On a line G = [0, 1] and S = G with [10, 11]: the boundary of G lies on that "
        "of S, so the left side is 0; the right side is 2 (9 + 10) / 2 = 19."
    ),
    proof=(
        "Along a normal D_G is t, and the area element grows by (1 + k1 t) (1 + k2 t); "
        "twice the integral of t times that from 0 to h is as said. Beyond the reach "
        "D_G is less than t."
    ),
    values={
        "ratio_of_disc_grown_by_a_tenth": 1 + 2 / 30,
        "ratio_of_disc_shrunk_by_a_tenth": 1 - 2 / 30,
        "ratio_of_ball_grown_by_a_tenth": 1 + 4 / 30 + 1 / 200,
        "far_component_region_side": 19.0,
        "far_component_boundary_side": 0.0,
    },
)


CURVATURES = {1: 0, 2: 1, 3: 2}  # of a unit sphere, by dimension: sum of the principal


@M22.check("spheres")
@M22.twin("without curvature", bend=0)
def thick_sphere(*, bend: int = 1) -> Evidence:
    """Ball of radius r grown by h: twice the integral of D is that of h^2, plus h^3.

    Per area of the boundary h^2 + (2/3) K h^3 + (1/2) G h^4, K and G the sum and the
    product of the principal curvatures. In one dimension it is exact.
    """
    r, h, t = sympy.symbols("r h t", positive=True)
    pairs = []
    for dimension, total in CURVATURES.items():
        stretch = (1 + t / r) ** (dimension - 1)
        region = 2 * sympy.integrate(sympy.expand(t * stretch), (t, 0, h))
        gauss = 1 / r**2 if dimension == 3 else 0
        third = bend * sympy.Rational(2, 3) * total / r * h**3
        pairs.append((region, h**2 + third + sympy.Rational(1, 2) * gauss * h**4))
    return symbolic.identities(pairs)


def integral_inside(low: Fraction, high: Fraction) -> Fraction:
    """Integral of D_G over [low, high] within G = [0, 1], D_G = min(x, 1 - x)."""

    def primitive(x: Fraction) -> Fraction:
        half = Fraction(1, 2)
        return x * x / 2 if x <= half else Fraction(1, 4) - (1 - x) ** 2 / 2

    return primitive(high) - primitive(low)


@M22.check("on a line")
@M22.twin("beyond the middle", deepest=Fraction(1))
def equality_on_a_line(*, deepest: Fraction = Fraction(1, 2)) -> Evidence:
    """G = [0, 1], S = [0, 1 + h]: both sides are h^2 for h >= -1/2, exactly."""

    def slack(shift: Fraction) -> Fraction:
        moved = shift**2  # from 1 to 1 + h; 0 stays
        if shift >= 0:
            region = shift**2 / 2
        else:
            region = integral_inside(1 + shift, Fraction(1))
        return -abs(moved - 2 * region)

    shifts = [Fraction(i, 24) for i in range(-24, 49) if Fraction(i, 24) >= -deepest]
    return enumeration.worst_case(shifts, slack, describe=lambda h: {"h": h})


@M22.check("far component")
@M22.twin("sides equal", boundary=Fraction(19))
def far_component(*, boundary: Fraction = Fraction(0)) -> Evidence:
    """G = [0, 1], S = [0, 1] and [10, 11]: the sides of the first step of (19).

    Each point of the boundary of G is on that of S: 0. Region: the integral of x - 1
    from 10 to 11, twice.
    """
    ends_of_g = [Fraction(0), Fraction(1)]
    ends_of_s = [*ends_of_g, Fraction(10), Fraction(11)]
    moved = sum(min((p - q) ** 2 for q in ends_of_s) for p in ends_of_g)
    region = 2 * ((Fraction(11) - 1) ** 2 - (Fraction(10) - 1) ** 2) / 2
    found = {"boundary": moved, "region": region}
    return examples.agree(found, {"boundary": boundary, "region": Fraction(19)})


M22.check("library")(library_maps.grown_on_pixels)
M22.twin("no grain", grain=Fraction(0))(library_maps.grown_on_pixels)

# M23, M24, M28

M23 = Claim(
    id="M23",
    source=SOURCE,
    where="Section 2.3.1, Eq. (19), second step",
    statement=(
        "The integral of D_G over Delta M is that of phi_G s minus that of phi_G g, "
        "with phi_G = -D_G in G and D_G elsewhere."
    ),
    assumes=(
        "g binary, G neither empty nor everything, so that there is a boundary. s may "
        "be soft, with |s - g| as its mismatch. The printed integral over Delta S is "
        "one over Delta M; q in G of the definition is p in G."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "phi (s - g) is D s >= 0 outside of G and D (1 - s) >= 0 inside: D |s - g|. "
        "Nothing is asked of D but its sign; with the sign exchanged it fails."
    ),
    values={"one_pixel_of_line_at_distance_3": 3.0},
)


def level_set(mask: Mask, grid: list[Pixel], *, inner: int = 0) -> list[Fraction]:
    """phi_G in the order of `grid`: D_G outside, minus (D_G - `inner`) inside."""
    distances = grids.boundary_distances(mask, grid)
    return [inner - distances[p] if p in mask else distances[p] for p in grid]


def _cases_of_shape(shape: tuple[int, ...], levels: Sequence[Fraction]):
    """Each G with a boundary, its phi-independent parts, and each s on those levels."""
    grid = grids.pixels(*shape)
    for mask in grids.masks(*shape):
        if 0 < len(mask) < len(grid):
            truth = [Fraction(p in mask) for p in grid]
            for soft in itertools.product(levels, repeat=len(grid)):
                yield grid, mask, truth, soft


def _cases():
    yield from _cases_of_shape((2, 3), HARD)
    yield from _cases_of_shape((4,), SOFT)


def _named(case: tuple) -> dict[str, Any]:
    grid, mask, _, soft = case
    return {**grids.sketch_witness(grid, truth=mask), "prediction": list(soft)}


def _dot(first: Sequence[Fraction], second: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(first, second, strict=True)), Fraction(0))


@functools.cache
def _phi(mask: Mask, grid: tuple[Pixel, ...], inner: int) -> tuple[Fraction, ...]:
    return tuple(level_set(mask, list(grid), inner=inner))


def mismatch_integral(case: tuple) -> Fraction:
    """Sum of D_G over the mismatch, |s - g| of each pixel."""
    grid, mask, truth, soft = case
    sizes = [abs(x) for x in _phi(mask, tuple(grid), 0)]
    return _dot(sizes, [abs(a - b) for a, b in zip(soft, truth, strict=True)])


@M23.check("exact")
@M23.twin("phi positive inside", flip=-1)
def integral_is_a_difference(*, flip: int = 1) -> Evidence:
    """Sum of D_G over the mismatch = sum phi s - sum phi g, all G, hard and soft s."""

    def slack(case: tuple) -> Fraction:
        grid, mask, truth, soft = case
        phi = [flip * x for x in _phi(mask, tuple(grid), 0)]
        return -abs(mismatch_integral(case) - (_dot(phi, soft) - _dot(phi, truth)))

    return enumeration.worst_case(_cases(), slack, describe=_named)


M23.check("library")(library_maps.signed_maps)
M23.twin("0 at inner boundary", shift=1.0)(library_maps.signed_maps)

M24 = Claim(
    id="M24",
    source=SOURCE,
    where="Section 2.3.1, Eq. (20)",
    statement=(
        "L_BD = sum phi_G s: the last term of (19) is omitted as it is independent of "
        "the network."
    ),
    assumes=(
        "G neither empty nor everything; s in [0, 1]. The factor 2 goes, too, which "
        "the text does not say."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "(19) is 2 (sum phi s - sum phi g): minimisers and, up to the factor 2, slopes "
        "agree. phi < 0 inside and > 0 outside, so the sum, linear in s, is smallest "
        "at s = g alone, with the value -sum of D_G over G, not 0. With an "
        "implementation whose D is 0 at the inner boundary pixels those are free. An "
        "empty G has no phi: an implementation must choose (phi = 0 makes the loss 0)."
    ),
    values={
        "least_value_at_three_of_five_on_a_line": -4.0,
        "slope_at_a_false_pixel_at_distance_3": 3.0,
    },
)


@M24.check("smallest at the truth")
@M24.twin("0 at inner boundary", inner=1)
@for_each(_cases)
def smallest_at_truth(grid, mask, truth, soft, *, inner: int = 0) -> Fraction:
    """Sum phi s is smallest at s = g and nowhere else; `inner` moves phi inside."""
    phi = _phi(mask, tuple(grid), inner)
    excess = _dot(phi, soft) - _dot(phi, truth)
    right = all(a == b for a, b in zip(soft, truth, strict=True))
    return -abs(excess) if right else excess - Fraction(1, 10**6)


@M24.check("half of (19)")
@M24.twin("all of (19)", factor=1)
def half_of_the_distance(*, factor: int = 2) -> Evidence:
    """Factor 2 and a constant of G link the loss to (19): differences over two s."""

    def slack(case: tuple) -> Fraction:
        grid, mask, truth, soft = case
        phi = _phi(mask, tuple(grid), 0)
        empty = (grid, mask, truth, [Fraction(0)] * len(grid))
        printed = 2 * (mismatch_integral(case) - mismatch_integral(empty))
        return -abs(printed - factor * _dot(phi, soft))

    return enumeration.worst_case(_cases(), slack, describe=_named)


M24.check("library")(library_maps.slopes_are_the_map)
M24.twin("twice the slope", factor=2.0)(library_maps.slopes_are_the_map)

M28 = Claim(
    id="M28",
    source=SOURCE,
    where="Section 2.6, second item",
    statement="L_BD is approximately the integral of D_G over Delta M.",
    assumes="L_BD of (20); G neither empty nor everything.",
    verdict=Verdict.CORRECTED,
    correction=(
        "L_BD is exactly the integral of D_G over Delta M minus that of D_G over G. "
        "Both sides have the same slopes and minimisers, but no approximation holds "
        "between their values: at S = G one is 0, the other minus the integral over G."
    ),
    counterexample=(
        "On a line of five pixels G the middle three, S = G: Delta M is empty, and "
        "L_BD = -(1 + 2 + 1) = -4."
    ),
    proof="M23, without its factor 2.",
    values={"loss_at_truth_three_of_five": -4.0, "mismatch_at_truth": 0.0},
)


@M28.check("exact")
@M28.twin("without the constant", constant=lambda _: Fraction(0))
def loss_and_constant(
    *, constant: Callable[[Fraction], Fraction] = lambda c: c
) -> Evidence:
    """L_BD = sum of D over the mismatch - sum of D over G."""

    def slack(case: tuple) -> Fraction:
        grid, mask, truth, soft = case
        phi = _phi(mask, tuple(grid), 0)
        over_object = -_dot(phi, truth)
        right = mismatch_integral(case) - constant(over_object)
        return -abs(_dot(phi, soft) - right)

    return enumeration.worst_case(_cases(), slack, describe=_named)


M28.check("library")(library_maps.loss_is_mismatch)
M28.twin("library, without the constant", constant=lambda _: Fraction(0))(
    library_maps.loss_is_mismatch
)
