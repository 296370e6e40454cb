"""A run in its folder: rows, checkpoints, damage, and being killed."""

import dataclasses
import functools
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings

import jax
import numpy as np
import pytest

from jaxseg.cli import runs
from jaxseg.errors import UserError
from jaxseg.files import read_rows, write_json
from jaxseg.training import checkpoints
from jaxseg.training.config import RunConfig
from jaxseg.training.loop import CHECKPOINTS, CONFIG, METRICS, SAMPLES, Run
from jaxseg.training.objective import objective_of
from jaxseg.training.optimizers import SCHEDULES, optimizer_of
from jaxseg.training.programs import programs_of
from jaxseg.training.sources import batches, examples
from jaxseg.training.start import first_state
from jaxseg.training.step import train_step
from tests.training.small import small_config


def train(folder, config=None, report=lambda row: None):
    config = config or small_config()
    folder.mkdir(exist_ok=True)
    cases = examples(config, "synthetic", "validation", 4)
    return Run(config, folder).train(cases, report=report)


def bits(state):
    leaves = jax.tree.leaves((state.step, state.params, state.opt_state))
    return [np.asarray(leaf).tobytes() for leaf in leaves]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    write_json(folder / CONFIG, small_config().to_json())
    return folder, train(folder)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_learning_rate_outside_the_compiled_step_acts_like_optax_s_own(
    tmp_path, optimizer
):
    config = small_config(steps=3, learning_rate=0.02, optimizer=optimizer)
    other = dataclasses.replace(config, learning_rate=0.5)
    assert programs_of(config, 0) is programs_of(other, 0)
    longer = dataclasses.replace(config, steps=4)
    assert programs_of(config, 0) is not programs_of(longer, 0)
    state = train(tmp_path / "run", config)
    rows = read_rows(tmp_path / "run" / METRICS)
    schedule = SCHEDULES[config.schedule](0.02, 3)
    rates = [row["learning_rate"] for row in rows if "loss" in row]
    np.testing.assert_allclose(rates, [schedule(k) for k in range(3)], rtol=1e-6)

    objective = dataclasses.replace(
        objective_of(config, config.phases[0]),
        optimizer=optimizer_of(optimizer, schedule, clip=config.clip),
    )
    step = jax.jit(functools.partial(train_step, objective=objective, axis_name=None))
    alone = first_state(config, objective)
    one = dataclasses.replace(alone.plateau, scale=np.float32(1))
    alone = dataclasses.replace(alone, plateau=one)
    for batch in itertools.islice(batches(config, 0), 3):
        alone, _ = step(alone, batch)
    jax.tree.map(
        functools.partial(np.testing.assert_allclose, rtol=2e-4, atol=2e-6),
        state.params,
        alone.params,
    )


class Killed(Exception):
    pass


def killer(step):
    def report(row):
        if row["step"] == step:
            raise Killed

    return report


def test_a_run_leaves_rows_checkpoints_and_samples(finished):
    folder, state = finished
    rows = read_rows(folder / METRICS)
    assert [row["step"] for row in rows if "loss" in row] == [1, 2, 3, 4]
    assert [row["step"] for row in rows if "validation_dice" in row] == [2, 4]
    assert sorted(p.name for p in (folder / CHECKPOINTS).iterdir()) == [
        "00000002",
        "00000004",
    ]
    assert int(state.step) == 4
    with np.load(folder / SAMPLES, allow_pickle=False) as arrays:
        assert arrays["image_0"].shape == (16, 16, 1)
        assert arrays["predicted_3"].shape == (16, 16)


