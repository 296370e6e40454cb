"""N02: which Tversky losses are submodular in the mispredicted set."""

from collections.abc import Callable
from fractions import Fraction

from jaxseg import counts
from jaxseg.counts import SoftCounts
from theory.beyond import SOURCE
from theory.claim import Claim, Evidence, Verdict
from theory.eelbode.submodularity import loss_of_mistakes
from theory.engines import enumeration
from theory.engines.enumeration import for_each
from theory.engines.submodular import diamonds

N02 = Claim(
    id="N02",
    source=SOURCE,
    where="extends Eelbode 2020, II-A",
    statement=(
        "1 - T_ab is submodular in the mispredicted set if and only if beta >= 1 or "
        "|y| <= 1, for any alpha > 0: Jaccard is the borderline, Dice and F scores "
        "never."
    ),
    assumes=(
        "alpha, beta > 0; y fixed; T = 1 for two empty masks. Never means for no y of "
        "two pixels or more."
    ),
    verdict=Verdict.HOLDS,
    proof=(
        "With a pixels of y and b others wrong and n = |y|, f = (alpha b + beta a) / "
        "(n + alpha b + (beta - 1) a). In a it is a Moebius function, concave if and "
        "only if beta >= 1: two missed pixels have excess 2 beta (beta - 1) / ((n + "
        "beta - 1) (n + 2 beta - 2)), so beta < 1 fails with n >= 2. In b it is "
        "concave always. For beta >= 1 the mixed derivative has the sign of n (1 - 2 "
        "beta) - alpha b + (beta - 1) a <= -beta n - alpha b < 0, as a <= n. For n = 1 "
        "a missed pixel adds 1 / (1 + alpha b), which falls with b; for n = 0, f = 1 "
        "on non-empty sets. F_b has beta = b^2 / (1 + b^2) < 1."
    ),
    values={
        "excess_of_dice_at_y_2": 2 / 3 - 1,
        "excess_of_jaccard_at_y_2": 0.0,
        "excess_of_beta_2_at_y_2": 2 * 2 * 1 / (3 * 4),
    },
)

Case = tuple[Fraction, Fraction, int]  # alpha, beta, |y|

ALPHAS = tuple(map(Fraction, ("1/100", "1/2", "1", "2", "30")))
BETAS = tuple(map(Fraction, ("1/100", "1/2", "999999/1000000", "1", "3/2", "30")))
SIZES = range(6)
OTHERS = 4


def tversky(alpha: Fraction, beta: Fraction) -> Callable[[SoftCounts], Fraction]:
    """T_ab, exact."""
    return lambda masks: Fraction(counts.tversky_index(masks, alpha=alpha, beta=beta))


def stated_condition(alpha: Fraction, beta: Fraction, actual: int) -> bool:
    """Beta >= 1 or |y| <= 1."""
    del alpha
    return beta >= 1 or actual <= 1


def strictly_more(alpha: Fraction, beta: Fraction, actual: int) -> bool:
    """False: the borderline left out."""
    del alpha
    return beta > 1 or actual <= 1


def any_beta_for_two(alpha: Fraction, beta: Fraction, actual: int) -> bool:
    """False: two true pixels let in."""
    del alpha
    return beta >= 1 or actual <= 2


def exchanged_condition(alpha: Fraction, beta: Fraction, actual: int) -> bool:
    """False: the weights exchanged."""
    del beta
    return alpha >= 1 or actual <= 1


@N02.check("exactly when")
@N02.twin("beta > 1", condition=strictly_more)
@N02.twin("|y| <= 2", condition=any_beta_for_two)
@N02.twin("alpha >= 1", condition=exchanged_condition)
def exactly_when(*, condition: Callable[..., bool] = stated_condition) -> Evidence:
    """The least excess is >= 0 if and only if the condition holds."""

    def slack(case: Case) -> Fraction:
        alpha, beta, actual = case
        loss = loss_of_mistakes(tversky(alpha, beta), actual)
        least = min(d.excess for d in diamonds(loss, actual, OTHERS))
        return least if condition(*case) else -least - Fraction(1, 10**12)

    cases = [(a, b, k) for a in ALPHAS for b in BETAS for k in SIZES]
    names = ("alpha", "beta", "actual")
    return enumeration.worst_case(
        cases, slack, describe=lambda case: dict(zip(names, case, strict=True))
    )


@N02.check("two missed pixels")
@N02.twin("excess without its 2", factor=1)
@for_each(lambda: [(a, b, k) for a in ALPHAS for b in BETAS for k in range(2, 9)])
def two_missed(alpha, beta, n, *, factor: int = 2) -> Fraction:
    """2 f(1) - f(0) - f(2) = 2 beta m / ((n + m) (n + 2 m)), m = beta - 1.

    With f = beta a / (n + m a), the loss where a of n true pixels are missed.
    """
    loss = loss_of_mistakes(tversky(alpha, beta), n)
    excess = 2 * loss(1, 0) - loss(0, 0) - loss(2, 0)
    more = beta - 1
    return -abs(excess - factor * beta * more / ((n + more) * (n + 2 * more)))
