"""Writes goldens/betti.json: Betti numbers that GUDHI finds, numbers alone.

Run with a Python that has GUDHI 3.13: ``python tests/metrics/make_betti_goldens.py``.
The first number of a row is of pixels as closed boxes, the second of pixels as corners.
"""

import json
from pathlib import Path

import gudhi
import numpy as np
from betti_masks import COUNT, random_mask


def betti(mask, kind):
    heights = np.where(mask, 0.0, 1.0)
    complex_ = gudhi.CubicalComplex(**{kind: heights})
    complex_.compute_persistence()
    found = complex_.persistent_betti_numbers(0.5, 0.5)
    return (found + [0] * mask.ndim)[: mask.ndim]


def main():
    rows = []
    for index in range(COUNT):
        mask = random_mask(index)
        rows.append([betti(mask, k) for k in ("top_dimensional_cells", "vertices")])
    out = Path(__file__).parent / "goldens" / "betti.json"
    lines = ",\n".join(map(json.dumps, rows))
    version = json.dumps(gudhi.__version__)
    out.write_text(f'{{"gudhi": {version},\n"rows": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
