"""The study of training steps: what is measured, and the table."""

import numpy as np

from experiments.step_speed import Case, Config, run, table, training_step

TINY = Case(
    name="2D",
    pixels=(2, 8, 8),
    channels=1,
    classes=2,
    fields={"depth": 1, "width": 4},
)


def test_the_step_that_is_timed_learns():
    step, (state, images, labels) = training_step(TINY)
    before = np.asarray(state[0]["Head_0"]["Dense_0"]["kernel"])
    after = step(state, images, labels)[0]["Head_0"]["Dense_0"]["kernel"]
    np.testing.assert_allclose(np.abs(after - before), 1e-3, rtol=1e-2)  # Adam's first


def test_the_table_compares_with_the_fastest_peer():
    seen = []
    config = Config(cases=(TINY,), repeats=1, rounds=1)
    (row,) = run(config, seen.append, None)
    assert seen == ["jaxseg, 2D"]
    assert row["milliseconds"] > 0
    # 9 (1 x 4 + 4 x 4 + 4 x 8 + 8 x 8 + 8 x 4 + 4 x 4), norms, up 4 x 8 x 4 + 4, head
    assert row["parameters"] == 9 * 164 + 2 * (4 * 4 + 2 * 8) + 132 + 10
    peers = [
        {**row, "library": f"PyTorch {k}", "milliseconds": ms}
        for k, ms in ((1, 4.0), (2, 2.0))
    ]
    lines = table([{**row, "milliseconds": 3.0}, *peers]).splitlines()
    assert [line.split()[-1] for line in lines[1:]] == ["1.50", "2.00", "1.00"]
    assert "3.0" in table([row | {"milliseconds": 3.0}])
