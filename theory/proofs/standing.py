"""Which theorems Coq has checked on this machine, as the files stand now."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from jaxseg.files import write_text
from theory.proofs import assistant, sources
from theory.proofs.sources import Theorem

FILE = sources.FOLDER / "checked.json"


@dataclasses.dataclass(frozen=True)
class Standing:
    """What there is to say about the theorems here.

    Attributes:
      theorems: all, by claim.
      version: Coq's, or None where it is not installed.
      checked: the claims whose theorems this Coq has accepted as they are written.
    """

    theorems: Mapping[str, Theorem]
    version: str | None
    checked: frozenset[str]

    def says(self, claim: str) -> str:
        """Whether the theorem of a claim that has one is checked."""
        if claim in self.checked:
            return f"checked by Coq {self.version}"
        here = "Coq is not installed here" if not self.version else "not checked here"
        return f"{here}; see `make proofs`"

    def summary(self, claims: Iterable[str]) -> str:
        """How many of these claims have a theorem, in one line; empty for none."""
        stated = [claim for claim in claims if claim in self.theorems]
        if not stated:
            return ""
        line = f"{len(stated)} proved for all sizes in Coq"
        open_ones = [claim for claim in stated if claim not in self.checked]
        if not open_ones:
            return f"{line}, checked by {self.version}"
        if not self.version:
            return f"{line}, which is not installed here: see `make proofs`"
        return f"{line}, {len(open_ones)} of them not checked here: `make proofs`"


def digest(folder: Path = sources.FOLDER) -> str:
    """A fingerprint of all files of theorems."""
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.v")):
        found.update(f"{path.name}\n".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()


def remember(
    accepted: Iterable[str],
    version: str,
    *,
    path: Path = FILE,
    folder: Path = sources.FOLDER,
) -> None:
    """Keeps the claims whose theorems were accepted, beside those of the same files."""
    before = _read(path)
    same = before.get("files") == digest(folder) and before.get("coq") == version
    known = set(before["accepted"]) if same else set()
    kept = {
        "coq": version,
        "files": digest(folder),
        "accepted": sorted(known | set(accepted)),
    }
    write_text(path, json.dumps(kept, indent=1) + "\n")


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def stand(path: Path = FILE, folder: Path = sources.FOLDER) -> Standing:
    """How things stand; a record of other files or of another Coq counts as none."""
    version = assistant.version()
    kept = _read(path)
    same = kept.get("coq") == version and kept.get("files") == digest(folder)
    accepted = kept["accepted"] if version and same else ()
    return Standing(sources.theorems(folder), version, frozenset(accepted))


@functools.cache
def here() -> Standing:
    """How things stood when this process first asked."""
    return stand()
