"""Mean intersection over union by data set, by image and by class, and of the worst.

One IoU of all pixels pooled is dominated by large objects and says nothing of single
images. Two finer means take the IoU of each image and class: `by_image` averages over
the classes of an image, then over images; `by_class` over the images of a class, then
over classes, so that rare classes weigh as much as common ones. A class that the truth
of an image does not hold has no score there.

Source: Wang 2023, arXiv:2310.19252, section 3 (mIoU^D, mIoU^I, mIoU^C, worst-case
quantiles).
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jaxseg.counts import SoftCounts, jaccard_index
from jaxseg.metrics.means import defined_mean, jsonable

QUANTILES = (1, 5, 10, 25, 50)
"""Per cent of images."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FineGrained:
    """Means of the IoU, each in [0, 1], nan where nothing has a score.

    Attributes:
      by_dataset: mean over classes of the IoU of all pixels pooled.
      by_image: mean over images of the mean over their classes.
      by_class: mean over classes of the mean over the images that hold them.
      worst: per cent q to (`by_image`, `by_class`) of the q % of images that are worst,
        at least one; of each class, of those that hold it.
    """

    by_dataset: float
    by_image: float
    by_class: float
    worst: dict[float, tuple[float, float]]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, None for nan."""
        return {
            "by_dataset": jsonable(np.float64(self.by_dataset)),
            "by_image": jsonable(np.float64(self.by_image)),
            "by_class": jsonable(np.float64(self.by_class)),
            "worst": {
                f"{q:g}": [jsonable(np.float64(x)) for x in pair]
                for q, pair in self.worst.items()
            },
        }


def fine_grained_iou(
    counts: SoftCounts,
    *,
    classes: Sequence[int] | None = None,
    quantiles: Sequence[float] = QUANTILES,
) -> FineGrained:
    """All of Wang's means from the counts of each image.

    Args:
      counts: ``[N, C]`` of hard masks, NumPy's: one `mask_counts` an image, stacked.
      classes: ids that count; None for all, the background too, as the paper has it.
        Of one foreground class, (1,), the images without it have no score here; the
        released code gives 1 to those whose prediction is empty as well.
      quantiles: per cent, in (0, 100].

    Raises:
      ValueError: a quantile is outside of (0, 100].

    Example:
      >>> from jaxseg.metrics.overlap import mask_counts
      >>> truth = np.array([[0, 0, 1, 1], [0, 0, 0, 2]])
      >>> found = np.array([[0, 1, 1, 1], [0, 0, 0, 0]])
      >>> images = [mask_counts(p, t, 3) for p, t in zip(found, truth)]
      >>> counts = jax.tree.map(lambda *x: np.stack(x), *images)
      >>> means = fine_grained_iou(counts)  # 4/6, 2/3, 0; 1/2 2/3 | 3/4 0; 5/8 2/3 0
      >>> [round(x, 4) for x in (means.by_dataset, means.by_image, means.by_class)]
      [0.4444, 0.4792, 0.4306]
    """
    if not all(0 < q <= 100 for q in quantiles):
        raise ValueError(f"quantiles are per cent in (0, 100], not {list(quantiles)}")
    kept = slice(None) if classes is None else list(classes)
    pooled = _iou(jax.tree.map(lambda x: x.sum(0), counts))[kept]
    each = _iou(counts)[..., kept]
    images = np.asarray(defined_mean(each, axis=1).mean)
    images = images[~np.isnan(images)]
    by_class = [column[~np.isnan(column)] for column in each.T]
    by_class = [column for column in by_class if column.size]
    return FineGrained(
        by_dataset=_mean(pooled[~np.isnan(pooled)]),
        by_image=_mean(images),
        by_class=_mean(np.array([_mean(column) for column in by_class])),
        worst={
            q: (
                _mean(_worst(images, q)),
                _mean(np.array([_mean(_worst(column, q)) for column in by_class])),
            )
            for q in quantiles
        },
    )


def _iou(counts: SoftCounts) -> np.ndarray:
    """IoU by class, nan where the truth does not hold it."""
    iou = np.asarray(jaccard_index(counts, empty=np.nan), np.float64)
    return np.where(counts.actual > 0, iou, np.nan)


def _worst(scores: np.ndarray, per_cent: float) -> np.ndarray:
    """The lowest of the scores, at least one of them."""
    number = max(1, int(per_cent / 100 * len(scores)))
    return np.sort(scores)[:number]


def _mean(scores: np.ndarray) -> float:
    return float(scores.mean()) if scores.size else float("nan")
