"""Exhaustive search in exact rational arithmetic.

`over_masks`, `for_all` and `for_each` make a check of a function that tells the slack
of one case: they count the cases, and the witness is that function's own arguments.
"""

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeVar

from jaxseg.counts import SoftCounts
from theory.claim import Evidence

Case = TypeVar("Case")
Slack = Callable[..., Fraction | Evidence]
"""Slack of one case, exact; or, where a case is itself a search, its evidence."""
Checker = Callable[..., Evidence]


def confusion_counts(pixels: int) -> Iterator[tuple[int, int, int]]:
    """All (tp, fp, fn) with tp + fp + fn <= `pixels`, true negatives fill the rest.

    Up to the order of pixels these are all pairs of hard masks of that many pixels, and
    for an index that ignores true negatives all pairs on fewer pixels too.
    """
    for tp in range(pixels + 1):
        for fp in range(pixels + 1 - tp):
            for fn in range(pixels + 1 - tp - fp):
                yield tp, fp, fn


def simplex_grid(classes: int, parts: int) -> Iterator[tuple[Fraction, ...]]:
    """All points of the simplex with coordinates in multiples of 1 / `parts`."""

    def compose(slots: int, total: int) -> Iterator[tuple[int, ...]]:
        if slots == 1:
            yield (total,)
            return
        for first in range(total + 1):
            for rest in compose(slots - 1, total - first):
                yield (first, *rest)

    for counts in compose(classes, parts):
        yield tuple(Fraction(count, parts) for count in counts)


def worst_case(
    cases: Iterable[Case],
    slack: Callable[[Case], Fraction | Evidence],
    *,
    describe: Callable[[Case], Mapping[str, Any]],
) -> Evidence:
    """The first case of least slack, exactly.

    Args:
      cases: finitely many, at least one.
      slack: exact; negative where the statement is violated. Where a case is itself a
        search, its evidence: the cases of all are counted.
      describe: the witness that a case makes.
    """
    number, worst, at = 0, None, None
    for case in cases:
        value = slack(case)
        if isinstance(value, Evidence):
            number += value.cases
            value = Fraction(value.slack)
        else:
            number += 1
        if worst is None or value < worst:
            worst, at = value, case
    if worst is None or at is None:
        raise ValueError("worst_case needs at least one case")
    return Evidence(Fraction(worst), 0.0, number, "enumeration", describe(at))


def exact_counts(tp: int, fp: int, fn: int, pixels: int) -> SoftCounts:
    """Counts of hard masks as fractions, so that every index of them is exact."""
    return SoftCounts.of_sets(*map(Fraction, (tp, fp, fn, pixels)))


def over_counts(
    slack: Callable[[SoftCounts], Fraction | Evidence],
    *,
    pixels: int,
    only: Callable[[SoftCounts], bool] | None = None,
    triples: Iterable[tuple[int, int, int]] | None = None,
) -> Evidence:
    """Least slack over all pairs of hard masks of `pixels` pixels, exactly.

    Args:
      slack: of counts made of fractions; negative where the statement is violated.
      pixels: complete up to this size.
      only: hypotheses; counts that fail them are not cases. None asks nothing.
      triples: (tp, fp, fn) to try instead of all of them.
    """
    triples = confusion_counts(pixels) if triples is None else triples
    cases = (exact_counts(*triple, pixels) for triple in triples)
    kept = cases if only is None else filter(only, cases)
    return worst_case(kept, slack, describe=_describe)


def over_masks(
    *,
    pixels: int,
    only: Callable[[SoftCounts], bool] | None = None,
    triples: Iterable[tuple[int, int, int]] | None = None,
) -> Callable[[Slack], Checker]:
    """Makes a check of a slack ``(masks, **options)``: see `over_counts`."""

    def checker(slack: Slack) -> Checker:
        @functools.wraps(slack)
        def check(**options: Any) -> Evidence:
            at = functools.partial(slack, **options)
            return over_counts(at, pixels=pixels, only=only, triples=triples)

        return check

    return checker


def for_all(**axes: Iterable[Any]) -> Callable[[Slack], Checker]:
    """Makes a check of a slack: all combinations of the values of its arguments.

    Args:
      **axes: to each argument its values, which can be gone through more than once.

    Raises:
      TypeError: an axis is an iterator, which a second run would find empty.
    """
    spent = [name for name, values in axes.items() if iter(values) is values]
    if spent:
        raise TypeError(f"values of {', '.join(spent)} can be gone through only once")

    def checker(slack: Slack) -> Checker:
        @functools.wraps(slack)
        def check(**options: Any) -> Evidence:
            return worst_case(
                itertools.product(*axes.values()),
                lambda case: slack(**dict(zip(axes, case, strict=True)), **options),
                describe=lambda case: dict(zip(axes, case, strict=True)),
            )

        return check

    return checker


def for_each(cases: Callable[[], Iterable[Any]]) -> Callable[[Slack], Checker]:
    """Makes a check of a slack: its positional arguments are those of each case.

    Args:
      cases: makes them anew; tuples of arguments, or the one argument itself.
    """

    def checker(slack: Slack) -> Checker:
        parameters = inspect.signature(slack).parameters.values()
        names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        one = len(names) == 1

        def named(case: Any) -> dict[str, Any]:
            return dict(zip(names, (case,) if one else case, strict=True))

        @functools.wraps(slack)
        def check(**options: Any) -> Evidence:
            return worst_case(
                cases(), lambda case: slack(**named(case), **options), describe=named
            )

        return check

    return checker


def _describe(counts: SoftCounts) -> dict[str, int]:
    return {
        "tp": int(counts.intersection),
        "fp": int(counts.false_positives),
        "fn": int(counts.false_negatives),
        "pixels": int(counts.pixels),
    }
