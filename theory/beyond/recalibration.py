"""N33: how far Dice + cross-entropy is from calibrated, and the map that undoes it."""

import numpy as np
import sympy

from theory.beyond import SOURCE
from theory.beyond.compound import minima
from theory.claim import Claim, Evidence, Verdict, worst_of
from theory.engines import examples, interval, samples, symbolic

N33 = Claim(
    id="N33",
    source=SOURCE,
    where="on Galdran 2022, Eq. (6) and Section 1, and Ma 2021, Eq. (22)",
    statement=(
        "At a minimiser p of l CE (mean over pixels) + soft Dice loss, of expected "
        "counts, the posterior is the mean of p and D/2 with the weights 1 and 2 w, w "
        "= p (1 - p) / (l (mean eta + mean p)): this map recalibrates. One uncertain "
        "region on the share f of an image that is background for sure elsewhere has p "
        "- eta between 0 and 1 / (8 l f); for l f = 1 at most 0.1002, for 1/10 at most "
        "0.3932, for 1/100 at most 0.6867."
    ),
    assumes=(
        "0 < eta < 1, the same posterior in all of the region. What to do: outputs of "
        "Dice + CE are no posteriors on small objects, whatever l is usual: at l = 1 a "
        "region of 1 percent of the image with eta = 1/2 gets p = 0.979. Recalibrate "
        "by the map, with D and the means from validation, or train l near 1 / f."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "N11: p - eta = w (2 eta - D). Solved for eta: (p + w D) / (1 + 2 w). One "
        "region: D = 2 eta p / (eta + p), so l f (p - eta) = p (1 - p) 2 eta^2 / (eta "
        "+ p)^2 >= 0; p (1 - p) <= 1/4 and, as p >= eta, the last factor is <= 1/2. "
        "The left side over p (1 - p) rises in p, the right falls: the minimum is one "
        "point, and p - eta <= s just if l f s (2 eta + s)^2 >= 2 eta^2 (eta + s) (1 - "
        "eta - s)."
    ),
    values={
        "largest_shift_at_1": 0.1002,
        "largest_shift_at_1/10": 0.3932,
        "largest_shift_at_1/100": 0.6867,
        "p_of_1/2_at_1/100": 0.978614747,
        "bound_at_1": 1 / 8,
    },
)

SHIFTS = {1.0: 0.1002, 0.1: 0.3932, 0.01: 0.6867}
"""The largest p - eta at l f, rounded up in the fourth digit."""


@N33.check("algebra")
@N33.twin("towards D", half=1)
def shift_is_undone(*, half: int = 2) -> Evidence:
    """The map undoes the shift, and a lone region's pull is 2 eta^2 / (eta + p)^2."""
    p, eta, dice, w = sympy.symbols("p eta dice w", positive=True)
    shifted = eta + w * (2 * eta - dice)  # N11
    recalibrated = (p + 2 * w * dice / half) / (1 + 2 * w)
    lone = 2 * eta * p / (eta + p)
    return symbolic.identities(
        [
            (recalibrated.subs(p, shifted), eta),
            ((2 * eta - lone) / (eta + p), 2 * eta**2 / (eta + p) ** 2),
        ]
    )


@N33.check("minima of the losses")
@N33.twin("mean with D", half=1.0)
def minima_recalibrate(*, half: float = 2.0) -> Evidence:
    """The map gives the posteriors of three groups, wherever descent ends (N11)."""
    eta, weights, p, dice = minima()
    total = (eta + p).mean(axis=1, keepdims=True)
    pull = 2 * p * (1 - p) / total / weights[:, None]
    found = (p + pull * dice[:, None] / half) / (1 + pull)
    case = {"eta": eta, "weight": weights, "p": p, "dice": dice}
    slack = -np.abs(found - eta).max(axis=1)
    return samples.worst_draw(slack, case, tolerance=1e-4, method="search")


@N33.check("largest shift")
@N33.twin("less by 2e-4", less=2e-4)
def largest_shift(*, less: float = 0.0) -> Evidence:
    """The stated shifts suffice for all posteriors, certified."""

    def suffices(weight: float, shift: float) -> Evidence:
        def room(eta):
            both = 2 * eta + shift
            pull = 2 * eta * eta * (eta + shift) * (1 - eta - shift)
            return weight * shift * both * both - pull

        return interval.certify_nonnegative(room, ((0.0, 1.0 - shift),))

    return worst_of(suffices(w, shift - less) for w, shift in SHIFTS.items())


@N33.check("half on one percent")
@N33.twin("half on one percent stays", p=0.5)
def half_on_one_percent(*, p: float = 0.978614747) -> Evidence:
    """Eta = 1/2, l f = 1/100: both sides of the equation at the stated p."""
    left, right = 0.01 * (p - 0.5), p * (1 - p) * 0.5 / (0.5 + p) ** 2
    return examples.agree({"left": left}, {"left": right}, tolerance=1e-9)
