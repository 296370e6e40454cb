"""E41: which weights of the Tversky index are best for Dice."""

import functools
import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from jaxseg import counts
from jaxseg.counts import SoftCounts
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode import SOURCE
from theory.engines import enumeration, examples
from theory.engines.enumeration import over_masks

E41 = Claim(
    id="E41",
    source=SOURCE,
    where="II-B, after Prop. II.3; IV-D",
    statement=(
        "Optimal performance on the Dice measure is achieved at alpha = beta = 1/2, "
        "discounting small samples and the bias of differentiable surrogates."
    ),
    assumes=(
        "The Tversky index itself is maximised, in expectation, with no restriction on "
        "the masks. Expected counts stand for a large pool of pixels."
    ),
    verdict=Verdict.DEPENDS,
    readings={
        "alpha = beta = 1/2 reaches the best Dice": "Holds: T is D there.",
        "and no other weights do, for pooled counts": (
            "Fails: T_aa = D / (D + 2 a (1 - D)) increases with D for every a > 0, so "
            "all alpha = beta have the same optimum. It is alpha = beta, not 1/2, that "
            "matters; with alpha != beta the optimum has less Dice for some images."
        ),
        "and no other weights do, for the mean Dice of single images": (
            "Holds: every other pair of weights, alpha = beta = 1 among them, prefers "
            "a mask of less mean Dice for some uncertain image of two pixels."
        ),
    },
    counterexample=(
        "Pooled: Jaccard, alpha = beta = 1, has the optimum of Dice for every image. "
        "Mean of images: two pixels, just one true, the first with 3/5. Dice takes "
        "both (2/3 to 3/5), Jaccard the first alone (3/5 to 1/2)."
    ),
    proof=(
        "T_aa = TP / (TP + a (FP + FN)) and (FP + FN) / TP = 2 (1 - D) / D. For alpha "
        "!= beta the optimum has another threshold, alpha T / (1 - (1 - alpha - beta) "
        "T) in the place of D / 2 (N05). For means of images T_aa is convex in D for a "
        "> 1/2 and concave for a < 1/2, so spread counts otherwise (N08, N17). Of two "
        "rivals, the first with q, both together have the mean T 1 / (1 + alpha), the "
        "first q: the choice turns at q = 1 / (1 + alpha), for Dice at 2/3. A sure "
        "pixel and one at q: adding it costs (1 - q) alpha / (1 + alpha), leaving it q "
        "beta / (1 + beta): Dice turns at 1/2, as T at alpha = 1/2 does for beta = 1/2 "
        "alone."
    ),
    values={
        "dice_lost_at_1/10_9/10": float(Fraction(6, 7) - Fraction(4, 5)),
        "mean_dice_lost_at_1_1": float(Fraction(2, 3) - Fraction(3, 5)),
    },
)

Mask = tuple[int, ...]
Weights = tuple[Fraction, Fraction]
HALF, TENTH = Fraction(1, 2), Fraction(1, 10)
CERTAINTIES = tuple(map(Fraction, ("1/6", "1/3", "1/2", "4/5", "1")))


def expected_counts(posterior: Sequence[Fraction], mask: Mask) -> SoftCounts:
    """Counts of a mask, in the mean over the truths that `posterior` allows."""
    tp = sum((e for e, m in zip(posterior, mask, strict=True) if m), Fraction(0))
    actual = sum(posterior, Fraction(0))
    fp = sum(mask) - tp
    return SoftCounts.of_sets(tp, fp, actual - tp, Fraction(len(mask)))


def _tversky(masks: SoftCounts, weights: Weights) -> Fraction:
    alpha, beta = weights
    return Fraction(counts.tversky_index(masks, alpha=alpha, beta=beta))


def _best(masks: Sequence[Mask], score: Callable[[Mask], Fraction]) -> set[Mask]:
    scores = {mask: score(mask) for mask in masks}
    top = max(scores.values())
    return {mask for mask, value in scores.items() if value == top}


@E41.check("equal weights, pooled")
@E41.twin("1/10 and 9/10", weights=((TENTH, 1 - TENTH),))
def best_of_pooled(
    *, weights: tuple[Weights, ...] = ((HALF, HALF), (Fraction(1), Fraction(1)))
) -> Evidence:
    """The masks of best expected counts under each of `weights` are best in Dice.

    All posteriors of four pixels on a grid, all masks.
    """
    masks = list(itertools.product((0, 1), repeat=4))

    def slack(posterior: tuple[Fraction, ...]) -> Fraction:
        def dice(mask: Mask) -> Fraction:
            return Fraction(counts.dice_index(expected_counts(posterior, mask)))

        best = max(map(dice, masks))
        losses = []
        for pair in weights:

            def score(mask: Mask, pair: Weights = pair) -> Fraction:
                return _tversky(expected_counts(posterior, mask), pair)

            losses += [best - dice(mask) for mask in _best(masks, score)]
        return -max(losses)

    cases = itertools.combinations_with_replacement(CERTAINTIES, 4)
    return enumeration.worst_case(cases, slack, describe=lambda e: {"posterior": e})


