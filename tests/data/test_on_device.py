"""Augmentation, synthetic lesions and batches: what is made on the device."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.data.augment import AUGMENTATIONS, Augmentation, augment
from jaxseg.data.batch import Batch, counted_pixels, split_batch, unit_images
from jaxseg.data.intensity import imagenet, standardize
from jaxseg.data.overlay import class_colours, outline, overlay
from jaxseg.data.synthetic import Lesions, make_batch, make_image


def picture(height=32, width=48):
    """An image whose channel 0 shows its own labels."""
    rows, columns = np.mgrid[:height, :width]
    labels = ((rows - 12) ** 2 + (columns - 30) ** 2 < 60).astype(np.int32)
    image = np.stack([labels, rows / height], axis=-1).astype(np.float32)
    return jnp.asarray(image), jnp.asarray(labels)


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_image_and_labels_change_alike(name):
    image, labels = picture()
    run = jax.jit(functools.partial(augment, settings=AUGMENTATIONS[name]))
    for seed in range(5):
        moved, ids = run(jax.random.key(seed), image, labels)
        assert (moved.shape, ids.shape) == (image.shape, labels.shape)
        assert set(np.unique(ids)) <= {0, 1}
        inside = np.asarray(ids) == 1
        shown = np.asarray(moved[..., 0])
        gap = shown[inside].mean() - shown[~inside].mean()
        assert gap > 0.6
    again = run(jax.random.key(4), image, labels)
    np.testing.assert_array_equal(moved, again[0])


def test_flips_are_exact_and_equally_frequent():
    image, labels = picture()
    flip = Augmentation(flip_rows=True, flip_columns=True)
    seen = []
    for seed in range(64):
        moved, ids = augment(jax.random.key(seed), image, labels, flip)
        options = [image, image[::-1], image[:, ::-1], image[::-1, ::-1]]
        match = [k for k, x in enumerate(options) if np.allclose(moved, x, atol=1e-6)]
        assert len(match) == 1
        np.testing.assert_array_equal(ids, moved[..., 0] > 0.5)
        seen.append(match[0])
    assert min(np.bincount(seen, minlength=4)) >= 6


def test_rotation_and_scale_keep_within_their_range():
    """The area of a disc tells the zoom, void ids stay whole."""
    image, labels = picture()
    labels = labels.at[0, 0].set(255)
    areas = []
    for seed in range(30):
        settings = Augmentation(rotation_degrees=20, scale=0.2)
        _, ids = augment(jax.random.key(seed), image, labels, settings)
        assert set(np.unique(ids)) <= {0, 1, 255}
        areas.append(float((ids == 1).sum() / (labels == 1).sum()))
    assert 0.6 < min(areas) < 0.95
    assert 1.05 < max(areas) < 1.6


def test_volumes_are_changed_like_images_and_thick_ones_in_their_plane():
    x, y, z = np.mgrid[:10, :12, :4]
    labels = jnp.asarray(((x - 5) ** 2 + (y - 4) ** 2 < 9) & (z < 2), jnp.uint8)
    image = labels[..., None].astype(jnp.float32)
    run = jax.jit(augment, static_argnums=3)
    thick = dataclasses.replace(
        AUGMENTATIONS["volume"],
        spacing=(1.0, 1.0, 5.0), flip_slices=False, deformation=0.0, scale=0.0,
    )  # fmt: skip
    for seed in range(4):
        moved, ids = run(jax.random.key(seed), image, labels, thick)
        assert (moved.shape, ids.dtype) == (image.shape, labels.dtype)
        gap = moved[..., 0][ids == 1].mean() - moved[..., 0][ids == 0].mean()
        assert gap > 0.4
        assert not ids[..., 2:].any()  # no slice has moved into another
    settings = dataclasses.replace(AUGMENTATIONS["volume"], deformation=2.0)
    moved, ids = run(jax.random.key(0), image, labels, settings)
    again = run(jax.random.key(0), image, labels, settings)
    np.testing.assert_array_equal(moved, again[0])
    assert 0.3 < float(ids.sum() / labels.sum()) < 3


def moved(settings, seed, image=None):
    spot, labels = picture(40, 60)
    image = spot if image is None else image
    labels = jnp.zeros(image.shape[:-1], jnp.int32) if image is not spot else labels
    return augment(jax.random.key(seed), image, labels, settings)


def centre(image):
    """Row and column of the middle of what channel 0 shows."""
    rows, columns = np.nonzero(np.asarray(image[..., 0]) > 0.5)
    return np.array([rows.mean(), columns.mean()])


def test_translations_keep_within_their_share_of_an_axis():
    """A disc goes as far as 0.05 of 60 columns, up to 0.1 of 40 rows, or nowhere."""
    start = centre(picture(40, 60)[0])
    for shares, most in (((0.1, 0.05), (4, 3)), ((0.0, 0.05), (0, 3)), ((), (0, 0))):
        settings = Augmentation(translation=shares)
        gone = [centre(moved(settings, seed)[0]) - start for seed in range(24)]
        far = np.abs(gone).max(axis=0)
        assert (far <= np.array(most) + 0.3).all()
        assert (far >= 0.7 * np.array(most) - 0.3).all()
    one = moved(Augmentation(translation=(0.1, 0.1)), 3)
    np.testing.assert_allclose(centre(one[1][..., None]), centre(one[0]), atol=0.5)


def test_the_zoom_s_range_may_be_uneven():
    area = np.asarray(picture(40, 60)[1]).sum()
    settings = Augmentation(scale=0.2, smallest_zoom=0.95)
    sizes = [np.sqrt(moved(settings, s)[1].sum() / area) for s in range(24)]
    assert 0.93 <= min(sizes) <= 1.0
    assert 1.1 <= max(sizes) <= 1.22


def test_one_move_at_a_time():
    """A disc's middle and size tell which of the moves was made; no two at once."""
    settings = Augmentation(
        rotation_degrees=90, scale=0.5, translation=(0.3, 0.0), one_move=True
    )
    image, labels = picture(41, 61)
    labels = labels * 0 + (
        (np.mgrid[:41, :61][0] - 20) ** 2 + (np.mgrid[:41, :61][1] - 30) ** 2 < 60
    )
    area, kinds = int(labels.sum()), set()
    for seed in range(24):
        _, ids = augment(jax.random.key(seed), image, labels, settings)
        shifted = np.abs(centre(ids[..., None]) - [20, 30]).max() > 0.6
        zoomed = abs(int(ids.sum()) - area) > 0.1 * area
        assert not (shifted and zoomed)
        kinds.add((shifted, zoomed))
    assert len(kinds) == 3


