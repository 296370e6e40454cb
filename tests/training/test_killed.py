"""A 3D run that is killed again and again ends in the same bits as one that is not."""

import os
import random
import signal
import subprocess
import sys
import time
import warnings

import jax
import numpy as np
import pytest

from jaxseg.files import read_json, read_rows
from jaxseg.training.config import RunConfig
from jaxseg.training.loop import METRICS, Run
from tests.conftest import ROOT
from tests.data.small_volumes import write_folder
from tests.training.stress import Outcomes, record

STEPS = 200
KILLS = 20
COMMAND = (
    f"-m jaxseg train --loss dice_ce --steps {STEPS} --batch-size 5 --size 8 8 8 "
    "--depth 1 --width 4 --dropout 0.2 --average 0.9 --checkpoint-every 10 "
    "--evaluate-every 40"
).split()


def start(data, out, *more):
    return subprocess.Popen(
        [sys.executable, *COMMAND, "--data", str(data), "--out", str(out), *more],
        cwd=ROOT,
        env={**os.environ, "JAX_NUM_CPU_DEVICES": "4"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def steps_of(out) -> int:
    rows = read_rows(out / METRICS) if (out / METRICS).is_file() else []
    return max((row["step"] for row in rows), default=0)


@pytest.mark.slow
def test_twenty_sigkills_change_nothing(tmp_path):
    """At random moments, those of checkpoints, compiling and validating included."""
    data = write_folder(tmp_path / "data")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = start(data, whole)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    rng = random.Random(0)
    kills = 0
    while True:
        begun = steps_of(killed)
        process = start(data, killed, *(["--resume"] if killed.exists() else []))
        # A few steps further, and then some: so that each attempt is killed at work.
        further = begun + rng.randint(1, 2 * STEPS // KILLS)
        while kills < KILLS and process.poll() is None and steps_of(killed) < further:
            time.sleep(0.02)
        time.sleep(rng.random() * 0.2)
        if kills == KILLS or process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert kills >= KILLS // 2, "the run was too fast to be killed"
    config = RunConfig.from_json(read_json(whole / "config.json"), "config.json")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing of the final state is damaged
        one, other = (Run(config, out).restore()[1] for out in (whole, killed))
    assert one is not None
    assert other is not None
    assert int(one.step) == STEPS
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        if not jax.dtypes.issubdtype(a.dtype, jax.dtypes.prng_key):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    assert read_rows(whole / METRICS) == read_rows(killed / METRICS)
    record(
        "killed without warning, again and again", Outcomes({"the same bits": kills})
    )
