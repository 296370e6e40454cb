"""The gallery: its commands parse, its files are there and small."""

import re
import shlex

import pytest

from figures.registry import PICTURES
from tests.conftest import ROOT

DOCUMENT = ROOT / "docs" / "gallery.md"
TEXT = DOCUMENT.read_text()
COMMANDS = re.findall(r"^jaxseg figures (.+)$", TEXT, re.MULTILINE)
SHOWN = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", TEXT)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_parse(command):
    name, *rest = shlex.split(command)
    PICTURES[name].parser(name).parse_args(rest)


def test_every_picture_without_input_is_shown_with_its_command():
    names = {command.split()[0] for command in COMMANDS}
    assert names == set(PICTURES) - {"run"}


def test_files_are_there_and_small():
    files = [(DOCUMENT.parent / target).resolve() for target in SHOWN]
    assert len(set(files)) == len(files) > 12
    assert set(files) == set((ROOT / "figures" / "gallery").iterdir())
    sizes = [file.stat().st_size for file in files]
    assert max(sizes) < 150_000
    assert sum(sizes) < 3_000_000


def test_a_small_picture_is_the_same_bytes_twice(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        argv = ["--small", "--out", str(tmp_path / folder)]
        picture = PICTURES["hamming"]
        picture.draw(picture.parser("hamming").parse_args(argv))
    first, second = (
        tmp_path / folder / "hamming_prevalence.png" for folder in ("a", "b")
    )
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size < 50_000
