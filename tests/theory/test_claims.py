"""Every claim is supported by its evidence, every false twin is refuted."""

import math
from fractions import Fraction

import jax.numpy as jnp
import pytest

from tests.theory import by_hand_liu
from theory.claim import Verdict, gather
from theory.eelbode.dice_jaccard import largest_gap
from theory.eelbode.tversky_ratio import largest_by_size
from theory.registry import CLAIMS

TWINS = [
    pytest.param(twin, id=f"{claim.id}: {twin.name}")
    for claim in CLAIMS.values()
    for twin in claim.twins
]


@pytest.mark.parametrize("name", CLAIMS)
def test_evidence_supports_the_verdict(settled, name):
    result = settled(name)
    failed = {k: e for k, e in result.evidence.items() if not e.holds}
    assert result.consistent, failed
    assert all(evidence.witness for evidence in result.evidence.values())
    assert all(evidence.cases > 0 for evidence in result.evidence.values())


@pytest.mark.parametrize("twin", TWINS)
def test_false_twins_are_refuted(twin):
    found = gather(twin)
    assert found.refutes, found


def test_every_checker_has_a_twin():
    for claim in CLAIMS.values():
        refuted = {getattr(twin.run, "func", twin.run) for twin in claim.twins}
        assert {check.run for check in claim.checks} <= refuted, claim.id


def test_all_engines_are_used(settled):
    methods = {e.method for name in CLAIMS for e in settled(name).evidence.values()}
    assert methods == {"enumeration", "interval", "symbolic", "search", "samples"}


def test_verdicts():
    verdicts = {name: claim.verdict for name, claim in CLAIMS.items()}
    assert verdicts == {
        "E05": Verdict.HOLDS,
        "E17": Verdict.HOLDS,
        "E18": Verdict.HOLDS,
        "E27": Verdict.HOLDS,
        "E30": Verdict.HOLDS,
        "L01": Verdict.HOLDS,
        "L03": Verdict.DEPENDS,
        "L04": Verdict.HOLDS,
        "L05": Verdict.DEPENDS,
        "L06": Verdict.CORRECTED,
        "L07": Verdict.CORRECTED,
        "L08": Verdict.CORRECTED,
        "L09": Verdict.DEPENDS,
        "L10": Verdict.DEPENDS,
        "L11": Verdict.HOLDS,
        "L12": Verdict.DEPENDS,
        "L15": Verdict.DEPENDS,
        "L16": Verdict.DEPENDS,
        "L17": Verdict.DEPENDS,
        "L18": Verdict.HOLDS,
        "L19": Verdict.HOLDS,
        "L20": Verdict.DEPENDS,
        "L21": Verdict.FAILS,
        "L22": Verdict.HOLDS,
        "L23": Verdict.CORRECTED,
        "L24": Verdict.DEPENDS,
        "G01": Verdict.HOLDS,
        "G02": Verdict.HOLDS,
        "G03": Verdict.DEPENDS,
        "G04": Verdict.HOLDS,
        "G05": Verdict.FAILS,
        "G06": Verdict.HOLDS,
        "G07": Verdict.CORRECTED,
        "G08": Verdict.CORRECTED,
        "G09": Verdict.DEPENDS,
        "G10": Verdict.HOLDS,
        "G11": Verdict.HOLDS,
        "G12": Verdict.DEPENDS,
        "G13": Verdict.HOLDS,
        "G14": Verdict.HOLDS,
        "N05": Verdict.HOLDS,
        "N06": Verdict.HOLDS,
        "N07": Verdict.DEPENDS,
        "N08": Verdict.FAILS,
        "N11": Verdict.CORRECTED,
        "N12": Verdict.HOLDS,
        "N13": Verdict.HOLDS,
        "N25": Verdict.HOLDS,
        "N26": Verdict.HOLDS,
    }


LOG2 = math.log(2)

