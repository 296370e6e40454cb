"""A broken jaxseg makes claims inconsistent: they look at it, not at copies."""

from fractions import Fraction

import pytest

from jaxseg import counts
from jaxseg.counts import indices
from jaxseg.losses import lovasz, marginal, pixel, region
from theory.claim import gather, settle
from theory.registry import CLAIMS

FACTOR = Fraction(1001, 1000)


def scaled(function, factor):
    def broken(*args, **options):
        return function(*args, **options) * factor

    return broken


def verdict_of(name, check):
    (found,) = (c for c in CLAIMS[name].checks if c.name == check)
    return gather(found).holds


def test_a_wrong_dice_index_contradicts_a_whole_claim(monkeypatch):
    assert settle(CLAIMS["E17"]).consistent
    monkeypatch.setattr(counts, "dice_index", scaled(counts.dice_index, FACTOR))
    broken = settle(CLAIMS["E17"])
    assert [name for name, e in broken.evidence.items() if e.holds] == []


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("E05", "exact"),
        ("E05", "algebra"),
        ("E18", "certified"),
        ("E27", "hard masks"),
        ("E27", "certified"),
        ("E30", "maximum by size"),
        ("L01", "algebra"),
        ("E19", "maximum by size"),
        ("E21", "exact"),
        ("E23", "absolute, by size"),
        ("E26", "phi on all masks"),
        ("E28", "maximal"),
        ("E36", "limit"),
        ("N14", "means"),
        ("N20", "reached"),
        ("N27", "certified"),
        ("M08", "both classes, hard"),
        ("M09", "exact"),
        ("M16", "exact"),
        ("M27", "exact"),
        ("N04", "algebra"),
        ("N10", "certified"),
        ("N18", "exact"),
        ("N22", "ends"),
        ("N23", "exact"),
        ("N24", "half"),
    ],
)
def test_a_wrong_dice_index_contradicts(monkeypatch, name, check):
    monkeypatch.setattr(counts, "dice_index", scaled(counts.dice_index, FACTOR))
    assert not verdict_of(name, check)


@pytest.mark.parametrize(
    ("name", "check", "module", "function"),
    [
        ("E05", "losses", region, "dice_index"),
        ("E18", "one soft pixel", region, "jaccard_index"),
        ("L01", "losses and gradients", marginal, "dice_bias_penalty"),
        ("E04", "losses", region, "dice_index"),
        ("E11", "loss", region, "jaccard_index"),
        ("E15", "vertices", lovasz, "pooled_gradient"),
        ("E34", "derivatives at the truth", region, "dice_index"),
        ("L12", "proof's reading", pixel, "pooled_mean"),
        ("L12", "Table 1, by hand", pixel, "safe_ratio"),
        ("L12", "Table 1, by hand", marginal, "kl_penalty"),
        ("M02", "reciprocal weights", pixel, "safe_ratio"),
        ("M04", "all subsets", pixel, "top_weights"),
        ("M12", "slopes", region, "tversky_index"),
        ("M17", "losses", region, "generalized_dice_index"),
        ("N24", "losses", region, "jaccard_index"),
    ],
)
def test_a_wrong_term_of_a_loss_contradicts(monkeypatch, name, check, module, function):
    broken = scaled(getattr(module, function), float(FACTOR))
    monkeypatch.setattr(module, function, broken)
    assert not verdict_of(name, check)


def test_a_wrong_empty_rule_contradicts(monkeypatch):
    def empty_is_zero(numerator, denominator, empty):
        del empty
        return Fraction(0) if denominator == 0 else numerator / denominator

    monkeypatch.setattr(indices, "safe_ratio", empty_is_zero)
    assert not verdict_of("E05", "exact")
