"""Every command, study and picture tells what it takes."""

import argparse

import pytest

from experiments.__main__ import parser as experiments_parser
from figures.registry import PICTURES
from jaxseg.cli.main import parser as jaxseg_parser


def subcommands(parser):
    (action,) = (
        a for a in parser._actions if isinstance(a, argparse._SubParsersAction)
    )
    return action.choices


JAXSEG = subcommands(jaxseg_parser())
STUDIES = subcommands(experiments_parser())
PARSERS = {
    **{f"jaxseg {name}": parser for name, parser in JAXSEG.items()},
    **{f"experiments {name}": parser for name, parser in STUDIES.items()},
    **{f"figures {name}": picture.parser(name) for name, picture in PICTURES.items()},
}


@pytest.mark.parametrize("name", PARSERS)
def test_help_is_printed_whatever_stands_in_it(name):
    """A per cent sign in a help text would end in a traceback."""
    text = PARSERS[name].format_help()
    assert "--help" in text
