"""`jaxseg train`: a network on images, volumes or synthetic lesions."""

import argparse
import contextlib
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jaxseg.cli import options, pictures
from jaxseg.cli.progress import TrainingProgress, bar
from jaxseg.cli.train_data import read_data
from jaxseg.cli.train_flags import EXAMPLES, NEEDED, add_flags
from jaxseg.cli.train_given import (
    check_flags,
    settings_from_flags,
    synthetic_from_flags,
)
from jaxseg.cli.train_plan import check_plan, plan_run
from jaxseg.cli.train_resume import resume_settings
from jaxseg.data.collection import open_collection, splits
from jaxseg.data.folds import digest
from jaxseg.errors import Stopped, UserError
from jaxseg.files import read_json, write_json
from jaxseg.models.catalog import MODELS
from jaxseg.models.weights import (
    IMAGENET,
    load_weights,
    normalisation_of_weights,
    weights_file,
)
from jaxseg.training.claim import hold_folder
from jaxseg.training.config import SETTINGS, RunConfig
from jaxseg.training.contents import (
    CONTENTS,
    contents_of_run,
    require_same_contents,
)
from jaxseg.training.devices import join_processes
from jaxseg.training.heap import keep_freed_memory
from jaxseg.training.log import read_metrics
from jaxseg.training.loop import (
    CONFIG,
    METRICS,
    VALIDATION_CASES,
    Report,
    Run,
    variables_of_run,
)
from jaxseg.training.memory import (
    require_image_memory,
    require_step_memory,
    require_weight_memory,
)
from jaxseg.training.network import network_of, require_gradients, require_pixels
from jaxseg.training.search import best_rate, with_learning_rate
from jaxseg.training.sources import SYNTHETIC, Examples, Subset, examples, spread

__all__ = ["EXAMPLES", "add_flags", "main"]

LIVE_SECONDS = 30


def main(arguments: argparse.Namespace) -> None:
    """Checks everything, trains, draws."""
    _check_processes(arguments)
    with join_processes(
        arguments.coordinator, arguments.processes, arguments.process_id
    ):
        _train(arguments)


def _search_rate(
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
            options.make_folder(arguments.out / "rates"),
            rates,
            steps,
            validation,
            lambda row: progress.update("validation_dice" not in row),
        )
    print(f"learning rate {rate:g}, best of {', '.join(f'{r:g}' for r in rates)}")
    return with_learning_rate(config, rate)


