"""Probabilities of cases at their own size and voxel size, images and volumes alike."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from jaxseg.data.intensity import NORMALISATIONS, normalize
from jaxseg.data.resample import resample, resampled_shape
from jaxseg.training.config import RunConfig
from jaxseg.training.inference import (
    CHUNK,
    PLAIN,
    Inference,
    Predictor,
    forward,
    image_predictor,
    mean_probabilities,
)
from jaxseg.training.scaling import Scaling
from jaxseg.training.sources import Example, Examples, labels_of, windows_of
from jaxseg.training.step import Apply
from jaxseg.training.thresholds import cut_of
from jaxseg.training.window import predict_by_windows


@dataclasses.dataclass(frozen=True)
class TrainedNetwork:
    """A network with the settings that it was trained under.

    Attributes:
      config: of the run.
      apply: the network.
      variables: what it is used with, its parameters among them.
      scaling: of its probabilities, where it is calibrated.
    """

    config: RunConfig
    apply: Apply
    variables: Any
    scaling: Scaling | None = None


def case_predictor(trained: TrainedNetwork, how: Inference = PLAIN) -> Predictor:
    """Probabilities of cases on their own grids.

    An image is resized to the network's size and its probabilities back, or covered
    with windows; a volume is normalised and resampled as in training, covered with
    windows of the training patch or the one given, and its probabilities are resampled
    linearly to its own voxels. They are calibrated last, on the case's own grid.
    """
    raw, scaling = _raw_predictor(trained, how), trained.scaling
    if scaling is None:
        return raw
    return lambda cases: [scaling(probs) for probs in raw(cases)]


def _raw_predictor(trained: TrainedNetwork, how: Inference) -> Predictor:
    config = trained.config
    if not config.volumes:
        return image_predictor(
            trained.apply,
            trained.variables,
            config.size,
            how,
            prepare=NORMALISATIONS[config.normalise],
            link=config.link,
        )
    run = forward(trained.apply, trained.variables, how, config.link)
    window = how.window or config.size

    def predict(cases: list[Example]) -> list[np.ndarray]:
        return [
            resample(
                predict_by_windows(
                    run, network_grid(config, case), window, overlap=how.overlap
                ),
                case.image.shape[:-1],
            )
            for case in cases
        ]

    return predict


def ensemble_probabilities(
    members: Sequence[TrainedNetwork], cases: Examples, how: Inference = PLAIN
) -> Iterator[tuple[Example, np.ndarray]]:
    """Each case with the networks' mean probabilities ``[*size, classes]`` float32.

    Args:
      members: all of images or all of volumes; each sees them as it was trained.
      cases: images or volumes.
      how: networks are used.
    """
    volumes = members[0].config.volumes
    predictors = [case_predictor(member, how) for member in members]
    return mean_probabilities(predictors, cases, at_a_time=1 if volumes else CHUNK)


def network_grid(config: RunConfig, example: Example) -> np.ndarray:
    """A volume ``[X, Y, Z, C]`` as the network of a run sees it."""
    voxels = example.image
    if config.spacing is not None:
        assert example.spacing_mm is not None
        shape = resampled_shape(voxels.shape[:-1], example.spacing_mm, config.spacing)
        voxels = resample(voxels, shape)
    return normalize(voxels, windows_of(config))


def case_masks(
    members: Sequence[TrainedNetwork], cases: Examples, how: Inference = PLAIN
) -> Iterator[tuple[Example, np.ndarray]]:
    """Each case with its mask ``[*size]`` uint8 of the most probable class.

    Of a run of regions it is that of the regions more probable than not.
    """
    cut = cut_of(labels_of(members[0].config))
    for example, probs in ensemble_probabilities(members, cases, how):
        yield example, cut(probs)
