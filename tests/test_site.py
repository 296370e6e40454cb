"""The documentation site is built offline, its links hold, a browser opens it."""

import ast
import io
import re
import subprocess
import sys

import pytest
from docutils.core import publish_doctree

from tests.figures import webdriver
from tests.readme import ROOT

DOCS = ROOT / "docs"


def test_every_page_is_in_the_table_of_contents():
    text = (DOCS / "index.md").read_text()
    listed = {
        (DOCS / f"{name}.md").resolve()
        for block in re.findall(r"```\{toctree\}\n(.*?)```", text, re.DOTALL)
        for name in re.findall(r"^([\w/.]+)$", block, re.MULTILINE)
    }
    assert all(path.is_file() for path in listed)
    pages = {path for path in DOCS.glob("**/*.md") if "_build" not in path.parts}
    assert pages - {DOCS / "index.md"} - listed == set()


def test_the_reference_has_every_public_module_of_the_library():
    text = "".join(path.read_text() for path in (DOCS / "reference").glob("*.md"))
    named = set(re.findall(r"automodule:: jaxseg\.(\w+)\n", text))
    assert {"losses", "metrics", "statistics", "distance", "counts", "links"} <= named


def test_links_lead_to_files():
    """A link to a folder is one that the site cannot follow."""
    for path in DOCS.glob("**/*.md"):
        if "_build" in path.parts:
            continue
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text()):
            if "://" not in target:
                assert (path.parent / target).is_file(), f"{path.name}: {target}"


def complaints(text: str) -> str:
    """What docutils says of a docstring, of its own accord."""
    said = io.StringIO()
    publish_doctree(text, settings_overrides={"warning_stream": said})
    return said.getvalue()


def test_docstrings_have_no_bars_that_the_site_takes_for_names():
    """Outside of formulas and code, |z| is the name of a text to put there."""
    assert "Undefined substitution" in complaints("The penalty is |z| here.")
    for path in (ROOT / "jaxseg").glob("**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                text = ast.get_docstring(node) or ""
                public = getattr(node, "name", "")[:1] != "_"
                if public and "|" in text:
                    assert "Undefined substitution" not in complaints(text), path


@pytest.mark.slow
def test_the_site_is_built_and_opened(tmp_path):
    static = tmp_path / "static"
    static.mkdir()
    command = [sys.executable, "-m", "figures", "explorer", "--out", str(static)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    site = tmp_path / "site"
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-c", str(DOCS)]
    command += ["-D", f"html_static_path={static}", str(ROOT), str(site)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "dice_loss" in (site / "docs" / "reference" / "losses.html").read_text()
    with webdriver.chromium() as browser:
        browser.open((site / "docs" / "index.html").as_uri())
        browser.settle()
        shown = browser.run("return document.body.innerText")
        assert "Which loss?" in shown
        broken = browser.run(
            "return [...document.images].filter(i => !i.naturalWidth).map(i => i.src)"
        )
        assert broken == []
        browser.open((site / "docs" / "explorer.html").as_uri())
        browser.settle()
        browser.enter(0)
        browser.settle()
        assert browser.run("return document.getElementById('surface') !== null")
