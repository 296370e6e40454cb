"""What is lost where masks become smaller: whole objects, by nearest neighbour."""

import concurrent.futures
import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import scipy

from jaxseg.data.cases import read_labels_of
from jaxseg.data.geometry import Spacing, extents
from jaxseg.data.images import VOID, resize_mask
from jaxseg.data.labels import LabelMap
from jaxseg.data.resample import resample_labels, resampled_shape
from jaxseg.data.survey import CaseFacts


@dataclasses.dataclass(frozen=True)
class Shrunk:
    """What is left of the foreground at the size of training.

    Attributes:
      where: the size or the voxel size, for people.
      objects: connected regions of a foreground class in all masks.
      lost: how many of them have no pixel any more.
      emptied: names of the cases that had foreground and have none any more.
    """

    where: str
    objects: int
    lost: int
    emptied: tuple[str, ...]

    def text(self) -> str | None:
        """One line, or None where nothing is lost."""
        if not self.lost:
            return None
        few = ", ".join(self.emptied[:5]) + ", ..." * (len(self.emptied) > 5)
        empty = len(self.emptied)
        become = "mask becomes" if empty == 1 else "masks become"
        masks = f" and {empty} {become} empty ({few})" if empty else ""
        return f"at {self.where} {self.lost} of {self.objects} objects vanish{masks}"


def shrink_to_size(
    cases: Sequence[CaseFacts],
    labels: LabelMap,
    size: tuple[int, int],
    tick: Callable[[int], object] = lambda _: None,
) -> Shrunk:
    """What is left of images' masks at (height, width)."""

    def smaller(case: CaseFacts) -> bool:
        return any(have > want for have, want in zip(case.shape, size, strict=True))

    def resized(_: CaseFacts, regions: np.ndarray) -> np.ndarray:
        return resize_mask(regions, size)

    return _shrunk(cases, labels, f"{size[0]}x{size[1]}", smaller, resized, tick)


def shrink_to_spacing(
    cases: Sequence[CaseFacts],
    labels: LabelMap,
    spacing_mm: Spacing,
    tick: Callable[[int], object] = lambda _: None,
) -> Shrunk:
    """What is left of volumes' labels at a voxel size."""

    def shape(case: CaseFacts) -> tuple[int, ...]:
        assert case.spacing_mm is not None
        return resampled_shape(case.shape, case.spacing_mm, spacing_mm)

    def smaller(case: CaseFacts) -> bool:
        return any(a > b for a, b in zip(case.shape, shape(case), strict=True))

    def resized(case: CaseFacts, regions: np.ndarray) -> np.ndarray:
        return resample_labels(regions, shape(case))

    where = extents(spacing_mm) + " mm"
    return _shrunk(cases, labels, where, smaller, resized, tick)


def _shrunk(
    cases: Sequence[CaseFacts],
    labels: LabelMap,
    where: str,
    smaller: Callable[[CaseFacts], bool],
    resized: Callable[[CaseFacts, np.ndarray], np.ndarray],
    tick: Callable[[int], object],
) -> Shrunk:
    def count(case: CaseFacts) -> tuple[int, int]:
        ids = labels.ids(read_labels_of(case.case))
        regions, objects = regions_of(ids)
        left = np.unique(resized(case, regions))
        tick(1)
        return objects, int(np.count_nonzero(left))

    shrinking = [case for case in cases if smaller(case)]
    with concurrent.futures.ThreadPoolExecutor(2) as workers:
        counts = list(workers.map(count, shrinking))
    return Shrunk(
        where,
        objects=sum(objects for objects, _ in counts),
        lost=sum(objects - left for objects, left in counts),
        emptied=tuple(
            case.name
            for case, (objects, left) in zip(shrinking, counts, strict=True)
            if objects and not left
        ),
    )


def regions_of(ids: np.ndarray) -> tuple[np.ndarray, int]:
    """Connected regions of each foreground class, numbered from 1, and how many.

    Pixels are connected where they touch at an edge or a corner.
    """
    regions, total = np.zeros(ids.shape, np.int32), 0
    touching = np.ones((3,) * ids.ndim, bool)
    for kind in np.unique(ids):
        if kind not in (0, VOID):
            of_kind, count = scipy.ndimage.label(ids == kind, touching)  # pyright: ignore
            regions[of_kind > 0] = of_kind[of_kind > 0] + total
            total += count
    return regions, total
