"""One optimizer step on one device of many; `parallel` spreads it over all.

The step is a plain function with an axis name. Every loss reduces inside, so all that
is left to do between devices is to average the gradients.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax

from jaxseg import links
from jaxseg.data.augment import Augmentation, augment
from jaxseg.data.batch import Batch, counted_pixels, truth_of, unit_images
from jaxseg.data.intensity import standardize
from jaxseg.losses import LossAt
from jaxseg.losses.deep_supervision import deep_supervision
from jaxseg.targets import is_hard, region_targets
from jaxseg.training.network import Network
from jaxseg.training.plateau import Plateau, fresh_plateau

NO_AUGMENTATION = Augmentation()
Apply = Callable[[Any, Array], Array]
"""(variables, images ``[B, *size, C]``) to scores ``[B, *size, classes]``."""
_DROPOUT = np.uint32(2**32 - 1)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TrainState:
    """All that a step changes; equal on every device.

    Attributes:
      step: steps taken, int32.
      params: the network's parameters.
      extra: its other collections, such as running statistics.
      opt_state: the optimizer's state.
      average: exponential moving average of the parameters; None without one.
      plateau: what the learning rate's rule remembers.
      key: PRNG key of the run; step k draws from fold_in(key, k).
    """

    step: Array
    params: Any
    extra: dict[str, Any]
    opt_state: Any
    average: Any
    plateau: Plateau
    key: Array

    @property
    def variables(self) -> dict[str, Any]:
        """What the network is used with: averaged parameters, if there are any."""
        weights = self.params if self.average is None else self.average
        return {"params": weights, **self.extra}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Objective:
    """What is minimised, and how.

    Attributes:
      network: what is trained.
      loss_at: progress to the loss.
      optimizer: gradients to updates, which the state's `plateau.scale` multiplies.
      start: steps taken before this objective.
      steps: steps taken with it; progress goes from 0 to 1 over them.
      augmentation: random changes of the images.
      prepare: images to the network's inputs.
      accumulate: parts into which a device's images are divided, so that the memory of
        one part's activations suffices; the loss is that of all images together.
      average: weight of the past in the moving average of the parameters; None keeps
        no average.
      regions: class ids of each region, where scores are of regions; its loss takes the
        labels of the classes.
    """

    network: Network
    loss_at: LossAt
    optimizer: optax.GradientTransformation
    steps: int
    start: int = 0
    augmentation: Augmentation = NO_AUGMENTATION
    prepare: Callable[[Array], Array] = standardize
    accumulate: int = 1
    average: float | None = None
    regions: tuple[tuple[int, ...], ...] = ()

    @property
    def apply(self) -> Apply:
        """The network in use."""
        return self.network.apply

    def progress(self, step: Array) -> Array:
        """From 0 at the first step to 1 at the last."""
        return (step - self.start) / max(self.steps - 1, 1)


def init_state(
    objective: Objective,
    params: Any,
    key: Array,
    extra: Mapping[str, Any] | None = None,
) -> TrainState:
    """The state before the first step."""
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        extra=dict(extra or {}),
        opt_state=objective.optimizer.init(params),
        average=None if objective.average is None else jax.tree.map(jnp.copy, params),
        plateau=jax.tree.map(jnp.asarray, fresh_plateau()),
        key=key,
    )


def fresh_optimizer(
    state: TrainState, objective: Objective, learning_rate: float
) -> TrainState:
    """The state with its weights, and the optimizer as before the first step."""
    opt_state = objective.optimizer.init(state.params)
    plateau = jax.tree.map(jnp.asarray, fresh_plateau(learning_rate))
    return dataclasses.replace(state, opt_state=opt_state, plateau=plateau)


def train_step(
    state: TrainState, batch: Batch, *, objective: Objective, axis_name: str | None
) -> tuple[TrainState, dict[str, Array]]:
    """One step on this device's share of the batch.

    Args:
      state: the same on all devices.
      batch: this device's images; filling images count in nothing.
      objective: what to minimise.
      axis_name: mapped axis over the devices; None for one device.

    Returns:
      The next state and ``{"loss", "gradient_norm", "finite"}``, the same on all
      devices. Where loss or gradient are not finite the state stays as it was but for
      the plateau's total, which is NaN from then on, and no later step moves it: what
      is left is the state before the first step that went wrong.
    """
    inputs = prepare_batch(state, batch, objective, axis_name)
    value, grads, extra = gradients(state, inputs, objective, axis_name)
    if axis_name is not None:
        grads = lax.pmean(grads, axis_name)
    norm = optax.tree.norm(grads)
    before, plateau = state.plateau.total, state.plateau
    fine = jnp.isfinite(value) & jnp.isfinite(norm) & jnp.isfinite(before)
    updates, opt_state = objective.optimizer.update(
        grads, state.opt_state, state.params
    )
    updates = jax.tree.map(lambda u: u * plateau.scale.astype(u.dtype), updates)
    params = optax.apply_updates(state.params, updates)
    average = _update_average(state, params, objective.average)
    step, params, extra, opt_state, average = jax.tree.map(
        functools.partial(jnp.where, fine),
        (state.step + 1, params, extra, opt_state, average),
        (state.step, state.params, state.extra, state.opt_state, state.average),
    )
    total = jnp.where(fine, before + value.astype(jnp.float32), jnp.nan)
    after = TrainState(
        step=step,
        params=params,
        extra=extra,
        opt_state=opt_state,
        average=average,
        plateau=dataclasses.replace(plateau, total=total, count=plateau.count + 1),
        key=state.key,
    )
    return after, {"loss": value, "gradient_norm": norm, "finite": fine}


def loss_step(
    state: TrainState, batch: Batch, *, objective: Objective, axis_name: str | None
) -> Array:
    """The loss of a batch with the weights in use, without augmentation."""
    labels = truth_of(batch)
    images = objective.prepare(unit_images(batch))
    scores = objective.apply(state.variables, images)
    loss = objective.loss_at(objective.progress(state.step))
    known = annotated_of(batch.annotated)
    return loss(
        scores, labels, where=counted_pixels(batch), axis_name=axis_name, **known
    )


def inspect_step(
    state: TrainState, batch: Batch, *, objective: Objective, axis_name: str | None
) -> dict[str, Any]:
    """What the next step will see, for the log.

    Returns:
      ``predicted_shares`` and ``true_shares`` ``[classes]``, or ``[regions]``, of the
      pixels that count,
      and ``terms``: of each term of a compound, the norm of its gradient by the finest
      scores as a share of the sum of these norms. The same on all devices.
    """
    inputs = prepare_batch(state, batch, objective, axis_name)
    labels, where = inputs.labels, inputs.where
    maps, _ = objective.network.forward(
        state.params, state.extra, inputs.images, inputs.key, inputs.real
    )
    scores = maps[0]
    total = functools.partial(_psum, axis_name=axis_name)
    pixels = jnp.maximum(total(jnp.sum(where, dtype=scores.dtype)), 1)
    link = links.sigmoid if objective.regions else links.softmax
    probs = jnp.where(where[..., None], link(scores), 0)
    axes = tuple(range(where.ndim))
    truth = jnp.where(where[..., None], _truth(labels, scores, objective.regions), 0)
    terms = {}
    for name, term in objective.loss_at.terms(objective.progress(state.step)).items():
        grads = jax.grad(
            lambda scores, term=term: term(
                scores, labels, where=where, axis_name=axis_name, **inputs.known
            )
        )(scores)
        terms[name] = jnp.sqrt(total(jnp.sum(jnp.square(grads))))
    norms = jnp.maximum(sum(terms.values(), jnp.zeros(())), 1e-30)
    return {
        "predicted_shares": total(jnp.sum(probs, axes)) / pixels,
        "true_shares": total(jnp.sum(truth, axes)) / pixels,
        "terms": {name: norm / norms for name, norm in terms.items()},
    }


def _truth(labels: Array, scores: Array, regions: tuple[tuple[int, ...], ...]) -> Array:
    """Shares of what the scores are of, ``[..., C]``."""
    if regions:
        return region_targets(labels, regions)
    if not is_hard(labels):
        return labels
    return jax.nn.one_hot(labels, scores.shape[-1], dtype=scores.dtype)


def _psum(x: Array, axis_name: str | None) -> Array:
    return x if axis_name is None else lax.psum(x, axis_name)


@dataclasses.dataclass(frozen=True)
class PreparedBatch:
    """A device's share of a batch, as network and loss take it.

    Attributes:
      images: ``[B, *size, C]`` augmented inputs of the network.
      labels: ``[B, *size]`` int32 class ids, or floating ``[B, *size, classes]``.
      where: ``[B, *size]`` bool, True where a pixel counts.
      real: ``[B]`` bool, False for an image that only fills up a batch.
      key: of dropout, for this step and device.
      annotated: ``[B, classes]`` or ``[B, regions]`` bool; None where all is.
    """

    images: Array
    labels: Array
    where: Array
    real: Array
    key: Array
    annotated: Array | None = None

    @property
    def known(self) -> dict[str, Any]:
        """The argument of the loss that tells what images are annotated for, if any."""
        return annotated_of(self.annotated)


def annotated_of(annotated: Any) -> dict[str, Any]:
    """The argument of a loss, of images that are not all annotated for all."""
    return {} if annotated is None else {"annotated": jnp.asarray(annotated)}


def prepare_batch(
    state: TrainState, batch: Batch, objective: Objective, axis_name: str | None
) -> PreparedBatch:
    """Augments a batch with the draws of the state's next step."""
    step_key = jax.random.fold_in(state.key, state.step)
    keys = jax.vmap(functools.partial(jax.random.fold_in, step_key))(batch.positions)
    settings = objective.augmentation
    images, labels = jax.vmap(
        lambda key, image, ids: augment(key, image, ids, settings)
    )(keys, unit_images(batch), jnp.asarray(batch.labels))
    changed = dataclasses.replace(batch, labels=labels)
    return PreparedBatch(
        images=objective.prepare(images),
        labels=truth_of(changed),
        where=counted_pixels(changed),
        real=jnp.asarray(batch.real),
        key=_dropout_key(state, axis_name),
        annotated=batch.annotated,  # pyright: ignore[reportArgumentType]
    )


