"""Writes goldens/persistence.json: lifetimes that GUDHI finds, numbers alone.

Run with a Python that has GUDHI 3.13: ``python tests/make_persistence_goldens.py``. A
row has the parts, then the holes (in 3D cavities), each as level and lifetime of one
after the other: the level at which a part appears, or at which a hole is filled.
"""

import json
from pathlib import Path

import gudhi
import numpy as np
from persistence_images import COUNT, random_levels


def bars(levels):
    """Pairs of parts and of holes of GUDHI, in the order of their numbers."""
    complex_ = gudhi.CubicalComplex(top_dimensional_cells=100 - levels)
    complex_.compute_persistence()
    parts = complex_.persistence_intervals_in_dimension(0)
    found = [[(100 - b, min(d, 100) - b) for b, d in parts]]
    holes = []
    if levels.ndim > 1:
        holes = complex_.persistence_intervals_in_dimension(levels.ndim - 1)
    found.append([(100 - d, d - b) for b, d in holes])
    return [sorted(pairs) for pairs in found]


def main():
    rows = []
    for index in range(COUNT):
        found = bars(random_levels(index))
        rows.append([np.ravel(pairs).astype(int).tolist() for pairs in found])
    out = Path(__file__).parent / "goldens" / "persistence.json"
    out.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    version = json.dumps(gudhi.__version__)
    out.write_text(f'{{"gudhi": {version},\n"rows": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
