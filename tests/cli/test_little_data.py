"""Commands with no data, one image, one class, one case or no validation."""

import errno
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from jaxseg.cli import check, pictures
from jaxseg.cli import main as command
from jaxseg.cli.main import COMMANDS, main
from jaxseg.files import read_rows
from jaxseg.training.claim import hold_folder
from tests.cli.sentences import SMALL, sentence
from tests.conftest import ROOT


def case(data, split, name, ids) -> None:
    """An image of noise with a mask."""
    pixels = np.random.default_rng(0).integers(0, 255, (20, 24, 3)).astype(np.uint8)
    for kind, values in (("images", pixels), ("masks", np.asarray(ids, np.uint8))):
        path = data / split / kind / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(path)


def half(value=1):
    ids = np.zeros((20, 24), np.uint8)
    ids[:10] = value
    return ids


def empty(data) -> None:
    data.mkdir()


def no_images(data) -> None:
    for kind in ("images", "masks"):
        (data / "train" / kind).mkdir(parents=True)


def one_class(data) -> None:
    case(data, "train", "a", half(0))


def no_mask(data) -> None:
    case(data, "train", "a", half())
    (data / "train/masks/a.png").unlink()


@pytest.mark.parametrize(
    ("made", "said"),
    [(lambda data: None, "does not exist"), (empty, "train"), (no_images, "no images"),
     (one_class, "class"), (no_mask, "mask")],
    ids=["missing", "empty", "no images", "one class", "no mask"],
)  # fmt: skip
def test_training_on_nothing_is_refused(tmp_path, capsys, made, said):
    data, out = tmp_path / "data", tmp_path / "out"
    made(data)
    argv = ["train", "--data", data, "--loss", "dice_ce", "--out", out, *SMALL]
    sentence(capsys, argv, data, said)
    assert not out.exists()


@pytest.mark.parametrize("made", [lambda data: None, empty], ids=["missing", "empty"])
def test_checking_nothing_is_refused(tmp_path, capsys, made):
    made(tmp_path / "data")
    sentence(capsys, ["check", "--data", tmp_path / "data"], tmp_path / "data")


@pytest.mark.parametrize("made", [no_images, no_mask])
def test_a_check_ends_with_status_1_where_training_is_refused(tmp_path, capsys, made):
    made(tmp_path / "data")
    assert main(["check", "--data", str(tmp_path / "data")]) == 1
    assert "1 error:" in capsys.readouterr().out


def test_one_image_is_enough(run, tmp_path, capsys, monkeypatch):
    """No validation, then one case of it; the next command is named, and works."""
    del run  # whose programs are those of the runs here
    monkeypatch.setattr(pictures, "draw_run", lambda folder: [])
    data, out = tmp_path / "data", tmp_path / "out"
    case(data, "train", "a", half())
    argv = ["train", "--data", data, "--loss", "dice_ce", "--out", out, *SMALL]
    argv = [str(a) for a in argv]
    assert main(["check", "--data", str(data)]) == 0
    capsys.readouterr()
    assert main(argv) == 0
    said = capsys.readouterr().out
    assert f"next: jaxseg predict --run {out} --images DIR" in said
    assert "step 3: loss" in said
    assert not any("validation_dice" in row for row in read_rows(out / "metrics.jsonl"))
    sentence(capsys, ["evaluate", "--run", out], "no split 'test'", "train")
    case(data, "validation", "v", half())
    argv[argv.index(str(out))] = str(tmp_path / "second")
    assert main(argv) == 0
    said = capsys.readouterr().out
    assert f"next: jaxseg evaluate --run {tmp_path / 'second'} --split valid" in said
    assert "validation Dice" in said
    next_one = said.split("next: jaxseg ")[1].split()
    assert main([*next_one, "--surfaces", "none"]) == 0
    table = (tmp_path / "second/evaluate-validation/cases.csv").read_text().splitlines()
    assert len(table) == 3  # a head, and a line for each class of the one case
    assert table[0].startswith("case,lesion_free,class,dice,jaccard")


@pytest.mark.parametrize(
    ("made", "said"),
    [(lambda images: None, "--images"), (empty, "no images"),
     (lambda images: [images.mkdir(), (images / "a.png").write_text("no")],
      "a.png is not an image")],
    ids=["missing", "empty", "damaged"],
)  # fmt: skip
def test_predicting_nothing_is_refused(run, tmp_path, capsys, made, said):
    images, out = tmp_path / "images", tmp_path / "masks"
    made(images)
    sentence(capsys, ["predict", "--run", run, "--images", images, "--out", out], said)
    assert not out.exists()


