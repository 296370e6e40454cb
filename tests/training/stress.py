"""Accidents that a run meets, many times over, and how each ended.

`make test-all` has them happen and writes docs/reliability.md from what it saw.
"""

import collections
import contextlib
import io
import multiprocessing
import os
import random
import shutil
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import numpy as np

from jaxseg.cli import pictures
from jaxseg.cli.main import main
from jaxseg.cli.train import _validation
from jaxseg.errors import UserError
from jaxseg.files import read_json, read_rows, write_json, write_text
from jaxseg.training.config import RunConfig
from jaxseg.training.loop import CONFIG, METRICS, Run
from tests.conftest import ROOT

SEEN = ROOT / "docs" / "reliability.json"
PAGE = ROOT / "docs" / "reliability.md"
HEAD = """\
# What runs were put through

Made by `make test-all` (`tests/training/test_stress.py`, `test_killed.py`) from what it
saw; each test fails where something hangs, is lost without a word, or ends in a
traceback. *The same bits* are those of the weights of a run that nothing happened to.

| accident | tried | how it ended |
|---|---|---|
"""
FLAGS = (
    "--loss dice_ce --data synthetic --steps 24 --batch-size 2 --size 16 16 --depth 1 "
    "--width 4 --checkpoint-every 4 --evaluate-every 8"
).split()
Outcomes = collections.Counter[str]


def record(accident: str, outcomes: Outcomes) -> None:
    """Keeps what was seen, and makes the page from all that is kept."""
    seen = read_json(SEEN) if SEEN.is_file() else {}
    seen[accident] = dict(sorted(outcomes.items()))
    write_json(SEEN, dict(sorted(seen.items())))
    write_text(PAGE, page())


def page() -> str:
    """The document, from what is kept."""
    lines = [HEAD.rstrip("\n")]
    for accident, outcomes in read_json(SEEN).items():
        ended = "; ".join(f"{count} {how}" for how, count in outcomes.items())
        lines.append(f"| {accident} | {sum(outcomes.values())} | {ended} |")
    return "\n".join(lines) + "\n"


def told(argv: list[str]) -> tuple[int, list[str]]:
    """Exit status of a command, and the sentences that it told."""
    errors = io.StringIO()
    with (
        contextlib.redirect_stderr(errors),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("always")  # told, as in use, and not raised
        status = main(argv)
    text = errors.getvalue().replace("\r", "\n")
    assert "Traceback" not in text, text
    return status, [line for line in text.splitlines() if line.startswith("jaxseg:")]


def sentence(status: int, lines: list[str]) -> str:
    """How a command that was refused ended: with one sentence and status 2."""
    mistakes = [line for line in lines if "warning" not in line]
    assert (status, len(mistakes)) == (2, 1), (status, lines)
    return mistakes[0]


def train(out: Path, *more: str) -> tuple[int, list[str]]:
    return told(["train", *FLAGS, "--out", str(out), *more])


def bits(out: Path) -> list[bytes]:
    """The weights of a run's newest whole checkpoint."""
    path = out / CONFIG
    _, state = Run(RunConfig.from_json(read_json(path), str(path)), out).restore()
    assert state is not None
    assert int(state.step) == 24
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(state.params)]


@contextlib.contextmanager
def no_pictures() -> Iterator[None]:
    draw, live = pictures.draw_run, pictures.Live.__call__
    pictures.draw_run = lambda folder: []
    pictures.Live.__call__ = lambda self, row: None
    try:
        yield
    finally:
        pictures.draw_run, pictures.Live.__call__ = draw, live


def half_way(folder: Path) -> Path:
    """A run that was stopped at step 14, with three checkpoints on the way to it."""
    out = folder / "half"
    status, _ = train(out)
    assert status == 0
    whole = folder / "whole"
    out.rename(whole)
    config = RunConfig.from_json(read_json(whole / CONFIG), CONFIG)
    out.mkdir()
    for name in (CONFIG, "data.json"):
        shutil.copy(whole / name, out / name)

    class Stopped(Exception):
        pass

    def stop(row: dict) -> None:
        if row["step"] == 14:
            raise Stopped

    with contextlib.suppress(Stopped):
        Run(config, out).train(_validation(config), report=stop)
    return out


