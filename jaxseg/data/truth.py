"""What the masks of a case say, as training takes it: class ids, or shares of classes.

Class ids are ``[*size]`` uint8, 255 for void. Shares are ``[*size, classes]`` float32
that add up to 1, and to 0 where a pixel is void: of soft masks, or the mean of several
raters.
"""

from collections.abc import Sequence

import numpy as np

from jaxseg.data.cases import Case, StoredCase
from jaxseg.data.images import VOID, resize_image, resize_mask
from jaxseg.data.labels import LabelMap
from jaxseg.data.raters import Raters
from jaxseg.data.resample import resample, resample_labels
from jaxseg.errors import UserError


def truths(
    stored: StoredCase, labels: LabelMap, raters: Raters | None = None
) -> tuple[np.ndarray, ...]:
    """Ground truth of a case: one array, or with "drawn" one for each rater.

    Shares if masks are soft or the mean is taken, so of all cases alike, else class
    ids. A rater to whom a pixel is void has no say in the mean; where it is void to all
    it is void.
    """
    if raters == "mean":
        return (mean_shares(stored, labels),)
    read = labels.shares if labels.soft else labels.ids
    return tuple(read(mask) for mask in stored.masks)


def mean_shares(stored: StoredCase, labels: LabelMap) -> np.ndarray:
    """The mean of a case's masks, ``[*size, classes]`` float32."""
    total = np.sum([labels.shares(mask) for mask in stored.masks], axis=0)
    votes = total.sum(-1, keepdims=True)
    return np.divide(total, votes, out=np.zeros_like(total), where=votes > 0)


def ids_of(stored: StoredCase, labels: LabelMap) -> np.ndarray | None:
    """Class ids that scores compare with; None where there are no masks.

    Of soft masks and of several raters it is the class with the largest share, of equal
    ones the first, so that background wins where raters are divided.
    """
    if not stored.masks:
        return None
    if len(stored.masks) == 1:
        return labels.ids(stored.masks[0])
    return hard(mean_shares(stored, labels))


def hard(truth: np.ndarray) -> np.ndarray:
    """Class ids of a truth of either kind."""
    if truth.dtype == np.uint8:
        return truth
    ids = truth.argmax(-1).astype(np.uint8)
    return np.where(truth.sum(-1) > 0, ids, np.uint8(VOID))


def resized(truth: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Of an image at another (height, width): nearest ids, antialiased shares."""
    if truth.dtype == np.uint8:
        return resize_mask(truth, size)
    return resize_image(truth, size)


def resampled(truth: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Of a volume on another grid: ids by nearest neighbour, shares linearly."""
    if truth.dtype == np.uint8:
        return resample_labels(truth, shape)
    return resample(truth, shape)


def used_raters(cases: Sequence[Case], raters: Raters | None) -> list[Case]:
    """The cases with the masks that are asked for.

    Raises:
      UserError: masks lie by rater and nothing is asked for.
    """
    if raters is not None:
        return list(cases)
    for case in cases:
        if case.by_rater:
            raise UserError(
                f"{case.image} has masks by several raters: pass --raters mean for "
                "the mean of them, or --raters drawn for one of them a step"
            )
    return [case.of_one_rater for case in cases]


def require_raters(cases: Sequence[Case], raters: Raters | None) -> None:
    """Refuses to look for several raters where there is one.

    Raises:
      UserError: saying where masks of several are looked for.
    """
    if raters is not None and not any(case.raters for case in cases):
        raise UserError(
            f"--raters {raters}: no case has masks of several raters, as "
            f"{cases[0].image}: expected masks/RATER/NAME.png, or masks_RATER/NAME.png "
            "beside masks"
        )
