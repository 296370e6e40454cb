"""From a scale to runs: every loss on every fold and seed, some with fewer steps."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.protocol.dataset import Dataset
from experiments.protocol.jobs import RateSearch, Training
from experiments.protocol.method import Method
from experiments.protocol.scale import EARLIER, Scale
from jaxseg.models.catalog import MODELS
from jaxseg.models.weights import IMAGENET, PACKAGES, normalisation_of_weights
from jaxseg.training.config import RunConfig
from jaxseg.training.network import ENCODER_NETWORKS, UNETS

SEED = 0
"""Of the folds."""


def folds_of(
    dataset: Dataset, scale: Scale, root: Path, splits: Sequence[str] = ("train",)
) -> list[dict[str, Any]]:
    """Settings of a `RunConfig` for each fold that is held back; one without folds."""
    if not scale.folds:
        return [{}]
    written = dataset.write_folds(
        root / "folds", count=scale.folds, seed=SEED, splits=splits
    )
    return [{**written, "fold": fold} for fold in range(scale.held or scale.folds)]


def config_of(
    dataset: Dataset,
    scale: Scale,
    method: Method,
    model: str,
    fold: Mapping[str, Any],
    *,
    seed: int = 0,
    steps: int | None = None,
) -> RunConfig:
    """Settings of a run; steps are the scale's where they are not given."""
    steps = steps or scale.steps
    shape: dict[str, Any] = {}
    if model in UNETS:
        shape = {"width": scale.width, "depth": scale.depth}
    elif model in ENCODER_NETWORKS:
        shape = {
            "multiplier": scale.multiplier,
            "decoder_multiplier": scale.decoder_multiplier,
            **_start(scale.weights, model),
        }
    return RunConfig(
        **dataset.settings_of_run(),
        **fold,
        loss=method.loss,
        hyper=dict(method.hyper),
        class_weights=method.weigh and method.weigh(dataset.class_shares),
        steps=steps,
        pretrain_loss=method.pretrain,
        pretrain_steps=steps // 2 if method.pretrain else 0,
        batch_size=scale.batch_size,
        size=scale.size,
        seed=seed + method.seed,
        optimizer=scale.optimizer,
        pretrain_learning_rate=(scale.pretrain_rate or None)
        if method.pretrain
        else None,
        learning_rate=(rates_of(method, scale) or (scale.learning_rate,))[0],
        schedule=scale.schedule,
        model=model,
        **shape,
        augment=scale.augment,
        evaluate_every=0,
        checkpoint_every=max(steps // 4, 1),
    )


def rates_of(method: Method, scale: Scale) -> tuple[float, ...]:
    """Learning rates that a loss is tried at."""
    return scale.fine_rates if method.pretrain and scale.fine_rates else scale.rates


def _start(weights: str | None, model: str) -> dict[str, Any]:
    """Pretrained weights with what goes with them, where the encoder has any."""
    encoder = MODELS[model].encoder
    if weights is None or (weights == IMAGENET and encoder not in PACKAGES):
        return {}
    return {
        "weights": weights,
        "norm": "batch",
        "normalise": normalisation_of_weights(encoder),
    }


def runs_of(
    dataset: Dataset,
    scale: Scale,
    method: Method,
    model: str,
    folds: Sequence[Mapping[str, Any]],
    *,
    start: Callable[[int], Training] | None = None,
    **tags: Any,
) -> list[Training]:
    """All runs of a loss with a network on a data set.

    Those with all steps come first, then the first `earlier` of them with a quarter and
    a half of the steps, each with a schedule of its own.

    Args:
      dataset: to train on.
      scale: for this data set.
      method: the loss.
      model: name in `MODELS`.
      folds: see `folds_of`.
      start: number of a fold to the run that its runs start from.
      tags: what rows carry besides.
    """

    def config(fold: Mapping[str, Any], seed: int, steps: int) -> RunConfig:
        return config_of(
            dataset, scale, method, model, fold, seed=seed, steps=steps
        )  # fmt: skip

    search = None
    rates = rates_of(method, scale)
    if len(rates) > 1:
        search = RateSearch(
            dataset=dataset,
            config=config(folds[0], 0, scale.steps),
            rates=rates,
            steps=scale.search_steps,
            label=f"{dataset.name} {model} {method.name} rates",
        )
    whole = list(itertools.product(range(scale.seeds), range(len(folds))))
    some = whole[: scale.earlier]
    wanted = [(scale.steps, *run) for run in whole]
    wanted += [(max(scale.steps // k, 1), *run) for k in EARLIER for run in some]
    return [
        Training(
            dataset=dataset,
            config=config(folds[fold], seed * len(folds) + fold, steps),
            rate=search,
            start=start and start(fold),
            tags={
                "dataset": dataset.name,
                "model": model,
                "loss": method.name,
                "seed": seed,
                "fold": fold,
                "steps": steps,
                **method.tags,
                **tags,
            },
            label=f"{dataset.name} {model} {method.name} "
            f"{seed * len(folds) + fold + 1}/{len(whole)}, {steps} steps",
        )
        for steps, seed, fold in wanted
    ]


def models_of(scale: Scale, *, first: bool) -> tuple[str, ...]:
    """The networks of a data set, which may be the first one."""
    return (*scale.models, *(scale.first_models if first else ()))
