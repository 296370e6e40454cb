"""`python -m figures [NAME]`: draws all pictures, or one, as PNG and SVG."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from figures import flags
from figures.registry import PICTURES, Picture
from jaxseg.cli import options
from jaxseg.cli.answers import answer
from jaxseg.errors import UserError

EXAMPLES = """\
examples:
  jaxseg figures                                all pictures that need no input
  jaxseg figures --out somewhere --format svg
  jaxseg figures surface --loss tversky --hyper alpha=0.3 --hyper beta=0.7
  jaxseg figures surface --help                 what a picture can be told

"""
ALL = "all"


def overview() -> str:
    """The names of all pictures with a line each."""
    lines = ["pictures:"]
    for name, picture in PICTURES.items():
        lines.append(f"  {f'{name} {picture.needs}'.strip():<18}{picture.summary}")
    return "\n".join(lines)


def parser() -> options.Parser:
    """The command line without a picture's name: everything is drawn."""
    parsed = options.Parser(
        prog="jaxseg figures",
        usage="jaxseg figures [NAME] [--out DIR] [--format F] ...",
        description=__doc__,
        epilog=EXAMPLES + overview(),
    )
    flags.add_output(parsed)
    return parsed


def draw(argv: Sequence[str]) -> list[Path]:
    """Draws what the command line says; the files written.

    Raises:
      UserError: a name, flag, value or file is wrong.
    """
    if not argv or argv[0].startswith("-"):
        parser().parse_args(argv)  # answers --help and refuses what is unknown
        name, rest = ALL, argv
    else:
        name, rest = argv[0], argv[1:]
    if name != ALL:
        return _draw_one(name, rest)
    paths = []
    for each, picture in PICTURES.items():
        if not picture.needs:
            paths += _draw_one(each, rest)
    return paths


def _draw_one(name: str, rest: Sequence[str]) -> list[Path]:
    picture = _picture(name)
    arguments = picture.parser(name).parse_args(rest)
    if picture.out is not None:
        arguments.out = options.make_folder(arguments.out or Path(picture.out))
    return picture.draw(arguments)


def _picture(name: str) -> Picture:
    try:
        return PICTURES[options.one_of([ALL, *PICTURES])(name)]
    except argparse.ArgumentTypeError as error:
        raise UserError(f"{error}; see jaxseg figures --help") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Draws; prints each file written; 2 after a user's mistake."""
    given = sys.argv[1:] if argv is None else argv

    def work() -> None:
        for path in draw(given):
            print(path)

    return answer("jaxseg figures", work, last=argv is None)


if __name__ == "__main__":
    sys.exit(main())