def test_saturation_by_hand():
    """Grey stays, a colour keeps its grey and goes from it or to it by one factor."""
    image = jnp.array([[0.5, 0.5, 0.5], [0.9, 0.2, 0.4]]).reshape(1, 2, 3)
    grey = 0.299 * 0.9 + 0.587 * 0.2 + 0.114 * 0.4
    factors = []
    for seed in range(16):
        out, _ = moved(Augmentation(saturation=0.4), seed, image)
        np.testing.assert_allclose(out[0, 0], 0.5, atol=1e-6)
        ratios = (np.asarray(out[0, 1]) - grey) / (np.array([0.9, 0.2, 0.4]) - grey)
        np.testing.assert_allclose(ratios, ratios[0], rtol=1e-4)
        factors.append(ratios[0])
    assert 0.6 <= min(factors) < 0.8 < 1.2 < max(factors) <= 1.4
    two = image[..., :2]
    kept, _ = moved(Augmentation(saturation=0.4), 0, two)  # no colours
    np.testing.assert_allclose(kept, two, rtol=1e-6)


def test_noise_is_of_no_more_than_its_deviation():
    image = jnp.full((40, 60, 3), 0.5)
    deviations = []
    for seed in range(16):
        out, _ = moved(Augmentation(noise=0.1), seed, image)
        deviations.append(float(np.std(out)))
        assert abs(float(np.mean(out)) - 0.5) < 0.01
        flat = np.asarray(out - 0.5).reshape(-1, 3)
        assert np.abs(np.corrcoef(flat.T)[0, 1:]).max() < 0.1  # a number each
    assert min(deviations) < 0.04 < 0.07 < max(deviations) < 0.105


