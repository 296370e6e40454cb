"""Every index of hard masks: against an oracle, and under each rule for empty ones."""

import functools
import json
import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.counts import SoftCounts, tversky_index
from jaxseg.metrics.means import defined_mean
from jaxseg.metrics.overlap import (
    INDICES,
    case_scores,
    dataset_scores,
    mask_counts,
    to_host,
)
from tests.metrics import oracle

CLASSES, VOID = 3, 255
count_on_device = jax.jit(mask_counts, static_argnums=(2, 3))
score_on_device = jax.jit(case_scores, static_argnames=("empty", "spacing_mm"))


def random_masks(shape, seed=0):
    rng = np.random.default_rng(seed)
    actual = rng.integers(0, CLASSES, shape).astype(np.uint8)
    redrawn = rng.integers(0, CLASSES, shape).astype(np.uint8)
    predicted = np.where(rng.random(shape) < 0.5, actual, redrawn)
    actual[rng.random(shape) < 0.2] = VOID
    return predicted, actual


@pytest.mark.parametrize("shape", [(9, 14), (4, 6, 5)])
def test_scores_against_an_oracle_on_masks(shape):
    predicted, actual = random_masks(shape)
    spacing_mm = (0.5, 2.0, 3.0)[: len(shape)]
    scores = case_scores(mask_counts(predicted, actual, CLASSES), spacing_mm=spacing_mm)
    counted = actual != VOID
    for c in range(CLASSES):
        wanted = oracle.overlap(predicted[counted] == c, actual[counted] == c)
        assert wanted.keys() == {*INDICES, "volume_difference"}
        for name, value in wanted.items():
            assert getattr(scores, name)[c] == pytest.approx(value, abs=1e-12), name
        volume = wanted["volume_difference"] * np.prod(spacing_mm)
        assert scores.volume_difference_mm3[c] == pytest.approx(volume)
    assert scores.accuracy == pytest.approx((predicted == actual)[counted].mean())
    on_device = case_scores(
        count_on_device(jnp.asarray(predicted), jnp.asarray(actual), CLASSES, VOID),
        spacing_mm=spacing_mm,
    )
    chex.assert_trees_all_close(on_device, scores, rtol=2e-6, atol=1e-6)


def test_volumes_in_mm3_need_a_spacing():
    counts = mask_counts(*random_masks((5, 6)), CLASSES)
    assert case_scores(counts).volume_difference_mm3 is None
    assert "volume_difference_mm3" not in case_scores(counts).to_json()


E = "0/0"
SITUATIONS = {  # of 9 pixels: hits, false alarms, misses, pixels
    "both empty": (0, 0, 0, 9),
    "truth empty": (0, 3, 0, 9),
    "prediction empty": (0, 0, 3, 9),
    "both full": (9, 0, 0, 9),
    "truth full": (3, 0, 6, 9),
    "prediction full": (3, 6, 0, 9),
    "all void": (0, 0, 0, 0),
}
VALUES = {
    "dice": (E, 0, 0, 1, 1 / 2, 1 / 2, E),
    "jaccard": (E, 0, 0, 1, 1 / 3, 1 / 3, E),
    "f_half": (E, 0, 0, 1, 5 / 7, 5 / 13, E),
    "f_two": (E, 0, 0, 1, 5 / 13, 5 / 7, E),
    "sensitivity": (E, E, 0, 1, 1 / 3, 1, E),
    "precision": (E, 0, E, 1, 1, 1 / 3, E),
    "specificity": (1, 2 / 3, 1, E, E, 0, E),
    "hamming": (1, 2 / 3, 2 / 3, 1, 1 / 3, 1 / 3, E),
    "balanced_accuracy": (1, 5 / 6, 1 / 2, 1, 2 / 3, 1 / 2, E),
    "kappa": (E, 0, 0, E, 0, 0, E),
    "matthews": (E, 0, 0, E, 0, 0, E),
    "volume_difference": (0, 3, 3, 0, 6, 6, 0),
    "volume_difference_mm3": (0, 6, 6, 0, 12, 12, 0),
}
FILLED = {"one": 1.0, "nan": math.nan}


@functools.cache
def scores_of_situations(empty, where):
    parts = np.array(list(SITUATIONS.values()), np.float64).T
    hits, false, missed, pixels = parts
    counts = SoftCounts.of_sets(hits[:, None], false[:, None], missed[:, None], pixels)
    if where == "host":
        return case_scores(counts, empty=empty, spacing_mm=(2.0, 1.0))
    counts = jax.tree.map(lambda x: jnp.asarray(x, jnp.int32), counts)
    return score_on_device(counts, empty=empty, spacing_mm=(2.0, 1.0))


