"""What masks say as training takes it: soft masks and several raters."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.data.augment import AUGMENTATIONS, augment
from jaxseg.data.batch import Batch, counted_pixels, truth_of
from jaxseg.data.cases import StoredCase, read_case
from jaxseg.data.collection import list_cases
from jaxseg.data.label_rule import decide_soft
from jaxseg.data.labels import LabelMap
from jaxseg.data.masks import Values, read_stored_mask
from jaxseg.data.patches import cut_patch
from jaxseg.data.pipeline import CaseSource
from jaxseg.data.truth import hard, ids_of, mean_shares, resized, truths, used_raters
from jaxseg.errors import UserError
from tests.data.reading import write


@pytest.fixture
def three(tmp_path):
    """One image by three raters; to the last a pixel is void."""
    masks = [[[0, 1], [2, 2]], [[0, 1], [1, 0]], [[1, 1], [255, 2]]]
    for number, mask in enumerate(masks):
        write(tmp_path / f"masks/r{number}/x.png", np.array(mask))
    write(tmp_path / "images/x.png", np.zeros((2, 2, 3)))
    return tmp_path


def stored_of(folder):
    from jaxseg.data.folder import pairs

    (case,) = pairs(folder)
    assert (case.by_rater, len(case.raters)) == (True, 2)
    return case, read_case(case)


def test_mean_of_raters_by_hand(three):
    case, stored = stored_of(three)
    labels = LabelMap.of_ids(3)
    np.testing.assert_allclose(
        mean_shares(stored, labels),
        [[[2 / 3, 1 / 3, 0], [0, 1, 0]], [[0, 1 / 2, 1 / 2], [1 / 3, 0, 2 / 3]]],
        rtol=1e-6,
    )
    assert ids_of(stored, labels).tolist() == [[0, 1], [1, 2]]  # the first of equals
    (mean,) = truths(stored, labels, "mean")
    assert mean.dtype == np.float32
    assert [t.tolist() for t in truths(stored, labels, "drawn")][2] == [
        [1, 1], [255, 2],
    ]  # fmt: skip
    (first,) = truths(read_case(case.of_one_rater), labels)
    assert first.tolist() == [[0, 1], [2, 2]]
    all_void = dataclasses.replace(
        stored.masks[0], values=np.full((2, 2), 255, np.uint8)
    )
    assert (
        hard(mean_shares(StoredCase(stored.image, (all_void,)), labels)) == 255
    ).all()
    with pytest.raises(UserError, match=r"x.png has masks by several raters"):
        used_raters([case], None)


def test_each_rater_is_drawn_about_as_often_and_always_the_same(three):
    case, _ = stored_of(three)
    source = CaseSource([case], (2, 2), 3, LabelMap.of_ids(3), raters="drawn")
    seen = [source.sample(0, n, 5)["labels"][0, 0] for n in range(60)]
    again = [source.sample(0, n, 5)["labels"][0, 0] for n in range(60)]
    assert seen == again
    assert 10 <= sum(seen) <= 30  # one rater of three says 1 there


def test_raters_beside_masks_are_passed_over_unless_asked_for(tmp_path):
    for folder in ("images", "masks", "masks_second"):
        write(tmp_path / "train" / folder / "x.png", np.eye(4))
    (case,) = list_cases(tmp_path, "train")
    assert [path.parent.name for path in (case.mask, *case.raters)] == [
        "masks", "masks_second",
    ]  # fmt: skip
    assert used_raters([case], None)[0].raters == ()
    assert used_raters([case], "mean") == [case]


def test_soft_masks_by_hand(tmp_path):
    masks = [
        read_stored_mask(write(tmp_path / f"{k}.png", np.array(values)))
        for k, values in enumerate(([[0, 51]], [[204, 255]]))
    ]
    labels = decide_soft([Values.of(mask) for mask in masks], None).labels
    np.testing.assert_allclose(labels.shares(masks[0]), [[[1, 0], [0.8, 0.2]]])
    np.testing.assert_allclose(labels.shares(masks[1])[..., 1], [[0.8, 1]])
    assert labels.ids(masks[1]).tolist() == [[1, 1]]
    assert labels.ids(masks[0]).tolist() == [[0, 0]]
    assert LabelMap.from_json(labels.to_json()) == labels
    np.testing.assert_allclose(
        resized(np.float32([[[1, 0], [0, 1]]]), (1, 1)), [[[0.5, 0.5]]]
    )
    one = Values.of(read_stored_mask(write(tmp_path / "one.png", np.eye(3))))
    with pytest.raises(UserError, match="hold 0 and 1 alone, which are classes"):
        decide_soft([one], None)


def test_shares_in_batches_and_patches():
    shares = np.float32([[[0.6, 0.4], [0, 0]], [[0.2, 0.2], [0.1, 0.3]]])
    batch = Batch.of(np.zeros((2, 2, 1), np.uint8), shares)
    assert counted_pixels(batch).tolist() == [[True, False], [False, False]]
    np.testing.assert_allclose(truth_of(batch)[1, 1], [0.25, 0.75], rtol=1e-6)
    _, found = cut_patch(np.ones((2, 2, 1)), shares, (-1, 0), (2, 2))
    np.testing.assert_array_equal(found, [np.zeros((2, 2)), shares[0]])


def test_shares_are_changed_with_their_image():
    """A channel of the image moves as the share that equals it does."""
    rng = np.random.default_rng(0)
    share = jnp.asarray(rng.random((12, 10)), jnp.float32)
    settings = dataclasses.replace(AUGMENTATIONS["full"], contrast=0.0, brightness=0.0)
    image, found = augment(
        jax.random.key(3),
        share[..., None],
        jnp.stack([1 - share, share], axis=-1),
        settings,
    )
    np.testing.assert_allclose(found[..., 1], image[..., 0], atol=1e-6)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-6)
    assert np.abs(np.asarray(found[..., 1] - share)).max() > 0.1
