"""A few cases with their truth and prediction, stored for the sample sheet."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jaxseg.data.images import VOID
from jaxseg.files import replacing
from jaxseg.training.cases import TrainedNetwork, case_masks
from jaxseg.training.inference import PLAIN, Inference
from jaxseg.training.sources import Examples, Subset, spread

SAMPLE_COUNT = 6


def save_samples(
    path: Path,
    members: Sequence[TrainedNetwork],
    cases: Examples,
    lesion_free: Sequence[bool],
    how: Inference = PLAIN,
) -> None:
    """Stores a few cases for the sample sheet, some of them without a lesion.

    Of a volume it is the slice across its coarsest axis with most foreground.

    Args:
      path: an ``.npz`` file for ``image_k``, ``labels_k``, ``predicted_k``, ``name_k``.
      members: networks whose mean probabilities give the prediction.
      cases: to choose from.
      lesion_free: of each case, whether its ground truth holds no foreground.
      how: networks are used.
    """
    free = [index for index, empty in enumerate(lesion_free) if empty]
    sick = [index for index, empty in enumerate(lesion_free) if not empty]
    few = SAMPLE_COUNT // 3 if sick else SAMPLE_COUNT
    healthy = spread(free, few)
    chosen = Subset(cases, (*spread(sick, SAMPLE_COUNT - len(healthy)), *healthy))
    arrays: dict[str, np.ndarray] = {}
    samples = case_masks(members, chosen, how)
    for index, (example, mask) in enumerate(samples):
        assert example.labels is not None
        image, labels = example.image, example.labels
        if example.spacing_mm is not None:
            axis = int(np.argmax(example.spacing_mm[::-1]))
            axis = labels.ndim - 1 - axis
            image, labels, mask = fullest_slice(image, labels, mask, axis)
        arrays[f"image_{index}"] = image
        arrays[f"labels_{index}"] = labels
        arrays[f"predicted_{index}"] = mask
        arrays[f"name_{index}"] = np.array(example.name)
    with replacing(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def fullest_slice(
    image: np.ndarray, labels: np.ndarray, mask: np.ndarray, axis: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The slice of a volume with most foreground, turned to be looked at.

    Args:
      image: ``[X, Y, Z, C]``; its first channel is shown, from its 1st to its 99th
        percentile.
      labels: ``[X, Y, Z]`` class ids.
      mask: ``[X, Y, Z]`` class ids.
      axis: across which it is cut.

    Returns:
      ``[H, W, 1]`` uint8 and two ``[H, W]``.
    """
    truth = (labels != 0) & (labels != VOID)
    others = tuple(other for other in range(labels.ndim) if other != axis)
    place = int(np.argmax(truth.sum(others) + 1e-6 * (mask != 0).sum(others)))
    plane, ids, predicted = (
        np.rot90(np.take(x, place, axis)) for x in (image[..., 0], labels, mask)
    )
    low, high = np.percentile(image[..., 0], (1, 99))
    shown = np.clip((plane - low) / max(high - low, 1e-6), 0, 1)
    return np.round(255 * shown).astype(np.uint8)[..., None], ids, predicted
