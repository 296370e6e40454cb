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


def test_the_commands_of_the_how_to_page_are_those_that_there_are():
    """Each flag that a page names is one of its command."""
    from jaxseg.cli.main import parser

    text = (DOCS / "how_to.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    commands = [line.split("#")[0].split() for line in lines if "jaxseg " in line]
    commands = [words for words in commands if words[0] == "jaxseg"]
    assert len(commands) >= 8
    for words in commands:
        parser(words[1]).parse_args(words[1:])