def test_a_folder_that_is_being_trained_in_is_refused(tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    argv = ["train", "--data", "synthetic", "--loss", "dice", "--size", "16", "16"]
    argv += ["--depth", "1", "--width", "4", "--steps", "2", "--out", out]
    with hold_folder(out):
        sentence(capsys, argv, f"{out} is being trained by process {os.getpid()}")
    assert [p.name for p in out.iterdir() if p.name[0] != "."] == []


@pytest.mark.parametrize(
    ("flags", "said"),
    [("--accumulate 900", "divides more than the"), ("--depth 6", "divides 16 pixels"),
     ("--width 2000000", "more than 32768"),
     ("--size 32768 32768 --depth 1", "GB of memory"),
     ("--steps 3000000000", "more than"), ("--hyper smooth=nan", "smooth of dice is"),
     ("--hyper smooth=-1e30", "at least 0, not -1e+30"),
     ("--hyper smooth=inf", "not inf")],
)  # fmt: skip
def test_what_cannot_be_is_refused_first(tmp_path, capsys, flags, said):
    out = tmp_path / "out"
    argv = ["train", "--data", "synthetic", "--loss", "dice", "--size", "16", "16"]
    argv += ["--steps", "2", *flags.split(), "--out", out]
    sentence(capsys, argv, said)
    assert not out.exists()


def test_a_window_that_cannot_be_is_refused(run, folder, tmp_path, capsys):
    argv = ["predict", "--run", run, "--images", folder / "test/images", "--out"]
    argv += [tmp_path / "masks", "--window", "100000", "100000"]
    sentence(capsys, argv, "--window 100000 100000", "GB of memory")


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [(OSError(errno.ENOSPC, "No space left on device", "/d/x"), 2,
      "jaxseg: /d/x: no space left on device"),
     (PermissionError(errno.EACCES, "Permission denied", "/d/y"), 2,
      "jaxseg: /d/y: permission denied"),
     (IsADirectoryError(errno.EISDIR, "Is a directory"), 2, "Is a directory"),
     (KeyboardInterrupt(), 130, "jaxseg: stopped")],
)  # fmt: skip
def test_what_the_system_refuses_is_one_sentence(
    capsys, monkeypatch, error, status, said
):
    def refused(arguments):
        raise error

    monkeypatch.setattr(check, "main", refused)
    assert main(["check", "--data", "x"]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_help_imports_no_jax():
    program = "import sys; from jaxseg.cli.main import main\ntry:\n main(['--help'])"
    program += "\nexcept SystemExit: print('jax' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "False", done.stderr
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


def test_programs_are_kept_where_the_environment_says(monkeypatch, tmp_path):
    import jax

    names = ("jax_compilation_cache_dir", "jax_compilation_cache_max_size",
             "jax_persistent_cache_min_compile_time_secs")  # fmt: skip
    before = {name: getattr(jax.config, name) for name in names}
    try:
        command.keep_programs()  # the tests' own place is named
        assert jax.config.jax_compilation_cache_dir == before[names[0]]
        monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        command.keep_programs()
        assert jax.config.jax_compilation_cache_dir == str(tmp_path / "cache/jaxseg")
    finally:
        for name, value in before.items():
            jax.config.update(name, value)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_leaves_no_traceback(tmp_path, times):
    argv = [sys.executable, "-m", "jaxseg", "train", "--data", "synthetic", "--loss"]
    argv += ["dice", "--steps", "100000", "--size", "16", "16", "--out", "run"]
    argv += ["--depth", "1", "--width", "4", "--evaluate-every", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        argv, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 300
    while not (tmp_path / "run/config.json").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "stopped" in errors


def test_what_was_meant_is_said(run, folder, tmp_path, capsys):
    """A name mistyped, a folder too high or too deep, a file in a folder's place."""
    train = ["train", *SMALL, "--loss", "dice", "--size", 16, 16, "--out"]
    out = [*train, tmp_path / "out", "--data"]
    beside = folder.with_name(folder.name[:-1])
    sentence(capsys, [*out, beside], "does not exist; did you mean", folder)
    inner = folder / "train" / "images"
    sentence(capsys, [*out, inner], "holds no data", f"did you mean {folder}?")
    (tmp_path / "unpacked").symlink_to(folder)
    sentence(capsys, [*out, tmp_path], f"did you mean {tmp_path / 'unpacked'}?")
    file = inner / "disc0.png"
    sentence(capsys, [*out, file], file, "is a file, not a folder or a list in CSV")
    score = ["evaluate", "--run"]
    sentence(capsys, [*score, run.parent], f"did you mean {run}?")
    sentence(capsys, [*score, f"{run}s"], "no such folder", f"did you mean {run}?")
    argv = ["predict", "--run", run, "--out", tmp_path / "masks", "--images"]
    sentence(capsys, [*argv, file], "--images", "is a file, not a folder")
    sentence(capsys, ["trian"], "'trian' is not one of", "did you mean train?")
    again = [*train, tmp_path / "none", "--resume"]
    sentence(capsys, again, "none holds no run to resume, and a new run needs --data")
