"""From the settings of a run to what is minimised in each of its phases."""

import dataclasses
import functools

import jax
import optax

from jaxseg.data.augment import AUGMENTATIONS
from jaxseg.data.intensity import NORMALISATIONS
from jaxseg.losses import CATALOG
from jaxseg.losses.compound import with_class_weights
from jaxseg.losses.regions import partly_annotated, per_region
from jaxseg.training.config import Phase, RunConfig
from jaxseg.training.network import network_of
from jaxseg.training.optimizers import SCHEDULES, optimizer_of
from jaxseg.training.plateau import PLATEAUS, PlateauRule
from jaxseg.training.step import Objective


def schedule_of(config: RunConfig, phase: Phase) -> optax.Schedule:
    """The learning rate at each step of a phase, as a share of the highest."""
    name = "constant" if config.schedule in PLATEAUS else config.schedule
    return SCHEDULES[name](1.0, phase.steps)


def rule_of(config: RunConfig) -> PlateauRule | None:
    """The plateau rule of a run; None where the rate follows the steps alone."""
    rule = PLATEAUS.get(config.schedule)
    if rule is None or config.patience is None:
        return rule
    return dataclasses.replace(rule, patience=config.patience)


def objective_of(config: RunConfig, phase: Phase) -> Objective:
    """Network, loss and optimizer of a phase of a run."""
    schedule = schedule_of(config, phase)
    changes = AUGMENTATIONS[config.augment]
    loss_at = CATALOG[phase.loss].build(**phase.hyper)
    regions = config.regions or ()
    if regions:
        loss_at = loss_at.mapped(functools.partial(per_region, regions=regions))
    else:
        loss_at = loss_at.mapped(partly_annotated)
    if config.class_weights is not None:
        loss_at = with_class_weights(loss_at, config.class_weights)
    return Objective(
        network=network_of(config),
        loss_at=loss_at,
        optimizer=optimizer_of(config.optimizer, schedule, clip=config.clip),
        start=phase.start,
        steps=phase.steps,
        augmentation=dataclasses.replace(changes, spacing=config.voxel_mm),
        prepare=leave_unchanged if config.volumes else NORMALISATIONS[config.normalise],
        accumulate=config.accumulate,
        average=config.average,
        regions=regions,
    )


def leave_unchanged(images: jax.Array) -> jax.Array:
    """Volumes as they are: they are normalised case by case as they are read."""
    return images
