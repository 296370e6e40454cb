"""Durations of other libraries' distance maps, run in an environment of their own.

`python -m experiments distance --peers PYTHON` runs this file with that Python, which
has the `edt` package, PyTorch and MONAI and not jaxseg; it prints one JSON row a line.
"""

import importlib.metadata
import json
import sys
import time

import edt
import numpy as np
import torch
from monai.losses import HausdorffDTLoss


def calls(arrays):
    """(case, library) to a function without arguments."""
    images, volume = arrays["images/mask"], arrays["volume/mask"]
    scores = torch.from_numpy(np.moveaxis(arrays["hausdorff/logits"], -1, 1).copy())
    scores.requires_grad_()
    labels = torch.from_numpy(arrays["hausdorff/labels"].astype(np.int64))[:, None]
    loss = HausdorffDTLoss(include_background=True, softmax=True, to_onehot_y=True)

    def step():
        scores.grad = None
        loss(scores, labels).backward()

    version = importlib.metadata.version
    found = {("hausdorff", f"MONAI {version('monai')}"): step}
    for threads in (1, 2):
        library = f"edt {version('edt')}, {threads} thread{'s' * (threads > 1)}"
        found["images", library] = lambda threads=threads: [
            edt.edt(mask, parallel=threads) for mask in images
        ]
        found["volume", library] = lambda threads=threads: edt.edt(
            volume, parallel=threads
        )
    return found


def main() -> None:
    """Reads the arrays' file and the number of calls from the command line."""
    path, repeats = sys.argv[1:]
    with np.load(path) as arrays:
        for (case, library), call in calls(arrays).items():
            seconds = []
            for _ in range(2 + int(repeats)):
                start = time.perf_counter()
                call()
                seconds.append(time.perf_counter() - start)
            row = {"case": case, "library": library, "seconds": seconds[2:]}
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
