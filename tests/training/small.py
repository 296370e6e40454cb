"""A run and a step small enough for tests."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxseg.data.augment import AUGMENTATIONS
from jaxseg.data.synthetic import Lesions, make_batch
from jaxseg.losses import (
    LossAt,
    cross_entropy_loss,
    dice_loss,
    lovasz_loss,
    marginal_kl_loss,
    scheduled,
    weighted_sum,
)
from jaxseg.models.unet import UNet
from jaxseg.training.config import RunConfig
from jaxseg.training.network import Network
from jaxseg.training.step import Objective, init_state

BATCH = 11  # does not divide by eight devices, nor by two processes of four
STEPS = 5
NETWORK = UNet(2, depth=1, width=4)


def small_config(**changes) -> RunConfig:
    settings = dict(
        data="synthetic",
        loss="dice_ce",
        steps=4,
        batch_size=3,
        size=(16, 16),
        num_classes=2,
        channels=1,
        depth=1,
        width=4,
        evaluate_every=2,
        checkpoint_every=2,
    )
    return RunConfig(**{**settings, **changes})


def compound() -> LossAt:
    """Means, ratios, ranks and marginals, all over one pool of pixels."""
    return weighted_sum(
        (1.0, cross_entropy_loss),
        (1.0, dice_loss),
        (1.0, lovasz_loss),
        (0.1, marginal_kl_loss),
    )


def objective_of(loss=None, *, augment="full", **changes) -> Objective:
    if loss is None:
        loss_at = compound()
    else:
        loss_at = loss if isinstance(loss, LossAt) else scheduled(loss)
    settings = dict(
        network=Network(NETWORK),
        loss_at=loss_at,
        optimizer=optax.sgd(0.1),
        steps=STEPS,
        augmentation=AUGMENTATIONS[augment],
    )
    return Objective(**{**settings, **changes})


def float64(tree):
    def widen(x):
        x = jnp.asarray(x)
        return x.astype(jnp.float64) if x.dtype == jnp.float32 else x

    return jax.tree.map(widen, tree)


def first(objective):
    image = jnp.zeros((1, 16, 16, 1))
    params = jax.jit(objective.network.module.init)(jax.random.key(0), image)["params"]
    return init_state(objective, float64(params), jax.random.key(1))


def batches():
    """Five batches with some void pixels, in float64."""
    settings = Lesions(size=(16, 16), foreground_share=0.1)
    for step in range(STEPS):
        batch = make_batch(jax.random.key(100 + step), BATCH, settings)
        labels = batch.labels.at[0, :3].set(255)
        yield float64(dataclasses.replace(batch, labels=labels))


def distance(a, b):
    """Largest difference between two trees of parameters."""
    gaps = jax.tree.map(lambda x, y: float(np.abs(np.subtract(x, y)).max()), a, b)
    return max(jax.tree.leaves(gaps))
