"""Two processes of four devices each are one run of eight devices."""

import functools
import os
import signal
import socket
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from jaxseg.files import read_rows
from jaxseg.training.step import train_step
from tests.conftest import ROOT
from tests.training.small import batches, first, objective_of

pytestmark = pytest.mark.slow


def address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def start():
    """Starts a Python process; none of them outlives the test, failed or not."""
    started = []

    def start(*argv: object, devices: int = 4) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, *map(str, argv)],
            cwd=ROOT,
            env={**os.environ, "JAX_NUM_CPU_DEVICES": str(devices)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with process:
            process.kill()


def finish(process: subprocess.Popen, seconds: float = 900) -> str:
    output, _ = process.communicate(timeout=seconds)
    return output


@pytest.mark.parametrize("parallel", ["pmap", "shard_map"])
def test_two_processes_train_like_one_device(start, tmp_path, parallel):
    where = address()
    files = [tmp_path / f"{number}.npz" for number in range(2)]
    both = [
        start("-m", "tests.training.one_of_many", where, 2, k, parallel, file)
        for k, file in enumerate(files)
    ]
    with jax.enable_x64():
        objective = objective_of()
        step = jax.jit(
            functools.partial(train_step, objective=objective, axis_name=None)
        )
        state = first(objective)
        for batch in batches():
            state, report = step(state, batch)
        expected = [np.asarray(leaf) for leaf in jax.tree.leaves(state.params)]
    for process in both:
        output = finish(process)
        assert process.returncode == 0, output
    one, two = (np.load(file) for file in files)
    for index, leaf in enumerate(expected):
        name = f"arr_{index}"
        np.testing.assert_array_equal(one[name], two[name])
        assert np.abs(one[name] - leaf).max() < 1e-10
    np.testing.assert_allclose(one["loss"], report["loss"], rtol=1e-10)


COMMAND = (
    "-m jaxseg train --data synthetic --loss dice_ce --batch-size 5 --size 16 16 "
    "--depth 1 --width 4 --checkpoint-every 5"
).split()


def run_of_two(start, out, *more):
    where = address()
    return [
        start(*COMMAND, "--out", out, "--coordinator", where, "--processes", 2,
              "--process-id", k, *more, devices=2)
        for k in range(2)
    ]  # fmt: skip


def test_a_run_of_two_processes_writes_one_folder(start, tmp_path):
    out = tmp_path / "run"
    for process in run_of_two(start, out, "--steps", "10"):
        output = finish(process)
        assert process.returncode == 0, output
    rows = read_rows(out / "metrics.jsonl")
    assert [row["step"] for row in rows if "loss" in row] == list(range(1, 11))
    assert sorted(p.name for p in (out / "checkpoints").iterdir())[-1] == "00000010"


@pytest.mark.parametrize("killed", [0, 1])
def test_if_one_process_dies_the_other_ends_and_says_so(start, tmp_path, killed):
    out = tmp_path / "run"
    both = run_of_two(start, out, "--steps", "2000")
    victim, survivor = both[killed], both[1 - killed]
    metrics = out / "metrics.jsonl"
    deadline = time.monotonic() + 600
    while not (metrics.is_file() and metrics.read_text().count("\n") > 2):
        assert time.monotonic() < deadline
        for process in both:
            assert process.poll() is None, finish(process)
        time.sleep(0.2)
    victim.send_signal(signal.SIGKILL)
    finish(victim)
    output = finish(survivor, 200)
    assert survivor.returncode == 2, output
    (sentence,) = (line for line in output.splitlines() if line.startswith("jaxseg:"))
    assert f"process {killed} of this run has ended" in sentence
    assert "--resume" in sentence
    assert "Check failure" not in output
    assert len(read_rows(metrics)) > 2