def bytes_changed(folder: Path, draws: int) -> Outcomes:
    """A random byte of a random file of a stopped run, which is then resumed."""
    rng = random.Random(0)
    outcomes: Outcomes = collections.Counter()
    with no_pictures():
        half = half_way(folder)
        expected = bits(folder / "whole")
        rows = read_rows(folder / "whole" / METRICS)
        for draw in range(draws):
            out = folder / f"byte{draw}"
            shutil.copytree(half, out)
            files = sorted(
                p for p in out.rglob("*") if p.is_file() and p.stat().st_size
            )
            path = rng.choice(files)
            content = bytearray(path.read_bytes())
            place = rng.randrange(len(content))
            content[place] ^= rng.randrange(1, 256)
            path.write_bytes(content)
            status, lines = told(["train", "--resume", "--out", str(out)])
            if status:
                sentence(status, lines)
                outcomes["refused in one sentence"] += 1
            else:
                assert bits(out) == expected, path
                found = read_rows(out / METRICS)
                assert found == rows or lines, path
                outcomes["the same bits" + (", with a warning" if lines else "")] += 1
            shutil.rmtree(out)
    return outcomes


def disks_filled(folder: Path, draws: int) -> Outcomes:
    """A disk that fills up at a random moment of a training and is freed again.

    `folder` is a small file system of its own.
    """
    rng = random.Random(1)
    outcomes: Outcomes = collections.Counter()
    with no_pictures():
        for draw in range(draws):
            out = folder / f"run{draw}"
            over = threading.Event()
            filler = threading.Thread(
                target=_fill, args=(folder / "filler", rng.random(), over, rng.random())
            )
            filler.start()
            status, lines = train(out)
            over.set()
            filler.join()
            if status:
                sentence(status, lines)
                how = "refused in one sentence, resumed to the same bits"
                status, lines = train(out, "--resume")
            else:
                how = "went on" + (" without events, and said so" if lines else "")
            assert status == 0, lines
            outcomes[how] += 1
            if draw == 0:
                expected = bits(out)
            assert bits(out) == expected
            shutil.rmtree(out)
    return outcomes


def _fill(path: Path, wait: float, over: threading.Event, hold: float) -> None:
    over.wait(2 * wait)
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while not over.is_set():
            file.write(bytes(2**16))
    over.wait(hold)
    path.unlink(missing_ok=True)


def races(folder: Path, draws: int) -> Outcomes:
    """Two processes that begin a run in one folder at once."""
    context = multiprocessing.get_context("spawn")
    outcomes: Outcomes = collections.Counter()
    barrier, answers = context.Barrier(2), context.Queue()
    workers = [
        context.Process(
            target=_race, args=(str(folder), draws, seed, barrier, answers), daemon=True
        )
        for seed in (1, 2)
    ]
    for worker in workers:
        worker.start()
    found: dict[int, list] = {}
    for _ in range(2 * draws):
        draw, seed, status, lines = answers.get(timeout=600)
        found.setdefault(draw, []).append((status, seed, lines))
    for worker in workers:
        worker.join(60)
    for draw, both in found.items():
        (first, seed, _), (second, _, lines) = sorted(both, key=lambda one: one[0])
        assert first == 0, both
        why = sentence(second, lines)
        assert "is being trained by process" in why or "holds a run" in why, why
        out = folder / f"race{draw}"
        assert read_json(out / CONFIG)["seed"] == seed
        steps = [row["step"] for row in read_rows(out / METRICS) if "loss" in row]
        assert steps == list(range(1, 25))
        outcomes["one trained, the other was refused with the first's number"] += 1
    return outcomes


def _race(folder: str, draws: int, seed: int, barrier, answers) -> None:
    with no_pictures():
        for draw in range(draws):
            out = Path(folder) / f"race{draw}"
            barrier.wait()
            time.sleep(random.random() * 0.2)
            answers.put((draw, seed, *train(out, "--seed", str(seed))))
            barrier.wait()


def fuzzed(
    make: Callable[[Path], None], read: Callable[[Path], np.ndarray], path: Path,
    draws: int,
) -> Outcomes:  # fmt: skip
    """Random bytes of a file changed, some cut off or put in, and the file read.

    Args:
      make: the whole file.
      read: it; a UserError names it.
      path: of the file.
      draws: how often.
    """
    make(path)
    content, expected = path.read_bytes(), read(path)
    rng = random.Random(2)
    outcomes: Outcomes = collections.Counter()
    for _ in range(draws):
        changed = bytearray(content)
        for _ in range(rng.choice((1, 1, 2, 8))):
            place = rng.randrange(len(changed))
            how = rng.randrange(4)
            if how == 0:
                del changed[place : place + rng.randrange(1, 40)]
            elif how == 1:
                changed[place:place] = rng.randbytes(rng.randrange(1, 40))
            elif len(changed):
                changed[place % len(changed)] = rng.randrange(256)
            if not changed:
                break
        path.write_bytes(changed)
        try:
            found = read(path)
        except UserError as refused:
            named = str(path) in str(refused)
            outcomes["refused by name" if named else "refused"] += 1
            continue
        same = found.shape == expected.shape and bool((found == expected).all())
        outcomes["read as it was" if same else "read, its own format being whole"] += 1
    return outcomes


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path | None]:
    """A file system of its own; None where one cannot be made."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
