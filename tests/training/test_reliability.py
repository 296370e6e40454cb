"""Damage, full disks and two at once: nothing hangs, nothing is lost without a word."""

import dataclasses
import functools
import json
import shutil
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg.errors import UserError
from jaxseg.files import read_rows, write_json, write_rows, write_text
from jaxseg.losses import dice_loss, scheduled, weighted_sum
from jaxseg.training import checkpoints, log
from jaxseg.training.claim import hold_folder
from jaxseg.training.contents import CONTENTS, contents_of_run, require_same_contents
from jaxseg.training.divergence import DivergedError, diagnosis, examine_step
from jaxseg.training.log import METRICS, Log
from jaxseg.training.loop import CONFIG, Run
from jaxseg.training.objective import objective_of as objective_of_run
from jaxseg.training.search import best_rate, trial_of
from jaxseg.training.start import first_state
from jaxseg.training.step import train_step
from tests.training.small import batches, distance, first, objective_of, small_config
from tests.training.test_checkpoints import names, state_of


def test_a_second_process_is_refused_with_the_first_one_s_number(tmp_path):
    said = r"is being trained by process \d+ on .* since 20"
    with (
        hold_folder(tmp_path),
        pytest.raises(UserError, match=said),
        hold_folder(tmp_path),
    ):
        raise AssertionError("two at once")
    with hold_folder(tmp_path):  # free again
        pass


ROWS = [{"step": step, "loss": 0.5} for step in (1, 2, 3, 4)]


def logged(folder) -> dict:
    """A log of four steps, and its mark."""
    log = Log(folder, 0)
    for row in ROWS:
        log.write(row)
    log.close()
    return log.mark()


@pytest.mark.parametrize(
    ("damage", "readable"),
    [
        (lambda p: p.unlink(), 0),
        (lambda p: p.write_text(p.read_text()[:-20]), 3),
        (lambda p: write_rows(p, ROWS[2:]), 2),
        (lambda p: p.write_text(p.read_text().replace("0.5", "0.6", 1)), 4),
        (lambda p: p.write_bytes(b"\xff\xfe" + p.read_bytes()), 3),
        (lambda p: p.write_text('{"loss": 1}\n[1]\n'), 0),
    ],
    ids=["removed", "cut", "rows gone", "a digit", "no text", "no rows"],
)
def test_rows_that_are_not_as_they_were_are_told_and_kept(tmp_path, damage, readable):
    mark, path = logged(tmp_path), tmp_path / METRICS
    damage(path)
    left = path.read_bytes() if path.exists() else None
    with pytest.warns(
        UserWarning, match=f"is not what it was at step 4.*{readable} row"
    ):
        Log(tmp_path, 4, mark).close()
    kept = tmp_path / f"{METRICS}.before-step-5"
    assert (kept.read_bytes() if kept.exists() else None) == left
    assert len(read_rows(path)) == readable


def test_rows_of_later_steps_are_made_again_without_a_word(tmp_path):
    mark, path = logged(tmp_path), tmp_path / METRICS
    path.write_text(path.read_text() + '{"step": 5, "loss": 1.0}\n{"st')
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Log(tmp_path, 4, mark).close()
    assert read_rows(path) == ROWS


def test_a_last_row_without_its_newline_is_a_row(tmp_path):
    path = tmp_path / METRICS
    path.write_text("\n".join(map(json.dumps, ROWS)))
    assert read_rows(path) == ROWS


def test_settings_that_were_changed_since_are_refused(tmp_path):
    config = small_config()
    folder = tmp_path / "checkpoints"
    state = first_state(config, objective_of_run(config, config.phases[0]))
    checkpoints.save(folder, state, notes={"settings": config.digest()})
    assert Run(config, tmp_path).restore()[1] is not None
    looks = dataclasses.replace(config, evaluate_every=7, data="elsewhere")
    assert Run(looks, tmp_path).restore()[1] is not None
    with pytest.raises(UserError, match="was trained with other settings than"):
        Run(dataclasses.replace(config, seed=1), tmp_path).restore()


