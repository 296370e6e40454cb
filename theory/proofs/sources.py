"""What the files ``*.v`` state: one theorem a claim, under the claim's id.

``Theorem E18`` proves claim E18, ``Theorem E18_twin`` that a false version of it does
not hold.
"""

import dataclasses
import functools
import re
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent
LIBRARY = "Proofs"

_COMMENT = re.compile(r"\(\*.*?\*\)", re.DOTALL)
_THEOREM = re.compile(
    r"^Theorem (?P<name>[A-Z]\d\d(?:_twin)?)\b\s*:(?P<statement>.*?)\.\s*^Proof\.\n?"
    r"(?P<script>.*?)\bQed\.",
    re.DOTALL | re.MULTILINE,
)
_NEEDS = re.compile(rf"^From {LIBRARY} Require Import ([\w\s]+)\.", re.MULTILINE)
_HEADER = re.compile(r"^(?:From|Import|Open) [^.]*\.", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Theorem:
    """A claim's theorem and its false twin.

    Attributes:
      claim: the claim's id, which is the theorem's name.
      module: the file, without ``.v``.
      statement: what is proved, as Coq reads it.
      twin: a false version of the statement; its negation is proved beside it.
      script: the proof, without ``Proof`` and ``Qed``.
    """

    claim: str
    module: str
    statement: str
    twin: str
    script: str


@dataclasses.dataclass(frozen=True)
class Module:
    """A file of theorems.

    Attributes:
      name: without ``.v``.
      text: all of it.
      needs: modules of this library that it imports.
      header: the lines that import and open, in one text.
    """

    name: str
    text: str
    needs: tuple[str, ...]
    header: str


def modules(folder: Path = FOLDER) -> dict[str, Module]:
    """The files of `folder` by name, each after those that it needs."""
    found = {}
    for path in sorted(folder.glob("*.v")):
        text = path.read_text()
        code = _COMMENT.sub("", text)
        needs = " ".join(_NEEDS.findall(code)).split()
        header = "\n".join(_HEADER.findall(code))
        found[path.stem] = Module(path.stem, text, tuple(needs), header)
    ordered: dict[str, Module] = {}
    while len(ordered) < len(found):
        ready = [m for name, m in found.items() if name not in ordered]
        ready = [m for m in ready if set(m.needs) <= set(ordered)]
        if not ready:
            raise ValueError(f"the files of {folder} need each other in a circle")
        ordered |= {module.name: module for module in ready}
    return ordered


@functools.cache
def theorems(folder: Path = FOLDER) -> Mapping[str, Theorem]:
    """The theorems of all files of `folder`, by claim, in the order of the files.

    Raises:
      ValueError: a theorem has no twin, a twin is not of the form ~ (...), or two
        theorems have one name.
    """
    found = {}
    for module in modules(folder).values():
        parts = {}
        for match in _THEOREM.finditer(_COMMENT.sub("", module.text)):
            if match["name"] in parts or match["name"] in found:
                raise ValueError(f"{match['name']} is proved twice")
            parts[match["name"]] = match
        for name, match in parts.items():
            if name.endswith("_twin"):
                continue
            if f"{name}_twin" not in parts:
                raise ValueError(f"{module.name}.v: {name} has no false twin")
            found[name] = Theorem(
                claim=name,
                module=module.name,
                statement=match["statement"].strip(),
                twin=_negated(name, parts[f"{name}_twin"]["statement"].strip()),
                script=match["script"].strip(),
            )
    return found


def _negated(name: str, statement: str) -> str:
    """What stands under the negation ~ (...)."""
    match = re.fullmatch(r"~\s*\((.*)\)", statement, re.DOTALL)
    simple = re.fullmatch(r"~\s*([^()].*)", statement, re.DOTALL)
    if not match and not simple:
        raise ValueError(f"the twin of {name} is not of the form ~ (...)")
    return (match or simple)[1].strip()  # pyright: ignore[reportOptionalSubscript]
