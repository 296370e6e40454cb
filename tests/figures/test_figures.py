"""Pictures: what is drawn equals the library, files are the same bytes twice."""

import itertools

import numpy as np
import pytest

from figures import marginals, run, speed, style
from figures.__main__ import main
from figures.registry import PICTURES


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


def test_the_same_picture_is_the_same_bytes_twice(tmp_path, capsys):
    for folder in ("a", "b"):
        for kind in ("png", "svg", "pdf"):
            out = ["--out", str(tmp_path / folder), "--format", kind]
            assert main(["marginals", *out]) == 0
    written = [line for line in capsys.readouterr().out.splitlines() if line]
    assert len(written) == 2 * 3
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_every_picture_explains_itself(capsys):
    for name, picture in PICTURES.items():
        with pytest.raises(SystemExit) as stopped:
            main([name, "--help"])
        assert stopped.value.code == 0
        shown = capsys.readouterr().out
        assert f"jaxseg figures {name} {picture.example}".rstrip() in shown
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    for name, picture in PICTURES.items():
        assert name in shown
        assert picture.summary in shown


def test_everything_is_drawn_without_a_name(monkeypatch, tmp_path, capsys):
    drawn = []

    def note(self, arguments):
        drawn.append((self.module, arguments.out, arguments.format))
        return []

    monkeypatch.setattr(type(PICTURES["surface"]), "draw", note)
    assert main(["--out", str(tmp_path), "--format", "svg"]) == 0
    wanted = [one.module for one in PICTURES.values() if not one.needs]
    assert drawn == [(module, tmp_path, "svg") for module in wanted]
    assert len(wanted) > 1


def test_curves_without_end_look_different():
    lines = itertools.islice(style.lines(), 20)
    assert len({str(line) for line in lines}) == 20


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["surfaces"], "did you mean surface"),
        (["surface", "--loss", "dise"], "dice"),
        (["surface", "--hyper", "alpha=1"], "--hyper goes after --loss"),
        (["surface", "--loss", "lovasz", "--hyper", "method=x"], "lovasz says"),
        (["surface", "--truth", "0", "2"], "--truth"),
        (["simplex", "--shares", "0.5", "0.5", "0.5"], "sum to 1"),
        (["pull", "--sizes", "0"], "--sizes"),
        (["marginals", "--width", "1"], "--width"),
        (["marginals", "--format", "gif"], "png, svg, pdf"),
        (["surface", "--loss", "dice", "--hyper", "alpha=1"], "alpha=1"),
        (["marginals", "--share", "1.5"], "--share"),
        (["run"], "DIR"),
        (["speed", "nowhere"], "nowhere/rows.jsonl holds no rows"),
        (["run", "nowhere"], "nowhere is no run"),
        (["surface", "nowhere"], "unrecognized arguments: nowhere"),
        (["--out", "x", "surface"], "unrecognized arguments: surface"),
    ],
)
def test_mistakes_are_answered_with_one_sentence(argv, part, capsys):
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert part in error
    assert error.count("\n") == 1
