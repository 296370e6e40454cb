"""The README says what is so: its example runs, its table is the catalog's."""

import contextlib
import io
import re

from jaxseg.cli.main import parser
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


def test_the_table_of_losses_is_the_catalog():
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
