"""Text is large enough to read and nothing is clipped, at the printed width."""

import json

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from figures.__main__ import main
from figures.registry import PICTURES
from tests.figures import synthetic_rows

SMALLEST_POINTS = 7
MARGIN_PX = 2
SLOW = ("surface", "eelbode_fig2", "simplex", "pull", "descent", "eelbode_fig1")
ROWS = {
    "distributions": synthetic_rows.cases(12),
    "sizes": synthetic_rows.cases(40),
    "ranks": synthetic_rows.rank_rows(),
    "sweep": synthetic_rows.sweep_rows(),
    "proportions": synthetic_rows.share_rows(),
    "findings": synthetic_rows.finding_rows(),
}


def faults(figure: Figure) -> list[str]:
    """Texts that are too small or reach out of the figure, of those that are drawn."""
    drawn, draw = [], Text.draw

    def note(self, *arguments, **options):
        drawn.append(self)
        return draw(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", note)
        FigureCanvasAgg(figure).draw()
    whole = figure.bbox.padded(MARGIN_PX)
    found = {}
    for text in drawn:
        words = text.get_text()
        if not text.get_visible() or not words.strip():
            continue
        if text.get_fontsize() < SMALLEST_POINTS:
            found[f"{words!r} has {text.get_fontsize()} points"] = None
        box = text.get_window_extent()
        if not (whole.contains(*box.min) and whole.contains(*box.max)):
            found[f"{words!r} reaches out of the figure"] = None
    return list(found)


def collected(monkeypatch, argv) -> list[Figure]:
    """The figures that a command draws."""
    found = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: found.append(self))
    assert main(argv) == 0
    return found


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
        for name, picture in PICTURES.items()
        if not picture.needs and name != "explorer"
    ],
)
def test_pictures_are_legible(name, monkeypatch, tmp_path):
    argv = [name, "--format", "png", "--out", str(tmp_path)]
    figures = collected(monkeypatch, argv)
    assert figures
    assert [faults(figure) for figure in figures] == [[]] * len(figures)


@pytest.mark.parametrize("name", ROWS)
def test_pictures_of_rows_are_legible(name, monkeypatch, tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in ROWS[name]))
    argv = [name, str(rows), "--format", "png", "--out", str(tmp_path)]
    figures = collected(monkeypatch, argv)
    assert [faults(figure) for figure in figures] == [[]] * len(figures)


def test_small_and_clipped_text_is_seen():
    figure = Figure(figsize=(2, 2))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.text(0.5, 0.5, "small", fontsize=6)
    axes.text(0.9, 0.5, "a long text that leaves", fontsize=8)
    assert faults(figure) == [
        "'small' has 6.0 points",
        "'a long text that leaves' reaches out of the figure",
    ]
