"""Regions that overlap: declared in labels.json or by nnU-Net, and written back."""

import json

import numpy as np
import pytest

from jaxseg.data.collection import open_collection
from jaxseg.data.labels import LabelMap, labels_json, read_labels
from jaxseg.errors import UserError
from jaxseg.metrics.overlap import dice_index, region_counts
from jaxseg.training.thresholds import cut_of
from tests.data.small_volumes import write_folder
from tests.data.test_layouts import write_nnunet

BRATS = {
    "0": "background",
    "1": "necrosis",
    "2": "edema",
    "4": "enhancing",
    "regions": {"whole": [1, 2, 4], "core": ["necrosis", "4"], "active": [4]},
}


def labels_of(tmp_path, content):
    (tmp_path / "labels.json").write_text(json.dumps(content))
    return read_labels(tmp_path)


def test_regions_of_brats(tmp_path):
    labels = labels_of(tmp_path, BRATS)
    assert labels.members == ((1, 2, 3), (1, 3), (3,))
    assert labels.found == ("whole", "core", "active")
    assert [region.written for region in labels.regions] == [2, 1, 3]
    assert LabelMap.from_json(json.loads(json.dumps(labels.to_json()))) == labels
    assert labels_of(tmp_path, labels_json(labels)) == labels
    inside = np.array(
        [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 1], [0, 1, 0]], bool
    )
    ids = labels.of_regions(inside)
    assert labels.stored(ids).tolist() == [0, 2, 1, 4, 4, 1]
    probs = np.where(inside, 0.7, 0.4)
    assert cut_of(labels)(probs).tolist() == ids.tolist()
    assert cut_of(labels, 0.75)(probs).tolist() == [0] * 6
    assert cut_of(labels, 0.3)(probs).tolist() == [3] * 6


def test_nnunets_order_is_followed_but_where_it_would_lose_a_class(tmp_path):
    kits = {
        "0": "background", "1": "kidney", "2": "tumour", "3": "cyst",
        "regions": {"all": [1, 2, 3], "masses": [2, 3], "tumour": [2]},
        "regions_class_order": [1, 3, 2],
    }  # fmt: skip
    labels = labels_of(tmp_path, kits)
    inside = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 1], [1, 0, 1]], bool)
    assert labels.of_regions(inside).tolist() == [1, 3, 2, 2, 2]
    crossing = {
        "0": "background", "1": "a alone", "2": "b alone", "3": "both",
        "regions": {"a": [1, 3], "b": [2, 3]},
        "regions_class_order": [1, 2],
    }  # fmt: skip
    labels = labels_of(tmp_path, crossing)
    inside = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], bool)
    assert labels.of_regions(inside).tolist() == [0, 1, 2, 3]


def test_scores_of_regions_by_hand():
    actual = np.array([0, 1, 2, 3, 3, 255])
    predicted = np.array([0, 2, 2, 3, 0, 3])
    counts = region_counts(predicted, actual, ((1, 2, 3), (3,)))
    np.testing.assert_allclose(
        dice_index(counts), [2 * 1 / (2 + 1), 2 * 3 / (3 + 4), 2 * 1 / (1 + 2)]
    )
    assert counts.pixels == 5


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"regions": {"whole": [0, 1]}}, "'whole' holds the background"),
        ({"regions": {"whole": []}}, "'whole' has no class"),
        ({"regions": {"whole": [7]}}, "7 in the regions is no class"),
        ({"regions": [1, 2]}, 'is no {"NAME": '),
        ({"regions_class_order": [1]}, "not one value for each of the 3 regions"),
        ({"regions": {}}, "0 regions; there may be 1 to 16"),
    ],
)
def test_regions_that_make_no_sense_are_refused(tmp_path, change, match):
    with pytest.raises(UserError, match=rf"labels\.json.*{match}"):
        labels_of(tmp_path, {**BRATS, **change})
    with pytest.raises(UserError, match="regions of classes that it does not name"):
        labels_of(tmp_path, {"regions": {"a": [1]}})


def test_regions_go_beside_the_labels_of_an_index(tmp_path):
    data = write_folder(tmp_path / "decathlon")
    regions = {"regions": {"any": ["bright", "dark"], "dark": ["dark"]}}
    (data / "labels.json").write_text(json.dumps(regions))
    labels = open_collection(data).labels
    assert labels.names == ("background", "bright", "dark")
    assert labels.members == ((1, 2), (2,))


def test_nnunets_regions(tmp_path):
    data = write_nnunet(tmp_path / "nnunet")
    index = json.loads((data / "dataset.json").read_text())
    index["labels"] = {"background": 0, "whole": [1, 2], "core": 2}
    index["regions_class_order"] = [1, 2]
    (data / "dataset.json").write_text(json.dumps(index))
    labels = open_collection(data).labels
    assert labels.found == ("whole", "core")
    assert labels.members == ((1, 2), (2,))
    assert [region.written for region in labels.regions] == [1, 2]
