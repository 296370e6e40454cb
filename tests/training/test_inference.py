"""Windows, flips, ensembles and thresholds against direct and by-hand answers."""

import itertools
import tracemalloc

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.counts import SoftCounts, dice_index, jaccard_index
from jaxseg.data.intensity import NORMALISATIONS, imagenet
from jaxseg.decide import best_mask
from jaxseg.training.cases import TrainedNetwork, case_predictor
from jaxseg.training.inference import (
    Inference,
    image_predictor,
    mean_probabilities,
)
from jaxseg.training.objective import objective_of
from jaxseg.training.sources import Example
from jaxseg.training.thresholds import above, best_for_dice, most_probable
from jaxseg.training.window import gaussian_weights, mirror, predict_by_windows, starts
from tests.training.small import small_config


def softmax(scores):
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def pointwise(images):
    """Each pixel on its own."""
    x = images[..., :1]
    return softmax(np.concatenate([x, 1 - x**2, np.sin(3 * x)], -1)).astype(np.float32)


def blurred(images):
    """Each pixel with its neighbours, alike in all directions."""
    total = images.copy()
    for axis in range(1, images.ndim - 1):
        before, after = np.roll(total, 1, axis), np.roll(total, -1, axis)
        first = [slice(None)] * images.ndim
        last = list(first)
        first[axis], last[axis] = slice(0, 1), slice(-1, None)
        before[tuple(first)] = after[tuple(last)] = 0
        total = total + before + after
    return pointwise(total / 9)


def image_of(size, seed=0, channels=2):
    return np.random.default_rng(seed).standard_normal((*size, channels), np.float32)


