import json
import math

import pytest

from jaxseg.statistics import judge_difference, judge_equivalence, judge_no_worse

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("effect", "low", "high", "outcome"),
    [
        (0.05, 0.02, 0.08, "replicated"),
        (0.02, 0.001, 0.039, "replicated"),  # just as large as is of interest
        (0.019, 0.001, 0.039, "undecided"),  # real, perhaps too small
        (0.05, 0.0, 0.1, "undecided"),  # 0 is compatible
        (0.05, -0.01, 0.11, "undecided"),
        (0.01, 0.005, 0.015, "not replicated"),  # real and too small
        (0.0, -0.01, 0.01, "not replicated"),
        (0.0, 0.0, 0.0, "not replicated"),  # two equal methods
        (-0.05, -0.08, -0.02, "not replicated"),  # the other way round
        (0.005, -0.01, 0.02, "undecided"),  # 0.02 itself is compatible
        (0.5, -INF, INF, "undecided"),  # too few cases
        (NAN, -INF, INF, "undecided"),  # none
    ],
)
def test_a_difference(effect, low, high, outcome):
    assert judge_difference(effect, low, high, smallest=0.02) == outcome


@pytest.mark.parametrize(
    ("effect", "low", "high", "outcome"),
    [
        (0.0, -0.01, 0.01, "replicated"),
        (0.01, 0.005, 0.015, "replicated"),  # real and too small
        (0.0, -0.01, 0.02, "undecided"),
        (0.0, -0.02, 0.01, "undecided"),
        (0.05, 0.02, 0.08, "not replicated"),
        (-0.05, -0.08, -0.02, "not replicated"),
        (0.05, -0.01, 0.11, "undecided"),  # no significance is no equality
        (0.015, 0.001, 0.029, "undecided"),
        (NAN, -INF, INF, "undecided"),
    ],
)
def test_an_equivalence(effect, low, high, outcome):
    assert judge_equivalence(effect, low, high, smallest=0.02) == outcome


@pytest.mark.parametrize(
    ("effect", "low", "high", "outcome"),
    [
        (-0.001, -0.004, 0.002, "replicated"),
        (-0.008, -0.009, -0.006, "not replicated"),
        (-0.003, -0.006, -0.001, "undecided"),  # worse, perhaps too little
        (NAN, -INF, INF, "undecided"),
    ],
)
def test_no_inferiority(effect, low, high, outcome):
    assert judge_no_worse(effect, low, high, smallest=0.005) == outcome


@pytest.mark.parametrize("judge", [judge_difference, judge_equivalence, judge_no_worse])
def test_what_is_no_interval_is_refused(judge):
    for smallest in (0.0, -1.0, NAN, INF):
        with pytest.raises(ValueError, match="smallest effect"):
            judge(0.1, 0.0, 0.2, smallest=smallest)
    for low, high in ((0.2, 0.1), (NAN, 0.1), (0.1, NAN)):
        with pytest.raises(ValueError, match="interval"):
            judge(0.1, low, high, smallest=0.02)


def test_an_outcome_is_written_as_words():
    outcome = judge_difference(0.05, 0.02, 0.08, smallest=0.02)
    assert json.dumps({"outcome": outcome}) == '{"outcome": "replicated"}'
