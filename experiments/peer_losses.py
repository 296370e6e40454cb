"""Times of other libraries' losses, run in an environment of their own.

`python -m experiments speed --peers PYTHON` runs this file with that Python, which has
PyTorch and MONAI and not jaxseg; it prints one JSON row a line.
"""

import json
import statistics
import sys
import time

import monai
import torch
from monai import losses
from torch.nn import functional


def peer_losses():
    """Catalog name to (library, function of class-first logits and ids)."""
    common = {"softmax": True, "to_onehot_y": True, "batch": True}
    found = {
        "dice": losses.DiceLoss(**common),
        "dice_squared": losses.DiceLoss(squared_pred=True, **common),
        "jaccard": losses.DiceLoss(jaccard=True, **common),
        "tversky": losses.TverskyLoss(**common),
        "generalized_dice": losses.GeneralizedDiceLoss(**common),
        "dice_ce": losses.DiceCELoss(**common),
        "focal": losses.FocalLoss(use_softmax=True, to_onehot_y=True),
        "dice_focal": losses.DiceFocalLoss(**common),
    }
    rows = {
        name: (
            f"MONAI {monai.__version__}",
            lambda z, y, loss=loss: loss(z, y[:, None]),
        )
        for name, loss in found.items()
    }
    rows["cross_entropy"] = (f"PyTorch {torch.__version__}", functional.cross_entropy)
    return rows


def median_seconds(call, repeats: int) -> float:
    """Median duration of a call, after two calls to warm up."""
    durations = []
    for _ in range(2 + repeats):
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    return statistics.median(durations[2:])


def main() -> None:
    """Reads one JSON object of settings from the command line and prints rows."""
    settings = json.loads(sys.argv[1])
    torch.manual_seed(0)
    batch, *pixels = settings["shape"]
    for classes in settings["classes"]:
        logits = torch.randn(batch, classes, *pixels, requires_grad=True)
        ids = torch.randint(0, classes, (batch, *pixels))
        for name, (library, loss) in peer_losses().items():
            if name not in settings["losses"]:
                continue

            def step(loss=loss, logits=logits, ids=ids):
                logits.grad = None
                loss(logits, ids).backward()

            row = {
                "loss": name,
                "library": library,
                "shape": settings["shape"],
                "classes": classes,
                "milliseconds": 1e3 * median_seconds(step, settings["repeats"]),
                "threads": torch.get_num_threads(),
            }
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
