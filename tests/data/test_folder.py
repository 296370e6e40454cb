"""Image folders: what is read, and how each mistake is named."""

import numpy as np
import pytest
from PIL import Image

from jaxseg.data.folder import list_cases
from jaxseg.data.images import read_image, resize_image, resize_mask
from jaxseg.data.labels import LabelMap
from jaxseg.data.masks import read_stored_mask
from jaxseg.data.pipeline import CaseSource, training_batches
from jaxseg.errors import UserError
from tests.data.reading import facts, write


@pytest.fixture
def folder(tmp_path):
    """Three images of 8 x 6 pixels with classes 0 and 1, and some void."""
    rng = np.random.default_rng(0)
    for index in range(3):
        image = rng.integers(0, 255, (6, 8, 3))
        mask = np.zeros((6, 8))
        mask[:3, : index + 1] = 1
        mask[5, 7] = 255
        write(tmp_path / f"train/images/case{index}.png", image)
        write(tmp_path / f"train/masks/case{index}.png", mask)
    return tmp_path


def test_facts_of_a_sound_folder(folder):
    found = facts(folder)
    assert (found.num_classes, found.channels, found.shape) == (2, 3, (6, 8))
    assert found.class_shares[1] == pytest.approx((3 + 6 + 9) / (3 * 47))
    assert found.empty == 0
    assert found.spacings_mm is None
    assert found.windows is None
    assert facts(folder, num_classes=5).num_classes == 5


def test_each_mistake_is_named_with_its_file(folder):
    images, masks = folder / "train/images", folder / "train/masks"

    def refused(match, split="train", **options):
        with pytest.raises(UserError, match=match) as caught:
            facts(folder, split, **options)
        assert "\n" not in str(caught.value)

    refused("has no split 'test'.*it has train", split="test")
    with pytest.raises(UserError, match="nowhere does not exist"):
        list_cases(folder / "nowhere", "train")

    extra = write(images / "case9.png", np.zeros((6, 8)))
    refused(r"case9.png has no mask: expected .*masks/case9.png")
    extra.rename(masks / "case9.png")
    refused(r"masks/case9.png has no image")
    (masks / "case9.png").rename(masks / "case1_seg.png")
    refused(r"case1.png has two masks, .*masks/case1.png and .*/case1_seg.png")
    (masks / "case1_seg.png").unlink()

    whole = (images / "case1.png").read_bytes()
    (images / "case1.png").write_bytes(b"not an image")
    refused(r"case1.png is not an image that can be read")
    (images / "case1.png").write_bytes(whole[: len(whole) // 2])
    refused(r"case1.png cannot be read as an image")
    (images / "case1.png").write_bytes(whole)

    good = read_stored_mask(masks / "case1.png").values
    write(masks / "case1.png", np.zeros((6, 9)))
    refused(r"masks/case1.png is 9x6 pixels but its image .* is 8x6")
    write(masks / "case1.png", np.where(good == 1, 7, good))
    refused("case1.png holds class id 7.* ids go from 0 to 1", num_classes=2)
    refused("hold the values 0, 1, 7, 255: pass --void 255 if 255 is no class")
    write(masks / "case1.png", good)

    write(images / "case1.jpg", np.zeros((6, 8)))
    refused("case1.jpg and case1.png have the same name")


def test_hidden_files_are_passed_over(folder):
    (folder / "train/images/.DS_Store").write_text("x")
    assert len(list_cases(folder, "train")) == 3


def test_images_are_read_as_stored_or_converted(folder, tmp_path):
    path = folder / "train/images/case0.png"
    assert read_image(path).shape == (6, 8, 3)
    assert read_image(path, channels=1).shape == (6, 8, 1)
    deep = tmp_path / "deep.png"
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(deep)
    with pytest.raises(UserError, match="8 bits"):
        read_image(deep)


def test_resizing_keeps_ids_and_means():
    mask = np.kron(np.array([[0, 1], [2, 255]], np.uint8), np.ones((4, 4), np.uint8))
    assert set(np.unique(resize_mask(mask, (5, 3)))) <= {0, 1, 2, 255}
    np.testing.assert_array_equal(resize_mask(mask, (2, 2)), [[0, 1], [2, 255]])
    image = np.random.default_rng(0).integers(0, 255, (64, 48, 3)).astype(np.uint8)
    small = resize_image(image, (16, 12))
    assert small.shape == (16, 12, 3)
    assert abs(small.mean() - image.mean()) < 2


def test_batches_are_the_same_from_any_start(folder):
    def names(start, count):
        source = CaseSource(list_cases(folder, "train"), (6, 8), 3, LabelMap.of_ids(2))
        feed = training_batches(source, batch_size=2, seed=5, start=start)
        return [
            np.asarray(next(feed).images).sum((1, 2, 3)).tolist() for _ in range(count)
        ]

    assert names(0, 7)[3:] == names(3, 4)
    flat = [value for batch in names(0, 6) for value in batch]
    for epoch in range(4):  # each epoch holds each of the three images once
        assert len(set(flat[3 * epoch : 3 * epoch + 3])) == 3


@pytest.fixture
def rare(tmp_path):
    """Ten images: class 1 in two of them, class 2 in one, the others background."""
    kinds = (0, 1, 0, 0, 1, 0, 0, 2, 0, 0)
    for index, kind in enumerate(kinds):
        mask = np.zeros((6, 8))
        mask[2:4, 2:6] = kind
        write(tmp_path / f"train/images/case{index}.png", np.full((6, 8, 3), 9 * index))
        write(tmp_path / f"train/masks/case{index}.png", mask)
    return tmp_path


def drawn(folder, share, count=240):
    """Cases and class of each sample of a run, read off image and mask."""
    cases = list_cases(folder, "train")
    source = CaseSource(cases, (6, 8), 3, LabelMap.of_ids(3), foreground_share=share)
    feed = training_batches(source, batch_size=4, seed=3)
    batches = [next(feed) for _ in range(count // 4)]
    images = np.concatenate([np.asarray(batch.images) for batch in batches])
    labels = np.concatenate([np.asarray(batch.labels) for batch in batches])
    return images[:, 0, 0, 0] // 9, labels.max(axis=(1, 2))


def test_a_stated_share_of_samples_holds_foreground_of_classes_drawn_evenly(rare):
    plain, _ = drawn(rare, 0.0)
    assert np.bincount(plain, minlength=10).tolist() == [24] * 10
    cases, kinds = drawn(rare, 0.5)
    chosen = np.arange(240) % 2 == 1  # numbers at which k / 2 reaches a whole number
    assert (kinds[chosen] > 0).all()
    counts = np.bincount(kinds[chosen], minlength=3)
    assert counts[0] == 0
    assert 45 <= counts[1] <= 75  # 60 are expected of each class
    one, four = (np.sum(cases[chosen] == case) for case in (1, 4))
    assert 18 <= min(one, four) <= max(one, four) <= 42  # 30 of each image
    np.testing.assert_array_equal(cases[~chosen], plain[~chosen])  # whose turn it is
    again, _ = drawn(rare, 0.5)
    np.testing.assert_array_equal(again, cases)


def test_without_foreground_nothing_is_drawn_instead(rare):
    for path in (rare / "train/masks").iterdir():
        write(path, np.zeros((6, 8)))
    np.testing.assert_array_equal(drawn(rare, 0.5, 40)[0], drawn(rare, 0.0, 40)[0])