@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.8])
@pytest.mark.parametrize(
    ("size", "window"),
    [
        ((24, 37), (8, 16)),
        ((5, 40), (16, 16)),  # shorter than the window
        ((16, 16), (16, 16)),
        ((3, 3), (16, 32)),  # mirrored more than once
        ((11, 9, 13), (4, 9, 8)),
        ((1, 30, 30), (4, 16, 16)),
    ],
)
def test_windows_of_a_pointwise_network_are_the_direct_pass(size, window, overlap):
    image = image_of(size)
    seen = []

    def forward(images):
        seen.append(images.shape)
        return pointwise(images)

    probs = predict_by_windows(forward, image, window, overlap=overlap, batch=3)
    np.testing.assert_allclose(probs, pointwise(image[None])[0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(probs.sum(-1), 1, rtol=1e-5)
    assert set(seen) == {(3, *window, 2)}  # compiled once, whatever the image


def test_windows_cover_an_axis_evenly_with_the_overlap_asked_for():
    for size, window, overlap in itertools.product(
        range(8, 60, 3), (1, 4, 7, 8), (0.0, 0.25, 0.5, 0.9)
    ):
        places = starts(size, window, overlap)
        assert places[0] == 0
        assert places[-1] == size - window
        gaps = np.diff(places)
        assert (gaps >= 1).all()
        assert (gaps <= max(window * (1 - overlap), 1)).all()
    assert starts(16, 8, 0.5) == [0, 4, 8]
    assert starts(8, 8, 0.5) == [0]


def test_gaussian_weights_by_hand():
    weights = gaussian_weights((8, 5))
    # Middles at 3.5 and 2, deviations 1 and 5/8.
    expected = np.exp(-0.5 * (3.5**2 + (2 / 0.625) ** 2))
    np.testing.assert_allclose(weights[0, 0], expected, rtol=1e-5)
    np.testing.assert_allclose(weights[3, 2], np.exp(-0.125), rtol=1e-6)
    np.testing.assert_array_equal(weights, weights[::-1, ::-1])
    for window in [(64, 64, 64), (1,), (2, 3)]:
        assert gaussian_weights(window).min() > np.exp(-8.1 * len(window))


def test_two_windows_by_hand():
    """A network that answers with the number of its call: weights decide the mix."""
    calls = itertools.count()

    def forward(images):
        return np.full((*images.shape[:-1], 1), next(calls), np.float32)

    found = predict_by_windows(
        forward, np.zeros((6, 1), np.float32), (4,), overlap=0.5, batch=1
    )
    w = np.exp(-0.5 * (np.array([-1.5, -0.5, 0.5, 1.5]) / 0.5) ** 2)
    shared = [w[0] / (w[2] + w[0]), w[1] / (w[3] + w[1])]
    np.testing.assert_allclose(found[:, 0], [0, 0, *shared, 1, 1], rtol=1e-5)


def test_memory_does_not_grow_with_the_number_of_windows():
    """Beyond the sums themselves: one batch of windows at a time."""

    def extra(size):
        image = np.zeros((size, 16, 1), np.float32)
        tracemalloc.start()
        predict_by_windows(
            lambda x: np.zeros((*x.shape[:-1], 8), np.float32), image, (16, 16)
        )
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        sums = size * 16 * (8 + 1) * 4
        return peak - sums

    gaussian_weights((16, 16))
    small, large = extra(64), extra(4096)
    assert large < small + 100_000  # 63 times the windows; all of them are 4 MB


def test_windows_that_make_no_sense_are_refused():
    image = image_of((8, 8))
    with pytest.raises(ValueError, match=r"window \(4,\) does not fit"):
        predict_by_windows(pointwise, image, (4,))
    with pytest.raises(ValueError, match="overlap must lie"):
        predict_by_windows(pointwise, image, (4, 4), overlap=1.0)


@pytest.mark.parametrize("size", [(5, 6), (3, 4, 5)])
def test_flips_change_nothing_for_a_network_that_does_not_care(size):
    images = np.stack([image_of(size, seed) for seed in range(2)])
    np.testing.assert_allclose(mirror(blurred)(images), blurred(images), rtol=1e-5)


def test_flips_of_a_network_that_cares_by_hand():
    def leftmost(images):
        """1 in the first column, 0 elsewhere."""
        out = np.zeros((*images.shape[:-1], 1), np.float32)
        out[:, :, 0] = 1
        return out

    found = mirror(leftmost)(np.zeros((1, 2, 3, 1), np.float32))[0, ..., 0]
    np.testing.assert_array_equal(found, [[0.5, 0, 0.5]] * 2)


class Photographs:
    """Three images, the last of the networks' own size."""

    sizes = ((6, 9), (8, 5), (8, 8))

    def __len__(self):
        return len(self.sizes)

    def __getitem__(self, index):
        pixels = np.random.default_rng(index).integers(0, 256, (*self.sizes[index], 1))
        return Example(f"photo{index}", pixels.astype(np.uint8), None)


def scores(params, images):
    return jnp.concatenate([images * params, 0 * images], -1)


@pytest.mark.parametrize(
    "how",
    [Inference(), Inference(window=(4, 4), mirror=True)],
    ids=["whole", "windows"],
)
def test_an_ensemble_is_the_mean_of_its_members(how):
    members = [image_predictor(scores, p, (8, 8), how) for p in (1.0, -2.0, 5.0)]
    cases = Photographs()
    alone = [[p for _, p in mean_probabilities([m], cases)] for m in members]
    together = list(mean_probabilities(members, cases, at_a_time=1))
    assert [example.name for example, _ in together] == [
        "photo0",
        "photo1",
        "photo2",
    ]
    for index, (_, probs) in enumerate(together):
        assert probs.shape == (*cases.sizes[index], 2)
        a, b, c = (one[index] for one in alone)
        np.testing.assert_allclose(probs, (a + b + c) / 3, rtol=1e-5)
        assert np.abs(a - b).max() > 0.1


def test_windows_see_images_at_their_own_size():
    case = Photographs()[0]
    windows = image_predictor(scores, 1.0, (8, 8), Inference(window=(4, 4)))
    (probs,) = windows([case])
    x = (case.image - case.image.mean()) / case.image.std()
    np.testing.assert_allclose(probs[..., :1], 1 / (1 + np.exp(-x)), rtol=1e-3)
    (whole,) = image_predictor(scores, 1.0, (8, 8))([case])
    assert np.abs(whole - probs).max() > 0.05
    for how in (Inference(), Inference(window=(4, 4))):
        predict = image_predictor(scores, 1.0, case.image.shape[:2], how, imagenet)
        x = (case.image / 255 - 0.449) / 0.226
        np.testing.assert_allclose(
            predict([case])[0][..., :1], 1 / (1 + np.exp(-x)), rtol=1e-3
        )


def expected_index(index, mask, probs):
    hits = probs[mask].sum()
    return index(
        SoftCounts.of_sets(
            hits, mask.sum() - hits, probs.sum() - hits, float(probs.size)
        )
    )


@pytest.mark.parametrize(
    ("index", "weights"), [(dice_index, (0.5, 0.5)), (jaccard_index, (1.0, 1.0))]
)
def test_the_best_mask_is_best_among_all(index, weights):
    rng = np.random.default_rng(0)
    for _ in range(20):
        probs = rng.random(8) ** rng.integers(1, 6)
        found = best_mask(probs, alpha=weights[0], beta=weights[1])
        masks = (np.array(m, bool) for m in itertools.product((0, 1), repeat=8))
        top = max(expected_index(index, mask, probs) for mask in masks)
        np.testing.assert_allclose(found.index, top, rtol=1e-12)
        mask = probs > found.threshold
        np.testing.assert_allclose(expected_index(index, mask, probs), top, rtol=1e-12)
        assert mask.sum() == found.pixels


def test_the_best_mask_by_hand():
    """Of 1/2 and 1/4: one pixel has Dice 1 / (3/4 + 1), both 3/2 / (3/4 + 2)."""
    found = best_mask(np.array([0.25, 0.5]))
    np.testing.assert_allclose(found.index, 1 / 1.75)
    np.testing.assert_allclose(found.threshold, 1 / 3.5)
    assert found.pixels == 1
    nothing = best_mask(np.zeros(5))
    assert (nothing.threshold, nothing.index, nothing.pixels) == (0, 1, 0)


def test_masks_of_thresholds():
    probs = np.array([[0.6, 0.3, 0.1], [0.45, 0.15, 0.4], [0.1, 0.2, 0.7]])
    assert most_probable(probs).tolist() == [0, 0, 2]
    assert above(probs, 0.5).tolist() == [0, 2, 2]
    assert above(probs, 0.39).tolist() == [1, 2, 2]
    # Class 1: .3 alone has Dice .6 / 1.65, .3 and .2 1 / 2.65, all 1.3 / 3.65.
    first = best_mask(probs[:, 1])
    np.testing.assert_allclose(first.threshold, 0.5 / 2.65)
    second = best_mask(probs[:, 2])
    np.testing.assert_allclose(second.threshold, 1.1 / 3.2)
    assert best_for_dice(probs).tolist() == [1, 2, 2]  # .7 / .34 beats .2 / .19
    assert not best_for_dice(np.array([[1.0, 0.0, 0.0]] * 4)).any()
    with_tie = np.stack([1 - np.full(6, 0.2), np.full(6, 0.2)], -1)
    assert best_for_dice(with_tie).all()  # 1/5 is above half of 2/6


@pytest.mark.parametrize("name", NORMALISATIONS)
def test_predictions_see_images_as_training_does(name):
    config = small_config(normalise=name, num_classes=3, channels=3)
    trained = TrainedNetwork(config, lambda variables, images: images, {})
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    (probs,) = case_predictor(trained)([Example("one", pixels, None)])
    prepare = objective_of(config, config.phases[0]).prepare
    seen = prepare(pixels[None].astype(np.float32) / 255)
    np.testing.assert_allclose(probs, jax.nn.softmax(seen)[0], rtol=1e-5)


def test_normalisations_by_hand():
    """A black, a middling and a white pixel, as in the releases' own code."""
    pixels = jnp.array([0.0, 127.0, 255.0]).reshape(1, 1, 3, 1) / 255
    lite = NORMALISATIONS["efficientnet_lite"](pixels)
    np.testing.assert_allclose(lite.ravel(), [-127 / 128, 0, 1], atol=1e-6)