@pytest.mark.parametrize("where", ["host", "device"])
@pytest.mark.parametrize("empty", FILLED)
@pytest.mark.parametrize("name", VALUES)
def test_every_index_under_every_rule_for_what_is_empty(name, empty, where):
    scores = scores_of_situations(empty, where)
    wanted = [FILLED[empty] if value is E else value for value in VALUES[name]]
    got = np.asarray(getattr(scores, name))[:, 0]
    np.testing.assert_allclose(got, wanted, rtol=1e-6)
    assert scores.empty_rule == empty


def test_the_table_holds_every_index():
    assert {*INDICES} <= {*VALUES}


@pytest.mark.parametrize("empty", FILLED)
def test_accuracy_of_no_pixels_follows_the_rule(empty):
    void = np.full((2, 3), VOID, np.uint8)
    scores = case_scores(mask_counts(void * 0, void, 2), empty=empty)
    np.testing.assert_equal(float(scores.accuracy), FILLED[empty])
    right = case_scores(mask_counts(void * 0, void * 0, 2), empty=empty)
    assert right.accuracy == 1


def test_tversky_follows_the_rule_too():
    counts = SoftCounts.of_sets(*(np.float64([0, 0, 3]), np.float64([0, 2, 1])),
                                np.float64([0, 0, 2]), np.float64(9))  # fmt: skip
    tversky = functools.partial(tversky_index, counts, alpha=0.25, beta=0.5)
    np.testing.assert_allclose(tversky(), [1, 0, 3 / 4.25])
    np.testing.assert_allclose(tversky(empty=math.nan), [math.nan, 0, 3 / 4.25])


def test_an_unknown_rule_is_refused():
    counts = mask_counts(*random_masks((2, 3)), CLASSES)
    with pytest.raises(ValueError, match="one, nan, not 'zero'"):
        case_scores(counts, empty="zero")


def test_masks_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3, 2\)"):
        mask_counts(np.zeros((2, 3), int), np.zeros((3, 2), int), 2)


def test_ids_outside_of_the_classes_are_errors_of_no_class():
    actual = np.array([0, 1, 1, 7], np.int32)
    predicted = np.array([9, 1, -1, 1], np.int32)
    counts = count_on_device(predicted, actual, 2, VOID)
    np.testing.assert_array_equal(counts.intersection, [0, 1])
    np.testing.assert_array_equal(counts.false_positives, [0, 1])
    np.testing.assert_array_equal(counts.false_negatives, [1, 1])
    assert counts.pixels == 4
    with pytest.raises(ValueError, match="id 7"):  # which it is not under jit
        mask_counts(predicted, actual, 2)


@functools.cache
def cases():
    predicted, actual = random_masks((4, 5, 6), seed=1)
    actual[0] = np.where(actual[0] == 2, 0, actual[0])
    predicted[0] = np.where(predicted[0] == 2, 0, predicted[0])
    counts = [
        mask_counts(p, a, CLASSES) for p, a in zip(predicted, actual, strict=True)
    ]
    return predicted, actual, jax.tree.map(lambda *x: np.stack(x), *counts)


def test_cases_counted_under_vmap_are_the_cases_counted_one_by_one():
    predicted, actual, counts = cases()
    count = functools.partial(mask_counts, num_classes=CLASSES)
    mapped = jax.vmap(count)(jnp.asarray(predicted), jnp.asarray(actual))
    chex.assert_trees_all_close(mapped, counts, rtol=0)
    chex.assert_trees_all_close(to_host(mapped), counts, rtol=0)
    eager = dataset_scores(mapped, empty="nan")
    jitted = jax.jit(functools.partial(dataset_scores, empty="nan"))(mapped)
    chex.assert_trees_all_close(jitted, eager, rtol=1e-6, atol=1e-7)
    chex.assert_trees_all_close(
        jitted, dataset_scores(counts, empty="nan"), rtol=2e-6, atol=1e-6
    )


