"""What the volumes of a split have in common, found by reading each once."""

import concurrent.futures
import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from jaxseg.data.decathlon import Index
from jaxseg.data.folder import Case
from jaxseg.data.geometry import Spacing
from jaxseg.data.images import VOID
from jaxseg.data.intensity import Window
from jaxseg.data.volumes import SAME_SPACING, Volume, read_volume, read_volume_labels
from jaxseg.errors import UserError

CUT_OFF = (0.5, 99.5)
"""Percentiles of CT intensities that are kept, from Ma 2021, section 3.2."""
_SAMPLED = 10_000


@dataclasses.dataclass(frozen=True)
class VolumeFacts:
    """What a check found out about the volumes of a split.

    Attributes:
      num_classes: classes, ids 0 to num_classes - 1.
      channels: intensities per voxel.
      shapes: ``(X, Y, Z)`` of each case.
      spacings_mm: of each case.
      windows: normalisation of each channel, see `jaxseg.data.intensity.normalized`.
      class_shares: ``[num_classes]`` share of each class among voxels not void.
      empty: how many cases hold nothing but class 0 (and void).
    """

    num_classes: int
    channels: int
    shapes: tuple[tuple[int, ...], ...]
    spacings_mm: tuple[Spacing, ...]
    windows: tuple[Window | None, ...]
    class_shares: tuple[float, ...]
    empty: int

    @property
    def median_spacing_mm(self) -> Spacing | None:
        """The middle voxel size along each axis; None if all cases share one."""
        spacings = np.array(self.spacings_mm)
        middle = np.median(spacings, axis=0)
        if np.all(np.abs(spacings - middle) <= SAME_SPACING * middle):
            return None
        x, y, z = middle.tolist()
        return x, y, z

    @property
    def median_shape(self) -> tuple[int, ...]:
        """The middle number of voxels along each axis."""
        return tuple(int(n) for n in np.median(np.array(self.shapes), axis=0))


@dataclasses.dataclass(frozen=True)
class _CaseFacts:
    shape: tuple[int, ...]
    spacing_mm: Spacing
    of_ids: np.ndarray
    foreground: np.ndarray


def read_case(case: Case, channels: int | None) -> tuple[Volume, Volume | None]:
    """Image and labels of a case, on one grid in space.

    Args:
      case: the label file may be None.
      channels: the image must have; None allows any number.

    Raises:
      UserError: see `read_volume`; or the two files do not fit each other.
    """
    image = read_volume(case.image)
    found = image.voxels.shape[-1]
    if channels is not None and found != channels:
        raise UserError(
            f"{case.image} has {found} channels, not the {channels} of its data set"
        )
    if case.mask is None:
        return image, None
    return image, read_volume_labels(case.mask, image.geometry)


def require_labels(cases: Sequence[Case], split: str) -> None:
    """Refuses cases without ground truth.

    Raises:
      UserError: naming the first.
    """
    for case in cases:
        if case.mask is None:
            raise UserError(f"{case.image} of the split {split!r} has no labels")


def check_volumes(
    cases: Sequence[Case],
    index: Index,
    *,
    num_classes: int | None = None,
    tick: Callable[[int], object] = lambda _: None,
) -> VolumeFacts:
    """Reads every file once and tells what the cases have in common.

    Args:
      cases: at least one, each with labels.
      index: names channels and classes.
      num_classes: classes there may be; None takes those of the index.
      tick: called with 1 as each case is done.

    Raises:
      UserError: a file that cannot be read or does not fit; the sentence names it.
    """
    num_classes = num_classes or len(index.class_names)
    channels = len(index.modalities)
    found: list[_CaseFacts] = []
    with concurrent.futures.ThreadPoolExecutor(2) as workers:
        for case, facts in zip(
            cases,
            workers.map(lambda case: _facts(case, channels), cases),
            strict=True,
        ):
            highest = int(np.nonzero(facts.of_ids)[0].max(initial=0))
            if highest >= num_classes:
                raise UserError(
                    f"{case.mask} holds class id {highest}, but with {num_classes} "
                    f"classes ids go from 0 to {num_classes - 1}"
                )
            found.append(facts)
            tick(1)
    counts = np.stack([facts.of_ids[:num_classes] for facts in found])
    values = np.concatenate([facts.foreground for facts in found])
    return VolumeFacts(
        num_classes=num_classes,
        channels=channels,
        shapes=tuple(facts.shape for facts in found),
        spacings_mm=tuple(facts.spacing_mm for facts in found),
        windows=tuple(
            Window.of(values[:, channel], CUT_OFF)
            if is_ct(name) and len(values)
            else None
            for channel, name in enumerate(index.modalities)
        ),
        class_shares=tuple((counts.sum(0) / max(counts.sum(), 1)).tolist()),
        empty=int((counts[:, 1:].sum(1) == 0).sum()),
    )


def is_ct(modality: str) -> bool:
    """Whether a channel of this name has Hounsfield units."""
    return "CT" in modality.upper().replace("-", " ").split()


def _facts(case: Case, channels: int) -> _CaseFacts:
    image, labels = read_case(case, channels)
    assert labels is not None
    ids = labels.voxels
    inside = (ids != 0) & (ids != VOID)
    values = image.voxels[inside]
    return _CaseFacts(
        shape=ids.shape,
        spacing_mm=image.spacing_mm,
        of_ids=np.bincount(ids.ravel(), minlength=VOID + 1)[:VOID],
        foreground=values[:: max(len(values) // _SAMPLED, 1)],
    )
