"""Volumes: what is read and drawn from them, and how each mistake is named."""

import json

import numpy as np
import pytest

from jaxseg.data.collection import list_cases, splits
from jaxseg.data.facts import is_ct
from jaxseg.data.images import VOID
from jaxseg.data.intensity import Window, normalize
from jaxseg.data.labels import LabelMap
from jaxseg.data.patches import (
    cut_patch,
    draw_patch,
    holds_foreground,
    patch_corner,
    places_of_classes,
)
from jaxseg.data.pipeline import Kept, PatchSource, training_batches
from jaxseg.data.resample import resample, resample_labels, resampled_shape
from jaxseg.data.volumes import read_volume
from jaxseg.errors import UserError
from tests.data.reading import facts, volume_ids
from tests.data.small_volumes import SHAPE, SPACING, save, write_folder


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path)


IDS = LabelMap.of_ids(3)


def test_facts_of_a_sound_folder(folder):
    assert splits(folder) == ["train", "validation", "test"]
    found = facts(folder)
    assert (found.num_classes, found.channels) == (3, 1)
    assert found.labels.names == ("background", "bright", "dark")
    assert found.shapes == (SHAPE,) * 4
    assert found.spacings_mm == (SPACING,) * 4
    assert found.median_spacing_mm is None  # nothing to resample
    assert found.windows == (None,)
    ones = sum(
        (volume_ids(case.mask) == 1).sum() for case in list_cases(folder, "train")
    )
    assert found.class_shares[1] == pytest.approx(ones / (4 * np.prod(SHAPE)))
    assert (found.empty, facts(folder, "test").empty) == (0, 1)


def test_ct_windows_come_from_the_foreground_of_the_training_cases(tmp_path):
    root = write_folder(tmp_path, modality="CT")
    (window,) = facts(root).windows
    assert window is not None
    values = np.concatenate(
        [
            read_volume(c.image).voxels[volume_ids(c.mask) > 0, 0]
            for c in list_cases(root, "train")
        ]
    )
    low, high = np.percentile(values, (0.5, 99.5))
    clipped = np.clip(values, low, high)
    expected = (low, high, clipped.mean(), clipped.std())
    np.testing.assert_allclose(
        (window.low, window.high, window.mean, window.std), expected, rtol=1e-5
    )
    assert [is_ct(name) for name in ("CT", "ct", "T1", "cine-CT", "FLAIRCT")] == [
        True, True, False, True, False,
    ]  # fmt: skip


def test_intensities_by_hand():
    voxels = np.array([0.0, 10, 20, 400], np.float32).reshape(2, 2, 1, 1)
    both = np.concatenate([voxels, voxels, np.full_like(voxels, 7)], axis=-1)
    out = normalize(both, (Window(5, 20, 10, 5), None, None))
    np.testing.assert_allclose(out[..., 0].ravel(), [-1, 0, 2, 2])
    spread = np.std([0, 10, 20, 400])
    np.testing.assert_allclose(out[0, 0, 0, 1], (0 - 107.5) / spread, rtol=1e-6)
    assert not out[..., 2].any()


