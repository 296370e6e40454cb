"""Fine-grained means and conventions for empty masks, by hand and by an oracle."""

import jax
import numpy as np
import pytest

from jaxseg.metrics.conventions import convention_scores
from jaxseg.metrics.fine_grained import fine_grained_iou
from jaxseg.metrics.overlap import mask_counts


def counts_of(found, truth, classes):
    images = [mask_counts(p, t, classes) for p, t in zip(found, truth, strict=True)]
    return jax.tree.map(lambda *x: np.stack(x), *images)


def by_loops(found, truth, classes, per_cent):
    """Wang's means as their words say it, image by image and class by class."""
    scores = {}
    for i, (p, t) in enumerate(zip(found, truth, strict=True)):
        for c in range(classes):
            if (t == c).any():
                both = np.sum((p == c) & (t == c))
                scores[i, c] = both / np.sum((p == c) | (t == c))
    images = [
        np.mean([s for (i, _), s in scores.items() if i == image])
        for image in sorted({i for i, _ in scores})
    ]
    kinds = [
        [s for (_, c), s in scores.items() if c == kind]
        for kind in sorted({c for _, c in scores})
    ]

    def worst(values):
        return np.mean(sorted(values)[: max(1, int(per_cent / 100 * len(values)))])

    return (
        np.mean(images),
        np.mean([np.mean(k) for k in kinds]),
        worst(images),
        np.mean([worst(k) for k in kinds]),
    )


def test_means_are_those_of_the_loops():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, (40, 6, 5)) * (rng.random((40, 1, 1)) < 0.7)
    found = np.where(rng.random(truth.shape) < 0.7, truth, rng.integers(0, 4))
    means = fine_grained_iou(counts_of(found, truth, 5), quantiles=(10,))
    expected = by_loops(found, truth, 5, 10)
    np.testing.assert_allclose(
        [means.by_image, means.by_class, *means.worst[10]], expected, rtol=1e-12
    )
    pooled = by_loops(found.reshape(1, -1), truth.reshape(1, -1), 5, 10)[0]
    assert means.by_dataset == pytest.approx(pooled, rel=1e-12)


def test_the_worst_images_and_what_nobody_holds():
    truth = np.array([[0, 1], [0, 1], [0, 1]])
    found = np.array([[0, 1], [0, 0], [1, 0]])
    means = fine_grained_iou(counts_of(found, truth, 3), classes=(1, 2))
    assert (means.by_image, means.by_class) == (1 / 3, 1 / 3)  # 1, 0, 0
    assert means.worst[50] == (0, 0)
    nothing = fine_grained_iou(counts_of(found, truth, 3), classes=(2,))
    assert np.isnan([nothing.by_dataset, nothing.by_image, *nothing.worst[1]]).all()
    assert nothing.to_json()["worst"]["1"] == [None, None]
    with pytest.raises(ValueError, match="quantiles are per cent"):
        fine_grained_iou(counts_of(found, truth, 3), quantiles=(0,))


def test_a_convention_can_turn_a_ranking():
    """One finds half of each lesion and nothing else, the other all and too much."""
    truth = np.array([[0, 1, 1, 0]] * 2 + [[0, 0, 0, 0]] * 2)
    shy = np.array([[0, 1, 0, 0]] * 2 + [[0, 0, 0, 0]] * 2)
    bold = np.array([[0, 1, 1, 0]] * 2 + [[0, 0, 0, 1]] * 2)
    means = {
        name: {k: np.nanmean(v) for k, v in convention_scores(c).items()}
        for name, c in (
            ("shy", counts_of(shy, truth, 2)),
            ("bold", counts_of(bold, truth, 2)),
        )
    }
    half = 2 / 3  # Dice of one pixel of two
    assert means["shy"] == pytest.approx(
        {"one": (half + 1) / 2, "nan": half, "zero": half / 2, "truth": half}
    )
    assert means["bold"] == {"one": 0.5, "nan": 0.5, "zero": 0.5, "truth": 1.0}
    known = np.array([True, False])
    hidden = convention_scores(counts_of(bold, truth, 2), "jaccard", known=known)
    assert np.isnan(hidden["one"]).all()
