"""The batch script: its flags, and its commands under bash with SLURM's played."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.protocol.results import read_results

STUB = """#!/bin/bash
echo "$@" >> {log}
case "$*" in
  *"dask scheduler"*) while [ "$1" != --scheduler-file ]; do shift; done
    echo '{{}}' > "$2"; exec sleep 60;;
  *"dask worker"*) exec sleep 60;;
  *) until [ "$(grep -c "dask worker" {log})" = 2 ]; do sleep 0.1; done
    exit {status};;
esac
"""
SRUN = """#!/bin/bash
trap 'kill $(jobs -p)' EXIT
trap exit TERM
while [ "${1#-}" != "$1" ]; do shift; done
for k in 0 1; do "$@" & done
wait
"""


def executable(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def script(tmp_path, monkeypatch, capsys):
    """Writes a script in a folder with a space in its name, and runs it under bash."""
    place = tmp_path / "my studies"
    place.mkdir()
    monkeypatch.chdir(place)
    executable(tmp_path / "srun", SRUN)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def write(*argv):
        capsys.readouterr()
        assert main(["slurm", *argv]) == 0
        path = place / "study.sh"
        path.write_text(capsys.readouterr().out)
        return path

    return write


def run(path: Path, **environment):
    return subprocess.run(
        ["bash", path], env={**os.environ, **environment}, check=False,
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip


@pytest.mark.parametrize("status", [0, 2])
def test_the_script_starts_all_and_ends_with_the_study(script, tmp_path, status):
    log = tmp_path / "log"
    stub = executable(tmp_path / "stub", STUB.format(log=log, status=status))
    path = script("--tasks", "2", "odyssey", "--losses", "CE", "topk:fraction=0.3",
                  "--out", "a b")  # fmt: skip
    done = run(path, PYTHON=str(stub), SLURM_JOB_ID="7")
    assert done.returncode == status, done.stderr
    lines = log.read_text().splitlines()
    assert lines[0].startswith("-m dask scheduler")
    assert sum(line.startswith("-m dask worker") for line in lines) == 2
    assert (
        "-m experiments odyssey --losses CE topk:fraction=0.3 --out a b "
        "--cluster a b/scheduler-7.json" in lines
    )
    assert all("a b/scheduler-7.json" in line for line in lines)
    assert not list((path.parent / "a b").glob("scheduler-*"))


def test_a_worker_has_a_gpu_and_a_job_its_threads(script):
    text = script(
        "--gpus", "--option", "partition=gpu", "odyssey", "--threads", "2"
    ).read_text()
    for line in ("gpus-per-task=1", "partition=gpu", "cpus-per-task=2", "ntasks=8"):
        assert f"#SBATCH --{line}\n" in text
    assert f"python=${{PYTHON:-{sys.executable}}}" in text


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        ([], "slurm takes a study's command after its own flags: odyssey"),
        (["speed"], "slurm takes a study's command"),
        (["odyssey", "--workers", "2"], "without --cluster, --workers and --status"),
        (["odyssey", "--loses", "CE"], "did you mean --losses?"),
        (["--option", "$(rm x)", "odyssey"], "is not NAME=VALUE of sbatch"),
    ],
)
def test_a_mistake_is_one_sentence_before_the_script(argv, part, capsys):
    assert main(["slurm", *argv]) == 2
    told = capsys.readouterr()
    assert part in told.err
    assert not told.out


@pytest.mark.slow  # a whole study by two workers
def test_the_script_does_a_study(script):
    path = script("--tasks", "2", "odyssey", "--losses", "CE", "Dice", "--steps", "4",
                  "--out", "study")  # fmt: skip
    done = run(path)
    assert done.returncode == 0, done.stderr
    assert read_results(path.parent / "study").about["jobs"] == 10