def test_no_augmentation_changes_nothing():
    image, labels = picture()
    moved, ids = augment(jax.random.key(0), image, labels, Augmentation())
    assert moved is image
    assert ids is labels


@pytest.mark.parametrize("share", [0.02, 0.2])
@pytest.mark.parametrize("classes", [2, 4])
def test_lesions_cover_the_stated_share(share, classes):
    settings = Lesions(
        size=(48, 40), num_classes=classes, foreground_share=share, lesion_free=0.0
    )
    batch = make_batch(jax.random.key(0), 20, settings)
    assert batch.images.shape == (20, 48, 40, 1)
    assert batch.images.min() >= 0
    assert batch.images.max() <= 1
    labels = np.asarray(batch.labels)
    assert set(np.unique(labels)) == set(range(classes))
    got = (labels > 0).mean()
    assert share * 0.7 < got < share * 1.02  # kinds may hide each other
    if classes == 2:
        assert got == pytest.approx(round(share * 48 * 40) / (48 * 40))


def test_lesion_free_images_come_at_the_stated_rate():
    settings = Lesions(size=(16, 16), lesion_free=0.3)
    batch = make_batch(jax.random.key(1), 400, settings)
    free = (np.asarray(batch.labels).reshape(400, -1).max(1) == 0).mean()
    assert abs(free - 0.3) < 0.08
    assert make_image(jax.random.key(0), Lesions(lesion_free=1.0))[1].max() == 0


@pytest.mark.parametrize(
    "wrong", [{"num_classes": 1}, {"foreground_share": 0.0}, {"lesion_free": 1.5}]
)
def test_impossible_lesions_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Lesions(**wrong)


def test_a_batch_is_filled_up_with_masked_images():
    images = np.full((5, 4, 4, 1), 255, np.uint8)
    labels = np.ones((5, 4, 4), np.uint8)
    labels[0, 0, 0] = 255
    parts = split_batch(Batch.of(images, labels), 4)
    assert parts.images.shape == (4, 2, 4, 4, 1)
    flat = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), parts)
    where = counted_pixels(flat)
    assert where.sum() == 5 * 16 - 1
    assert not where[5:].any()
    np.testing.assert_array_equal(flat.positions[:5], np.arange(5))
    assert unit_images(flat).dtype == jnp.float32
    assert unit_images(flat).max() == 1


def test_standardize():
    image = np.random.default_rng(0).random((2, 8, 8, 3)).astype(np.float32) * 7 + 100
    image[1, ..., 2] = 5
    out = np.asarray(standardize(jnp.asarray(image)))
    np.testing.assert_allclose(out.mean((1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(out[0].std((0, 1)), 1, rtol=1e-3)
    assert not out[1, ..., 2].any()


def test_imagenet_normalisation_by_hand():
    white = np.asarray(imagenet(jnp.ones((1, 2, 2, 3))))
    np.testing.assert_allclose(
        white[0, 0, 0], [0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225], rtol=1e-6
    )
    grey = np.asarray(imagenet(jnp.full((1, 2, 2, 1), 0.449)))
    np.testing.assert_allclose(grey, 0, atol=1e-6)


def test_overlay_draws_the_outline_alone():
    mask = np.zeros((9, 9), np.uint8)
    mask[2:7, 2:7] = 1
    edge = outline(mask)
    assert edge.sum() == 16
    assert not edge[3:6, 3:6].any()
    drawn = overlay(np.full((9, 9, 1), 100, np.uint8), mask)
    assert (drawn[edge] == class_colours(np.array(1))).all()
    near = np.zeros((9, 9), bool)
    near[1:8, 1:8] = True
    assert (drawn[near & ~edge & (mask == 0)] == 0).all()  # the black edging
    assert (drawn[~near] == 100).all()
    assert (drawn[4, 4] == 100).all()
    assert (class_colours(np.array(8)) == class_colours(np.array(1))).all()
