"""The README says what is so: its example runs, its table is the catalog's."""

import contextlib
import io
import re

import numpy as np

from jaxseg import links
from jaxseg.cli.main import parser
from tests import empty_masks
from tests.readme import README, with_table

TEXT = README.read_text()


def test_the_example_prints_what_it_says():
    code, expected = re.search(
        r"```python\n(.*?)```\n\n```text\n(.*?)```", TEXT, re.DOTALL
    ).groups()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue() == expected


def test_the_tables_are_the_catalog_and_the_published_reports():
    assert with_table(TEXT) == TEXT, "run `python -m tests.readme`"


def test_commands_in_the_readme_parse():
    lines = re.findall(r"^jaxseg ([^\n#]+)", TEXT, re.MULTILINE)
    assert len(lines) >= 5
    for line in lines:
        if "..." in line:
            continue
        parser().parse_args(line.replace("[NAME]", "dice").split())


def test_links_and_pictures_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (README.parent / target).is_file(), target


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
