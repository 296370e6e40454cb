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
        """The scalar; this is what all losses share, and say once, here.

        Args:
          logits: ``[..., C]`` scores; all leading axes are one pool of pixels.
          labels: ``[...]`` class ids, or ``[..., C]`` one-hot or soft targets t.
          link: how scores become the probabilities p, `links.softmax` by default.
          class_weights: ``[C]`` weights of the mean over classes; (0, 1) is foreground.
          where: ``[...]`` bool, True where a pixel counts; None counts all.
          axis_name: mapped axis to pool pixels over; None under plain jit.

        Raises:
          ValueError: shapes disagree, `link` is none of `jaxseg.links`, an id is no
            class where a pixel counts, or a hyper-parameter that is a number of Python
            is out of its range.
        """
        ...


class Schedule(Protocol):
    """Training progress in [0, 1], possibly traced, to a hyper-parameter or weight."""

    def __call__(self, progress: ArrayLike, /) -> ArrayLike:
        """The value at `progress`."""
        ...
