"""The learning-rate search: its short runs, what judges them, when it refuses."""

import numpy as np
import pytest

from jaxseg.errors import UserError
from jaxseg.files import read_rows, write_rows
from jaxseg.training import search
from jaxseg.training.log import METRICS
from jaxseg.training.loop import DivergedError
from jaxseg.training.search import (
    RATES,
    best_rate,
    trial_of,
    trivial_dice,
    with_learning_rate,
)
from jaxseg.training.sources import Example, examples
from tests.training.small import small_config

TUNED = dict(pretrain_loss="cross_entropy", loss="lovasz")


@pytest.mark.parametrize(
    ("steps", "before"),
    [(60, 30), (3, 2), (2, 1)],  # halves go to the even number
)
def test_pretraining_keeps_its_share_of_the_steps(steps, before):
    config = small_config(**TUNED, steps=250, pretrain_steps=125)
    trial = trial_of(config, 0.1, steps)
    assert (trial.steps, trial.pretrain_steps) == (steps, before)
    assert [phase.steps for phase in trial.phases] == [before, steps - before]
    longer = small_config(**TUNED, steps=1000, pretrain_steps=900)
    assert trial_of(longer, 0.1, 60).pretrain_steps == 54
    short = small_config(**TUNED, steps=1000, pretrain_steps=1)
    assert trial_of(short, 0.1, 60).pretrain_steps == 1
    with pytest.raises(UserError, match="--search-steps 2 or more"):
        trial_of(config, 0.1, 1)


def test_a_rate_is_that_of_the_loss_and_not_of_pretraining():
    config = small_config(**TUNED, pretrain_steps=2, learning_rate=3e-3)
    assert [p.learning_rate for p in with_learning_rate(config, 1e-5).phases] == [
        3e-3,
        1e-5,
    ]
    own = small_config(**TUNED, pretrain_steps=2, pretrain_learning_rate=0.5)
    assert [p.learning_rate for p in with_learning_rate(own, 1e-5).phases] == [
        0.5,
        1e-5,
    ]
    assert with_learning_rate(small_config(), 1e-5).pretrain_learning_rate is None


def test_what_follows_validations_has_some():
    assert trial_of(small_config(), 0.1, 60).evaluate_every == 60
    assert trial_of(small_config(schedule="halving"), 0.1, 60).evaluate_every == 10
    assert trial_of(small_config(stop_after=2), 0.1, 60).evaluate_every == 10


class Cases(list):
    """Masks by hand, of images that nobody looks at."""


def cases():
    """Two of four pixels, and one of four: 2/3 and 2/5 for the class everywhere."""
    masks = ([[1, 1], [0, 0]], [[0, 0], [0, 1]])
    image = np.zeros((2, 2, 1), np.uint8)
    return Cases(Example(str(k), image, np.array(m, np.uint8)) for k, m in
                 enumerate(masks))  # fmt: skip


def test_the_best_constant_prediction_by_hand():
    np.testing.assert_allclose(trivial_dice(cases(), 2), (2 / 3 + 2 / 5) / 2)


def played(monkeypatch, rows_of):
    """Runs that write rows by rate instead of training."""

    def train(self, validation, *, report):
        rows = rows_of(self.config)
        if rows is None:
            raise DivergedError("the loss is nan")
        write_rows(self.folder / METRICS, rows)

    monkeypatch.setattr(search.Run, "train", train)


def scored(*pairs):
    return [{"step": step, "validation_dice": dice} for step, dice in pairs]


def test_the_last_validation_decides(monkeypatch, tmp_path):
    """Not the best of all, which a rate at which nothing moves has from the start."""
    rows = {0.1: scored((10, 0.2), (60, 0.7)), 0.2: scored((10, 0.9), (60, 0.6)),
            0.3: None}  # fmt: skip
    played(monkeypatch, lambda config: rows[config.learning_rate])
    best = best_rate(small_config(), tmp_path, (0.3, 0.2, 0.1), 60, cases())
    assert best == 0.1
    kept = {row["learning_rate"]: row["dice"] for row in read_rows(tmp_path / RATES)}
    assert kept == {0.1: 0.7, 0.2: 0.6, 0.3: None}


def test_validations_of_pretraining_do_not_count(monkeypatch, tmp_path):
    config = small_config(**TUNED, steps=100, pretrain_steps=50, schedule="halving")
    rows = {0.1: scored((30, 0.99)), 0.2: scored((30, 0.8), (60, 0.75))}
    played(monkeypatch, lambda config: rows[config.learning_rate])
    assert best_rate(config, tmp_path, (0.1, 0.2), 60, cases()) == 0.2


@pytest.mark.parametrize("dice", [0.0, 0.53, 0.54, None])
def test_rates_that_beat_no_constant_prediction_are_refused(
    dice, monkeypatch, tmp_path
):
    trivial = (2 / 3 + 2 / 5) / 2
    played(monkeypatch, lambda config: scored((60, dice)))
    with pytest.raises(UserError, match=rf"lets dice_ce learn in 60.*{trivial:.3f}"):
        best_rate(small_config(), tmp_path, (0.1, 0.2), 60, cases())
    assert len(read_rows(tmp_path / RATES)) == 2
    played(monkeypatch, lambda config: scored((60, trivial + 0.02)))
    assert best_rate(small_config(), tmp_path, (0.1,), 60, cases()) == 0.1


def test_a_search_with_pretraining_tries_the_loss(monkeypatch, tmp_path):
    """Both rates see the same pre-training, and then the loss for half of the steps."""
    config = small_config(**TUNED, steps=40, pretrain_steps=20, learning_rate=1e-2)
    monkeypatch.setattr(search, "MARGIN", -1.0)  # of so few steps nobody learns
    held_back = examples(config, "synthetic", "validation", 3)
    best = best_rate(config, tmp_path, (3e-2, 1e-6), 4, held_back)
    found = {row["learning_rate"]: row["dice"] for row in read_rows(tmp_path / RATES)}
    assert best == max(found, key=lambda rate: found[rate])
    rows = {rate: read_rows(tmp_path / str(rate) / METRICS) for rate in (3e-2, 1e-6)}
    losses = {
        rate: [(r["step"], r["loss_name"], r["loss"]) for r in some if "loss" in r]
        for rate, some in rows.items()
    }
    fast, slow = losses[3e-2], losses[1e-6]
    names = ["cross_entropy"] * 2 + ["lovasz"] * 2
    assert [(n, name) for n, name, _ in fast] == list(enumerate(names, start=1))
    assert fast[:3] == slow[:3]  # the third is taken before the loss's first step
    assert fast[3][2] != slow[3][2]
