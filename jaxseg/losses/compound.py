"""Losses of losses: hyper-parameters and weights that may follow a schedule.

A `LossAt` maps training progress to a loss. `scheduled` makes one from a loss, with
hyper-parameters fixed or scheduled; `weighted_sum` adds several, and `balanced` two of
which one is weighed to the size of the other.
"""

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.links import Link
from jaxseg.losses.protocol import Loss, Schedule
from jaxseg.numerics import safe_ratio


class LossAt:
    """Progress in [0, 1] to a loss: ``loss_at(progress)(logits, labels, ...)``."""

    def __init__(
        self,
        build: Callable[[ArrayLike], Callable[..., Array]],
        *,
        name: str = "loss",
        terms: Callable[[ArrayLike], Sequence[tuple[str, Loss]]] | None = None,
    ):
        self.name = name
        self._build = build
        self._terms = terms

    def __call__(self, progress: ArrayLike) -> Loss:
        """The loss at `progress`, which may be traced."""
        return self._build(progress)

    def terms(self, progress: ArrayLike) -> dict[str, Loss]:
        """Weighted losses whose gradients add up to that of the loss, by name."""
        if self._terms is None:
            return {self.name: self(progress)}
        named: dict[str, Loss] = {}
        for name, loss in self._terms(progress):
            copies = sum(key.split("#")[0] == name for key in named)
            named[f"{name}#{copies + 1}" if copies else name] = loss
        return named

    def mapped(self, change: Callable[[Loss], Callable[..., Array]]) -> "LossAt":
        """The same with each loss changed, and each of its terms likewise."""
        return LossAt(
            lambda progress: change(self(progress)),
            name=self.name,
            terms=lambda progress: [
                (name, change(term)) for name, term in self.terms(progress).items()
            ],
        )


def _value_at(value: Any, progress: ArrayLike) -> Any:
    """`value` itself, or at `progress` if it is a schedule."""
    if isinstance(value, Link) or not callable(value):
        return value
    return value(progress)


def scheduled(
    loss: Loss,
    terms: Callable[..., Mapping[str, Loss]] | None = None,
    /,
    **hyper: object,
) -> LossAt:
    """`loss` with hyper-parameters bound, each a value or a schedule of progress.

    A link, class weights and flags may be bound too; what is bound here wins over what
    the loss is called with.

    Example:
      >>> alpha, beta = linear(0.5, 0.3), linear(0.5, 0.7)
      >>> loss_at = scheduled(tversky_loss, alpha=alpha, beta=beta)
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> [round(float(loss_at(p)(logits, labels)), 4) for p in (0, 0.5, 1)]
      [0.1952, 0.1957, 0.1958]

    Args:
      loss: to bind them in.
      terms: hyper-parameters to the weighted losses that it is the sum of, by name;
        None for a loss of one term.
      **hyper: each a value or a schedule.
    """

    def now(progress: ArrayLike) -> dict[str, Any]:
        return {name: _value_at(value, progress) for name, value in hyper.items()}

    def build(progress: ArrayLike) -> Loss:
        values = now(progress)

        def bound(logits: Array, labels: Array, **options) -> Array:
            return loss(logits, labels, **{**options, **values})

        return bound

    def parts(progress: ArrayLike) -> list[tuple[str, Loss]]:
        assert terms is not None
        return list(terms(**now(progress)).items())

    name = getattr(loss, "__name__", "loss")
    return LossAt(build, name=name, terms=None if terms is None else parts)


def with_class_weights(loss_at: LossAt, class_weights: Sequence[float]) -> LossAt:
    """The same loss, and each of its terms, called with these class weights.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> loss = with_class_weights(scheduled(dice_loss), (0, 1))(0.5)
      >>> print(f"{loss(logits, labels):.4f}")
      0.2098
      >>> print(f"{dice_loss(logits, labels, class_weights=(0, 1)):.4f}")
      0.2098

    Args:
      loss_at: of a loss that takes ``class_weights``.
      class_weights: one number a class.
    """
    weights = jnp.asarray(class_weights, jnp.float32)

    def weighed(loss: Loss) -> Callable[..., Array]:
        def bound(logits: Array, labels: Array, **options) -> Array:
            return loss(logits, labels, **{**options, "class_weights": weights})

        return bound

    return loss_at.mapped(weighed)


