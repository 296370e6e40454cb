"""Probabilities of cases at their own size and voxel size, images and volumes alike."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from jaxseg.data.intensity import normalized
from jaxseg.data.resample import resample, resampled_shape
from jaxseg.training.config import RunConfig
from jaxseg.training.inference import Member, forward, predict_probabilities
from jaxseg.training.sources import Example, Examples, windows_of
from jaxseg.training.step import Apply
from jaxseg.training.thresholds import most_probable
from jaxseg.training.window import windowed


def case_probabilities(
    config: RunConfig, apply: Apply, params: Any, cases: Examples, overlap: float = 0.5
) -> Iterator[tuple[Example, np.ndarray]]:
    """Each case with its probabilities ``[*size, classes]`` float32 on its own grid.

    An image is resized to the network's size and its probabilities back; a volume is
    normalised and resampled as in training, covered with windows of the training patch,
    and its probabilities are resampled linearly to its own voxels.

    Args:
      config: of the run.
      apply: the network.
      params: its parameters.
      cases: images or volumes.
      overlap: of windows over a volume, see `jaxseg.training.window.windowed`.
    """
    if not config.volumes:
        yield from predict_probabilities(apply, params, config.size, cases)
        return

    run = forward(Member(apply=apply, params=params, size=config.size))
    for index in range(len(cases)):
        example = cases[index]
        voxels = network_grid(config, example)
        probs = windowed(run, voxels, config.size, overlap=overlap)
        yield example, resample(probs, example.image.shape[:-1])


def network_grid(config: RunConfig, example: Example) -> np.ndarray:
    """A volume ``[X, Y, Z, C]`` as the network of a run sees it."""
    voxels = example.image
    if config.spacing is not None:
        assert example.spacing_mm is not None
        shape = resampled_shape(voxels.shape[:-1], example.spacing_mm, config.spacing)
        voxels = resample(voxels, shape)
    return normalized(voxels, windows_of(config))


def case_masks(
    config: RunConfig, apply: Apply, params: Any, cases: Examples, overlap: float = 0.5
) -> Iterator[tuple[Example, np.ndarray]]:
    """Each case with its mask ``[*size]`` uint8 of the most probable class."""
    probabilities = case_probabilities(config, apply, params, cases, overlap)
    for example, probs in probabilities:
        yield example, most_probable(probs)
