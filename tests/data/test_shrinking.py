"""Objects that vanish at the size of training are counted and told."""

import numpy as np
import pytest

from jaxseg.data.cases import read_labels_of
from jaxseg.data.images import resize_mask
from jaxseg.data.labels import LabelMap
from jaxseg.data.shrinking import regions_of, shrink_to_size, shrink_to_spacing
from tests.data.reading import examined, write
from tests.data.small_volumes import save, write_folder


@pytest.fixture
def spots(tmp_path):
    """Six masks of five spots of 5 x 5 pixels in 512 x 512, and one large one."""
    rng = np.random.default_rng(1)
    for index in range(7):
        mask = np.zeros((512, 512))
        for row, column in rng.integers(0, 100, (5, 2)) * 5:
            mask[row : row + 5, column : column + 5] = 1
        if index == 6:
            mask[:] = 0
            mask[40:200, 40:200] = 1
            mask[300:, 300:] = 255
        write(tmp_path / f"train/images/c{index}.png", np.zeros((512, 512)))
        write(tmp_path / f"train/masks/c{index}.png", mask)
    return tmp_path


def test_spots_vanish_and_masks_become_empty(spots):
    report = examined(spots)
    cases, labels = report.splits["train"], report.labels
    found = shrink_to_size(cases, labels, (64, 64))
    objects = left = 0
    emptied = []
    for case in cases:  # by hand: what one pixel of eight along each axis still sees
        ids = labels.ids(read_labels_of(case.case))
        regions, count = regions_of(ids)
        kept = len(set(regions[4::8, 4::8].ravel().tolist()) - {0})
        objects, left = objects + count, left + kept
        if not kept:
            emptied.append(case.name)
    assert (found.objects, found.lost) == (objects, objects - left)
    assert found.emptied == tuple(emptied)
    assert found.lost > 10
    assert f"at 64x64 {found.lost} of {objects} objects vanish" in found.text()
    whole = shrink_to_size(cases, labels, (512, 512))
    assert (whole.objects, whole.lost, whole.text()) == (0, 0, None)


def test_regions_by_hand():
    ids = np.array([[1, 0, 2, 2], [0, 1, 0, 2], [255, 0, 0, 0], [1, 0, 0, 2]])
    regions, count = regions_of(ids.astype(np.uint8))
    assert count == 4
    assert regions[0, 0] == regions[1, 1]
    assert len({regions[0, 0], regions[3, 0], regions[0, 2], regions[3, 3]}) == 4
    assert regions[2, 0] == 0
    assert resize_mask(regions, (2, 2)).dtype == np.int32


def test_lesions_of_volumes_vanish_alike(tmp_path):
    root = write_folder(tmp_path, training=1)
    ids = np.zeros((12, 10, 8), np.uint8)
    ids[[1, 4, 7], 2, 2] = 1  # in the middle of three voxels along x
    ids[[3, 9], 5, 5] = 2  # at their edge
    save(root / "labels/training0.nii.gz", ids)
    report = examined(root)
    found = shrink_to_spacing(report.splits["train"], report.labels, (3.0, 1.5, 3.0))
    assert (found.objects, found.lost, found.emptied) == (5, 2, ())
    assert found.text() == "at 3x1.5x3 mm 2 of 5 objects vanish"
    same = shrink_to_spacing(
        report.splits["train"], LabelMap.of_ids(3), (1.0, 1.5, 3.0)
    )
    assert same.objects == 0