def weighted_sum(*terms: tuple[ArrayLike | Schedule, Loss | LossAt]) -> LossAt:
    """Sum of weight times loss; weights are numbers, traced scalars or schedules.

    Example:
      >>> loss_at = weighted_sum((1.0, cross_entropy_loss), (linear(0, 1), dice_loss))
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> [round(float(loss_at(p)(logits, labels)), 4) for p in (0, 0.5, 1)]
      [0.2201, 0.3177, 0.4153]

    Args:
      *terms: pairs of a weight and a loss or `LossAt`. Options of the call (link,
        where, axis_name, class_weights) go to every term; what one term should have for
        itself is bound with `scheduled`.

    Returns:
      A `LossAt`: ``weighted_sum((1.0, cross_entropy_loss), (linear(0, 1), dice_loss))``
      at progress 0.5 is cross-entropy plus half the Dice loss.
    """
    if not terms:
        raise ValueError("weighted_sum needs at least one (weight, loss) pair")
    lifted = [
        (weight, loss if isinstance(loss, LossAt) else scheduled(loss))
        for weight, loss in terms
    ]

    def build(progress: ArrayLike) -> Loss:
        now = [(_value_at(weight, progress), loss(progress)) for weight, loss in lifted]

        def total(logits: Array, labels: Array, **options) -> Array:
            values = [weight * loss(logits, labels, **options) for weight, loss in now]
            return functools.reduce(operator.add, values)

        return total

    def parts(progress: ArrayLike) -> list[tuple[str, Loss]]:
        return [
            (loss.name, _weighted(_value_at(weight, progress), loss(progress)))
            for weight, loss in lifted
        ]

    return LossAt(build, terms=parts)


def _weighted(weight: ArrayLike, loss: Loss) -> Loss:
    def weighted(logits: Array, labels: Array, **options) -> Array:
        return jnp.asarray(weight) * loss(logits, labels, **options)

    return weighted


def matched(value: Array, other: Array) -> Array:
    """`value`, weighed to be as large as `other`: by their ratio without gradient."""
    return lax.stop_gradient(safe_ratio(other, value, 0)) * value


def balanced(first: Loss | LossAt, second: Loss | LossAt) -> LossAt:
    """`first`, weighed to be as large as `second`, plus `second`.

    The weight is the ratio second / first without gradient, 0 where `first` is 0. The
    value is thus twice `second`; it is the gradients that share the work.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> loss = balanced(cross_entropy_loss, dice_loss)(0.5)
      >>> print(f"{loss(logits, labels):.4f} = 2 x {dice_loss(logits, labels):.4f}")
      0.3903 = 2 x 0.1952

    Source: Karimi 2019, section II-C; Ma 2021, section 3.2, with means over an epoch in
    the place of the values of each batch.
    """
    one, two = (x if isinstance(x, LossAt) else scheduled(x) for x in (first, second))

    def build(progress: ArrayLike) -> Loss:
        losses = one(progress), two(progress)

        def total(logits: Array, labels: Array, **options) -> Array:
            a, b = (loss(logits, labels, **options) for loss in losses)
            return matched(a, b) + b

        return total

    def terms(progress: ArrayLike) -> list[tuple[str, Loss]]:
        losses = one(progress), two(progress)

        def weighed(logits: Array, labels: Array, **options) -> Array:
            return matched(*(loss(logits, labels, **options) for loss in losses))

        return [(one.name, weighed), (two.name, losses[1])]

    return LossAt(build, terms=terms)
