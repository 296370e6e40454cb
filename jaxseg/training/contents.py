"""What files a run trains and validates on, kept beside it as hashes.

On resuming they are compared, wherever the data lie by then.
"""

import concurrent.futures
from collections.abc import Mapping
from pathlib import Path

from jaxseg.data.cases import Case
from jaxseg.data.collection import splits
from jaxseg.errors import UserError
from jaxseg.files import digest_of, read_json
from jaxseg.training.config import RunConfig
from jaxseg.training.sources import SYNTHETIC, held_back

CONTENTS = "data.json"


def contents_of_run(config: RunConfig) -> dict[str, list[str]]:
    """SHA-256 of the files of each case of a run, by "split/case"; none if synthetic.

    Raises:
      UserError: a file cannot be read.
    """
    if config.data == SYNTHETIC:
        return {}
    known = ["train", "validation"]
    if config.folds is None and "validation" not in splits(Path(config.data)):
        known = ["train"]
    cases = {
        f"{split}/{case.name}": case
        for split in known
        for case in held_back(config, split)
    }
    with concurrent.futures.ThreadPoolExecutor(2) as workers:
        return dict(zip(cases, workers.map(_hashes, cases.values()), strict=True))


def _hashes(case: Case) -> list[str]:
    paths = (case.image, *case.more, case.mask, *case.raters)
    found = [digest_of(path) for path in paths if path is not None]
    return found if case.annotated is None else [*found, ", ".join(case.annotated)]


def require_same_contents(folder: Path, found: Mapping[str, list[str]]) -> None:
    """Refuses to go on with other data than a run was started with.

    Args:
      folder: of the run; one of an earlier version keeps no hashes, and is trusted.
      found: `contents_of_run` now.

    Raises:
      UserError: naming the first case that is gone, new or changed.
    """
    path = folder / CONTENTS
    if not path.is_file():
        return
    stored = read_json(path)
    names = sorted({*stored, *found})
    other = [name for name in names if stored.get(name) != found.get(name)]
    if not other:
        return
    name = other[0]
    how = "is gone" if name not in found else "is new"
    if name in found and name in stored:
        how = "has changed"
    more = f", and {len(other) - 1} more" if len(other) > 1 else ""
    raise UserError(
        f"--resume: the data are not those that {folder} was started with: {name} "
        f"{how}{more}; a new run from its weights is --start-run {folder} with another "
        "--out"
    )
