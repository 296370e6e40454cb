"""`jaxseg train`: a network on images, volumes or synthetic lesions."""

import argparse
import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jaxseg.cli import options, pictures
from jaxseg.cli.progress import TrainingProgress, bar
from jaxseg.cli.train_data import read_data
from jaxseg.cli.train_flags import BATCH_SIZE, EXAMPLES, add_flags
from jaxseg.cli.train_plan import check_plan, planned
from jaxseg.data.collection import splits
from jaxseg.data.folds import digest
from jaxseg.errors import UserError
from jaxseg.files import read_json, write_json
from jaxseg.models.weights import load_torchvision
from jaxseg.training.config import RunConfig
from jaxseg.training.devices import joined
from jaxseg.training.heap import keep_freed_memory
from jaxseg.training.loop import (
    CONFIG,
    VALIDATION_CASES,
    Report,
    Run,
    variables_of_run,
)
from jaxseg.training.network import ENCODER_NETWORKS, UNETS, network_of
from jaxseg.training.plateau import PLATEAUS
from jaxseg.training.search import best_rate
from jaxseg.training.sources import SYNTHETIC, Examples, Subset, examples, spread

LIVE_SECONDS = 30


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "train",
        help="train a network with a loss of the catalog",
        description=__doc__,
        epilog=EXAMPLES,
    )
    add_flags(parser)
    parser.set_defaults(run_command=main)


def main(arguments: argparse.Namespace) -> None:
    """Checks everything, trains, draws."""
    _check_processes(arguments)
    with joined(arguments.coordinator, arguments.processes, arguments.process_id):
        _train(arguments)