def test_each_mistake_is_named_with_its_file(folder):
    image, label = (
        folder / "images/training1.nii.gz",
        folder / "labels/training1.nii.gz",
    )
    whole, ids = image.read_bytes(), volume_ids(label)

    def refused(match, **options):
        with pytest.raises(UserError, match=match) as caught:
            facts(folder, **options)
        assert "\n" not in str(caught.value)

    image.write_bytes(whole[: len(whole) // 2])
    refused(r"images/training1.nii.gz is damaged")
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    image.write_bytes(bytes(flipped))
    refused(r"images/training1.nii.gz is damaged")
    image.write_bytes(b"not a volume")
    refused(r"images/training1.nii.gz is (damaged|not a NIfTI file)")
    save(image, np.full(SHAPE, np.nan, np.float32))
    refused(r"training1.nii.gz holds 960 intensities that are not finite")
    save(image, np.zeros((*SHAPE, 2), np.float32))
    refused(r"training1.nii.gz has 2 channels, not the 1 of its data set")
    save(image, np.zeros(SHAPE[:2], np.float32))
    refused(r"training1.nii.gz has 2 axes; a volume has three")
    image.write_bytes(whole)

    save(label, ids[:-1])
    refused(r"labels/training1.nii.gz has 11x10x8 voxels but .* has 12x10x8")
    save(label, ids, (1.0, 1.5, 2.0))
    refused(r"labels/training1.nii.gz has voxels of 1x1.5x2 mm but .* 1x1.5x3")
    save(label, np.where(ids == 1, 7, ids))
    refused(r"training1.nii.gz holds class id 7, but with 3 classes")
    save(label, (ids + 0.5).astype(np.float32))
    refused(r"training1.nii.gz holds the value 0.5; labels are whole numbers")
    save(label, ids.astype(np.float32))
    assert facts(folder).num_classes == 3  # whole numbers may be stored as floats
    refused(r"holds class id 2, but with 2 classes", num_classes=2)

    path = folder / "dataset.json"
    index = json.loads(path.read_text())
    label.rename(folder / "away.nii.gz")
    refused(r"dataset.json lists ./labels/training1.nii.gz .* there is no .*training1")
    (folder / "away.nii.gz").rename(label)
    for part, value, match in (
        ("modality", {}, r"dataset.json has no 'modality'"),
        (
            "labels",
            {"1": "a", "2": "b"},
            r"keys of 'labels' are 1, 2, not numbers from",
        ),
        (
            "labels",
            {"0": "a", "2": "b"},
            r"training0.nii.gz holds the value 1, which st",
        ),
        ("training", "all", r"'training' is not a list"),
        ("training", [{"label": "x"}], r"an entry of 'training' is"),
        ("training", ["./images/x.png"], r"x.png .* expected a file ending in .nii.gz"),
        ("training", [], r"has no split 'train' .it has validation, test"),
        ("training", [index["training"][0]] * 2, r"training0.nii.gz twice"),
    ):
        path.write_text(json.dumps({**index, part: value}))
        refused(match)
    path.write_text("{")
    refused(r"dataset.json is not valid JSON")


def test_resampling_keeps_extent_ids_and_linear_ramps():
    assert resampled_shape((10, 20, 5), (1, 1, 4), (2, 1, 2)) == (5, 20, 10)
    ramp = np.arange(12.0)[:, None, None, None] * np.ones((1, 3, 4, 2))
    fine = resample(ramp, (24, 3, 4))
    inner = (np.arange(24) + 0.5) / 2 - 0.5
    np.testing.assert_allclose(fine[1:-1, 0, 0, 0], inner[1:-1], atol=1e-9)
    back = resample(fine, (12, 3, 4))
    np.testing.assert_allclose(back[2:-2], ramp[2:-2], atol=1e-6)
    ids = np.kron(np.array([0, 2, VOID]), np.ones(4))[:, None, None].astype(np.uint8)
    assert resample_labels(ids, (6, 1, 1)).ravel().tolist() == [0, 0, 2, 2, 255, 255]
    assert set(np.unique(resample_labels(ids, (17, 2, 2)))) == {0, 2, VOID}


def test_fine_noise_is_taken_out_before_voxels_grow():
    """Four voxels to one: a linear sample of the fine grid alone sees two of them."""
    fine = np.zeros((16, 2, 2, 1))
    fine[8] = 1
    coarse = resample(fine, (4, 2, 2))[:, 0, 0, 0]
    away = np.arange(16) - 8
    blurred = np.where(np.abs(away) <= 6, np.exp(-(away**2) / (2 * 1.5**2)), 0)
    blurred /= blurred.sum()
    centres = [1, 5, 9, 13]  # and half a voxel
    by_hand = [(blurred[k] + blurred[k + 1]) / 2 for k in centres]
    np.testing.assert_allclose(coarse, by_hand, atol=1e-12)
    flat = np.full((16, 6, 4, 2), 3.0, np.float32)
    np.testing.assert_allclose(resample(flat, (4, 2, 3)), 3, rtol=1e-6)
    noise = np.random.default_rng(0).standard_normal((40, 40, 40, 1))
    assert resample(noise, (10, 10, 10)).std() < 0.1
    assert resample(noise, (40, 40, 80)).std() > 0.6


def test_patches_hold_the_place_and_stay_inside():
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(200):
        (x, y) = patch_corner((9, 4), (3, 6), rng, (8, 2))
        assert 0 <= x <= 6
        assert x <= 8 < x + 3
        assert y == -1  # the volume in the middle of the patch
        seen.add(patch_corner((9,), (3,), rng, (4,))[0])
    assert seen == {2, 3, 4}


def test_a_patch_beyond_the_volume_is_mirrored_and_void():
    labels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    image = labels[..., None].astype(np.float32)
    patch, ids = cut_patch(image, labels, (-1, 1), (4, 3))
    assert ids.tolist() == [
        [255, 255, 255], [1, 2, 255], [4, 5, 255], [255, 255, 255],
    ]  # fmt: skip
    assert patch[..., 0].tolist() == [[1, 2, 2], [1, 2, 2], [4, 5, 5], [4, 5, 5]]


def test_the_stated_share_of_samples_holds_foreground_evenly_over_classes():
    assert [holds_foreground(k, 1 / 3) for k in range(6)] == [
        False, False, True, False, False, True,
    ]  # fmt: skip
    assert sum(holds_foreground(k, 0.4) for k in range(1000)) == 400
    assert not any(holds_foreground(k, 0.0) for k in range(9))
    labels = np.zeros((40, 40, 4), np.uint8)
    labels[1, 1, 1], labels[20:30, 20:30] = 1, 2
    image = np.zeros((*labels.shape, 1), np.float32)
    places = places_of_classes(labels)
    rng = np.random.default_rng(1)
    held = [0, 0]
    for _ in range(100):
        _, ids = draw_patch(image, labels, places, (6, 6, 2), rng, foreground=True)
        assert (ids > 0).any()
        held[0] += bool((ids == 1).any())
        held[1] += bool((ids == 2).any())
    assert min(held) > 30  # a class of one voxel is drawn as often as a large one


def test_batches_of_patches_are_the_same_from_any_start_and_for_any_share(folder):
    cases = list_cases(folder, "train")

    def feed(start=0, share=None, **options):
        source = PatchSource(
            cases, (6, 6, 4), spacing_mm=None, windows=(None,), labels=IDS, **options
        )
        return training_batches(source, batch_size=5, seed=3, start=start, share=share)

    whole = [batch for batch, _ in zip(feed(), range(6), strict=False)]
    assert whole[0].images.shape == (5, 6, 6, 4, 1)
    assert whole[0].images.dtype == np.float32
    later = next(feed(start=4, room=0))  # without a cache
    np.testing.assert_array_equal(later.images, whole[4].images)
    np.testing.assert_array_equal(later.labels, whole[4].labels)
    part = next(feed(start=4, share=slice(2, 5)))
    np.testing.assert_array_equal(part.images, whole[4].images[2:])
    assert part.positions.tolist() == [2, 3, 4]
    must = [bool((ids > 0).any()) for batch in whole for ids in batch.labels]
    assert all(must[k] for k in range(30) if holds_foreground(k, 1 / 3))


def test_resampled_cases_have_the_spacing_asked_for(folder):
    source = PatchSource(
        list_cases(folder, "train"),
        (12, 15, 24),
        spacing_mm=(1, 1, 1),
        windows=(None,),
        labels=IDS,
    )
    sample = source.sample(0, 0, 0)
    assert sample["image"].shape == (12, 15, 24, 1)
    assert not (sample["labels"] == VOID).any()  # 12 x 10 x 8 voxels of 1 x 1.5 x 3 mm
    assert abs(sample["image"].mean()) < 0.1


def test_records_are_kept_within_bounds():
    reads = []

    def read(index):
        reads.append(index)
        return {"image": np.zeros(100, np.uint8)}

    kept = Kept(read, room=250)
    for index in (0, 1, 2, 0, 1, 2):
        kept[index]
    assert reads == [0, 1, 2, 2]


def test_channels_are_the_last_axis(tmp_path):
    root = write_folder(tmp_path, training=1, channels=2)
    assert facts(root).channels == 2
    assert read_volume(list_cases(root, "train")[0].image).voxels.shape == (*SHAPE, 2)