def test_events_that_cannot_be_written_stop_nothing(tmp_path, monkeypatch):
    class Full:
        def __init__(self, *_):
            self.left = 2

        def write_event(self, event):
            self.left -= 1
            if self.left < 0:
                raise OSError(28, "No space left on device")

        def flush(self):
            raise OSError(28, "No space left on device")

        close = flush

    monkeypatch.setattr(log, "EventsWriter", Full)
    written = Log(tmp_path, 0)
    with pytest.warns(UserWarning, match="no more events for TensorBoard: No space"):
        written.write({"step": 1, "a": 1.0, "b": 2.0, "c": 3.0})
    for row in ROWS[1:]:
        written.write(row)
    written.close()
    assert [row["step"] for row in read_rows(tmp_path / METRICS)] == [1, 2, 3, 4]


def test_only_whole_checkpoints_count_among_the_newest(tmp_path):
    for step in (1, 2):
        checkpoints.save(tmp_path, state_of(step))
    for name in ("00000003", "00000004"):
        shutil.copytree(tmp_path / "00000002", tmp_path / name)
        state = tmp_path / name / checkpoints.STATE
        state.write_bytes(state.read_bytes()[:-1] + b"\x01")
    checkpoints.save(tmp_path, state_of(5))
    assert {"00000002", "00000005"} <= set(names(tmp_path))
    shutil.rmtree(tmp_path / "00000005")
    with pytest.warns(checkpoints.DamagedCheckpoint):
        found = checkpoints.restore(tmp_path, state_of(0))
    assert found is not None
    assert int(found.step) == 2


def test_a_flip_anywhere_in_a_manifest_costs_that_checkpoint_alone(tmp_path):
    for step, score in ((1, 0.9), (2, 0.1)):
        checkpoints.save(tmp_path, state_of(step), score=score)
    path = tmp_path / "00000002" / checkpoints.MANIFEST
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in range(0, len(content), 3):
        flipped = bytearray(content)
        flipped[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        if _same_json(flipped, content):
            continue
        with pytest.warns(checkpoints.DamagedCheckpoint, match=r"00000002"):
            found = checkpoints.restore(tmp_path, state_of(0))
        assert found is not None
        assert int(found.step) == 1
        best = checkpoints.best_step(tmp_path)
        assert best is not None
        assert best.name == "00000001"


def _same_json(one, other) -> bool:
    """Whether a flip was of white space."""
    try:
        return json.loads(one) == json.loads(other)
    except ValueError:
        return False


def test_a_step_that_vanishes_while_it_is_read_is_looked_for_anew(
    tmp_path, monkeypatch
):
    for step in (1, 2):
        checkpoints.save(tmp_path, state_of(step))
    read, tried = checkpoints._read_state, []

    def vanishing(path, wanted):
        tried.append(path.name)
        if len(tried) == 1:
            shutil.rmtree(path)
        return read(path, wanted)

    monkeypatch.setattr(checkpoints, "_read_state", vanishing)
    found = checkpoints.restore(tmp_path, state_of(0))
    assert found is not None
    assert (int(found.step), tried) == (1, ["00000002", "00000001"])


def test_what_an_unfinished_save_left_is_no_step(tmp_path):
    checkpoints.save(tmp_path, state_of(1))
    (tmp_path / ".00000002.tmp").mkdir()
    (tmp_path / ".00000002.tmp" / checkpoints.STATE).write_bytes(b"half")
    found = checkpoints.restore(tmp_path, state_of(0))
    assert found is not None
    assert int(found.step) == 1
    checkpoints.save(tmp_path, state_of(2))
    assert names(tmp_path) == ["00000001", "00000002"]


def test_a_trial_of_other_settings_is_not_taken_for_this_one(tmp_path):
    config = small_config()
    out = tmp_path / "0.003"
    out.mkdir()
    theirs = trial_of(small_config(seed=7), 0.003, 2)
    write_json(out / CONFIG, theirs.to_json())
    with pytest.raises(UserError, match=r"holds another run: seed 0 here, 7 there"):
        best_rate(config, tmp_path, [0.003], 2, validation=())


def test_rates_that_differ_have_folders_that_differ(tmp_path):
    names = {str(rate) for rate in (0.003, 0.0030000001)}
    assert len(names) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: (d / "train/images/b.png").unlink(), "train/b is gone"),
        (lambda d: shutil.copy(d / "train/images/a.png", d / "train/images/b.png"),
         "train/b has changed"),
        (lambda d: [shutil.copy(d / f"train/{k}/a.png", d / f"train/{k}/c.png")
                    for k in ("images", "masks")], "train/c is new"),
    ],
)  # fmt: skip
def test_data_that_have_changed_are_named(tmp_path, change, said):
    data, run = tmp_path / "data", tmp_path / "run"
    for kind in ("images", "masks"):
        (data / "train" / kind).mkdir(parents=True)
        for name in "ab":
            (data / "train" / kind / f"{name}.png").write_text(f"{kind} {name}")
    run.mkdir()
    config = small_config(data=str(data))
    write_json(run / CONTENTS, contents_of_run(config))
    moved = tmp_path / "moved"
    shutil.copytree(data, moved)
    require_same_contents(run, contents_of_run(small_config(data=str(moved))))
    change(data)
    if "gone" in said:
        (data / "train/masks/b.png").unlink()
    with pytest.raises(UserError, match=rf"{said}.*--start-run"):
        require_same_contents(run, contents_of_run(config))


