"""Betti numbers of masks, against GUDHI's and by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from jaxseg.metrics.topology import betti_errors, betti_numbers, euler_characteristic
from tests.metrics.betti_masks import COUNT, random_mask

ROWS = json.loads((Path(__file__).parent / "goldens/betti.json").read_text())["rows"]


def test_a_thousand_masks_equal_gudhi():
    assert len(ROWS) == COUNT
    for index, (boxes, corners) in enumerate(ROWS):
        mask = random_mask(index)
        assert betti_numbers(mask).tolist() == boxes
        assert betti_numbers(mask, corners=False).tolist() == corners
        assert euler_characteristic(mask) == sum(
            (-1) ** k * b for k, b in enumerate(boxes)
        )


def test_a_torus_and_a_hollow_box_by_hand():
    torus = np.zeros((3, 5, 5), bool)
    torus[1, 1:4, 1:4] = True
    torus[1, 2, 2] = False
    box = np.ones((3, 3, 3), bool)
    box[1, 1, 1] = False
    assert betti_numbers(torus).tolist() == [1, 1, 0]
    assert betti_numbers(box).tolist() == [1, 0, 1]
    two = np.concatenate([torus, np.pad(box, ((0, 0), (0, 2), (0, 2)))])
    assert betti_errors(two, np.zeros_like(two)).tolist() == [2, 1, 1]
    assert betti_numbers(np.zeros((0, 3), bool)).tolist() == [0, 0]


def test_what_is_no_mask_is_refused():
    with pytest.raises(ValueError, match="1 to 3 axes, not of 4"):
        betti_numbers(np.ones((1, 1, 1, 1), bool))
    with pytest.raises(ValueError, match="probability > 0.5"):
        betti_errors(np.full((2, 2), 0.5), np.ones((2, 2), bool))
