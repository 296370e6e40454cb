"""The interval of a difference of shares: by hand, and its exact coverage."""

import math

import numpy as np
import pytest
from scipy import stats

from jaxseg.statistics import share_difference


def answers(both, first, second, neither):
    """Two methods' answers with these counts."""
    pairs = [(1, 1)] * both + [(1, 0)] * first + [(0, 1)] * second + [(0, 0)] * neither
    one, two = np.array(pairs, bool).T
    return one, two


def test_two_methods_that_agree_on_few_cases_may_still_differ():
    """Neither is ever so in 20: Wilson reaches from 0 to z^2 / (20 + z^2)."""
    found = share_difference(*answers(0, 0, 0, 20))
    reach = 1.959964**2 / (20 + 1.959964**2)
    assert (found.value, found.cases) == (0, 20)
    assert found.low == pytest.approx(-reach, rel=1e-5)
    assert found.high == pytest.approx(reach, rel=1e-5)


def test_a_table_by_hand():
    """14, 5, 0, 22 of 41: shares 19/41 and 14/41, phi cut by half a case."""
    found = share_difference(*answers(14, 5, 0, 22))
    z, n = 1.959964, 41

    def wilson(hits):
        p = hits / n
        middle, spread = (
            p + z * z / (2 * n),
            z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2),
        )
        return (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)

    p, q = 19 / 41, 14 / 41
    (a, b), (c, d) = wilson(19), wilson(14)
    phi = (14 * 22 - 41 / 2) / math.sqrt(19 * 22 * 14 * 27)
    low = math.sqrt((p - a) ** 2 - 2 * phi * (p - a) * (d - q) + (d - q) ** 2)
    high = math.sqrt((b - p) ** 2 - 2 * phi * (b - p) * (q - c) + (q - c) ** 2)
    assert found.value == pytest.approx(5 / 41)
    assert found.low == pytest.approx(5 / 41 - low, rel=1e-5)
    assert found.high == pytest.approx(5 / 41 + high, rel=1e-5)


@pytest.mark.parametrize(
    "chances",
    [(0.1, 0.05, 0.05, 0.8), (0.0, 0.3, 0.0, 0.7), (0.4, 0.2, 0.1, 0.3)],
    ids=["rare", "one way", "common"],
)
def test_the_truth_lies_inside_as_often_as_promised(chances):
    """All tables of 12 cases, by their multinomial probabilities."""
    count, covered = 12, 0.0
    truth = chances[1] - chances[2]
    for both in range(count + 1):
        for first in range(count + 1 - both):
            for second in range(count + 1 - both - first):
                cells = (both, first, second, count - both - first - second)
                found = share_difference(*answers(*cells))
                if found.low <= truth <= found.high:
                    covered += stats.multinomial.pmf(cells, count, chances)
    assert covered > 0.93


def test_swapping_mirrors_and_nothing_is_known_of_no_case():
    one, two = answers(3, 6, 2, 9)
    found, swapped = share_difference(one, two), share_difference(two, one)
    assert (found.low, found.high) == pytest.approx((-swapped.high, -swapped.low))
    none = share_difference(np.zeros(0, bool), np.zeros(0, bool))
    assert math.isnan(none.value)
    assert (none.low, none.high) == (-math.inf, math.inf)
    with pytest.raises(ValueError, match="twice"):
        share_difference(one, two[1:])