def test_pooled_scores_are_those_of_the_union_of_pixels():
    predicted, actual, counts = cases()
    whole = dataset_scores(counts)
    union = case_scores(mask_counts(predicted, actual, CLASSES))
    chex.assert_trees_all_close(whole.pooled, union, rtol=0)
    assert float(whole.mean_jaccard.mean) == pytest.approx(union.jaccard.mean())
    assert float(whole.mean_dice.mean) == pytest.approx(union.dice.mean())


def test_means_over_cases_skip_the_absent_class_only_under_nan():
    predicted, actual, counts = cases()
    pairs = zip(predicted, actual, strict=True)
    dice = [case_scores(mask_counts(p, a, CLASSES)).dice for p, a in pairs]
    dice = np.stack(dice)
    assert dice[0, 2] == 1
    ones, skipped = dataset_scores(counts), dataset_scores(counts, empty="nan")
    np.testing.assert_allclose(ones.means["dice"].mean, dice.mean(0))
    np.testing.assert_array_equal(ones.means["dice"].counted, [4, 4, 4])
    np.testing.assert_allclose(skipped.means["dice"].mean[2], dice[1:, 2].mean())
    np.testing.assert_array_equal(skipped.means["dice"].counted, [4, 4, 3])


def test_false_positives_without_truth_score_zero_and_count():
    """MONAI's DiceMetric gives nan here by default, and so no penalty."""
    nothing = np.zeros((3, 4), np.uint8)
    counts = mask_counts(nothing + np.eye(3, 4, dtype=np.uint8), nothing, 2)
    for empty in FILLED:
        scores = case_scores(counts, empty=empty)
        for name in ("dice", "jaccard", "f_half", "f_two", "precision"):
            assert getattr(scores, name)[1] == 0
        assert scores.kappa[1] == scores.matthews[1] == 0
        assert scores.specificity[1] == pytest.approx(9 / 12)
        assert defined_mean(scores.dice[1:]).counted == 1


def test_a_mean_of_nothing_but_nan_is_nan_with_count_zero():
    """MONAI's aggregate of nan alone is 0."""
    nothing = np.full((2, 3), math.nan)
    for values in (nothing, jnp.asarray(nothing)):
        mean = defined_mean(values)
        assert np.all(np.isnan(mean.mean))
        np.testing.assert_array_equal(mean.counted, [0, 0, 0])
    free = mask_counts(np.zeros((2, 2), int), np.zeros((2, 2), int), 2)
    stacked = jax.tree.map(lambda x: np.stack([x, x]), free)
    mean = dataset_scores(stacked, empty="nan").means["dice"]
    assert json.dumps(mean.to_json()) == '{"mean": [1.0, null], "counted": [2, 0]}'


def test_dice_and_jaccard_agree_on_what_is_empty():
    """MetricsReloaded scores the same empty pair 1 by Dice and nan by Jaccard."""
    for empty in FILLED:
        scores = scores_of_situations(empty, "host")
        defined = [np.isnan(getattr(scores, name)) for name in ("dice", "jaccard")]
        np.testing.assert_array_equal(*defined)


def test_a_missed_object_is_not_a_perfect_score():
    """MONAI's aggregate of a missed prediction's HD95 is 0, the best there is."""
    missed = mask_counts(np.zeros((2, 3), int), np.eye(2, 3, dtype=int), 2)
    for empty in FILLED:
        scores = case_scores(missed, empty=empty)
        assert scores.dice[1] == scores.sensitivity[1] == 0
        assert scores.volume_difference[1] == 2


def test_rows_are_json_with_null_for_nan():
    scores = case_scores(
        mask_counts(np.zeros((2, 2), int), np.zeros((2, 2), int), 2), empty="nan"
    )
    row = json.loads(json.dumps(scores.to_json(), allow_nan=False))
    assert row["dice"] == [1.0, None]
    assert row["empty_rule"] == "nan"


def test_a_background_of_a_large_volume_keeps_its_last_voxel_on_the_host():
    pixels, lesion = 512**3 * 8, 1001
    true = np.array([pixels - lesion, lesion], np.float64)
    hits = true - [1, 0]
    counts = SoftCounts.of_sets(hits, np.zeros(2), true - hits, np.float64(pixels))
    specificity = case_scores(counts).specificity
    np.testing.assert_array_equal(specificity, [1, 1])
    false = SoftCounts.of_sets(true - [0, 1], np.array([1.0, 0]), np.array([0, 1.0]),
                               np.float64(pixels))  # fmt: skip
    assert case_scores(false).specificity[0] == pytest.approx(1000 / 1001, rel=1e-12)
