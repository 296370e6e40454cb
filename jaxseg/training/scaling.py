"""Scaling of probabilities, fitted on held-back cases, so that they are frequencies.

All kinds are one map of log-probabilities, ``softmax(W log p + b)``, fitted by the mean
negative log-likelihood over pixels, which is convex in W and b:

* temperature: W = I / T, b = 0; masks of the most probable class stay as they are;
* vector: W diagonal;
* dirichlet: W and b free, with a penalty on what is off the diagonal and on b.

Of regions, each a yes or no, log p is the log-odds and W is diagonal: a temperature for
all, or a factor and a shift for each (Platt).

Source: Guo 2017, arXiv:1706.04599, section 4.2 (temperature, vector); Kull 2019,
arXiv:1910.12656, eq. (7) and section 3 (Dirichlet, its penalty). Departs: scores of a
network are known up to a constant by pixel, and of an ensemble or a resized image as
probabilities alone, so vector scaling takes log p for them.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
import scipy

Method = Literal["temperature", "vector", "dirichlet"]
METHODS: tuple[str, ...] = get_args(Method)
PENALTY = 1e-3
"""Of the mean square of each of off-diagonal weights and shifts, Dirichlet alone."""


@dataclasses.dataclass(frozen=True)
class Scaling:
    """A fitted map of probabilities.

    Attributes:
      method: "temperature", "vector" or "dirichlet".
      weights: ``[C, C]`` W.
      shift: ``[C]`` b.
      odds: whether each class is a yes or no: regions.
    """

    method: Method
    weights: np.ndarray
    shift: np.ndarray
    odds: bool = False

    def __call__(self, probs: np.ndarray) -> np.ndarray:
        """``[..., C]`` probabilities to calibrated ones, float32.

        Example:
          >>> halved = Scaling("temperature", np.eye(2) / 2, np.zeros(2))  # T = 2
          >>> halved(np.array([0.9, 0.1])).round(4).tolist()
          [0.75, 0.25]
        """
        scores = scores_of(probs, odds=self.odds) @ self.weights.T + self.shift
        return probs_of(scores, odds=self.odds).astype(np.float32)

    @property
    def temperature(self) -> float | None:
        """T, where there is one."""
        return 1 / float(self.weights[0, 0]) if self.method == "temperature" else None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "method": self.method,
            "weights": self.weights.tolist(),
            "shift": self.shift.tolist(),
            "odds": self.odds,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Scaling":
        """The inverse of `to_json`.

        Raises:
          ValueError: it is not what `to_json` makes.
        """
        try:
            weights = np.asarray(stored["weights"], np.float64)
            shift = np.asarray(stored["shift"], np.float64)
            found = cls(stored["method"], weights, shift, bool(stored["odds"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"no {error}") from error
        square = (len(shift), len(shift))
        if found.method not in METHODS or weights.shape != square:
            raise ValueError(f"{found.method!r} with weights of shape {weights.shape}")
        return found


def scores_of(probs: np.ndarray, *, odds: bool = False) -> np.ndarray:
    """Log-probabilities ``[..., C]`` float64, or log-odds; finite for 0 and 1 too."""
    values = np.asarray(probs, np.float64)
    if odds:
        near = float(np.finfo(np.float32).eps) / 2
        return scipy.special.logit(np.clip(values, near, 1 - near))
    return np.log(np.maximum(values, np.finfo(np.float32).tiny))


def probs_of(scores: np.ndarray, *, odds: bool = False) -> np.ndarray:
    """The inverse of `scores_of`, of scores up to a constant."""
    return (
        scipy.special.expit(scores) if odds else scipy.special.softmax(scores, axis=-1)
    )


def fit_scaling(
    probs: np.ndarray, labels: np.ndarray, method: Method, *, odds: bool = False
) -> Scaling:
    """The scaling with the least mean negative log-likelihood.

    Args:
      probs: ``[N, C]`` of pixels.
      labels: ``[N]`` class ids, or of regions ``[N, C]`` bool.
      method: of the scaling.
      odds: whether the classes are regions; "dirichlet" is for exclusive classes.

    Raises:
      ValueError: there is no such method, or no pixel.

    Example:
      >>> probs = np.tile([[0.9, 0.1]], (4, 1))  # right three times of four
      >>> fit_scaling(probs, np.array([0, 0, 0, 1]), "temperature")(probs)[0].round(3)
      array([0.75, 0.25], dtype=float32)
    """
    if method not in METHODS or (odds and method == "dirichlet"):
        raise ValueError(f"no scaling {method!r} of {'regions' if odds else 'classes'}")
    if not len(probs):
        raise ValueError("no pixel to fit a scaling to")
    scores, kinds = scores_of(probs, odds=odds), probs.shape[-1]
    truth = labels.astype(float) if odds else np.eye(kinds)[labels]
    off = ~np.eye(kinds, dtype=bool)

    def unpack(free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if method == "temperature":
            return np.eye(kinds) * free[0], np.zeros(kinds)
        if method == "vector":
            return np.diag(free[:kinds]), free[kinds:]
        return free[:-kinds].reshape(kinds, kinds), free[-kinds:]

    def pack(weights: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """Slopes in the free numbers."""
        if method == "temperature":
            return np.array([np.trace(weights)])
        if method == "vector":
            return np.concatenate([np.diag(weights), shift])
        return np.concatenate([weights.reshape(-1), shift])

    def objective(free: np.ndarray) -> tuple[float, np.ndarray]:
        weights, shift = unpack(free)
        mapped = scores @ weights.T + shift
        error = (probs_of(mapped, odds=odds) - truth) / len(scores)
        value = mean_surprise(mapped, truth, odds=odds)
        slopes, shifts = error.T @ scores, error.sum(0)
        if method == "dirichlet":
            value += PENALTY * (
                np.square(weights[off]).mean() + np.square(shift).mean()
            )
            slopes = slopes + 2 * PENALTY * np.where(off, weights, 0) / off.sum()
            shifts = shifts + 2 * PENALTY * shift / kinds
        return value, pack(slopes, shifts)

    start = {
        "temperature": np.ones(1),
        "vector": np.repeat([1.0, 0.0], kinds),
        "dirichlet": np.concatenate([np.eye(kinds).reshape(-1), np.zeros(kinds)]),
    }[method]
    bounds = [(1e-3, 1e3)] if method == "temperature" else None
    found = scipy.optimize.minimize(
        objective, start, jac=True, method="L-BFGS-B", bounds=bounds
    )
    return Scaling(method, *unpack(found.x), odds)


def mean_surprise(
    scores: np.ndarray, truth: np.ndarray, *, odds: bool = False
) -> float:
    """Mean over pixels of the negative log-likelihood, of regions their sum."""
    if odds:
        each = np.logaddexp(0, scores) - truth * scores
    else:
        logs = scipy.special.log_softmax(scores, axis=-1)
        each = np.where(truth > 0, -truth * logs, 0)
    return float(each.sum(-1).mean())
