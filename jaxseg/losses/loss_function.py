"""What every loss does with its arguments before its formula sees them."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, cast

import jax.numpy as jnp
from jax import Array

from jaxseg.automatic import with_automatic_axes
from jaxseg.links import Link
from jaxseg.losses.ranges import require_in_range
from jaxseg.losses.shared_arguments import documented
from jaxseg.targets import as_scores, refuse_unknown_ids

PIXEL_ARRAYS = (
    "pixel_weights",
    "signed_distance",
    "distance",
    "components",
    "regions",
)
"""Options that hold a number per pixel where they are arrays."""

P = ParamSpec("P")


def loss_function(loss: Callable[P, Array]) -> Callable[P, Array]:
    """Marks a function of (logits, labels, *, ...) as a loss.

    Lists and NumPy's arrays become JAX's. Class ids that are known, as they are outside
    of `jax.jit`, are refused if they are outside of the classes. Arrays on a mesh with
    explicit axes (`jax.make_mesh`) are taken as on any other. The docstring gets what
    all losses share.

    Raises (the loss):
      ValueError: labels hold an unknown id where a pixel counts, link is no `Link`, or
        a hyper-parameter that is a number of Python is out of its range.
    """
    name = loss.__name__.removesuffix("_loss")
    parameter = inspect.signature(loss).parameters.get("link")
    default = None if parameter is None else parameter.default

    @functools.wraps(documented(loss, errors=True))
    def checked(logits: Any, labels: Any, **options: Any) -> Array:
        require_in_range(name, options)
        link = options.get("link", default)
        if "link" in options and not isinstance(link, Link):
            raise ValueError(
                "link is an object of jaxseg.links, such as links.sigmoid, not "
                f"{link!r}"
            )
        logits = as_scores(logits, link)
        refuse_unknown_ids(labels, logits.shape[-1], options.get("where"))
        labels = jnp.asarray(labels)
        for array in ("where", *PIXEL_ARRAYS):
            if options.get(array) is not None and not callable(options[array]):
                options[array] = jnp.asarray(options[array])
        return with_automatic_axes(loss, logits, labels, **options)

    return cast(Callable[P, Array], checked)
