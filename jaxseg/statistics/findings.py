"""Whether a paper's finding is found again."""

import enum
import math


class Outcome(enum.StrEnum):
    """What a study says about a finding."""

    REPLICATED = "replicated"
    NOT_REPLICATED = "not replicated"
    UNDECIDED = "undecided"


def _check(low: float, high: float, smallest: float) -> None:
    if not (smallest > 0 and math.isfinite(smallest)):
        raise ValueError(f"smallest effect of interest {smallest}, wanted > 0")
    if math.isnan(low) or math.isnan(high) or low > high:
        raise ValueError(f"interval from {low} to {high}")


def judge_difference(
    effect: float, low: float, high: float, *, smallest: float
) -> Outcome:
    """Outcome of a finding that something is larger than something else.

    * replicated: the interval lies above 0 and the effect is at least `smallest`;
    * not replicated: the interval lies below `smallest`, so that no effect worth the
      name is compatible with the scores (a real but tiny effect ends here, too);
    * undecided: otherwise, or the effect is nan (nothing was measured).

    Example:
      >>> judge_difference(0.03, 0.01, 0.05, smallest=0.02).value
      'replicated'
      >>> judge_difference(0.03, -0.01, 0.07, smallest=0.02).value
      'undecided'

    Args:
      effect: what was measured, positive in the paper's direction.
      low: lower end of its confidence interval, may be -inf.
      high: upper end, may be inf.
      smallest: smallest effect of interest, > 0, in the same unit, chosen before the
        scores are seen.

    Raises:
      ValueError: `smallest` is not positive, or the interval is none.
    """
    _check(low, high, smallest)
    if math.isnan(effect):
        return Outcome.UNDECIDED
    if high < smallest:
        return Outcome.NOT_REPLICATED
    if low > 0 and effect >= smallest:
        return Outcome.REPLICATED
    return Outcome.UNDECIDED


def judge_equivalence(
    effect: float, low: float, high: float, *, smallest: float
) -> Outcome:
    """Outcome of a finding that two things do not differ.

    * replicated: the interval lies within ``(-smallest, smallest)``;
    * not replicated: the interval leaves out 0 and the effect, either way, is at least
      `smallest`;
    * undecided: otherwise. So a mere lack of significance replicates nothing.

    Example:
      >>> judge_equivalence(0.0, -0.01, 0.01, smallest=0.02).value
      'replicated'
      >>> judge_equivalence(0.0, -0.05, 0.05, smallest=0.02).value
      'undecided'

    Args:
      effect: what was measured, of either sign.
      low: lower end of its confidence interval.
      high: upper end.
      smallest: smallest effect of interest, > 0.

    Raises:
      ValueError: `smallest` is not positive, or the interval is none.
    """
    _check(low, high, smallest)
    if math.isnan(effect):
        return Outcome.UNDECIDED
    if -smallest < low and high < smallest:
        return Outcome.REPLICATED
    if (low > 0 or high < 0) and abs(effect) >= smallest:
        return Outcome.NOT_REPLICATED
    return Outcome.UNDECIDED


def judge_no_worse(
    effect: float, low: float, high: float, *, smallest: float
) -> Outcome:
    """Outcome of a finding that something is not smaller than something else.

    * replicated: the interval lies above ``-smallest``;
    * not replicated: the interval lies below 0 and the effect is at most ``-smallest``;
    * undecided: otherwise.

    Example:
      >>> judge_no_worse(0.01, -0.01, 0.03, smallest=0.02).value
      'replicated'
      >>> judge_no_worse(-0.04, -0.06, -0.02, smallest=0.02).value
      'not replicated'

    Args:
      effect: what was measured, positive in the paper's direction.
      low: lower end of its confidence interval.
      high: upper end.
      smallest: smallest effect of interest, > 0.

    Raises:
      ValueError: `smallest` is not positive, or the interval is none.
    """
    _check(low, high, smallest)
    if math.isnan(effect):
        return Outcome.UNDECIDED
    if low > -smallest:
        return Outcome.REPLICATED
    if high < 0 and effect <= -smallest:
        return Outcome.NOT_REPLICATED
    return Outcome.UNDECIDED
