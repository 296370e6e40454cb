"""All claims, by id: found in the files that state them, each loaded when asked for.

A claim is stated at the top level of a file of one of the papers' packages, as
``E18 = Claim(``, under its own id.
"""

import difflib
import functools
import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from jaxseg.errors import UserError
from theory.claim import Claim

FOLDER = Path(__file__).parent
PAPERS = {"E": "eelbode", "L": "liu", "M": "ma", "G": "galdran", "N": "beyond"}
"""The first letter of an id, and the package that states such claims, in order."""

_STATED = re.compile(r"^([A-Z]\d\d) = Claim\(", re.MULTILINE)


def places(folder: Path = FOLDER) -> dict[str, str]:
    """The module of each claim, by id, in the order of the papers and the numbers.

    Nothing is imported.

    Raises:
      ValueError: a claim is stated twice, or in the package of another paper.
    """
    found: dict[str, str] = {}
    for letter, package in PAPERS.items():
        here = {}
        for path in sorted((folder / package).glob("*.py")):
            module = f"theory.{package}.{path.stem}"
            for name in _STATED.findall(path.read_text()):
                if name[0] != letter:
                    raise ValueError(f"{module} states {name}, of another paper")
                if name in here:
                    raise ValueError(f"{name} is stated in {here[name]} and {module}")
                here[name] = module
        found |= dict(sorted(here.items()))
    return found


class _Claims(Mapping[str, Claim]):
    """Claims by id; a claim's module is imported when the claim is first asked for."""

    @functools.cached_property
    def _places(self) -> dict[str, str]:
        return places()

    def __getitem__(self, name: str) -> Claim:
        claim = getattr(importlib.import_module(self._places[name]), name)
        if claim.id != name:
            raise ValueError(f"claim {claim.id} is stated as {name}")
        return claim.whole()

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places


CLAIMS: Mapping[str, Claim] = _Claims()
"""Every claim by id, in the order of the papers."""


def _unknown(name: str) -> UserError:
    near = difflib.get_close_matches(name.upper(), CLAIMS, n=3, cutoff=0.3)
    names = ", ".join(near or CLAIMS)
    return UserError(f"there is no claim {name!r}; the nearest are {names}")


def find(ids: Sequence[str]) -> list[Claim]:
    """The claims with these ids, each once, in the given order; all for no id.

    Raises:
      UserError: no claim has one of the ids.
    """
    unknown = [name for name in ids if name not in CLAIMS]
    if unknown:
        raise _unknown(unknown[0])
    return [CLAIMS[name] for name in dict.fromkeys(ids or CLAIMS)]
