"""`check_folder` finds every problem in one go; folds divide without leaks."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from jaxseg.data.check import Told, check_folder, statistics
from jaxseg.data.folds import cases_of_fold, make_folds, read_folds
from jaxseg.errors import UserError
from jaxseg.files import write_json
from tests.data.small_volumes import save, write_folder


@pytest.fixture
def folder(tmp_path):
    """Nine training images, of which two are copies, and a test image that leaks."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 9), ("test", 2)):
        for index in range(count):
            mask = np.zeros((6, 8), np.uint8)
            mask[:2, : index + 1] = 1
            mask[5, 0] = 255
            image = rng.integers(0, 255, (6, 8, 3)).astype(np.uint8)
            for kind, pixels in (("images", image), ("masks", mask)):
                path = tmp_path / split / kind / f"c{index}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)
    copy(tmp_path / "train/images/c1.png", tmp_path / "train/images/c2.png")
    copy(tmp_path / "train/images/c3.png", tmp_path / "test/images/c1.png")
    return tmp_path


def copy(source, target):
    shutil.copy(source, target)


def kinds(report, gravity):
    return {p.kind: p.text for p in report.problems if p.gravity == gravity}


def test_a_sound_folder_has_notes_alone(folder):
    report = check_folder(folder)
    assert report.sound
    assert (report.kind, report.num_classes) == ("images", 2)
    assert kinds(report, "note") == {
        "labels": "values 0, 1, 255: 255 read as void",
        "duplicate": "train/c1, train/c2 are copies",
        "leak": "test/c1, train/c3 are in several splits with equal pixels",
    }
    facts = statistics(report.splits["train"], 2)
    assert facts["cases"] == 9
    assert facts["cases_with_class"] == [9, 9]
    marked = sum(2 * min(k + 1, 8) for k in range(9))
    assert facts["class_shares"][1] == pytest.approx(marked / (9 * 47))
    assert facts["void_share"] == pytest.approx(1 / 48)
    assert facts["shape"]["median"] == [6, 8]
    json.dumps(report.to_json())


def test_every_problem_is_found_at_once(folder):
    (folder / "train/images/c4.png").write_bytes(b"no image")
    Image.fromarray(np.zeros((6, 9), np.uint8)).save(folder / "train/masks/c5.png")
    Image.fromarray(np.full((6, 8), 3, np.uint8)).save(folder / "test/masks/c0.png")
    Image.fromarray(np.zeros((6, 8), np.uint8)).save(folder / "train/masks/c6.png")
    report = check_folder(folder, Told(num_classes=2))
    texts = [p.text for p in report.problems if p.gravity == "error"]
    assert len(texts) == 3
    assert any("c4.png is not an image" in text for text in texts)
    assert any("c5.png is 9x6 pixels but" in text for text in texts)
    assert any("test/masks/c0.png holds class id 3" in text for text in texts)
    assert kinds(report, "note")["empty"] == "1 mask of train holds no foreground: c6"
    assert not report.sound
    (folder / "train/masks/c8.png").unlink()
    assert "c8.png has no mask" in kinds(check_folder(folder), "error")["listing"]
    with pytest.raises(UserError, match="holds no data"):
        check_folder(folder / "train/images")


def test_volumes_are_checked_alike(tmp_path):
    root = write_folder(tmp_path)
    report = check_folder(root)
    assert report.sound
    assert kinds(report, "note").keys() == {"empty"}
    facts = report.to_json()["splits"]["train"]
    assert facts["spacing_mm"]["median"] == [1.0, 1.5, 3.0]
    save(root / "images/training0.nii.gz", np.full((12, 10, 8), np.inf, np.float32))
    report = check_folder(root)
    assert "training0.nii.gz holds 960 intensities" in kinds(report, "error")["file"]
    assert len(report.splits["train"]) == 3


def test_folds_are_disjoint_even_and_keep_copies_together(folder, tmp_path):
    report = check_folder(folder)
    hashes = report.hashes(["train"])
    folds = make_folds(hashes, 4, seed=1)
    assert sorted(len(fold) for fold in folds.members) == [2, 2, 2, 3]
    names = [name for fold in folds.members for name in fold]
    assert sorted(names) == sorted(hashes)
    (home,) = [fold for fold in folds.members if "train/c1" in fold]
    assert "train/c2" in home
    assert make_folds(hashes, 4, seed=1) == folds
    assert make_folds(hashes, 4, seed=2) != folds
    with pytest.raises(UserError, match="8 different images do not make 9 folds"):
        make_folds(hashes, 9, seed=1)

    path = tmp_path / "folds.json"
    write_json(path, folds.to_json())
    assert read_folds(path) == folds
    training, held = cases_of_fold(folder, path, 2)
    assert [f"train/{case.name}" for case in held] == list(folds.members[2])
    assert len(training) + len(held) == 9
    assert not {case.name for case in training} & {case.name for case in held}
    with pytest.raises(UserError, match="--fold 4: the folds of .* go from 0 to 3"):
        cases_of_fold(folder, path, 4)
    write_json(path, {"seed": 1, "folds": [["train/c1"], ["train/c77"]]})
    with pytest.raises(UserError, match="names the case train/c77, which .* lacks"):
        cases_of_fold(folder, path, 0)
    write_json(path, {"seed": 1, "folds": [["train/c1"], ["train/c1"]]})
    with pytest.raises(UserError, match="holds train/c1 twice"):
        read_folds(path)
    write_json(path, {"seed": 1, "folds": [1, 2]})
    with pytest.raises(UserError, match="holds no folds: expected"):
        read_folds(path)
