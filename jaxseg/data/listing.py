"""Files of a kind in a folder, and what else lies there."""

from collections.abc import Sequence
from pathlib import Path

from jaxseg.errors import UserError
from jaxseg.files import require_folder

LITTER = ("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx")
"""What file managers leave behind, beside hidden files."""


def list_files(folder: Path, kind: str, suffixes: Sequence[str]) -> list[Path]:
    """Files of a folder by name; what else lies there is passed over, see `strays`.

    Args:
      folder: to look in, not in folders below it.
      kind: what is looked for, for the sentence if there is none.
      suffixes: endings of their names, in small letters; capitals are alike.

    Raises:
      UserError: the folder is missing or holds no such file, or two of one name.
    """
    require_folder(folder, f"the folder of {kind}")
    files = [path for path in sorted(folder.iterdir()) if _fits(path, suffixes)]
    if not files:
        other = strays(folder, suffixes)
        seen = f" but {other[0]}" if other else ""
        more = f" and {len(other) - 1} more" if len(other) > 1 else ""
        known = ", ".join(suffixes)
        raise UserError(f"{folder} holds no {kind}{seen}{more}: expected {known}")
    first: dict[str, Path] = {}
    for path in files:
        before = first.setdefault(stem(path, suffixes), path)
        if before != path:
            raise UserError(f"{before} and {path.name} have the same name")
    return files


def strays(folder: Path, suffixes: Sequence[str]) -> list[str]:
    """Names in a folder that `list_files` passes over, litter left out."""
    return [
        path.name + "/" * path.is_dir()
        for path in sorted(folder.iterdir())
        if not (_is_litter(path) or _fits(path, suffixes))
    ]


def stem(path: Path, suffixes: Sequence[str]) -> str:
    """The file's name without the longest of `suffixes` that it ends in."""
    fitting = [s for s in suffixes if path.name.lower().endswith(s)]
    return path.name[: -len(max(fitting, key=len))] if fitting else path.stem


def _fits(path: Path, suffixes: Sequence[str]) -> bool:
    return (
        not _is_litter(path)
        and path.name.lower().endswith(tuple(suffixes))
        and path.is_file()
    )


def _is_litter(path: Path) -> bool:
    return path.name[0] == "." or path.name.lower() in LITTER
