"""What a run needs of a device's memory: estimated, refused, and told when it ends."""

import jax
import pytest

from jaxseg.cli.answers import answer
from jaxseg.errors import UserError
from jaxseg.models.plan import memory_bytes
from jaxseg.training import memory
from jaxseg.training.loop import Run
from jaxseg.training.programs import Programs
from tests.training.small import small_config


def volume_config(**changes):
    settings = dict(
        size=(128, 128, 128), depth=4, width=32, num_classes=4, augment="volume",
        windows=(None,), voxel_mm=(1.0, 1.0, 1.0), data="volumes",
    )  # fmt: skip
    return small_config(**{**settings, **changes})


def test_a_network_of_volumes_is_refused_where_it_cannot_fit(monkeypatch):
    config = volume_config()
    fixed, each = memory_bytes(
        config.size, ((2,) * 3,) * 4, ((3,) * 3,) * 5, num_classes=4, channels=1,
        width=32, max_width=512,
    )  # fmt: skip
    assert memory.step_bytes(config, 2) == fixed + 2 * each
    # Of the finest level alone: 11 values of 32 channels at each of 128^3 voxels.
    assert each > 4 * 11 * 32 * 128**3
    half = volume_config(precision="bfloat16")
    assert memory.step_bytes(half, 2) == fixed + each
    assert memory.step_bytes(small_config(model="deepmedic"), 2) is None

    monkeypatch.setattr(memory, "device_bytes", lambda: (fixed + 2 * each) // 2 - 1)
    with pytest.raises(UserError, match=r"--size 128 128 128 with 2 images.*--batch"):
        memory.require_step_memory(config, 2)
    memory.require_step_memory(config, 1)
    memory.require_step_memory(half, 2)


def test_a_plan_asks_the_device(monkeypatch):
    monkeypatch.setattr(memory, "device_bytes", lambda: 12 * 10**9)
    assert memory.plan_gb() == 4.0  # a third, on a CPU
    monkeypatch.setattr(memory, "device_bytes", lambda: 10**12)
    assert memory.plan_gb() == memory.CPU_GB
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(memory, "device_bytes", lambda: 60_123_456_789)
    assert memory.plan_gb() == 60.1


def exhausted(*_):
    raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1")


def broken(*_):
    raise jax.errors.JaxRuntimeError("INTERNAL: something else")


def test_a_device_that_runs_out_of_memory_is_told_what_to_lower(tmp_path, monkeypatch):
    config = small_config(evaluate_every=0)

    def programs(step):
        def made(config, phase):
            return Programs(objective_of(config, phase), step, step, step, step)

        return made

    from jaxseg.training import loop
    from jaxseg.training.programs import programs_of

    def objective_of(config, phase):
        return programs_of(config, phase).objective

    monkeypatch.setattr(loop, "programs_of", programs(exhausted))
    with pytest.raises(UserError, match=r"run out of memory.*--accumulate"):
        Run(config, tmp_path).train(None, report=lambda row: None)
    monkeypatch.setattr(loop, "programs_of", programs(broken))
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        Run(config, tmp_path).train(None, report=lambda row: None)


def test_every_command_answers_it_with_one_sentence(capsys):
    assert answer("jaxseg", exhausted, last=False) == 2
    error = capsys.readouterr().err
    assert "run out of memory" in error
    assert error.count("\n") == 1
    with pytest.raises(jax.errors.JaxRuntimeError):
        answer("jaxseg", broken, last=False)
