"""Risk-coverage curves: what is lost on the images kept, as others are referred.

An image is kept if its confidence is high enough; the risk is the mean loss of those
kept. A confidence that knows which images are bad has a curve that falls fast as the
coverage does.
"""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class RiskCoverage:
    """The curve of one confidence.

    Attributes:
      coverage: ``[N]`` share of images that are kept, rising to 1.
      risk: ``[N]`` mean loss of those.
      aurc: area under the curve: mean of `risk`.
      best_aurc: of a confidence that orders images by their loss.
      mean_loss: of all images, which is the area of a confidence that knows nothing.
    """

    coverage: np.ndarray
    risk: np.ndarray
    aurc: float
    best_aurc: float
    mean_loss: float

    @property
    def excess_aurc(self) -> float:
        """`aurc` - `best_aurc`, >= 0."""
        return self.aurc - self.best_aurc


def risk_coverage(confidence: Any, loss: Any) -> RiskCoverage:
    """The risk of the most confident images, for every number of them.

    Args:
      confidence: ``[N]``, such as the expected Dice of each image's mask.
      loss: ``[N]``, such as one minus the Dice; an image without one (nan) is left out.

    Returns:
      The curve. Images of equal confidence are kept in an order that nobody can know:
      each stands for their mean loss. Of no image all is nan or empty.

    Raises:
      ValueError: the shapes disagree, or a confidence is nan.

    Example:
      >>> risk_coverage([0.9, 0.5, 0.7], [0.0, 0.6, 0.3]).risk.round(3).tolist()
      [0.0, 0.15, 0.3]

    Source: El-Yaniv 2010, JMLR 11(53); Geifman 2019, arXiv:1805.08206, for the excess.
    """
    trust, losses = np.asarray(confidence, float), np.asarray(loss, float)
    if trust.shape != losses.shape or trust.ndim != 1:
        raise ValueError(
            f"confidence and loss are [N] each, not {trust.shape} and {losses.shape}"
        )
    if np.isnan(trust).any():
        raise ValueError("a confidence is nan")
    kept = ~np.isnan(losses)
    trust, losses = trust[kept], losses[kept]
    if not len(losses):
        nan = float("nan")
        return RiskCoverage(np.zeros(0), np.zeros(0), nan, nan, nan)
    _, ties = np.unique(-trust, return_inverse=True)
    shared = np.bincount(ties, losses) / np.bincount(ties)
    risk = _running_mean(shared[np.sort(ties)])
    best = _running_mean(np.sort(losses))
    coverage = np.arange(1, len(losses) + 1) / len(losses)
    return RiskCoverage(
        coverage, risk, float(risk.mean()), float(best.mean()), float(losses.mean())
    )


def _running_mean(values: np.ndarray) -> np.ndarray:
    return np.cumsum(values) / np.arange(1, len(values) + 1)
