"""N31: from the posterior to the mask: what the threshold 1/2 loses in Dice."""

import itertools
import math
from fractions import Fraction

from jaxseg.counts import SoftCounts, dice_index
from theory.beyond import SOURCE
from theory.beyond.expected_overlap import expected_index, independent, scores
from theory.claim import Claim, Evidence, Verdict
from theory.engines import examples
from theory.engines.enumeration import for_all, for_each

HALF = Fraction(1, 2)
LIMIT = Fraction(2, 3)

N31 = Claim(
    id="N31",
    source=SOURCE,
    where="on Eelbode 2020, II-B, and Galdran 2022, footnote 1",
    statement=(
        "Independent pixels. The mask of largest expected Dice has at most g_d more of "
        "it than the mask of all pixels with posterior above 1/2, on images of d "
        "pixels: g_1 = 0, g_2 = 1/3, g_3 = 39/80, g_4 = 79/140, and for d <= 8 g_d = "
        "E[2 K / (d + K)] - 2^-d with K binomial (d, 1/2), reached where all "
        "posteriors are 1/2. For every d the gain is below 2/3, and comes as near to "
        "it as one likes. It is at most q / (s + 3 q / 2), if s pixels are above 1/2 "
        "and q others above 0: argmax is safe on large sure objects."
    ),
    assumes=(
        "Dice of two empty masks is 1. Posteriors at 1/2 are background; those just "
        "below gain as much in the limit. The last bound needs a best mask that holds "
        "the s pixels; if the best one has fewer, the gain is below 1/2."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "The expected Dice of a fixed mask is linear in each posterior. So the gain of "
        "one mask over another is largest, on a box of posteriors, at a corner, and "
        "the boxes on which the threshold gives one mask have the corners 0, 1/2 and "
        "1: finitely many. All d: let S be the mask of the threshold and m the best "
        "one, both of the largest posteriors (N07). If m = S and k more, X of them "
        "hit, D(m) - D(S) <= 2 X / (s + k + X), concave in X with E X <= k / 2: at "
        "most k / (s + 3 k / 2) <= 2/3, and it is strict as X is no constant. If m "
        "lacks k pixels of S, of which X are foreground, D(m) > D(S) only if 2 X < k, "
        "with chance <= 1/2 as their posteriors are above 1/2. All 1/2: K / d tends to "
        "1/2, and 2 K / (d + K) to 2/3."
    ),
    values=lambda: {
        f"largest_gain_at_{d}_pixels": float(gain_of_even_pixels(d)) for d in SIZES
    },
)

SIZES = (1, 2, 3, 4, 5, 6, 8, 100, 1000)


def gain_of_even_pixels(pixels: int) -> Fraction:
    """E[2 K / (d + K)] - 2^-d: all pixels against none, all posteriors 1/2."""
    total = sum(
        math.comb(pixels, k) * Fraction(2 * k, pixels + k) for k in range(pixels + 1)
    )
    return (total - 1) / 2**pixels


def dice_of(sure: int, even: int, all_sure: int, all_even: int) -> Fraction:
    """Expected Dice of a mask with so many of the sure and of the even pixels."""
    total = Fraction(0)
    for hit, missed in itertools.product(range(even + 1), range(all_even - even + 1)):
        weight = math.comb(even, hit) * math.comb(all_even - even, missed)
        counts = (sure + hit, even - hit, all_sure - sure + missed, 0)
        masks = SoftCounts.of_sets(*map(Fraction, counts))
        total += Fraction(weight, 2**all_even) * dice_index(masks)
    return total


def _corners(most: int = 8):
    """Pixels, of which sure, even, even and taken by the threshold."""
    for pixels in range(1, most + 1):
        for sure in range(pixels + 1):
            for even in range(pixels - sure + 1):
                for taken in range(even + 1):
                    yield pixels, sure, even, taken


@N31.check("all corners")
@N31.twin("less by 1e-6", less=Fraction(1, 10**6))
@for_each(_corners)
def no_corner_gains_more(
    pixels: int, sure: int, even: int, taken: int, *, less: Fraction = Fraction(0)
) -> Fraction:
    """Posteriors 0, 1/2 and 1, cut on either side of 1/2: all masks, exactly."""
    best = max(
        dice_of(s, e, sure, even)
        for s, e in itertools.product(range(sure + 1), range(even + 1))
    )
    return (
        gain_of_even_pixels(pixels) - less - (best - dice_of(sure, taken, sure, even))
    )


@N31.check("below 2/3, and near")
@N31.twin("below 2/3 - 1/1000", limit=LIMIT - Fraction(1, 1000))
@for_all(pixels=(1, 2, 3, 10, 30, 100, 300))
def near_two_thirds(pixels: int, *, limit: Fraction = LIMIT) -> Fraction:
    """0 < 2/3 - g_d < 1 / (5 d) for all even posteriors, d >= 10."""
    short = limit - gain_of_even_pixels(pixels)
    if pixels < 10:
        return short
    return min(short, Fraction(1, 5 * pixels) - short)


GRID = tuple(Fraction(n, 8) for n in range(9))


@N31.check("bound by doubtful pixels")
@N31.twin("without the 3/2", weight=Fraction(5, 2))
@for_each(lambda: itertools.combinations_with_replacement(GRID, 3))
def few_doubtful_pixels(
    first: Fraction,
    second: Fraction,
    third: Fraction,
    *,
    weight: Fraction = Fraction(3, 2),
) -> Fraction:
    """Three pixels, eta in eighths: gain <= q / (s + 3 q / 2), or m holds less."""
    eta = (first, second, third)
    cut = tuple(int(e > HALF) for e in eta)
    found = scores(independent(eta), dice_index)
    gains = {mask: score - found[cut] for mask, score in found.items()}
    fewer = [
        g for m, g in gains.items() if any(a < b for a, b in zip(m, cut, strict=True))
    ]
    more = [
        g for m, g in gains.items() if all(a >= b for a, b in zip(m, cut, strict=True))
    ]
    doubtful = sum(0 < e <= HALF for e in eta)
    bound = doubtful / (sum(cut) + weight * doubtful) if doubtful else Fraction(0)
    return min([bound - g for g in more] + [HALF - g for g in fewer])


@N31.check("two pixels by hand")
@N31.twin("1/2 more", gain=HALF)
def two_by_hand(*, gain: Fraction = Fraction(1, 3)) -> Evidence:
    """Both 1/2: both pixels have (0 + 2/3 + 2/3 + 1) / 4 = 7/12, none 1/4."""
    law = independent((HALF, HALF))
    both, none = (expected_index((z, z), law, dice_index) for z in (1, 0))
    found = {"both": both, "none": none, "gain": both - none}
    hand = {"both": Fraction(7, 12), "none": Fraction(1, 4), "gain": gain}
    return examples.agree(found, hand)