def test_a_run_starts_from_the_weights_of_another(finished, tmp_path):
    folder, state = finished
    config = small_config(start_run=str(folder), steps=1, learning_rate=1e-30)
    moved = train(tmp_path / "more", config)
    assert int(moved.step) == 1
    pairs = map(jax.tree.leaves, (moved.params, state.params))
    for ours, theirs in zip(*pairs, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    fresh = train(tmp_path / "fresh", dataclasses.replace(config, start_run=None))
    kernels = [jax.tree.leaves(x.params)[-1] for x in (fresh, state)]
    assert np.abs(np.subtract(*kernels)).max() > 1e-4


def test_weights_of_another_network_or_of_no_run_are_refused(finished, tmp_path):
    with pytest.raises(UserError, match=r"is of another network"):
        train(tmp_path / "a", small_config(start_run=str(finished[0]), width=8))
    with pytest.raises(UserError, match=r"is not a run: it has no config\.json"):
        train(tmp_path / "b", small_config(start_run=str(tmp_path)))


def test_a_run_that_never_looks_ends_in_the_same_state(finished, tmp_path):
    config = small_config(evaluate_every=0, checkpoint_every=4)
    state = Run(config, tmp_path).train(None, report=lambda row: None)
    assert bits(state) == bits(finished[1])
    rows = read_rows(tmp_path / METRICS)
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert not any("predicted_shares" in row for row in rows)


@pytest.mark.parametrize("stopped_at", [1, 2, 3])
def test_a_stopped_run_resumes_to_the_same_bits(finished, tmp_path, stopped_at):
    whole, expected = finished
    with pytest.raises(Killed):
        train(tmp_path, report=killer(stopped_at))
    state = train(tmp_path)
    assert bits(state) == bits(expected)
    assert read_rows(tmp_path / METRICS) == read_rows(whole / METRICS)


TWO_PHASES = dict(
    pretrain_loss="cross_entropy", pretrain_steps=2, pretrain_learning_rate=0.01
)


@pytest.fixture(scope="module")
def finished_in_two_phases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two_phases")
    return folder, train(folder, small_config(**TWO_PHASES))


def test_fine_tuning_starts_from_the_weights_with_a_fresh_optimizer(
    finished_in_two_phases, tmp_path
):
    folder, state = finished_in_two_phases
    rows = [row for row in read_rows(folder / METRICS) if "loss" in row]
    names = ["cross_entropy"] * 2 + ["dice_ce"] * 2
    assert [row["loss_name"] for row in rows] == names
    # A warm-up of one step, then half a cosine, twice.
    rates = [row["learning_rate"] for row in rows]
    np.testing.assert_allclose(rates, [0.01, 0.01, 0.001, 0.001])
    # The first phase is a run of two steps with that loss alone.
    alone = small_config(loss="cross_entropy", steps=2, learning_rate=0.01)
    train(tmp_path, alone)
    first = read_rows(tmp_path / METRICS)
    assert [r["loss"] for r in first if "loss" in r] == [r["loss"] for r in rows[:2]]
    counts = {int(leaf) for leaf in jax.tree.leaves(state.opt_state) if leaf.ndim == 0}
    assert counts == {2}  # of the fresh optimizer
    assert int(state.step) == 4


@pytest.mark.parametrize("stopped_at", [2, 3])
def test_a_run_of_two_phases_resumes_to_the_same_bits(
    finished_in_two_phases, tmp_path, stopped_at
):
    whole, expected = finished_in_two_phases
    config = small_config(**TWO_PHASES, checkpoint_every=1)
    with pytest.raises(Killed):
        train(tmp_path, config, report=killer(stopped_at + 1))
    assert sorted(p.name for p in (tmp_path / CHECKPOINTS).iterdir())[-1] == (
        f"{stopped_at:08d}"
    )
    state = train(tmp_path, config)
    assert bits(state) == bits(expected)
    assert read_rows(tmp_path / METRICS) == read_rows(whole / METRICS)


def test_the_checkpoint_of_the_lowest_loss_is_kept_and_changes_no_weight(tmp_path):
    """Of the loss itself: that of pre-training is on another scale."""
    config = small_config(
        pretrain_loss="cross_entropy",
        pretrain_steps=2,
        steps=5,
        learning_rate=0.05,
        evaluate_every=1,
        checkpoint_every=1,
    )
    plain = train(tmp_path / "plain", config)
    kept = train(tmp_path / "kept", dataclasses.replace(config, keep_best="loss"))
    assert bits(kept) == bits(plain)
    rows = read_rows(tmp_path / "kept" / METRICS)
    losses = {r["step"]: r["validation_loss"] for r in rows if "validation_loss" in r}
    assert list(losses) == [1, 2, 3, 4, 5]
    own = {step: loss for step, loss in losses.items() if step > 2}
    lowest = max(step for step, loss in own.items() if loss == min(own.values()))
    found = checkpoints.best_step(tmp_path / "kept" / CHECKPOINTS, "loss")
    assert found is not None
    assert int(found.name) == lowest
    _, best = Run(dataclasses.replace(config, keep_best="loss"),
                  tmp_path / "kept").restore(best="loss")  # fmt: skip
    assert best is not None
    assert int(best.step) == lowest
    assert checkpoints.best_step(tmp_path / "plain" / CHECKPOINTS, "loss") is None
    with pytest.raises(UserError, match="--keep-best loss does"):
        runs.load_run(tmp_path / "plain", best="loss")


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "empty", "manifest"])
def test_a_damaged_checkpoint_is_passed_over_and_named(finished, tmp_path, damage):
    whole, expected = finished
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    newest = tmp_path / CHECKPOINTS / "00000004"
    biggest = newest / checkpoints.STATE
    content = biggest.read_bytes()
    if damage == "flip":
        middle = len(content) // 2
        flipped = bytes([content[middle] ^ 1])
        biggest.write_bytes(content[:middle] + flipped + content[middle + 1 :])
    elif damage == "truncate":
        biggest.write_bytes(content[: len(content) // 2])
    elif damage == "remove":
        biggest.unlink()
    elif damage == "manifest":
        (newest / checkpoints.MANIFEST).write_text("{")
    else:
        shutil.rmtree(newest)
        newest.mkdir()
    name = {"manifest": "manifest", "empty": "never finished"}.get(damage, biggest.name)
    with pytest.warns(checkpoints.DamagedCheckpoint, match=name):
        _, state = Run(small_config(), tmp_path).restore()
    assert int(state.step) == 2
    if damage == "flip":
        with pytest.warns(checkpoints.DamagedCheckpoint, match=name):
            state = train(tmp_path)
        assert bits(state) == bits(expected)


def test_a_checkpoint_of_another_network_is_refused(finished, tmp_path):
    folder, _ = finished
    other = Run(small_config(width=8), folder)
    with pytest.raises(UserError, match="another network"):
        other.restore()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Run(small_config(), tmp_path).restore()[1] is None


def test_settings_survive_json_and_differences_are_named():
    config = small_config(hyper={"dice": 0.5}, strides=((2, 2), (2, 1)))
    again = RunConfig.from_json(json.loads(json.dumps(config.to_json())), "x.json")
    assert again == config
    assert config.difference(again) is None
    other = dataclasses.replace(config, batch_size=5)
    assert config.difference(other) == "batch-size 3 here, 5 there"
    with pytest.raises(UserError, match="x.json has unknown settings: speed"):
        RunConfig.from_json({**config.to_json(), "speed": 1}, "x.json")
    with pytest.raises(UserError, match="x.json is not the settings"):
        RunConfig.from_json({"size": [1, 2]}, "x.json")


def test_a_row_cut_short_by_a_kill_is_left_out(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"step": 1}\n{"st')
    assert read_rows(path) == [{"step": 1}]
    path.write_text('{"step": 1}\n{"st\n')
    with pytest.raises(UserError, match=r"rows.jsonl is damaged"):
        read_rows(path)


COMMAND = (
    "train --data synthetic --loss lovasz --steps 40 --batch-size 3 --size 16 16 "
    "--depth 1 --width 4 --checkpoint-every 5"
).split()


def start(out, *more):
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": "2"}
    return subprocess.Popen(
        [sys.executable, "-m", "jaxseg", *COMMAND, "--out", str(out), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )


def test_sigkill_and_resume_give_the_same_bits(tmp_path):
    """The command itself, killed without warning in the middle of its steps."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = start(whole)
    output, _ = done.communicate()  # and then its programs need not be compiled again
    assert done.returncode == 0, output
    process = start(killed)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        rows = killed / METRICS
        if rows.is_file() and rows.read_text().count("loss") >= 12:
            break
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (killed / CHECKPOINTS / "00000040").exists()
    refused = start(killed)
    output, _ = refused.communicate()
    assert refused.returncode == 2
    assert "already holds a run: pass --resume" in output
    resumed = start(killed, "--resume")
    output, _ = resumed.communicate()
    assert resumed.returncode == 0, output
    config = RunConfig.from_json(
        json.loads((whole / "config.json").read_text()), "config.json"
    )
    a, b = (Run(config, folder).restore()[1] for folder in (whole, killed))
    assert a is not None
    assert b is not None
    assert bits(a) == bits(b)
    assert read_rows(whole / METRICS) == read_rows(killed / METRICS)
