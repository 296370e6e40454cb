"""A training that turns to NaN: at which step, in which term and in which layer first.

A step whose loss or gradient is not finite leaves the weights as they were, so that it
can be taken again here and looked at part by part.
"""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxseg.data.batch import Batch
from jaxseg.errors import UserError
from jaxseg.training.step import Objective, TrainState, gradients, prepare_batch


class DivergedError(UserError):
    """The loss or the gradient of a run is not finite any more."""


def examine_step(
    state: TrainState, batch: Batch, *, objective: Objective, axis_name: str | None
) -> dict[str, Any]:
    """What of the next step is finite.

    Returns:
      ``scores``: whether those of the network are; ``terms``: of each term of the loss
      its value, and ``slopes`` whether its gradient by the scores is finite;
      ``layers``: by the place of each parameter, whether its gradient is. The same on
      all devices.
    """
    inputs = prepare_batch(state, batch, objective, axis_name)
    maps, _ = objective.network.forward(
        state.params, state.extra, inputs.images, inputs.key, inputs.real
    )
    scores = maps[0]
    terms, slopes = {}, {}
    for name, term in objective.loss_at.terms(objective.progress(state.step)).items():

        def value(scores: Array, term: Callable[..., Array] = term) -> Array:
            return term(
                scores,
                inputs.labels,
                where=inputs.where,
                axis_name=axis_name,
                **inputs.known,
            )

        terms[name], slope = jax.value_and_grad(value)(scores)
        slopes[name] = _finite(slope, axis_name)
    _, grads, _ = gradients(state, inputs, objective, axis_name)
    return {
        "scores": _finite(scores, axis_name),
        "terms": terms,
        "slopes": slopes,
        "layers": jax.tree.map(lambda grad: _finite(grad, axis_name), grads),
    }


def _finite(values: Array, axis_name: str | None) -> Array:
    """Whether all are, on all devices."""
    fine = jnp.all(jnp.isfinite(values)).astype(jnp.int32)
    return fine if axis_name is None else lax.pmin(fine, axis_name)


def diagnosis(
    found: Mapping[str, Any], objective: Objective, images: jax.ShapeDtypeStruct
) -> str:
    """What `examine_step` has found, as a phrase.

    Args:
      found: on the host.
      objective: of the step.
      images: shape of some images, of which the order of the layers is read off.
    """
    parts = []
    if not found["scores"]:
        parts.append("the network's scores are not finite")
    else:
        for name, value in found["terms"].items():
            if not jnp.isfinite(value):
                parts.append(f"the term {name} is {float(value)}")
            elif not found["slopes"][name]:
                parts.append(f"the gradient of the term {name} is not finite")
    broken = [
        jax.tree_util.keystr(path, simple=True, separator="/")
        for path, fine in jax.tree_util.tree_leaves_with_path(found["layers"])
        if not fine
    ]
    if broken:
        order = _order_of_layers(objective, images)
        last = max(broken, key=lambda name: order.get(name.rpartition("/")[0], -1))
        parts.append(
            f"on the way back the gradient of {last} is the first that is not finite"
        )
    return "; ".join(parts) or "loss and gradient are finite when taken again"


def _order_of_layers(
    objective: Objective, images: jax.ShapeDtypeStruct
) -> dict[str, int]:
    """By the name of a module, when it is first called."""
    order: dict[str, int] = {}

    def note(
        call: Callable[..., Any],
        args: tuple,
        kwargs: dict[str, Any],
        context: nn.module.InterceptorContext,
    ) -> Any:
        order.setdefault("/".join(context.module.path), len(order))
        return call(*args, **kwargs)

    with nn.intercept_methods(note):
        jax.eval_shape(objective.network.init, jax.random.key(0), images)
    return order
