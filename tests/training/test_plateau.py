"""Learning rates that fall when a loss does not, by hand."""

import dataclasses

import numpy as np
import pytest

from jaxseg.training.optimizers import SCHEDULES
from jaxseg.training.plateau import PLATEAUS, PlateauRule, fresh_plateau, update_plateau


def scales(rule, losses, learning_rate=1.0):
    state, seen = fresh_plateau(learning_rate), []
    for loss in losses:
        state = update_plateau(state, rule, loss)
        seen.append(float(state.scale))
    return seen, state


def test_halving_waits_for_five_looks_without_a_lower_loss():
    losses = [1.0, 0.9, 0.9, 0.95, 0.91, 0.9, 0.9, 0.8, 0.8]
    seen, state = scales(PLATEAUS["halving"], losses)
    assert seen == [1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5]
    assert (int(state.waited), int(state.stale)) == (1, 1)
    seen, state = scales(PLATEAUS["halving"], [1.0] * 12)
    assert seen[5:] == [0.5] * 5 + [0.25] * 2
    assert int(state.stale) == 11  # counts on for early stopping


def test_the_moving_average_of_the_training_loss_is_watched():
    rule = dataclasses.replace(PLATEAUS["moving_average"], patience=2)
    state, average, seen = fresh_plateau(), None, []
    for loss in (1.0, 0.0, 2.0, 2.0, 2.0):
        count = 4
        state = dataclasses.replace(
            state, total=np.float32(count * loss), count=np.int32(count)
        )
        state = update_plateau(state, rule, 0.5)  # validation is not looked at
        average = loss if average is None else 0.93 * average + 0.07 * loss
        assert float(state.average) == pytest.approx(average, rel=1e-6)
        assert int(state.count) == 0
        seen.append(float(state.scale))
    # 1, 0.93, then up again: 1.0049, 1.0746 (two looks without a new lowest).
    assert seen == pytest.approx([1, 1, 1, 0.2, 0.2])


def test_the_rate_never_falls_below_its_lowest():
    rule = PlateauRule(
        watch="validation", factor=0.2, patience=1, lowest_rate=1e-6, source="test"
    )
    seen, _ = scales(rule, [1.0] * 9, learning_rate=1e-4)
    assert seen[0] == pytest.approx(1e-4)
    assert seen[-1] == pytest.approx(1e-6)


def test_without_a_rule_looks_are_counted_alone():
    seen, state = scales(None, [1.0, 0.5, 0.6, 0.7])
    assert seen == [1, 1, 1, 1]
    assert int(state.stale) == 2


def test_schedules_of_the_papers():
    at = {name: [float(make(2.0, 100)(k)) for k in (0, 50, 100)]
          for name, make in SCHEDULES.items()}  # fmt: skip
    assert at["cosine"] == pytest.approx([2, 1, 0], abs=1e-6)
    assert at["polynomial"] == pytest.approx([2, 2 * 0.5**0.9, 0], abs=1e-6)
    assert at["linear"] == pytest.approx([2, 1.01, 0.02], rel=1e-5)
    assert at["constant"] == [2, 2, 2]
    assert at["warmup_cosine"][0] == pytest.approx(0.4)
    assert at["warmup_cosine"][2] == pytest.approx(0, abs=1e-6)
