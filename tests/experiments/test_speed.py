"""The speed study runs and its rows are whole; no duration is asserted."""

import jax.numpy as jnp
import numpy as np
import pytest

from experiments import distance_speed, speed
from experiments.__main__ import main
from experiments.optax_losses import optax_losses
from jaxseg.files import read_rows
from jaxseg.losses import CATALOG


def test_rows_and_table(tmp_path, capsys):
    argv = "speed --shape 2 8 8 --classes 2 3 --losses dice lovasz --repeats 2 "
    argv = (argv + "--rounds 2").split()
    assert main([*argv, "--out", str(tmp_path)]) == 0
    rows = read_rows(tmp_path / "rows.jsonl")
    assert [(row["loss"], row["classes"]) for row in rows] == [
        ("dice", 2),
        ("lovasz", 2),
        ("dice", 3),
        ("lovasz", 3),
    ]
    assert all(row["milliseconds"] > 0 for row in rows)
    assert all(row["shape"] == [2, 8, 8] for row in rows)
    assert all(
        row["fastest_round"] <= row["milliseconds"] <= row["slowest_round"]
        for row in rows
    )
    text = capsys.readouterr().out
    assert text.startswith(speed.table(rows))
    # Optax has a Dice and no Lovász, and is measured beside ours.
    others = read_rows(tmp_path / "peers.jsonl")
    measured = [(row["loss"], row["classes"]) for row in others]
    assert measured == [("dice", 2), ("dice", 3)]
    assert all(row["library"].startswith("optax ") for row in others)
    assert [("peer" in row) for row in rows] == [True, False, True, False]


def test_losses_of_optax_are_those_they_are_measured_beside():
    rng = np.random.default_rng(0)
    logits = jnp.asarray(rng.standard_normal((2, 3, 4, 3)), jnp.float32)
    labels = jnp.asarray(rng.integers(0, 3, (2, 3, 4)), jnp.int32)
    for name, (_, loss) in optax_losses().items():
        ours, theirs = (f(logits, labels) for f in (CATALOG[name].loss, loss))
        np.testing.assert_allclose(theirs, ours, rtol=1e-5, err_msg=name)


def test_the_median_of_the_rounds_counts():
    row = {"loss": "dice", "shape": [2, 2], "classes": 2}
    ours = {**row, "library": "jaxseg", "floor_milliseconds": 2.0}
    rounds = [{**ours, "milliseconds": m} for m in (9.0, 4.0, 5.0)]
    rounds += [{**row, "library": "other", "milliseconds": m} for m in (20.0, 30.0)]
    mine, other = speed.median_rows(rounds)
    assert (mine["milliseconds"], mine["share_of_floor"]) == (5.0, 0.4)
    assert (mine["fastest_round"], mine["slowest_round"]) == (4.0, 9.0)
    assert other["milliseconds"] == 25.0
    (joined,) = speed.join_peers([mine], [other])
    assert joined["times_faster"] == 5.0


def test_rows_of_distance_maps():
    config = distance_speed.Config(
        images=(2, 8, 8),
        volume=(4, 5, 6),
        scores=(2, 6, 6, 2),
        step=(2, 16, 16),
        depth=1,
        losses=("dice",),
        repeats=1,
        rounds=2,
    )
    turns = []
    rows = distance_speed.run(config, turns.append)
    assert len(turns) == 6
    found = {
        (row["case"], "SciPy" if "SciPy" in row["library"] else row["library"]): row
        for row in rows
    }
    cases = {("images", "SciPy"), ("volume", "SciPy"), ("hausdorff", "jaxseg"),
             ("step", "jaxseg, dice")}  # fmt: skip
    assert cases < set(found)
    assert all(row["milliseconds"] > 0 and row["calls"] == 2 for row in rows)
    ours, scipy = found["images", "jaxseg"], found["images", "SciPy"]
    assert ours["times_first"] == found["step", "jaxseg, dice"]["times_first"] == 1
    ratio = scipy["milliseconds"] / ours["milliseconds"]
    assert scipy["times_first"] == pytest.approx(ratio)
    assert distance_speed.table(rows).count("\n") == len(rows)


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["sped"], "did you mean speed"),
        (["speed", "--losses", "dise"], "dice"),
        (["speed", "--repeats", "0"], "--repeats"),
    ],
)
def test_mistakes_are_answered_with_one_sentence(argv, part, capsys):
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert part in error
    assert error.count("\n") == 1
