"""Theory, studies and pictures, reached by `jaxseg theory`, `study` and `figures`.

In a checkout they are packages beside the library. A distribution keeps them in this
folder, from where they are imported under their own names, in processes of these
commands alone: whoever imports the library sees no module `theory` or `figures`.
"""

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from jaxseg.errors import UserError

ROOMS = {"theory": "theory", "study": "experiments", "figures": "figures"}
"""Names of commands and of the packages that they reach."""
HERE = Path(__file__).parent


def place() -> Path:
    """The folder that the packages lie in.

    Raises:
      UserError: they were not installed.
    """
    for folder in (HERE, HERE.parents[1]):
        if all((folder / name / "__main__.py").is_file() for name in ROOMS.values()):
            return folder
    raise UserError(
        "theory, studies and pictures are not part of this installation: "
        "pip install 'jaxseg[all]'"
    )


def in_checkout() -> bool:
    """Whether they lie beside the library, to be written to."""
    return place() != HERE


def command(name: str) -> Callable[[Sequence[str]], int]:
    """What a command of `ROOMS` calls with its arguments.

    The packages are found first from then on, by processes that this one starts, too.
    """
    folder = str(place())
    if folder not in sys.path:
        sys.path.insert(0, folder)
        before = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join([folder, *filter(None, [before])])
    return importlib.import_module(f"{ROOMS[name]}.__main__").main
