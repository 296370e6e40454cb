"""`python -m tests.vectors`: writes docs/vectors.json, in some ten minutes."""

from collections.abc import Iterable

from jaxseg.cli.progress import bar
from tests.vectors.document import VECTORS, write


def _told(cases: list) -> Iterable:
    with bar(len(cases), "vectors", "case") as progress:
        for case in cases:
            yield case
            progress.update()


if __name__ == "__main__":
    print(f"{write(_told)} cases, {VECTORS.stat().st_size} bytes")
