"""Times of other libraries' losses, run in an environment of their own.

`python -m experiments speed --peers PYTHON` runs this file with that Python, which has
PyTorch and the libraries and not jaxseg; it prints one JSON row a line. Only losses
with our formula are here: pixels pooled over the batch and a mean over classes, unless
the name says otherwise.
"""

import functools
import importlib
import importlib.metadata
import importlib.util
import json
import statistics
import sys
import time
import types
from collections.abc import Iterator

import torch
from torch.nn import functional


@functools.cache
def losses_of(package: str) -> types.ModuleType:
    """``package.losses`` without the rest of the package, which needs torchvision."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(f"{package} is not installed")
    parent = types.ModuleType(package)
    parent.__path__ = list(spec.submodule_search_locations)
    sys.modules[package] = parent
    return importlib.import_module(f"{package}.losses")


def _version(package: str) -> str:
    return importlib.metadata.version(package)


def peer_losses(classes: int) -> Iterator[tuple]:
    """(catalog name, library, function of class-first logits and ids)."""
    for library in LIBRARIES:
        yield from library(classes)


def torch_losses(classes: int) -> Iterator[tuple]:
    """PyTorch's own."""
    del classes
    yield "cross_entropy", f"PyTorch {torch.__version__}", functional.cross_entropy


def plain_losses(classes: int) -> Iterator[tuple]:
    """A few lines of PyTorch each, as many write them, for its compiler."""
    library = f"plain PyTorch {torch.__version__}"

    def dice(z, y):
        p = torch.softmax(z, 1)
        t = functional.one_hot(y, classes).movedim(-1, 1).to(p.dtype)
        over = [0, *range(2, z.ndim)]
        both, sums = (p * t).sum(over), (p + t).sum(over)
        return 1 - (2 * both / sums).mean()

    def focal(z, y):
        logs = torch.log_softmax(z, 1).gather(1, y[:, None])
        return -((1 - logs.exp()) ** 2 * logs).mean()

    def topk(z, y):
        each = functional.cross_entropy(z, y, reduction="none").flatten()
        return each.topk(len(each) // 10).values.mean() / 10

    yield "dice", library, dice
    yield "dice_ce", library, lambda z, y: dice(z, y) + functional.cross_entropy(z, y)
    yield "focal", library, focal
    yield "topk", library, topk


def monai_losses(classes: int) -> Iterator[tuple]:
    """MONAI's."""
    from monai import losses as monai

    def with_channel(loss):
        return lambda z, y: loss(z, y[:, None])

    pooled = {"softmax": True, "to_onehot_y": True, "batch": True}
    apart = 1 - torch.eye(classes)
    for name, loss in {
        "dice": monai.DiceLoss(**pooled),
        "dice_squared": monai.DiceLoss(squared_pred=True, **pooled),
        "dice_per_image": monai.DiceLoss(softmax=True, to_onehot_y=True),
        "jaccard": monai.DiceLoss(jaccard=True, **pooled),
        "tversky": monai.TverskyLoss(**pooled),
        "generalized_dice": monai.GeneralizedDiceLoss(**pooled),
        "dice_ce": monai.DiceCELoss(**pooled),
        "focal": monai.FocalLoss(use_softmax=True, to_onehot_y=True),
        "dice_focal": monai.DiceFocalLoss(**pooled),
        "cldice": monai.SoftclDiceLoss(softmax=True, to_onehot_y=True),
        "wasserstein_dice": monai.GeneralizedWassersteinDiceLoss(apart),
    }.items():
        yield name, f"MONAI {_version('monai')}", with_channel(loss)


def smp_losses(classes: int) -> Iterator[tuple]:
    """Those of segmentation_models.pytorch."""
    del classes
    smp = losses_of("segmentation_models_pytorch")
    for name, loss in {
        "dice": smp.DiceLoss("multiclass"),
        "log_dice": smp.DiceLoss("multiclass", log_loss=True),
        "jaccard": smp.JaccardLoss("multiclass"),
        "tversky": smp.TverskyLoss("multiclass"),
        "lovasz": smp.LovaszLoss("multiclass"),
    }.items():
        yield name, f"SMP {_version('segmentation-models-pytorch')}", loss


def exacta_losses(classes: int) -> Iterator[tuple]:
    """Those of exacta."""
    import exacta.losses as exacta

    apart = 1 - torch.eye(classes)
    together = {"batch_dice": True}
    for name, loss in {
        "dice": exacta.DiceLoss(**together),
        "dice_squared": exacta.DiceLoss(squared_pred=True, **together),
        "dice_per_image": exacta.DiceLoss(),
        "tversky": exacta.TverskyLoss(**together),
        "focal_tversky": exacta.FocalTverskyLoss(**together),
        "generalized_dice": exacta.GeneralizedDiceLoss(**together),
        "focal": exacta.FocalLoss(),
        "topk": exacta.TopKCELoss(),
        "lovasz": exacta.LovaszSoftmaxLoss(),
        "dice_ce": exacta.DiceCELoss(**together),
        "dice_focal": exacta.DiceFocalLoss(**together),
        "dice_topk": exacta.DiceTopKCELoss(**together),
        "cldice": exacta.SoftClDiceLoss(iterations=3, include_background=True),
        "wasserstein_dice": exacta.GeneralizedWassersteinDiceLoss(apart.numpy()),
    }.items():
        yield name, f"exacta {_version('exacta')}", loss


LIBRARIES = (torch_losses, monai_losses, smp_losses, exacta_losses)


def median_seconds(call, repeats: int, seconds: float) -> float:
    """Median duration of a call, after two calls to warm up."""
    for _ in range(2):
        call()
    durations: list[float] = []
    while len(durations) < 3 or sum(durations) < seconds:
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
        if len(durations) >= repeats:
            break
    return statistics.median(durations)


def main() -> None:
    """Reads one JSON object of settings from the command line and prints rows."""
    settings = json.loads(sys.argv[1])
    limits = settings["repeats"], settings["seconds"]
    torch.manual_seed(0)
    for shape, classes in settings["cases"]:
        batch, *pixels = shape
        logits = torch.randn(batch, classes, *pixels, requires_grad=True)
        ids = torch.randint(0, classes, (batch, *pixels))
        for name, library, loss in peer_losses(classes):
            if name not in settings["losses"]:
                continue

            def step(loss=loss, logits=logits, ids=ids):
                logits.grad = None
                loss(logits, ids).backward()

            row = {
                "loss": name,
                "library": library,
                "shape": shape,
                "classes": classes,
                "milliseconds": 1e3 * median_seconds(step, *limits),
                "threads": torch.get_num_threads(),
            }
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
