"""Curvature of two pixels: eigenvalues by hand, and what the picture says."""

import functools

import numpy as np

from figures import curvature
from figures.__main__ import main
from jaxseg.losses import cross_entropy_loss, dice_loss


def test_cross_entropy_has_half_of_p_times_q_of_each_pixel():
    found = curvature.compute_curvature(cross_entropy_loss, "ce", points=5)
    p = 1 / (1 + np.exp(-found.axis))
    mine = np.broadcast_to(p * (1 - p) / 2, (5, 5))
    expected = np.sort(np.stack([mine, mine.T], axis=-1))
    np.testing.assert_allclose(found.eigenvalues, expected, rtol=1e-9)
    assert found.convex == 1


def test_dice_by_finite_differences():
    """1 - 2 p / (p + q + 1), truth (1, 0)."""
    found = curvature.compute_curvature(dice_loss, "dice", points=5)

    def loss(x, y):
        p, q = 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(-y))
        return 1 - 2 * p / (p + q + 1)

    x, y = np.meshgrid(found.axis, found.axis)
    h = 1e-3
    middle = loss(x, y)
    xx = (loss(x + h, y) - 2 * middle + loss(x - h, y)) / h**2
    yy = (loss(x, y + h) - 2 * middle + loss(x, y - h)) / h**2
    xy = loss(x + h, y + h) - loss(x + h, y - h) - loss(x - h, y + h)
    xy = (xy + loss(x - h, y - h)) / (4 * h**2)
    hessian = np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -1)
    expected = np.linalg.eigvalsh(hessian)
    np.testing.assert_allclose(found.eigenvalues, expected, atol=1e-6)
    assert found.convex < 0.5


def test_each_loss_has_two_panels_that_say_how_much_is_convex():
    pair = [
        curvature.compute_curvature(loss, name, points=9)
        for loss, name in ((cross_entropy_loss, "ce"), (dice_loss, "dice"))
    ]
    panels = curvature.draw_curvatures([*pair, pair[0]]).axes[:8]
    titles = [axes.get_title() for axes in panels]
    assert titles[:2] == [
        "ce\nsmaller eigenvalue",
        "convex at 100 %\nlarger eigenvalue",
    ]
    share = f"convex at {100 * pair[1].convex:.0f} %"
    assert titles[2:4] == ["dice\nsmaller eigenvalue", f"{share}\nlarger eigenvalue"]
    assert not panels[6].axison


def test_the_command_draws_the_loss_asked_for(tmp_path, capsys, monkeypatch):
    few = functools.partial(curvature.compute_curvature, points=5)
    monkeypatch.setattr(curvature, "compute_curvature", few)
    argv = ["curvature", "--loss", "focal", "--truth", "1", "1", "--format", "png"]
    assert main([*argv, "--out", str(tmp_path)]) == 0
    drawn = tmp_path / "curvature_focal.png"
    assert drawn.exists()
    assert str(drawn) in capsys.readouterr().out


def test_a_truth_other_than_0_and_1_is_refused(capsys):
    assert main(["curvature", "--truth", "2", "0"]) == 2
    assert "--truth: 2 is not one of 0, 1" in capsys.readouterr().err
