"""Best masks against all masks and all truths, in rationals."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.counts import SoftCounts, dice_index, jaccard_index
from jaxseg.decide import (
    empty_is_best,
    expected_class_ids,
    expected_dice,
    expected_dice_mask,
    expected_jaccard,
    expected_jaccard_mask,
    fast_dice_mask,
    fast_jaccard_mask,
    on_host,
)
from jaxseg.decide.exponentials import reciprocal_nodes
from tests.decide.brute_force import GRAIN, expected_scores, float_scores, number_of

MASKS = {"dice": expected_dice_mask, "jaccard": expected_jaccard_mask}
SCORES = {"dice": expected_dice, "jaccard": expected_jaccard}
FAST = {"dice": fast_dice_mask, "jaccard": fast_jaccard_mask}
RULES = {"one": Fraction(1), "nan": Fraction(0)}


def draw(rng, pixels):
    """Numerators of all kinds: even, near nothing, with ties, zeros and ones."""
    spread = rng.choice([0.5, 1, 4])
    return np.rint(GRAIN * rng.random(pixels) ** spread).astype(int)


@pytest.mark.parametrize("index", MASKS)
@pytest.mark.parametrize("pixels", [1, 2, 3, 5, 7])
def test_no_mask_is_better(index, pixels):
    rng = np.random.default_rng(pixels)
    for _ in range(30 if pixels < 7 else 3):
        check_one(draw(rng, pixels), index)


@pytest.mark.parametrize("index", MASKS)
def test_no_mask_of_twelve_pixels_is_better(index):
    numerators = draw(np.random.default_rng(0), 12)
    scores = float_scores(numerators, index)
    mask = MASKS[index](numerators / GRAIN)
    assert scores[number_of(mask)] >= scores.max() * (1 - 1e-13)
    for number in range(0, 2**12, 97):
        bits = (number >> np.arange(12) & 1).astype(bool)
        found = SCORES[index](bits, numerators / GRAIN)
        np.testing.assert_allclose(found, scores[number], rtol=1e-12)


def check_one(numerators, index):
    """The mask scores the exact maximum, with fewest pixels; scores are exact."""
    probs = numerators / GRAIN
    for rule, empty in RULES.items():
        exact = expected_scores(numerators, index, empty=empty)
        mask = MASKS[index](probs, empty=rule)
        best = max(exact)
        assert exact[number_of(mask)] == best, (probs, rule, mask)
        fewest = min(k.bit_count() for k, s in enumerate(exact) if s == best)
        assert mask.sum() == fewest
        assert mask[probs > 0.5].all()
        none = float(np.prod(1 - probs))
        for number in range(0, len(exact), 5):
            bits = (number >> np.arange(len(probs)) & 1).astype(bool)
            found = SCORES[index](bits, probs, empty=rule)
            if rule == "nan" and none == 1:
                assert np.isnan(found)
                continue
            given = exact[number] / Fraction(1 if rule == "one" else 1 - none)
            np.testing.assert_allclose(found, float(given), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("index", MASKS)
def test_arrays_of_jax_are_mapped_and_traced(index):
    """One program for forty images; float32 is as good to a millionth."""
    rng = np.random.default_rng(1)
    numerators = np.stack([draw(rng, 6) for _ in range(40)]).reshape(40, 2, 3)
    mapped = jax.jit(jax.vmap(MASKS[index]))
    masks = np.asarray(mapped(jnp.asarray(numerators / GRAIN, jnp.float32)))
    halves = mapped(jnp.asarray(numerators / GRAIN, jnp.bfloat16))
    np.testing.assert_array_equal(halves, masks)  # 1/16 are exact in bfloat16
    score = jax.jit(jax.vmap(SCORES[index]))
    scores = np.asarray(score(masks, jnp.asarray(numerators / GRAIN, jnp.float32)))
    for row, mask, told in zip(numerators, masks, scores, strict=True):
        exact = expected_scores(row.reshape(-1), index)
        found = float(exact[number_of(mask.reshape(-1))])
        assert found >= float(max(exact)) - 1e-6
        assert told == pytest.approx(found, rel=1e-5)


def test_two_pixels_by_hand():
    """Of 1/2 and 1/2: one pixel scores 1/4 (1 + 2/3), both 1/2 2/3 + 1/4, none 1/4."""
    probs = np.array([0.5, 0.5])
    by_hand = {
        (0, 0): 1 / 4,
        (1, 0): 1 / 4 * (1 + 2 / 3),
        (1, 1): 2 / 4 * 2 / 3 + 1 / 4,
    }
    for mask, score in by_hand.items():
        found = expected_dice(np.array(mask, bool), probs)
        np.testing.assert_allclose(found, score, rtol=1e-12)
    assert expected_dice_mask(probs).tolist() == [True, True]
    # Of 1/5 alone: the empty mask scores 4/5.
    one = np.array([0.2])
    assert not expected_dice_mask(one).any()
    assert expected_dice_mask(one, empty="nan").all()


@pytest.mark.parametrize("convert", [np.asarray, jnp.asarray])
@pytest.mark.parametrize("find", [*MASKS.values(), *FAST.values()])
def test_certain_pixels_no_pixels_and_what_is_no_probability(find, convert):
    assert find(convert([[1.0, 0.0, 1.0]])).tolist() == [[True, False, True]]
    assert not find(convert(np.zeros((2, 3), np.float16))).any()
    assert find(convert(np.zeros((0, 4), np.float32))).shape == (0, 4)
    for wrong in (np.nan, 1.5, -0.1):
        with pytest.raises(ValueError, match=r"a probability is in \[0, 1\], not"):
            find(convert([0.5, wrong]))
    traced = jax.jit(find)(jnp.asarray([0.9, np.nan]))
    assert not traced.any()


@pytest.mark.parametrize("index", MASKS)
@pytest.mark.parametrize("spread", [1, 6, 40])
def test_bounds_hold_and_few_sizes_are_left(index, spread):
    """Against all sizes summed up one by one, and against the distribution itself."""
    probs = np.sort(np.random.default_rng(spread).random(400) ** spread)[::-1]
    lower, upper = on_host.score_bounds(probs, index)
    sizes = np.arange(1, 401)
    exact = np.array([on_host.mask_score(probs[:k], probs[k:], index) for k in sizes])
    assert (lower <= exact * (1 + 1e-12)).all()
    assert (upper >= exact * (1 - 1e-12)).all()
    assert np.sum(upper >= lower.max()) < 100
    size, score = on_host.best_size(probs, index)
    assert size == 1 + exact.argmax()
    np.testing.assert_allclose(score, exact.max(), rtol=1e-12)
    np.testing.assert_allclose(score, from_distribution(probs, size, index), rtol=1e-12)
    fast = FAST[index](probs)
    loss = 1 - exact[fast.sum() - 1] / score
    assert -1e-12 <= loss <= upper.max() / lower.max() - 1


def from_distribution(probs, size, index):
    """From the distributions of pixels inside and outside, by convolution."""

    def distribution(some):
        found = np.ones(1)
        for p in some:
            found = np.convolve(found, [1 - p, p])
        return found

    inside, outside = distribution(probs[:size]), distribution(probs[size:])
    hits, missed = np.arange(len(inside))[:, None], np.arange(len(outside))
    if index == "dice":
        scores = 2 * hits / (size + hits + missed)
    else:
        scores = hits / (size + missed)
    return inside @ scores @ outside


def test_reciprocals_are_as_near_as_they_say():
    for dtype in (np.float32, np.float64):
        for largest in (2, 1000, 10**7):
            nodes = reciprocal_nodes(largest, dtype)
            n = np.unique(np.geomspace(1, largest, 300).round())
            sums = np.exp(-np.outer(n, nodes.rates)) @ nodes.weights
            assert np.abs(n * sums - 1).max() <= nodes.error + 1e-14


def test_a_large_image_is_decided_on_exactly():
    """Pixels of probability 1, 1/2 and 0, of which the score is a binomial mean."""
    probs = np.concatenate([np.ones(500), np.full(2, 0.5), np.zeros(65_034)])
    both = expected_dice(np.arange(65_536) < 502, probs.reshape(256, 256).reshape(-1))
    by_hand = (2 * 500 / 1002 + 2 * 2 * 501 / 1003 + 1) / 4
    np.testing.assert_allclose(both, by_hand, rtol=1e-13)
    mask = expected_dice_mask(probs.reshape(256, 256))
    assert mask.shape == (256, 256)
    assert mask.sum() == 502  # against 501: (1000/1001 + 2 (500.5 of 501.5) + ...) / 4


def test_classes_do_not_overlap_and_are_best_where_all_can_be_tried():
    rng = np.random.default_rng(0)
    contested, losses = 0, []
    for _ in range(12):
        probs = rng.dirichlet([0.7, 0.6, 0.6], 4)
        found = expected_class_ids(probs)
        scores = {}
        for number in range(3**4):
            ids = number // 3 ** np.arange(4) % 3
            scores[tuple(ids)] = np.mean(
                [expected_dice(ids == c, probs[:, c]) for c in (1, 2)]
            )
        best = max(scores.values())
        assert scores[tuple(found.ids)] == pytest.approx(found.score, rel=1e-12)
        assert scores[tuple(probs.argmax(-1))] <= found.score + 1e-12
        assert best <= found.bound + 1e-12
        losses.append(best - found.score)
        contested += found.score < found.bound - 1e-12
    assert 3 < contested < 12
    assert np.mean(losses) < 0.005


def test_two_classes_are_one_mask():
    plane = np.random.default_rng(2).random((4, 5))
    probs = np.stack([1 - plane, plane], -1)
    found = expected_class_ids(probs, index="jaccard")
    np.testing.assert_array_equal(found.ids, expected_jaccard_mask(plane))
    assert found.score == found.bound


def test_images_are_rejected_by_the_rule_of_the_theory():
    """N26: above D / (1 + D); pixels' own probability of none agrees with it."""
    assert empty_is_best(4 / 9 + 1e-9, 0.8)
    assert not empty_is_best(4 / 9 - 1e-9, 0.8)
    rng, seen = np.random.default_rng(3), set()
    for _ in range(50):
        probs = 0.5 * rng.random(3)
        mask = expected_dice_mask(probs, empty="nan")
        lesion = expected_dice(mask, probs, empty="nan")
        rejected = bool(empty_is_best(np.prod(1 - probs), lesion))
        assert rejected == (not expected_dice_mask(probs).any())
        seen.add(rejected)
    assert seen == {True, False}


def test_a_sure_mask_scores_what_the_metric_says():
    rng = np.random.default_rng(4)
    truth, mask = rng.random((2, 30)) < 0.4
    hits = float((truth & mask).sum())
    sums = (hits, mask.sum() - hits, truth.sum() - hits, 30.0)
    counts = SoftCounts.of_sets(*map(np.float64, sums))
    for index, known in (("dice", dice_index), ("jaccard", jaccard_index)):
        found = SCORES[index](mask, truth.astype(np.float64))
        np.testing.assert_allclose(found, known(counts), rtol=1e-12)


def test_shapes_and_rules_are_checked():
    with pytest.raises(ValueError, match=r"mask must have the shape \(3,\)"):
        expected_dice(np.ones(2, bool), np.ones(3))
    with pytest.raises(ValueError, match="empty is one of one, nan"):
        expected_dice_mask(np.ones(3), empty="zero")
