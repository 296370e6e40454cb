"""Cases that belong together, and dividing them without tearing them apart.

Copies of an image and cases of one patient stay on one side: what was seen in training
is no test.
"""

import random
from collections.abc import Mapping, Sequence


def groups_of(keys: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Names that share a key, directly or through others; by their first name.

    Args:
      keys: of each name, such as the content of its image and its patient.
    """
    parent = {name: name for name in keys}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    first: dict[str, str] = {}
    for name in sorted(keys):
        for key in keys[name]:
            other = root(first.setdefault(key, name))
            mine = root(name)
            parent[max(mine, other)] = min(mine, other)
    groups: dict[str, list[str]] = {}
    for name in sorted(keys):
        groups.setdefault(root(name), []).append(name)
    return list(groups.values())


def divide_groups(
    groups: Sequence[Sequence[str]], shares: Sequence[float], seed: int
) -> list[list[str]]:
    """Groups dealt out so that each part has about its share of the names.

    The largest groups go first, each to the part that lacks most; no part is empty if
    there are as many groups as parts.

    Args:
      groups: of names.
      shares: of each part, positive, with sum 1.
      seed: of the shuffle.

    Returns:
      The names of each part, sorted.
    """
    shuffled = [list(group) for group in groups]
    random.Random(seed).shuffle(shuffled)
    shuffled.sort(key=len, reverse=True)  # stable: large groups first, else shuffled
    total = sum(map(len, shuffled))
    parts: list[list[str]] = [[] for _ in shares]
    for index, group in enumerate(shuffled):
        empty = [k for k, part in enumerate(parts) if not part]
        last = len(shuffled) - index <= len(empty)  # one group each is left for these
        among = empty if last and empty else range(len(shares))
        lacking = [total * shares[k] - len(parts[k]) for k in among]
        best = max(range(len(lacking)), key=lacking.__getitem__)
        parts[list(among)[best]].extend(group)
    return [sorted(part) for part in parts]