@E41.check("increasing in Dice")
@E41.twin("unequal by 1e-6", other=Fraction(1, 10**6))
@over_masks(pixels=12)
def increasing_in_dice(masks: SoftCounts, *, other: Fraction = Fraction(0)) -> Fraction:
    """T_aa = D / (D + 2 a (1 - D)), so every a ranks masks as Dice does.

    `other` is added to the weight of the false positives.
    """
    dice = Fraction(counts.dice_index(masks))
    gaps = []
    for a in (TENTH, HALF, Fraction(1), Fraction(3)):
        expected = dice / (dice + 2 * a * (1 - dice))
        gaps.append(abs(_tversky(masks, (a + other, a)) - expected))
    return -max(gaps)


def _expected(mask: Mask, truths: dict[Mask, Fraction], index: Any) -> Fraction:
    total = Fraction(0)
    for truth, chance in truths.items():
        pairs = list(zip(mask, truth, strict=True))
        sizes = (pairs.count((1, 1)), pairs.count((1, 0)), pairs.count((0, 1)))
        total += chance * Fraction(index(enumeration.exact_counts(*sizes, len(mask))))
    return total


OTHERS = tuple(
    (Fraction(a), Fraction(b))
    for a, b in itertools.product(
        ("1/100", "3/10", "1/2", "51/100", "1", "9"), repeat=2
    )
    if (a, b) != ("1/2", "1/2")
)


def turning_image(weights: Weights) -> dict[Mask, Fraction]:
    """Two pixels' truths and their chances, where Dice and T choose differently.

    Rivals, or with alpha = 1/2 a sure pixel and a doubtful one; the chance is between
    the two at which the choices turn.
    """
    alpha, beta = weights
    if alpha != HALF:
        chance = (1 / (1 + alpha) + Fraction(2, 3)) / 2
        return {(1, 0): chance, (0, 1): 1 - chance}
    turn = (alpha / (1 + alpha)) / (alpha / (1 + alpha) + beta / (1 + beta))
    chance = (turn + HALF) / 2
    return {(1, 1): chance, (1, 0): 1 - chance}


@E41.check("other weights miss")
@E41.twin("Dice's own weights miss", weights=((HALF, HALF),))
def others_miss(*, weights: tuple[Weights, ...] = OTHERS) -> Evidence:
    """Each of `weights` prefers a mask of less mean Dice for its `turning_image`."""
    masks: list[Mask] = list(itertools.product((0, 1), repeat=2))

    def slack(pair: Weights) -> Fraction:
        truths = turning_image(pair)
        alpha, beta = pair
        tversky = functools.partial(counts.tversky_index, alpha=alpha, beta=beta)
        chosen = _best(masks, lambda mask: _expected(mask, truths, tversky))
        dice = {mask: _expected(mask, truths, counts.dice_index) for mask in masks}
        lost = max(dice.values()) - max(dice[mask] for mask in chosen)
        return lost - Fraction(1, 10**6)

    return enumeration.worst_case(
        weights, slack, describe=lambda w: {"alpha": w[0], "beta": w[1]}
    )


@E41.check("by hand")
@E41.twin("equal weights, by hand", unequal=(HALF, HALF))
def rivals_by_hand(*, unequal: Weights = (TENTH, 1 - TENTH)) -> Evidence:
    """A sure pixel and one at 1/3, weights 1/10, 9/10; and two rival pixels.

    Expected counts: the first alone has TP = 1, FN = 1/3 and D = 6/7; both have TP =
    4/3, FP = 2/3 and D = 4/5, yet the Tversky index prefers them, 20/21 to 10/13.
    Rivals, just one of them true, the first with 3/5: both pixels have the expected
    Dice 2/3, the first alone 3/5, which is the choice of the expected Jaccard index.
    """
    posterior = (Fraction(1), Fraction(1, 3))
    first, both = (expected_counts(posterior, mask) for mask in ((1, 0), (1, 1)))
    rivals = {(1, 0): Fraction(3, 5), (0, 1): Fraction(2, 5)}
    found = {
        "Dice of the first": Fraction(counts.dice_index(first)),
        "Dice of both": Fraction(counts.dice_index(both)),
        "Tversky of the first": _tversky(first, unequal),
        "Tversky of both": _tversky(both, unequal),
        "expected Dice of both rivals": _expected((1, 1), rivals, counts.dice_index),
        "expected Jaccard of both": _expected((1, 1), rivals, counts.jaccard_index),
        "expected Dice of one": _expected((1, 0), rivals, counts.dice_index),
        "expected Jaccard of one": _expected((1, 0), rivals, counts.jaccard_index),
    }
    hand = {
        "Dice of the first": Fraction(6, 7),
        "Dice of both": Fraction(4, 5),
        "Tversky of the first": Fraction(10, 13),
        "Tversky of both": Fraction(20, 21),
        "expected Dice of both rivals": Fraction(2, 3),
        "expected Jaccard of both": Fraction(1, 2),
        "expected Dice of one": Fraction(3, 5),
        "expected Jaccard of one": Fraction(3, 5),
    }
    return examples.agree(found, hand)
