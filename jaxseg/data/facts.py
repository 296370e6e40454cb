"""What the training cases of a run have in common."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxseg.data.geometry import Spacing
from jaxseg.data.intensity import Window
from jaxseg.data.labels import LabelMap
from jaxseg.data.survey import LabelledFacts
from jaxseg.data.volumes import SAME_SPACING

CUT_OFF = (0.5, 99.5)
"""Percentiles of CT intensities that are kept, from Ma 2021, section 3.2."""


@dataclasses.dataclass(frozen=True)
class Facts:
    """What some cases have in common.

    Attributes:
      labels: what the values of their masks mean.
      channels: of an image; of 2D images 1 if every one is grey, else 3.
      shapes: (height, width) or (X, Y, Z) of each case.
      spacings_mm: voxel size of each case; None for images.
      windows: of volumes, the normalisation of each channel, see
        `jaxseg.data.intensity.normalize`; None for images.
      class_shares: ``[classes]`` share of each class among pixels not void.
      empty: how many cases hold nothing but class 0 (and void).
    """

    labels: LabelMap
    channels: int
    shapes: tuple[tuple[int, ...], ...]
    spacings_mm: tuple[Spacing, ...] | None
    windows: tuple[Window | None, ...] | None
    class_shares: tuple[float, ...]
    empty: int

    @property
    def num_classes(self) -> int:
        """Classes, ids 0 to num_classes - 1."""
        return self.labels.num_classes

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape if all cases share one, else None."""
        known = set(self.shapes)
        return known.pop() if len(known) == 1 else None

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
        """The middle number of pixels along each axis."""
        return tuple(int(n) for n in np.median(np.array(self.shapes), axis=0))


def facts_of(
    cases: Sequence[LabelledFacts], labels: LabelMap, modalities: Sequence[str] = ()
) -> Facts:
    """What cases have in common.

    Args:
      cases: at least one, all images or all volumes.
      labels: of all of them.
      modalities: names of the channels, if they are known.
    """
    counts = np.stack([case.of_ids[: labels.num_classes] for case in cases])
    spacings = [case.spacing_mm for case in cases if case.spacing_mm is not None]
    return Facts(
        labels=labels,
        channels=max(case.channels for case in cases),
        shapes=tuple(case.shape for case in cases),
        spacings_mm=tuple(spacings) if spacings else None,
        windows=_windows(cases, modalities) if spacings else None,
        class_shares=tuple((counts.sum(0) / max(counts.sum(), 1)).tolist()),
        empty=int((counts[:, 1:].sum(1) == 0).sum()),
    )


def _windows(
    cases: Sequence[LabelledFacts], modalities: Sequence[str]
) -> tuple[Window | None, ...]:
    values = [case.foreground for case in cases if case.foreground is not None]
    sample = np.concatenate(values)
    names = [*modalities, *([""] * (sample.shape[1] - len(modalities)))]
    return tuple(
        Window.of(sample[:, channel], CUT_OFF) if is_ct(name) and len(sample) else None
        for channel, name in enumerate(names)
    )


def is_ct(modality: str) -> bool:
    """Whether a channel of this name has Hounsfield units."""
    return "CT" in modality.upper().replace("-", " ").split()