def _searched(
    arguments: argparse.Namespace, config: RunConfig, validation: Examples | None
) -> RunConfig:
    """The settings with the best of --search-rates."""
    if validation is None:
        raise UserError(
            f"--search-rates needs cases for validation, and {config.data} has none"
        )
    if jax.process_count() > 1:
        raise UserError("--search-rates goes with one process, not with several")
    steps = arguments.search_steps or max(config.steps // 10, 2)
    rates = arguments.search_rates
    with bar(len(rates) * steps, "searching", "step") as progress:
        rate = best_rate(
            config,
            options.made_folder(arguments.out / "rates"),
            rates,
            steps,
            validation,
            lambda row: progress.update("validation_dice" not in row),
        )
    print(f"learning rate {rate:g}, best of {', '.join(f'{r:g}' for r in rates)}")
    return dataclasses.replace(config, learning_rate=rate)


def _check_network(config: RunConfig) -> None:
    """Traces the network once, so that a wrong setting is found before any work."""
    network = network_of(config)
    key = jax.random.key(0)
    image = jax.ShapeDtypeStruct((1, *config.size, config.channels), jnp.float32)
    try:
        params, extra = jax.eval_shape(network.init, key, image)
        jax.eval_shape(network.forward, params, extra, image, key)
        if config.weights is not None:
            load_torchvision(Path(config.weights), {"params": params, **extra})
        if config.start_run is not None:
            variables_of_run(Path(config.start_run), {"params": params, **extra})
    except (ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"--model {config.model}: {reason}") from error


def _check_processes(arguments: argparse.Namespace) -> None:
    alone = (arguments.processes, arguments.process_id) == (None, None)
    if arguments.coordinator in (None, "auto"):
        if not alone:
            raise UserError(
                "--processes and --process-id go with --coordinator HOST:PORT"
            )
    elif arguments.processes is None or arguments.process_id is None:
        raise UserError("--coordinator HOST:PORT needs --processes and --process-id")


def _train(arguments: argparse.Namespace) -> None:
    hyper = options.hyper_parameters(arguments.loss, arguments.hyper)
    _check_phases(arguments)
    _check_looks(arguments)
    folder: Path = arguments.out
    first = jax.process_index() == 0
    stored = _stored(folder, resume=arguments.resume) if first else None
    config = _config(arguments, hyper)
    for phase in config.phases:
        options.check_loss(phase.loss, phase.hyper, config.num_classes)
    _check_network(config)
    validation = _validation(config)
    keep_freed_memory()
    if arguments.search_rates is not None:
        config = _searched(arguments, config, validation)
    if stored is not None:
        difference = config.difference(stored)
        if difference:
            raise UserError(
                f"--resume: {folder} holds a run with other settings ({difference})"
            )
    run = Run(config, options.made_folder(folder))
    if first:
        write_json(folder / CONFIG, config.to_json())
    progress = TrainingProgress(config.steps, 0)
    with contextlib.ExitStack() as stack:
        stack.callback(progress.close)
        reports: list[Report] = [progress]
        if first:
            reports.append(stack.enter_context(pictures.Live(folder, LIVE_SECONDS)))
        try:
            run.train(validation, report=lambda row: [tell(row) for tell in reports])
        except KeyboardInterrupt:
            raise UserError(
                f"stopped; the same command with --resume takes {folder} up again"
            ) from None
    if not first:
        return
    for path in [folder / CONFIG, *sorted(folder.glob("*.jsonl"))]:
        print(f"wrote {path}")
    for path in pictures.draw_run(folder):
        print(f"wrote {path}")


def _check_phases(arguments: argparse.Namespace) -> None:
    if arguments.pretrain_loss is None:
        for flag in ("pretrain_steps", "pretrain_learning_rate"):
            if getattr(arguments, flag) is not None:
                raise UserError(
                    f"--{flag.replace('_', '-')} goes with --pretrain-loss NAME"
                )
    elif (arguments.pretrain_steps or 1) >= arguments.steps:
        raise UserError(
            f"--pretrain-steps {arguments.pretrain_steps or 1} leaves none of "
            f"--steps {arguments.steps} for --loss {arguments.loss}"
        )


def _check_looks(arguments: argparse.Namespace) -> None:
    if arguments.weights is not None and arguments.start_run is not None:
        raise UserError("--weights and --start-run both say where weights start from")
    if arguments.evaluate_every == 0:
        for needed, flag in (
            (arguments.schedule in PLATEAUS, f"--schedule {arguments.schedule}"),
            (arguments.stop_after is not None, "--stop-after"),
        ):
            if needed:
                raise UserError(f"{flag} needs validations, not --evaluate-every 0")


def _stored(folder: Path, *, resume: bool) -> RunConfig | None:
    """Settings of the run that `folder` holds already; None where it is free."""
    config = folder / CONFIG
    if config.is_file():
        if not resume:
            raise UserError(
                f"--out {folder} already holds a run: pass --resume to take it up or "
                "choose another folder"
            )
        return RunConfig.from_json(read_json(config), str(config))
    if folder.exists() and not (folder.is_dir() and _is_free(folder, resume=resume)):
        raise UserError(f"--out {folder} holds something that is not a run")
    return None


def _is_free(folder: Path, *, resume: bool) -> bool:
    """Whether there is nothing in the folder but what a killed start may have left."""
    left = [path.name for path in folder.iterdir()]
    return not left or (
        resume and all(name == "rates" or name[0] == "." for name in left)
    )


def _config(arguments: argparse.Namespace, hyper: dict) -> RunConfig:
    """The run's settings, with what only the data can tell."""
    synthetic = {
        name: value
        for name in ("foreground_share", "lesion_free")
        if (value := getattr(arguments, name)) is not None
    }
    if (arguments.folds is None) != (arguments.fold is None):
        raise UserError("--folds FILE and --fold K go together")
    if arguments.patience is not None and arguments.schedule not in PLATEAUS:
        raise UserError(f"--patience goes with --schedule {', '.join(PLATEAUS)}")
    check_plan(arguments)
    data = read_data(arguments, synthetic)
    volumes = data.windows is not None
    if arguments.plan:
        data, network = planned(arguments, data)
    else:
        network = {"batch_size": arguments.batch_size or BATCH_SIZE}
    assert data.size is not None
    steps = arguments.steps
    share = arguments.foreground_patches
    return RunConfig(
        data=data.name,
        loss=arguments.loss,
        hyper=hyper,
        class_weights=_class_weights(arguments, data.num_classes),
        steps=steps,
        pretrain_loss=arguments.pretrain_loss,
        pretrain_steps=0
        if arguments.pretrain_loss is None
        else arguments.pretrain_steps or steps // 2,
        pretrain_learning_rate=arguments.pretrain_learning_rate,
        size=data.size,
        seed=arguments.seed,
        num_classes=data.num_classes,
        channels=data.channels,
        spacing=data.spacing,
        voxel_mm=data.voxel_mm,
        windows=data.windows,
        foreground_patches=1 / 3 if share is None else share,
        folds=None if arguments.folds is None else str(arguments.folds),
        fold=arguments.fold,
        folds_digest=None if arguments.folds is None else digest(arguments.folds),
        optimizer=arguments.optimizer,
        learning_rate=arguments.learning_rate,
        schedule=arguments.schedule,
        patience=arguments.patience,
        stop_after=arguments.stop_after,
        clip=arguments.clip or None,
        average=arguments.average,
        accumulate=arguments.accumulate,
        precision=arguments.precision,
        parallel=arguments.parallel,
        model=arguments.model,
        weights=None if arguments.weights is None else str(arguments.weights),
        start_run=None if arguments.start_run is None else str(arguments.start_run),
        norm=arguments.norm,
        normalise=_normalisation(arguments, volumes=volumes),
        **{**_fields(arguments), **network},
        augment=arguments.augment or ("volume" if volumes else "full"),
        evaluate_every=max(steps // 5, 1)
        if arguments.evaluate_every is None
        else arguments.evaluate_every,
        checkpoint_every=arguments.checkpoint_every or max(steps // 10, 1),
        synthetic=synthetic,
    )


def _class_weights(
    arguments: argparse.Namespace, num_classes: int
) -> tuple[float, ...] | None:
    weights = arguments.class_weights
    if weights is None:
        return None
    if len(weights) != num_classes or not any(weights):
        raise UserError(
            f"--class-weights takes {num_classes} numbers here, one a class, not all 0"
        )
    return tuple(weights)


def _normalisation(arguments: argparse.Namespace, *, volumes: bool) -> str:
    if volumes and arguments.normalise is not None:
        raise UserError("--normalise goes with images, not with volumes")
    if arguments.normalise is not None:
        return arguments.normalise
    return "image" if arguments.weights is None else "imagenet"


def _fields(arguments: argparse.Namespace) -> dict[str, Any]:
    """Settings of a U-Net, or of networks with an encoder, which others do not have."""
    names = ("depth", "width", "dropout", "coarse_maps")
    given = {
        name: value for name in names if (value := getattr(arguments, name)) is not None
    }
    if given and arguments.model not in UNETS:
        flag = "--" + next(iter(given)).replace("_", "-")
        raise UserError(f"{flag} goes with --model {' or '.join(UNETS)}")
    if arguments.multiplier is None:
        return given
    if arguments.model not in ENCODER_NETWORKS:
        raise UserError(
            f"--multiplier goes with networks that have an encoder, such as "
            f"{ENCODER_NETWORKS[0]}, not with {arguments.model}"
        )
    if arguments.weights is not None and arguments.multiplier != 1:
        raise UserError("--weights are of the literature's encoders: --multiplier 1")
    return {**given, "multiplier": arguments.multiplier}


def _validation(config: RunConfig) -> Examples | None:
    if (
        config.data != SYNTHETIC
        and config.folds is None
        and "validation" not in splits(Path(config.data))
    ):
        return None
    cases = examples(config, config.data, "validation", VALIDATION_CASES)
    return Subset(cases, spread(range(len(cases)), VALIDATION_CASES))
