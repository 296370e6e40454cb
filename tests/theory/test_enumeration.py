import math
from fractions import Fraction

import pytest

from jaxseg.counts import jaccard_index
from theory.engines import enumeration


@pytest.mark.parametrize("pixels", [0, 1, 2, 5, 9])
def test_all_triples_once(pixels):
    triples = list(enumeration.confusion_counts(pixels))
    box = range(pixels + 1)
    by_filter = {
        (a, b, c) for a in box for b in box for c in box if a + b + c <= pixels
    }
    assert set(triples) == by_filter
    assert len(triples) == len(by_filter) == math.comb(pixels + 3, 3)


def test_they_are_all_pairs_of_masks():
    masks = range(2**4)
    pairs = {
        ((y & x).bit_count(), (x & ~y).bit_count(), (y & ~x).bit_count())
        for y in masks
        for x in masks
    }
    assert pairs == set(enumeration.confusion_counts(4))


def test_over_counts_is_exact_and_complete():
    found = enumeration.over_counts(
        lambda masks: Fraction(jaccard_index(masks)),
        pixels=7,
        only=lambda masks: masks.intersection > 0,
    )
    assert found.slack == Fraction(1, 7)
    assert isinstance(found.slack, Fraction)
    assert found.witness == {"tp": 1, "fp": 0, "fn": 6, "pixels": 7}
    with_overlap = math.comb(6 + 3, 3)  # one pixel is common
    assert found.cases == with_overlap


def test_given_triples_replace_the_enumeration():
    found = enumeration.over_counts(
        lambda masks: masks.intersection, pixels=9, triples=[(3, 0, 0), (2, 1, 0)]
    )
    assert (found.slack, found.cases) == (2, 2)


def test_the_grid_of_a_simplex():
    points = list(enumeration.simplex_grid(3, 4))
    assert len(points) == len(set(points)) == 15  # 6 choose 2
    assert all(sum(point) == 1 and min(point) >= 0 for point in points)


def test_no_case_is_no_evidence():
    with pytest.raises(ValueError, match="at least one case"):
        enumeration.worst_case([], lambda _: Fraction(0), describe=lambda _: {})


def test_a_check_over_masks_is_made_of_its_slack():
    @enumeration.over_masks(pixels=7, only=lambda masks: masks.intersection > 0)
    def positive(masks, *, less=0):
        """J > less."""
        return Fraction(jaccard_index(masks)) - less

    assert positive.__doc__ == "J > less."
    assert positive().slack == Fraction(1, 7)
    found = positive(less=Fraction(1, 2))
    assert (found.slack, found.cases) == (Fraction(-5, 14), math.comb(6 + 3, 3))
    assert found.witness == {"tp": 1, "fp": 0, "fn": 6, "pixels": 7}


def test_a_check_for_all_has_its_arguments_as_witness():
    @enumeration.for_all(a=range(4), b=(5, 2))
    def larger(a, b, *, by=0):
        return Fraction(b - a - by)

    found = larger()
    assert (found.slack, found.cases, found.witness) == (-1, 8, {"a": 3, "b": 2})
    assert larger(by=3).slack == -4
    assert larger().cases == 8  # a second run goes through all of them again


def test_values_that_can_be_gone_through_once_are_refused():
    with pytest.raises(TypeError, match="values of b can"):
        enumeration.for_all(a=[1], b=(x for x in [1, 2]))


def test_a_check_for_each_case_names_the_parts_of_the_case():
    @enumeration.for_each(lambda: ((a, b) for a in range(3) for b in range(a)))
    def ordered(a, b, *, by=0):
        return Fraction(a - b - by)

    @enumeration.for_each(lambda: [(1, 2), (3, 4)])
    def alone(pair):
        return Fraction(min(pair))

    assert (ordered().slack, ordered().cases) == (1, 3)
    assert ordered(by=2).witness == {"a": 1, "b": 0}
    assert alone().witness == {"pair": (1, 2)}


def test_searches_within_a_case_are_counted_by_for_all():
    @enumeration.for_all(pixels=(1, 2))
    def inner(pixels):
        return enumeration.over_counts(lambda masks: masks.actual, pixels=pixels)

    assert inner().cases == math.comb(4, 3) + math.comb(5, 3)
