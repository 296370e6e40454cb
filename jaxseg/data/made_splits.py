"""A split of data that come without one, made once, written down and kept."""

import concurrent.futures
from collections.abc import Mapping, Sequence
from pathlib import Path

from jaxseg.data.cases import Case, read_case
from jaxseg.data.grouping import divide_groups, groups_of
from jaxseg.data.survey import image_hash
from jaxseg.errors import UserError
from jaxseg.files import read_json, write_json

SPLITS = "splits.json"
SHARES: Mapping[str, float] = {"train": 0.7, "validation": 0.15, "test": 0.15}


def keep_split(
    path: Path, cases: Sequence[Case], shares: Mapping[str, float] = SHARES
) -> tuple[dict[str, list[Case]], str]:
    """The split in a file, which is made if it is not there.

    Args:
      path: of the file.
      cases: to be divided.
      shares: of each split, with sum 1.

    Returns:
      Cases by split, and a line that tells of them.

    Raises:
      UserError: the file does not fit the cases or cannot be written, or there are too
        few cases.
    """
    if not path.is_file():
        _make(path, cases, shares)
    parts = _read_splits(path, cases)
    sizes = ", ".join(f"{name} {len(part)}" for name, part in parts.items())
    return parts, f"no splits are given: {path} keeps those that were made, {sizes}"


def _make(path: Path, cases: Sequence[Case], shares: Mapping[str, float]) -> None:
    groups = groups_of(_keys(cases))
    if len(groups) < len(shares):
        raise UserError(
            f"{path.parent} has no splits, and too few cases to make "
            f"{', '.join(shares)}: copies and cases of one patient counted once, it "
            f"has {len(groups)}; name the splits, by folders such as train/images and "
            "train/masks or by a list's column 'split'"
        )
    parts = divide_groups(groups, list(shares.values()), seed=0)
    try:
        write_json(path, {"splits": dict(zip(shares, parts, strict=True))})
    except UserError as error:
        raise UserError(
            f"{path.parent} has no splits, and one that is made has to be kept, but "
            f"{error}: give a list with a column 'split' instead"
        ) from error


def _keys(cases: Sequence[Case]) -> dict[str, list[str]]:
    """What cases may share: the content of their image, and their patient."""

    def keys(case: Case) -> list[str]:
        try:
            shared = [f"image {image_hash(read_case(case.unlabelled).image)}"]
        except UserError:  # whoever uses the case tells
            shared = [f"file {case.image}"]
        return [*shared, f"patient {case.patient}"] if case.patient else shared

    with concurrent.futures.ThreadPoolExecutor(2) as workers:
        return dict(zip([c.name for c in cases], workers.map(keys, cases), strict=True))


def _read_splits(path: Path, cases: Sequence[Case]) -> dict[str, list[Case]]:
    content = read_json(path).get("splits")
    if not isinstance(content, dict) or not all(
        isinstance(part, list) and all(isinstance(name, str) for name in part)
        for part in content.values()
    ):
        raise UserError(f'{path}: expected {{"splits": {{"train": ["NAME", ...]}}}}')
    known = {case.name: case for case in cases}
    listed = [name for part in content.values() for name in part]
    for name in listed:
        if name not in known:
            raise UserError(f"{path} names the case {name}, which is not there")
        if listed.count(name) > 1:
            raise UserError(f"{path} names the case {name} twice")
    new = sorted(set(known) - set(listed))
    if new:
        raise UserError(
            f"{path} names {len(listed)} cases, but not {new[0]}: add it to a split, "
            "or remove the file and the split is made anew"
        )
    return {split: [known[name] for name in part] for split, part in content.items()}