def _dropout_key(state: TrainState, axis_name: str | None) -> Array:
    """A key of this step and device, apart from those of augmentation."""
    key = jax.random.fold_in(jax.random.fold_in(state.key, _DROPOUT), state.step)
    return (
        key if axis_name is None else jax.random.fold_in(key, lax.axis_index(axis_name))
    )


def _loss_of_maps(objective: Objective, loss: Any) -> Callable[..., Array]:
    """`loss` of one score map, or the weighted mean over several."""
    many = deep_supervision(loss, objective.network.map_weights)

    def of_maps(maps: tuple[Array, ...], labels: Array, **options: Any) -> Array:
        if len(maps) == 1:
            return loss(maps[0], labels, **options)
        return many(maps, labels, **options)

    return of_maps


def _share_statistics(
    extra: dict[str, Any],
    before: dict[str, Any],
    real: Array,
    axis_name: str | None,
) -> dict[str, Any]:
    """Running statistics averaged over the devices; what has not moved keeps its bits.

    A device counts by its `real` images, and where there are none at all nothing moves.
    Changes are averaged, as the mean of equal numbers is not always that number, and
    frozen statistics would drift by a rounding every step.
    """
    images = jnp.sum(real)
    if axis_name is None:
        return jax.tree.map(lambda a, b: jnp.where(images > 0, a, b), extra, before)
    total = jnp.maximum(lax.psum(images, axis_name), 1)

    def moved(after: Array, before: Array) -> Array:
        share = (images / total).astype(before.dtype)
        return before + lax.psum(share * (after - before), axis_name)

    return jax.tree.map(moved, extra, before)


