"""Accidents by the dozen; `tests.training.stress` tells what they are."""

import gzip
import os
import threading
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from jaxseg.data.images import read_image
from jaxseg.data.masks import read_stored_mask
from jaxseg.data.volumes import read_volume
from jaxseg.training.loop import Run
from tests.training import stress
from tests.training.small import small_config

RUNS = int(os.environ.get("JAXSEG_STRESS_RUNS", "20"))
"""Of each accident that takes a training."""


def test_the_page_is_what_was_seen():
    assert stress.PAGE.read_text() == stress.page()


@pytest.mark.slow
def test_a_byte_changed_in_a_run(tmp_path):
    outcomes = stress.bytes_changed(tmp_path, 5 * RUNS)
    stress.record("a byte changed in a stopped run, which is then resumed", outcomes)
    assert len(outcomes) > 1


@pytest.mark.slow
def test_a_disk_that_fills_up(tmp_path):
    with stress.small_disk(tmp_path / "disk", 4) as disk:
        if disk is None:
            pytest.skip("no file system can be mounted here")
        outcomes = stress.disks_filled(disk, RUNS)
    stress.record("the disk full for a while, at a random moment of a run", outcomes)
    assert any("refused" in how for how in outcomes)


@pytest.mark.slow
def test_two_processes_in_one_folder(tmp_path):
    outcomes = stress.races(tmp_path, RUNS)
    stress.record("two processes that begin a run in one folder", outcomes)


def _png(path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 3, (12, 14)).astype(np.uint8)
    Image.fromarray(pixels).save(path)


def _jpeg(path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (24, 24, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path)


def _volume(path: Path) -> None:
    voxels = np.random.default_rng(0).integers(0, 99, (5, 6, 7)).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "make", "read"),
    [("mask.png", _png, lambda path: read_stored_mask(path).values),
     ("image.jpg", _jpeg, read_image),
     ("volume.nii", _volume, lambda path: read_volume(path).voxels),
     ("volume.nii.gz", _volume, lambda path: read_volume(path).voxels)],
)  # fmt: skip
def test_fuzzed_files(tmp_path, name, make, read):
    outcomes = stress.fuzzed(make, read, tmp_path / name, 100 * RUNS)
    suffix = name.partition(".")[2]
    stress.record(f"bytes changed, cut off and put in, of a .{suffix}", outcomes)
    assert outcomes["refused by name"]
    assert not outcomes["refused"]


@pytest.mark.slow
def test_no_flip_of_a_packed_volume_is_missed(tmp_path):
    path = tmp_path / "v.nii.gz"
    _volume(path)
    expected, content = read_volume(path).voxels, path.read_bytes()
    outcomes = stress.Outcomes()
    for place in range(len(content)):
        for bit in range(8):
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            path.write_bytes(flipped)
            try:
                found = read_volume(path).voxels
            except stress.UserError:
                outcomes["refused by name"] += 1
            else:
                assert (found == expected).all()
                outcomes["read as it was (in gzip's name or time)"] += 1
    assert gzip.decompress(content)
    stress.record("every single bit of a .nii.gz flipped", outcomes)


@pytest.mark.slow
def test_memory_and_threads_stay_level(tmp_path):
    """2000 steps: what is resident after 500 is what is resident after 2000."""
    page = os.sysconf("SC_PAGE_SIZE")
    seen: dict[int, tuple[int, int]] = {}

    def look(row):
        if row["step"] in (500, 2000) and "validation_dice" not in row:
            resident = int(Path("/proc/self/statm").read_text().split()[1]) * page
            seen[row["step"]] = resident, threading.active_count()

    config = small_config(steps=2000, evaluate_every=0, checkpoint_every=500)
    Run(config, tmp_path).train(None, report=look)
    (early, few), (late, many) = seen[500], seen[2000]
    assert late < early + 30e6
    assert many <= few
