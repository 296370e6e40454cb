"""Data folders of either kind: images with masks, or volumes with an index."""

from pathlib import Path

from jaxseg.data import decathlon, folder
from jaxseg.data.folder import Case


def splits(path: Path) -> list[str]:
    """Names of the splits of a data folder.

    Raises:
      UserError: the folder is missing, or its index is ill-formed.
    """
    if decathlon.is_decathlon(path):
        return list(decathlon.read_index(path).lists)
    return folder.splits(path)


def list_cases(path: Path, split: str) -> list[Case]:
    """Cases of a split, by name.

    Raises:
      UserError: see `jaxseg.data.folder.list_cases` and
        `jaxseg.data.decathlon.list_volumes`.
    """
    if decathlon.is_decathlon(path):
        return decathlon.list_volumes(path, split)
    return folder.list_cases(path, split)
