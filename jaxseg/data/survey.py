"""Every case of a data set read once: what it holds, or what is wrong with it."""

import concurrent.futures
import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from jaxseg.data.cases import Case, StoredCase, read_case
from jaxseg.data.geometry import Geometry, Spacing
from jaxseg.data.images import VOID, remarks_on
from jaxseg.data.labels import LabelMap
from jaxseg.data.masks import Values
from jaxseg.errors import UserError

SAMPLED = 10_000
"""Voxels of a case whose intensities are kept for statistics."""


@dataclasses.dataclass(frozen=True)
class CaseFacts:
    """What one case holds.

    Attributes:
      case: that was read.
      shape: of its labels.
      channels: of its image.
      geometry: of the file of a volume, else None.
      values: of its labels, with the pixels of each.
      image_hash: of the pixels of the image.
      remarks: on how the image is stored.
      raters: the values of labels by further people.
      sample: of a volume, some label values ``[N]`` above 0 and the intensities
        ``[N, channels]`` there.
    """

    case: Case
    shape: tuple[int, ...]
    channels: int
    geometry: Geometry | None
    values: Values
    image_hash: str
    remarks: tuple[str, ...] = ()
    raters: tuple[Values, ...] = ()
    sample: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def name(self) -> str:
        """The name of the case."""
        return self.case.name

    @property
    def spacing_mm(self) -> Spacing | None:
        """Size of a voxel, of a volume."""
        return None if self.geometry is None else self.geometry.spacing_mm

    def read_as(self, labels: LabelMap) -> "LabelledFacts":
        """The same with class ids in the place of values.

        Raises:
          UserError: a value stands for nothing.
        """
        of_raters, between = [], 0
        for values in (self.values, *self.raters):
            ids, doubtful = labels.ids_of(values.mask, values.values)
            of_raters.append(np.bincount(ids, values.counts, VOID + 1))
            between += int(values.counts[doubtful].sum())
        of_ids = np.mean(of_raters, axis=0).astype(np.int64)
        sample = None
        if self.sample is not None:
            inside, _ = labels.ids_of(self.values.mask, self.sample[0])
            sample = self.sample[1][(inside != 0) & (inside != VOID)]
        return LabelledFacts(
            **{name: getattr(self, name) for name in _FIELDS},
            of_ids=of_ids[:VOID],
            void=int(of_ids[VOID]),
            doubtful=between,
            foreground=sample,
        )


_FIELDS = tuple(field.name for field in dataclasses.fields(CaseFacts))


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelledFacts(CaseFacts):
    """What one case holds, by class.

    Attributes:
      of_ids: pixels of each class id below 255, the mean over raters.
      void: pixels of no class.
      doubtful: pixels whose value lies between those of two classes.
      foreground: of a volume, intensities ``[N, channels]`` at some foreground voxels.
    """

    of_ids: np.ndarray
    void: int
    doubtful: int
    foreground: np.ndarray | None


def survey(
    cases: Sequence[Case],
    *,
    channels: int | None = None,
    tick: Callable[[int], object] = lambda _: None,
) -> Iterator[CaseFacts | UserError]:
    """Reads cases that have labels, in their order; a mistake stops nothing.

    Args:
      cases: each with labels.
      channels: volumes must have; None allows any number.
      tick: called with 1 as each case is done.
    """

    def read(case: Case) -> CaseFacts | UserError:
        try:
            return _facts(case, channels if case.volume else None)
        except UserError as error:
            return error

    with concurrent.futures.ThreadPoolExecutor(2) as workers:
        for found in workers.map(read, cases):
            tick(1)
            yield found


def _facts(case: Case, channels: int | None) -> CaseFacts:
    stored = read_case(case, channels)
    first, *others = (Values.of(mask) for mask in stored.masks)
    return CaseFacts(
        case=case,
        shape=stored.image.shape[:-1],
        channels=stored.image.shape[-1],
        geometry=stored.geometry,
        values=first,
        raters=tuple(others),
        image_hash=image_hash(stored.image),
        remarks=() if stored.geometry else remarks_on(case.image),
        sample=_sample(stored),
    )


def image_hash(pixels: np.ndarray) -> str:
    """A hash of the shape and the pixels of an image."""
    content = np.ascontiguousarray(pixels)
    return hashlib.sha256(repr(pixels.shape).encode() + content.tobytes()).hexdigest()


def _sample(stored: StoredCase) -> tuple[np.ndarray, np.ndarray] | None:
    if stored.geometry is None:
        return None
    values = stored.masks[0].values
    inside = (values != 0) & (values != VOID)
    if not inside.any():
        inside = values != 0
    step = max(np.count_nonzero(inside) // SAMPLED, 1)
    return values[inside][::step], stored.image[inside][::step]
