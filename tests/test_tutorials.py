"""The tutorials run from top to bottom, and so do the how-to page's blocks of Python.

They are notebooks as Markdown (jupytext's format), which the site renders and which are
read as text in a review; running their cells in order needs no kernel of Jupyter.
"""

import re

import jax
import pytest

from jaxseg.cli import pictures
from tests.readme import ROOT

DOCS = ROOT / "docs"


def cells(page):
    return re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S)


@pytest.mark.parametrize(
    "page",
    [
        "tutorials/see_a_loss.md",
        "how_to.md",
        pytest.param("tutorials/own_images.md", marks=pytest.mark.slow),
    ],
)
def test_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pictures, "draw_run", lambda _: [])
    code = cells(page)
    assert code
    names = {}
    with jax.numpy_rank_promotion("allow"):
        for number, cell in enumerate(code):
            exec(compile(cell, f"{page}, cell {number + 1}", "exec"), names)
