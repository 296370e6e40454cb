"""Pictures: what is drawn equals the library, files are the same bytes twice."""

import numpy as np
import pytest

from figures import marginals, run, speed, surface
from figures.__main__ import PICTURES, main
from jaxseg.losses import CATALOG, dice_loss


def test_a_surface_holds_the_values_and_slopes_of_the_loss():
    drawn = surface.compute_surface(dice_loss, "dice", truth=(1, 0), points=5)
    for row, second in enumerate(drawn.probs):
        for column, first in enumerate(drawn.probs):
            total = first + second + 1
            assert drawn.values[row, column] == pytest.approx(
                1 - 2 * first / total, abs=1e-6
            )
            slopes = (-(2 * total - 2 * first) / total**2, 2 * first / total**2)
            np.testing.assert_allclose(drawn.slopes[row, column], slopes, rtol=1e-4)


def test_arrows_point_downhill_and_have_one_length():
    drawn = surface.compute_surface(CATALOG["cross_entropy"].loss, "ce")
    places, ways = surface.arrows(drawn)
    np.testing.assert_allclose(np.linalg.norm(ways, axis=-1), 1, rtol=1e-5)
    # The truth is (1, 0): right and down, everywhere.
    assert (ways[:, 0] > 0).all()
    assert (ways[:, 1] < 0).all()
    assert places.min() > 0
    assert places.max() < 1


def test_a_flat_loss_has_no_arrows():
    drawn = surface.compute_surface(dice_loss, "dice", truth=(0, 0))
    _, ways = surface.arrows(drawn)
    assert not ways.any()
    surface.draw_surfaces([drawn])


@pytest.mark.parametrize("name", CATALOG)
def test_every_loss_of_the_catalog_can_be_drawn(name):
    drawn = surface.compute_surface(CATALOG[name].loss, name, points=17)
    assert np.isfinite(drawn.values).all()
    figure = surface.draw_surfaces([drawn])
    titles = [axes.get_title() for axes in figure.axes]
    assert name in titles


def test_penalties_by_hand_and_their_minima():
    """Liu 2022, Fig. 2 with y1 = 0.1: DB and DB1 fall towards an empty foreground."""
    shares = np.array([0.02, 0.1, 0.5, 0.9])
    curves = marginals.penalties(shares, 0.1)
    np.testing.assert_allclose(curves["L1"], 2 * abs(shares - 0.1), atol=1e-6)
    kl = 0.1 * np.log(0.1 / shares) + 0.9 * np.log(0.9 / (1 - shares))
    np.testing.assert_allclose(curves["KL"], kl, atol=1e-6)
    db1 = np.log(shares + 0.1)
    np.testing.assert_allclose(curves["DB1"], db1, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        curves["DB"], db1 + np.log(1 - shares + 0.9), rtol=1e-4, atol=1e-6
    )
    for name, lowest in (("L1", 1), ("KL", 1), ("DB", 0), ("DB1", 0)):
        assert np.argmin(curves[name]) == lowest
    figure = marginals.draw_penalties(shares, curves, 0.1)
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), curves["DB"])


def test_curves_show_the_rows():
    rows = [{"step": s, "loss": 1 / s} for s in (1, 2, 4)]
    rows.insert(2, {"step": 2, "validation_dice": 0.5})
    figure = run.draw_curves(rows, "dice")
    loss, dice = figure.axes
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), [1, 0.5, 0.25])
    np.testing.assert_array_equal(dice.lines[0].get_xydata(), [[2, 0.5]])
    assert len(run.draw_curves(rows[:2], "dice").axes) == 1


def test_times_are_drawn_where_the_rows_say():
    common = {"shape": [8, 8], "classes": 2, "share_of_floor": 0.5}
    rows = [
        {"loss": "dice", "milliseconds": 2.0, "peer_milliseconds": 5.0, **common},
        {"loss": "lovasz", "milliseconds": 4.0, **common},
    ]
    (axes,) = speed.draw_speed(rows).axes
    mine, peers = (marks.get_offsets() for marks in axes.collections)
    np.testing.assert_allclose(mine, [[2, 1], [4, 0]])
    np.testing.assert_allclose(peers, [[5, 1]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["lovasz", "dice"]
    assert axes.get_title() == "8 × 8, 2 classes"


def test_running_mean():
    np.testing.assert_allclose(
        run.running_mean(np.array([1.0, 3, 5, 7]), 2), [1, 2, 4, 6]
    )


def test_pictures_are_the_same_bytes_twice(tmp_path, capsys):
    for folder in ("a", "b"):
        assert main(["--out", str(tmp_path / folder)]) == 0
    written = [line for line in capsys.readouterr().out.splitlines() if line]
    assert len(written) == 2 * 2 * len(PICTURES)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["surfaces"], "did you mean surface"),
        (["surface", "--loss", "dise"], "dice"),
        (["surface", "--hyper", "alpha=1"], "--hyper needs --loss"),
        (["surface", "--loss", "dice", "--hyper", "alpha=1"], "alpha=1"),
        (["marginals", "--share", "1.5"], "--share"),
        (["run"], "go with a folder"),
        (["speed", "nowhere"], "nowhere/rows.jsonl holds no rows"),
        (["run", "nowhere"], "nowhere is no run"),
        (["surface", "nowhere"], "go with a folder"),
    ],
)
def test_mistakes_are_answered_with_one_sentence(argv, part, capsys):
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert part in error
    assert error.count("\n") == 1
