"""The README says what is so: its example runs, its table is the catalog's."""

import contextlib
import io
import re
import shlex

import numpy as np
import pytest

from jaxseg import links
from jaxseg.cli.main import ROOMS, parser
from jaxseg.losses import CATALOG
from tests import empty_masks
from tests.readme import PARTS, README, ROOT, with_parts
from theory.registry import CLAIMS

TEXT = README.read_text()
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]


def test_the_example_prints_what_it_says():
    code, expected = re.search(
        r"```python\n(.*?)```\n\n```text\n(.*?)```", TEXT, re.DOTALL
    ).groups()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue() == expected


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.name)
def test_what_is_generated_is_the_catalog_the_claims_and_the_reports(path):
    text = path.read_text()
    assert with_parts(text, PARTS[path]) == text, "run `python -m tests.readme`"


def test_the_readme_is_short():
    assert len(TEXT.splitlines()) <= 150
    example = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL).group(1)
    assert len(example.splitlines()) <= 12


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_in_the_documents_parse(path):
    for line in re.findall(r"^jaxseg ([^\n#]+)", path.read_text(), re.MULTILINE):
        words = shlex.split(line.replace("[NAME]", "dice"))
        if "..." in line or words[0] in ROOMS:
            continue
        parser(words[0]).parse_args(words)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_and_pictures_exist(path):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text()):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


def test_the_table_of_empty_masks_is_what_the_losses_do():
    """Compared number by number, since the last digit may differ between machines."""

    def parts(text):
        words = re.split(r"[ |\n]+", text)
        numbers = [float(w) for w in words if re.fullmatch(r"-?[\d.]+(e-?\d+)?", w)]
        return re.sub(r"-?\d[\d.e-]*", "#", text), numbers

    words, numbers = parts(empty_masks.FILE.read_text())
    expected_words, expected = parts(empty_masks.document())
    assert words == expected_words
    np.testing.assert_allclose(numbers, expected, rtol=2e-2)


def test_galdrans_image_without_a_lesion():
    """Dice alone: 1 and no gradient, until smoothed or beside a background class."""
    value, gradient, _ = empty_masks.responses(links.sigmoid)["dice", ()]
    assert (value, gradient) == (1, 0)
    _, smoothed, _ = empty_masks.responses(links.sigmoid)["dice", (("smooth", 1.0),)]
    assert smoothed > 0
    _, beside, _ = empty_masks.responses(links.softmax)["dice", ()]
    assert beside > 0


def test_which_loss_names_what_there_is():
    text = (ROOT / "docs" / "which_loss.md").read_text()
    named = set(re.findall(r"`(\w+)`", text)) - {"alpha", "beta"}
    assert named <= set(CATALOG)
    cited = set(re.findall(r"\b([ELMGN]\d\d)\b", text))
    assert len(cited) > 10
    assert cited <= set(CLAIMS)
