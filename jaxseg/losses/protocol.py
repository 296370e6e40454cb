"""What a loss is, for type checkers: nothing inherits from this."""

from typing import Protocol

from jax import Array
from jax.typing import ArrayLike

from jaxseg.links import Link


class Loss(Protocol):
    """A scalar function of scores and ground truth over one pool of pixels."""

    def __call__(
        self,
        logits: Array,
        labels: Array,
        /,
        *,
        link: Link = ...,
        class_weights: ArrayLike | None = ...,
        where: Array | None = ...,
        axis_name: str | None = ...,
    ) -> Array:
        """See `jaxseg.losses.pixel.cross_entropy_loss` for shapes and meaning."""
        ...


class Schedule(Protocol):
    """Training progress in [0, 1], possibly traced, to a hyper-parameter or weight."""

    def __call__(self, progress: ArrayLike, /) -> ArrayLike:
        """The value at `progress`."""
        ...
