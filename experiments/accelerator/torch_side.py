"""PyTorch and libraries on it, in this process, where they can be imported.

They see arrays of the same shape on the same device, class axis second as they want it.
"""

import importlib.metadata
import importlib.util
from collections.abc import Iterator, Sequence
from typing import Any

from experiments.accelerator.measure import Timed

PACKAGES = ("torch", "monai", "segmentation_models_pytorch", "exacta")
DISTRIBUTIONS = {"segmentation_models_pytorch": "segmentation-models-pytorch"}


def here() -> bool:
    """Whether there is a PyTorch."""
    return importlib.util.find_spec("torch") is not None


def versions() -> dict[str, str | None]:
    """Of each package; None where it is not installed."""
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(DISTRIBUTIONS.get(name, name))
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def device() -> str:
    """Where PyTorch computes."""
    import torch  # pyright: ignore[reportMissingImports]

    return "cuda" if torch.cuda.is_available() else "cpu"


def wait(_: Any) -> None:
    """Returns when all that was begun is done."""
    import torch  # pyright: ignore[reportMissingImports]

    if device() == "cuda":
        torch.cuda.synchronize()


def same_precision() -> None:
    """Lets float32 products be as short as XLA's are by default."""
    import torch  # pyright: ignore[reportMissingImports]

    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True


def losses(names: Sequence[str], classes: int) -> Iterator[tuple[str, str, Any]]:
    """(catalog name, library, loss) of all libraries that can be imported.

    The losses in plain PyTorch are there twice, as written and compiled.
    """
    import torch  # pyright: ignore[reportMissingImports]

    from experiments import peer_losses

    for library in (*peer_losses.LIBRARIES, peer_losses.plain_losses):
        try:
            found = list(library(classes))
        except (ImportError, importlib.metadata.PackageNotFoundError):
            continue
        for name, title, loss in found:
            if name in names:
                yield name, title, loss
                if "PyTorch" in title:
                    compiled: Any = torch.compile(loss, dynamic=False)
                    yield name, f"{title} compiled", compiled


def loss_call(loss: Any, pixels: Sequence[int], classes: int) -> Timed:
    """Value and gradient of a loss."""
    import torch  # pyright: ignore[reportMissingImports]

    batch, *size = pixels
    torch.manual_seed(0)
    where = device()
    if isinstance(loss, torch.nn.Module):
        loss = loss.to(where)
    logits = torch.randn(batch, classes, *size, device=where, requires_grad=True)
    labels = torch.randint(0, classes, (batch, *size), device=where)

    def call() -> Any:
        logits.grad = None
        loss(logits, labels).backward()
        return logits.grad

    return Timed(call, wait)


def step_call(case: dict[str, Any], *, compiled: bool) -> Timed:
    """A training step of a network of `peer_step`, channels last.

    Raises:
      ValueError: that network is not written there.
    """
    from experiments import peer_step

    step = peer_step.training_step(case, last=True, compiled=compiled)
    return Timed(step, wait)
