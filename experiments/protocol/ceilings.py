"""What a perfect network could score: masks and probabilities there and back again.

A network of images sees them at one size, and its probabilities are resized to the
image's own size before they are scored. What is lost on the way is lost for any loss.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from experiments.protocol.dataset import Dataset
from jaxseg.data.cases import read_labels_of
from jaxseg.data.collection import list_cases
from jaxseg.data.images import VOID, resize_image, resize_mask
from jaxseg.errors import UserError
from jaxseg.training.evaluation import Evaluation
from jaxseg.training.sources import spread
from jaxseg.training.thresholds import most_probable

LEAST = 0.95
"""A data set and size whose ceiling is lower is not used: it measures aliasing."""
CASES = 100
"""At most so many masks are looked at, evenly spread."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ceiling:
    """Mean Dice of two perfect networks.

    Attributes:
      size: of the network's input.
      perfect: of one that gives the mask that it is trained on.
      calibrated: of one that gives the share of each class in each of its pixels, the
        most probable of which is taken.
      cases: that were looked at.
    """

    size: tuple[int, ...]
    perfect: float
    calibrated: float
    cases: int

    @property
    def best(self) -> float:
        """The higher of the two ceilings."""
        return max(self.perfect, self.calibrated)


def ceiling_of(dataset: Dataset, size: Sequence[int], split: str) -> Ceiling:
    """The ceiling of images at a size; volumes are scored on the network's grid."""
    size = tuple(size)
    cases = list_cases(dataset.path, split)
    if dataset.volumes:
        return Ceiling(size=size, perfect=1.0, calibrated=1.0, cases=len(cases))
    masked = [case for case in cases if case.mask is not None]
    chosen = [masked[k] for k in spread(range(len(masked)), CASES)]
    found = [Evaluation(dataset.num_classes) for _ in range(2)]
    for case in chosen:
        mask = dataset.labels.ids(read_labels_of(case))
        small = _planes(resize_mask(mask, (size[0], size[1])), dataset.num_classes)
        for evaluation, planes in zip(
            found, (small, _shares(mask, size, dataset.num_classes)), strict=True
        ):
            probs = resize_image(planes, mask.shape)
            evaluation.add(case.name, most_probable(probs), mask)
    perfect, calibrated = (one.summary().dice or 0.0 for one in found)
    return Ceiling(
        size=size,
        perfect=float(f"{perfect:.6g}"),
        calibrated=float(f"{calibrated:.6g}"),
        cases=len(chosen),
    )


def _planes(mask: np.ndarray, num_classes: int) -> np.ndarray:
    """One-hot ``[H, W, K]`` float32; void counts as class 0."""
    ids = np.where(mask == VOID, 0, mask)
    return np.eye(num_classes, dtype=np.float32)[ids]


def _shares(mask: np.ndarray, size: Sequence[int], num_classes: int) -> np.ndarray:
    """Share of each class in the pixels of an image of another size."""
    planes = _planes(mask, num_classes)
    height, width = size
    return np.stack(
        [
            np.asarray(
                Image.fromarray(planes[..., k]).resize(
                    (width, height), Image.Resampling.BOX
                )
            )
            for k in range(num_classes)
        ],
        axis=-1,
    )


def require_room(dataset: Dataset, ceiling: Ceiling) -> None:
    """Refuses a size at which scores would tell of pixels and not of losses.

    Raises:
      UserError: the ceiling is below `LEAST`.
    """
    if ceiling.best < LEAST:
        size = " ".join(map(str, ceiling.size))
        raise UserError(
            f"--size {size}: on {dataset.name} even a perfect network has a Dice of "
            f"{ceiling.best:.3f} when its mask is back at the image's own size, and "
            f"{LEAST:g} is the least at which losses are compared; take a larger --size"
        )


def to_json(ceiling: Ceiling) -> dict[str, Any]:
    """As plain values."""
    return {**dataclasses.asdict(ceiling), "size": list(ceiling.size)}