def _vary_by_device(params: Any, axis_name: str | None) -> Any:
    """The parameters as this device's own, where shard_map keeps track of that.

    Layers with a backward rule of their own return a gradient of this device; here it
    is told that these are to be summed over the devices.
    """
    if axis_name is None:
        return params
    kind = jax.typeof(lax.axis_index(axis_name))
    kind = getattr(kind, "manual_axis_type", kind)  # its name depends on the version
    tracked = getattr(kind, "varying", getattr(kind, "vma", ()))
    if axis_name not in tracked:
        return params
    return jax.tree.map(lambda x: lax.pcast(x, axis_name, to="varying"), params)


def gradients(
    state: TrainState,
    inputs: PreparedBatch,
    objective: Objective,
    axis_name: str | None,
) -> tuple[Array, Any, dict[str, Any]]:
    """Loss, this device's gradients and the network's other collections after it."""
    loss = functools.partial(
        _loss_of_maps(objective, objective.loss_at(objective.progress(state.step))),
        axis_name=axis_name,
    )
    whole = objective.accumulate == 1
    taken = _gradients if whole else _accumulated_gradients
    return taken(objective, loss, state, inputs, axis_name)


def _gradients(
    objective: Objective,
    loss: Callable[..., Array],
    state: TrainState,
    inputs: PreparedBatch,
    axis_name: str | None,
) -> tuple[Array, Any, dict[str, Any]]:
    """Loss, gradients and the network's other collections, in one go."""

    def scalar(params: Any) -> tuple[Array, dict[str, Any]]:
        params = _vary_by_device(params, axis_name)
        maps, extra = objective.network.forward(
            params, state.extra, inputs.images, inputs.key, inputs.real
        )
        return loss(maps, inputs.labels, where=inputs.where, **inputs.known), extra

    (value, extra), grads = jax.value_and_grad(scalar, has_aux=True)(state.params)
    return value, grads, _share_statistics(extra, state.extra, inputs.real, axis_name)


