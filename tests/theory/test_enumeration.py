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