BY_HAND = {
    "E05": {"jaccard_where_dice_is_1/2": (1 / 2) / (3 / 2)},
    "E17": {
        # one common pixel, nine in one mask alone: D = 2/11, J = 1/10
        "largest_ratio_at_10_pixels": (2 / 11) / (1 / 10),
        "largest_ratio_at_1_pixels": 1,
    },
    "E18": {
        "largest_gap": 0.1715728752538099,
        # J = 2/5 has D = 4/7
        "largest_gap_at_5_pixels": 4 / 7 - 2 / 5,
        # J = 5/12 has D = 10/17
        "largest_gap_at_12_pixels": 10 / 17 - 5 / 12,
        # J = 12/29 has D = 24/41
        "largest_gap_at_29_pixels": 24 / 41 - 12 / 29,
    },
    "E27": {
        # sqrt 4 = 2: (2 - 1) / (2 + 1), at TP = FP: D = 2/3, T = 1/3
        "error_at_2_2": 2 / 3 - 1 / 3,
        "error_at_0.125_0.125": 1 / 3,
        # alpha = beta = 1 is Jaccard
        "error_at_1_1": 3 - 2 * math.sqrt(2),
        "tp_share_at_alpha_2": 0.5,
        # FP = 4 TP: D = 2/6, T = 1 / 1.5
        "fp_per_tp_at_alpha_0.125": 4,
    },
    "E30": {
        "relative_error_at_1_1": 1,  # E17
        "relative_error_at_0.1_0.9": 5 - 1,
        "relative_error_at_2_0.125": 4 - 1,
        "relative_error_at_0.5_5": 10 - 1,
        "largest_ratio_at_1_1_with_10_pixels": 20 / 11,  # E17
    },
    "L01": {
        "constant_at_1/2_1/2": 0,
        "constant_at_3/4_1/4": -math.log(3 / 2) - math.log(1 / 2),
    },
    "L06": {
        "bias_at_vertex_1": math.log(1.5 * 0.3 * 0.2),
        "bias_at_vertex_2": math.log(0.5 * 1.3 * 0.2),
        "bias_at_vertex_3": math.log(0.5 * 0.3 * 1.2),
        "bias_at_p=y": math.log(1 * 0.6 * 0.4),
        "tie_at_printed_t": math.log(9 / 4),
        "tie_at_one_vertex": math.log(3 / 2 * 1 / 2),
    },
    "L12": {
        "table_ce_A": LOG2 + LOG2,
        "table_ce_B": LOG2 + 2 * LOG2,
        "table_ce_C": 2 * LOG2 + LOG2,
        "mean_ce_B": (LOG2 + LOG2 + 2 * LOG2) / 3,
        "mean_ce_C": (2 * LOG2 + 2 * LOG2 + LOG2) / 3,
        "label_entropy": -2 / 3 * math.log(2 / 3) - 1 / 3 * math.log(1 / 3),
        "conditional_entropy_distinct_features": math.log(4),
    },
    **by_hand_liu.BY_HAND,
}


@pytest.mark.parametrize("name", CLAIMS)
def test_reference_values_by_hand(name):
    values = CLAIMS[name].reference_values()
    assert all(math.isfinite(value) for value in values.values())
    assert {k: values[k] for k in BY_HAND[name]} == pytest.approx(
        BY_HAND[name], abs=1e-14
    )


def test_exact_maxima_by_hand():
    assert largest_gap(5) == (Fraction(6, 35), Fraction(2, 5))
    assert largest_gap(12) == (Fraction(35, 204), Fraction(5, 12))
    assert largest_gap(29) == (Fraction(204, 1189), Fraction(12, 29))


@pytest.mark.parametrize("pixels", [1, 2, 10, 1000])
def test_rates_of_the_relative_error(pixels):
    two, tenth = Fraction(2), Fraction(1, 10)
    above = 2 * two - largest_by_size((two, two), pixels)
    below = 1 / (2 * tenth) - largest_by_size((tenth, tenth), pixels)
    assert above == (4 * two - 2) / (pixels + 1)
    assert below == (1 - 2 * tenth) / (2 * tenth * (1 + tenth * (pixels - 1)))


def test_checks_leave_the_precision_alone():
    gather(CLAIMS["E17"].checks[0])
    assert jnp.zeros(1).dtype == jnp.float32
