"""Links: how a network's scores become probabilities.

A link is passed as an object (``link=links.sigmoid``); a loss asks it for probabilities
or for their logarithms and never for a flag. All work in float32 or wider.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.numerics import number_like, widen


@dataclasses.dataclass(frozen=True)
class Link:
    """Scores to probabilities; call it as a function.

    Attributes:
      name: what a message calls it.
      probs: ``[..., C]`` scores to ``[..., C]`` probabilities.
      log_probs: their logarithms, right also where the probabilities underflow.
      log_complements: log(1 - probs), likewise; None where classes are exclusive
        whatever their number, so that no loss asks for it.
      sharpen: ``(scores, factor)`` to scores of the same link whose probabilities are
        proportional to the old ones to the power `factor` (Liu 2022, eq. 22).
    """

    name: str
    probs: Callable[[Array], Array]
    log_probs: Callable[[Array], Array]
    log_complements: Callable[[Array], Array] | None
    sharpen: Callable[[Array, ArrayLike], Array]
    multilabel: bool

    def __call__(self, logits: Array) -> Array:
        """``[..., C]`` scores to ``[..., C]`` probabilities."""
        return self.probs(logits)

    def exclusive(self, num_classes: int) -> bool:
        """Whether the classes share a pixel; else each is a yes/no question."""
        return num_classes > 1 and not self.multilabel

    def log_absent(self, logits: Array) -> Array | None:
        """``[..., C]`` log-probability that a class is absent, where it is a question.

        None where classes are exclusive: their own log-probabilities say all.
        """
        if self.exclusive(logits.shape[-1]):
            return None
        assert self.log_complements is not None
        return self.log_complements(logits)


def _log(probs: Array) -> Array:
    """log, cut at the smallest normal number: finite, with slope 0 below it."""
    probs = _whole(probs)
    return jnp.log(jnp.maximum(probs, jnp.finfo(probs.dtype).tiny))


def _times(logits: Array, factor: ArrayLike) -> Array:
    logits = widen(logits)
    return logits * number_like(factor, logits)


def _power(probs: Array, factor: ArrayLike) -> Array:
    logs = _times(_log(probs), factor)
    if probs.shape[-1] == 1:
        return jax.nn.sigmoid(logs - _times(_log(1 - probs), factor))
    return jax.nn.softmax(logs, axis=-1)


def _whole(probs: Array) -> Array:
    """Probabilities; nan for all classes of a pixel of which one is nan."""
    probs = widen(probs)
    missing = jnp.any(jnp.isnan(probs), axis=-1, keepdims=True)
    return probs * jnp.where(missing, jnp.nan, 1).astype(probs.dtype)


softmax = Link(
    name="softmax",
    probs=lambda logits: jax.nn.softmax(widen(logits), axis=-1),
    log_probs=lambda logits: jax.nn.log_softmax(widen(logits), axis=-1),
    log_complements=None,
    sharpen=_times,
    multilabel=False,
)
"""One class per pixel; C >= 2."""

sigmoid = Link(
    name="sigmoid",
    probs=lambda logits: jax.nn.sigmoid(widen(logits)),
    log_probs=lambda logits: jax.nn.log_sigmoid(widen(logits)),
    log_complements=lambda logits: jax.nn.log_sigmoid(-widen(logits)),
    sharpen=_times,
    multilabel=True,
)
"""Any number of classes per pixel (multi-label), or foreground alone with C = 1."""

identity = Link(
    name="identity",
    probs=_whole,
    log_probs=_log,
    log_complements=lambda probs: _log(1 - widen(probs)),
    sharpen=_power,
    multilabel=False,
)
"""Scores that are probabilities already; with C = 1 those of the foreground."""