def _accumulated_gradients(
    objective: Objective,
    loss: Callable[..., Array],
    state: TrainState,
    inputs: PreparedBatch,
    axis_name: str | None,
) -> tuple[Array, Any, dict[str, Any]]:
    """The same, with the activations of one part of the images in memory at a time.

    Scores of all parts are computed and kept, the loss is taken once of all of them,
    whatever pixels it pools or ranks, and its gradient by the scores goes back through
    each part, whose activations are computed a second time.
    """
    parts, count = objective.accumulate, len(inputs.images)
    forward = objective.network.forward

    def divided(x: Array) -> Array:
        x = jnp.pad(x, [(0, -len(x) % parts)] + [(0, 0)] * (x.ndim - 1))
        return x.reshape(parts, -1, *x.shape[1:])

    keys = jax.vmap(functools.partial(jax.random.fold_in, inputs.key))(
        jnp.arange(parts)
    )
    shares = divided(inputs.images), keys, divided(inputs.real)

    def scores_of(extra: dict[str, Any], part: tuple[Array, Array, Array]) -> Any:
        params = _vary_by_device(state.params, axis_name)
        maps, after = forward(params, extra, *part)
        return _share_statistics(after, extra, part[-1], axis_name), maps

    extra, maps = lax.scan(scores_of, state.extra, shares)

    def of_scores(maps: tuple[Array, ...]) -> Array:
        whole = tuple(x.reshape(-1, *x.shape[2:])[:count] for x in maps)
        return loss(whole, inputs.labels, where=inputs.where, **inputs.known)

    value, cotangents = jax.value_and_grad(of_scores)(maps)

    def go_back(grads: Any, part: tuple) -> tuple[Any, None]:
        *share, cotangent = part
        _, back = jax.vjp(
            lambda params: forward(
                _vary_by_device(params, axis_name), state.extra, *share
            )[0],
            state.params,
        )
        return jax.tree.map(jnp.add, grads, back(cotangent)[0]), None

    zeros = jax.tree.map(jnp.zeros_like, state.params)
    grads, _ = lax.scan(go_back, zeros, (*shares, cotangents))
    return value, grads, extra


def _update_average(state: TrainState, params: Any, decay: float | None) -> Any:
    """The moving average after a step; young ones forget faster."""
    if decay is None:
        return None
    age = state.step.astype(jnp.float32)
    past = jnp.minimum(decay, (1 + age) / (10 + age))
    return jax.tree.map(
        lambda a, p: a + (1 - past).astype(p.dtype) * (p - a), state.average, params
    )
