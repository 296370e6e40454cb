"""A look at held-back cases while training goes on."""

from typing import Any

import jax
import numpy as np

from jaxseg.training.cases import TrainedNetwork, case_masks
from jaxseg.training.config import RunConfig
from jaxseg.training.devices import Share
from jaxseg.training.evaluation import Evaluation
from jaxseg.training.inference import Inference
from jaxseg.training.parallel import place_batch, to_host, undivided
from jaxseg.training.programs import Programs
from jaxseg.training.sources import Examples, validation_batches
from jaxseg.training.step import TrainState

VALIDATION_CASES = 64
"""At most so many cases are looked at while training."""
VALIDATION_OVERLAP = 0.25


def validation_loss(
    config: RunConfig, programs: Programs, state: TrainState, share: Share
) -> float:
    """Mean loss over batches of held-back cases, the same every time."""
    feed = validation_batches(config, VALIDATION_CASES, share.places)
    losses = [
        float(programs.loss(state, place_batch(share.split(batch), config.parallel)))
        for batch in feed
    ]
    return float(np.mean(losses))


def validate(trained: TrainedNetwork, cases: Examples) -> Evaluation:
    """Scores of the cases by a network in use."""
    config = trained.config
    evaluation = Evaluation(config.num_classes, regions=config.regions or ())
    how = Inference(overlap=VALIDATION_OVERLAP)
    for example, mask in case_masks([trained], cases, how):
        assert example.labels is not None
        evaluation.add(example.name, mask, example.labels, annotated=example.annotated)
    return evaluation


def network_in_use(
    config: RunConfig, programs: Programs, state: TrainState
) -> TrainedNetwork:
    """The network of a state, on one device."""
    whole = undivided(state.variables, config.parallel)
    variables: Any = jax.tree.map(to_host, whole)
    there = jax.device_put(variables, jax.local_devices()[0])
    return TrainedNetwork(config, programs.objective.apply, there)