def _check_network(config: RunConfig) -> None:
    """Traces the network once, so that a wrong setting is found before any work."""
    each = -(-config.batch_size // jax.device_count())
    if config.accumulate > each:
        raise UserError(
            f"--accumulate {config.accumulate} divides more than the {each} images "
            "that a device has"
        )
    images = -(-each // config.accumulate)
    require_pixels(config)
    require_image_memory(config, images)
    require_step_memory(config, images)
    network = network_of(config)
    image = jax.ShapeDtypeStruct((1, *config.size, config.channels), jnp.float32)
    try:
        params, extra = jax.eval_shape(network.init, jax.random.key(0), image)
        require_weight_memory(config, params)
        require_gradients(config, network, images)
        variables = {"params": params, **extra}
        if config.weights is not None:
            file = weights_file(config.weights, MODELS[config.model].encoder)
            load_weights(file, variables)
        if config.start_run is not None:
            variables_of_run(Path(config.start_run), variables)
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
    folder: Path = arguments.out
    first = jax.process_index() == 0
    given = settings_from_flags(arguments)
    stored = None
    if arguments.resume or first:  # a new run may have begun when the others look
        stored = _read_stored(folder, resume=arguments.resume)
    if stored is None:
        config = _new(arguments, given)
    else:
        config = resume_settings(arguments, given, stored)
    for phase in config.phases:
        options.check_loss(phase.loss, phase.hyper, config.num_classes)
        if config.regions:
            options.check_loss(phase.loss, phase.hyper, 1, config.link)
    _check_network(config)
    validation = _validation(config)
    if config.keep_best == "loss" and validation is None:
        raise UserError(
            f"--keep-best loss needs cases for validation, and {config.data} has none"
        )
    found = contents_of_run(config) if first else {}
    if stored is not None and first:
        require_same_contents(folder, found)
    keep_freed_memory()
    options.make_folder(folder)
    with hold_folder(folder) if first else contextlib.nullcontext():
        if first and stored is None:
            _require_still_free(folder)
        if stored is None and arguments.search_rates is not None:
            config = _search_rate(arguments, config, validation)
        if first:
            write_json(folder / CONTENTS, found)
            write_json(folder / CONFIG, config.to_json())
        _train_run(Run(config, folder), validation)
        if first:
            _tell(config, folder)


def _train_run(run: Run, validation: Examples | None) -> None:
    progress = TrainingProgress(run.config.steps)
    with contextlib.ExitStack() as stack:
        stack.callback(progress.close)
        reports: list[Report] = [progress]
        if jax.process_index() == 0:
            live = pictures.Live(run.folder, LIVE_SECONDS)
            reports.append(stack.enter_context(live))
        try:
            run.train(validation, report=lambda row: [tell(row) for tell in reports])
        except KeyboardInterrupt:
            raise Stopped(
                "stopped; jaxseg train --resume --out "
                f"{shlex.quote(str(run.folder))} takes it up again"
            ) from None


def _require_still_free(folder: Path) -> None:
    """Refuses a folder that another process has begun a run in since we looked."""
    if (folder / CONFIG).is_file():
        raise UserError(f"--out {folder} holds a run by now, of another process")


def _tell(config: RunConfig, folder: Path) -> None:
    for path in [folder / CONFIG, *sorted(folder.glob("*.jsonl"))]:
        print(f"wrote {path}")
    for path in pictures.draw_run(folder):
        print(f"wrote {path}")
    print("\n".join(_outcome(config, folder)))


def _outcome(config: RunConfig, folder: Path) -> Iterator[str]:
    """What the run has reached, and the command that goes on from here."""
    rows = read_metrics(folder / METRICS)
    losses = [row for row in rows if "loss" in row]
    scores = [row for row in rows if row.get("validation_dice") is not None]
    if losses:
        yield f"step {losses[-1]['step']}: loss {losses[-1]['loss']:.4f}"
    if scores:
        best = max(scores, key=lambda row: (row["validation_dice"], row["step"]))
        yield (
            f"validation Dice {scores[-1]['validation_dice']:.4f}, best "
            f"{best['validation_dice']:.4f} at step {best['step']}"
        )
    named = shlex.quote(str(folder))
    held = "test" if config.data == SYNTHETIC else _scored_split(Path(config.data))
    if held is not None:
        yield f"next: jaxseg evaluate --run {named} --split {held}"
    else:
        yield f"next: jaxseg predict --run {named} --images DIR --out MASKS"


def _scored_split(data: Path) -> str | None:
    """The split to score next: the first of those held back whose cases have labels."""
    found = open_collection(data)
    for split in ("test", "validation"):
        with contextlib.suppress(UserError):  # such as images without masks
            if split in found.splits and all(c.mask for c in found.cases(split)):
                return split
    return None


def _read_stored(folder: Path, *, resume: bool) -> RunConfig | None:
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
    left = [path.name for path in folder.iterdir() if path.name[0] != "."]
    return not left or (resume and set(left) <= {"rates", CONTENTS})


def _new(arguments: argparse.Namespace, given: Mapping[str, Any]) -> RunConfig:
    """Settings of a new run: those given, and what only the data can tell.

    Raises:
      UserError: flags that are missing or do not go together; data that do not serve.
    """
    missing = [f"--{name}" for name in NEEDED if name not in given]
    if missing:
        none = f"--out {arguments.out} holds no run to resume, and " * arguments.resume
        raise UserError(
            f"{none}a new run needs {', '.join(missing)}; see jaxseg train --help"
        )
    check_flags(arguments)
    check_plan(arguments)
    synthetic = synthetic_from_flags(arguments)
    data = read_data(arguments, synthetic)
    volumes = data.windows is not None
    planned_settings: Mapping[str, Any] = {}
    if arguments.plan:
        data, planned_settings = plan_run(arguments, data)
    steps = given["steps"]
    otherwise = {
        "evaluate_every": max(steps // 5, 1),
        "checkpoint_every": max(steps // 10, 1),
        "pretrain_steps": 0 if arguments.pretrain_loss is None else steps // 2,
        "augment": "volume" if volumes else "full",
        **_settings_of_weights(given),
    }
    _check_class_weights(arguments, data.outputs)
    if volumes and arguments.normalise is not None:
        raise UserError("--normalise goes with images, not with volumes")
    return RunConfig(
        **{
            **otherwise,
            **given,
            **data.settings,
            **planned_settings,
            **_places(given),
            "synthetic": synthetic,
            "folds_digest": arguments.folds and digest(Path(arguments.folds)),
        }
    )


def _places(given: Mapping[str, Any]) -> dict[str, str]:
    """Files and folders that the run needs, to be found from any folder."""
    named = {
        name: given.get(name) for name in ("data", "folds", "weights", "start_run")
    }
    return {
        name: str(Path(place).absolute())
        for name, place in named.items()
        if place not in (None, SYNTHETIC, IMAGENET) and Path(place).exists()
    }


def _settings_of_weights(given: Mapping[str, Any]) -> dict[str, Any]:
    """What goes with pretrained weights where flags do not say."""
    if given.get("weights") is None:
        return {}
    encoder = MODELS[given.get("model", SETTINGS["model"].default)].encoder
    return {"norm": "batch", "normalise": normalisation_of_weights(encoder)}


def _check_class_weights(arguments: argparse.Namespace, outputs: int) -> None:
    weights = arguments.class_weights
    if weights is not None and (len(weights) != outputs or not any(weights)):
        raise UserError(
            f"--class-weights takes {outputs} numbers here, one a class or region, not "
            "all 0"
        )


def _validation(config: RunConfig) -> Examples | None:
    if (
        config.data != SYNTHETIC
        and config.folds is None
        and "validation" not in splits(Path(config.data))
    ):
        return None
    cases = examples(config, config.data, "validation", VALIDATION_CASES)
    return Subset(cases, spread(range(len(cases)), VALIDATION_CASES))