def test_a_name_of_250_letters_is_written(tmp_path):
    path = tmp_path / ("x" * 250)
    write_text(path, "content")
    assert path.read_text() == "content"
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(UserError, match="cannot write .*name too long"):
        write_text(tmp_path / ("x" * 300), "content")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="cannot write .*folder.*directory"):
        write_text(tmp_path / "folder", "content")


def test_a_run_that_turns_to_nan_says_when_and_where(tmp_path):
    """After three steps the weights of a layer are made so large that they overflow."""
    config = small_config(
        steps=12, norm="none", loss="dice_ce", evaluate_every=0, checkpoint_every=1
    )

    class Stopped(Exception):
        pass

    def stop(row):
        if row["step"] == 4:
            raise Stopped

    with pytest.raises(Stopped):
        Run(config, tmp_path).train(None, report=stop)
    _, state = Run(config, tmp_path).restore()
    assert state is not None
    step = int(state.step)
    assert step == 3
    params = {**state.params}
    params["ConvBlock_1"] = jax.tree.map(lambda x: 1e25 * x, params["ConvBlock_1"])
    huge = dataclasses.replace(state, params=params)
    checkpoints.save(tmp_path / "checkpoints", huge)

    with pytest.raises(DivergedError) as caught:
        Run(config, tmp_path).train(None, report=lambda row: None)
    said = str(caught.value)
    assert "training diverged at step 4: the network's scores are not finite" in said
    # Head, the last layer, comes first on the way back.
    assert "on the way back the gradient of Head_0/Dense_0/" in said
    assert (
        f"The checkpoint before it is {tmp_path / 'checkpoints' / '00000003'}" in said
    )
    rows = read_rows(tmp_path / METRICS)
    assert [row["step"] for row in rows] == [1, 2, 3]
    _, kept = Run(config, tmp_path).restore()
    assert kept is not None
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(kept.params))


def test_a_step_that_is_not_finite_moves_nothing_nor_does_a_later_one():
    """The state waits at the step before, for whoever looks."""
    with jax.enable_x64():
        _stands_still()


def _stands_still():
    bad = scheduled(lambda logits, labels, **_: jnp.sum(logits) * jnp.nan)
    after = first(objective_of())
    for objective in (objective_of(bad), objective_of()):
        step = functools.partial(train_step, objective=objective, axis_name=None)
        after, values = jax.jit(step)(after, next(batches()))
        assert not values["finite"]
        assert int(after.step) == 0
        assert np.isnan(after.plateau.total)
        assert distance(after.params, first(objective).params) == 0


def test_the_term_and_the_layer_at_fault_are_named():
    with jax.enable_x64():
        said = _diagnosed()
    assert "dice_loss" not in said
    assert "the term <lambda> is " in said
    assert "the gradient of Head_0/Dense_0/" in said


def _diagnosed() -> str:
    objective = objective_of(
        weighted_sum(
            (1.0, dice_loss),
            (1.0, lambda logits, labels, **_: jnp.sum(logits) * jnp.inf),
        )
    )
    state, batch = first(objective), next(batches())
    found = jax.jit(
        functools.partial(examine_step, objective=objective, axis_name=None)
    )(state, batch)
    images = jax.ShapeDtypeStruct((1, 16, 16, 1), np.float32)
    return diagnosis(jax.device_get(found), objective, images)
