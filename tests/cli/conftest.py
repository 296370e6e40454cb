"""Discs to find, and a small run that was trained on them."""

import numpy as np
import pytest
from PIL import Image

from jaxseg.cli.main import main
from tests.cli.sentences import SMALL


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Discs to find: train, validation and test of an image folder."""
    root = tmp_path_factory.mktemp("discs")
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:20, :24]
    for split, count in (("train", 6), ("validation", 2), ("test", 3)):
        for index in range(count):
            centre = rng.uniform(6, 14, 2)
            inside = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < 20
            if split == "test" and index == 2:
                inside[:] = False
            image = 60 + 120 * inside[..., None] + rng.normal(0, 8, (20, 24, 3))
            for kind, pixels in (("images", image), ("masks", inside)):
                path = root / split / kind / f"disc{index}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return root


@pytest.fixture(scope="session")
def run(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "discs"
    argv = ["train", "--data", str(folder), "--loss", "dice_ce", "--out", str(out)]
    assert main([*argv, *SMALL]) == 0
    return out
