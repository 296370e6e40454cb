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
from jaxseg.data.augment import AUGMENTATIONS
from jaxseg.data.collection import list_cases, splits
from jaxseg.data.decathlon import is_decathlon, read_index
from jaxseg.data.folder import Case, Facts, check_cases
from jaxseg.data.folds import cases_of_fold, digest
from jaxseg.data.synthetic import Lesions
from jaxseg.data.volume_facts import VolumeFacts, check_volumes, require_labels
from jaxseg.errors import UserError
from jaxseg.files import read_json, write_json
from jaxseg.models.catalog import DTYPES, MODELS
from jaxseg.models.norms import NORMS
from jaxseg.models.weights import load_torchvision
from jaxseg.training.config import RunConfig
from jaxseg.training.devices import joined
from jaxseg.training.loop import CONFIG, VALIDATION_CASES, Report, Run
from jaxseg.training.network import UNETS, network_of
from jaxseg.training.optimizers import OPTIMIZERS, SCHEDULES
from jaxseg.training.plateau import PLATEAUS
from jaxseg.training.search import MA_RATES, best_rate
from jaxseg.training.sources import SYNTHETIC, Examples, Subset, examples, spread

EXAMPLES = """\
examples:
  jaxseg train --data synthetic --loss dice_ce --out runs/first --steps 300
  jaxseg train --data DIR --loss tversky --hyper alpha=0.3 --hyper beta=0.7 \\
      --size 128 160 --steps 2000 --out runs/tversky
  jaxseg train --data DIR --pretrain-loss cross_entropy --pretrain-steps 1000 \\
      --loss lovasz --steps 2000 --out runs/tuned     fine-tune with a fresh optimizer
  jaxseg train --data VOLUMES --size 32 48 32 --batch-size 2 --loss dice_ce \\
      --steps 1000 --out runs/volumes                 patches of a 3D data set
  jaxseg train ... --out runs/tversky --resume     take up a run that was stopped

DIR holds train/images/* and train/masks/*.png with 8-bit class ids 0, 1, 2, ... and 255
for void; VOLUMES is a Decathlon folder with dataset.json. What there is for validation
is scored as training goes on. --out gets config.json, metrics.jsonl, events of
TensorBoard, checkpoints (the newest two and the best), curves.png and samples.png.

Several processes: pass --coordinator HOST:PORT --processes N --process-id K to each, or
--coordinator auto under SLURM, Open MPI or on a TPU pod; --out lies on a shared disk.
"""
LIVE_SECONDS = 30


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the command's flags."""
    parser = commands.add_parser(
        "train",
        help="train a network with a loss of the catalog",
        description=__doc__,
        epilog=EXAMPLES,
    )
    positive = options.at_least(1)
    add = parser.add_argument
    add("--data", required=True, metavar="DIR", help="data folder, or 'synthetic'")
    add(
        "--loss",
        required=True,
        type=options.loss_name,
        metavar="NAME",
        help="name of a loss; `jaxseg losses` lists them",
    )
    add(
        "--hyper",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="hyper-parameter of the loss; may be repeated",
    )
    add("--out", required=True, type=Path, metavar="DIR", help="folder of the run")
    add("--steps", required=True, type=positive, metavar="N", help="optimizer steps")
    add(
        "--pretrain-loss",
        type=options.loss_name,
        metavar="NAME",
        help="loss of the first --pretrain-steps; --loss goes on from their weights "
        "with a fresh optimizer",
    )
    add(
        "--pretrain-steps",
        type=positive,
        metavar="N",
        help="how many of --steps are pre-training (default: half)",
    )
    add(
        "--pretrain-learning-rate",
        type=options.number_in(0, 100, ends=False),
        metavar="X",
        help="its peak in pre-training (default: that of --learning-rate)",
    )
    add(
        "--batch-size",
        type=positive,
        default=8,
        metavar="N",
        help="images a step over all devices (default 8)",
    )
    add(
        "--size",
        type=options.at_least(8),
        nargs="+",
        metavar=("H", "W"),
        help="height and width that images are resized to (default: their own, if they "
        "all agree; 64 64 for synthetic), or H W D of the patches of volumes",
    )
    add(
        "--spacing",
        type=options.number_in(0, 1000, ends=False),
        nargs=3,
        metavar=("X", "Y", "Z"),
        help="volumes: voxel size in mm to resample to (default: the median, if cases "
        "differ)",
    )
    add(
        "--foreground-patches",
        type=options.number_in(0, 1),
        metavar="X",
        help="volumes: share of patches that must hold foreground (default 1/3)",
    )
    add(
        "--folds",
        type=Path,
        metavar="FILE",
        help="folds of `jaxseg check --folds`: train on all but --fold",
    )
    add(
        "--fold",
        type=options.at_least(0),
        metavar="K",
        help="fold that is held back for validation, from 0",
    )
    add(
        "--seed",
        type=options.at_least(0, at_most=2**31 - 2),
        default=0,
        metavar="N",
        help="of weights, order, augmentation and lesions (default 0)",
    )
    add(
        "--classes",
        type=options.at_least(2, at_most=255),
        metavar="N",
        help="number of classes, background included (default: from the masks; "
        "2 for synthetic)",
    )
    add(
        "--optimizer",
        type=options.one_of(list(OPTIMIZERS)),
        default="adam",
        metavar="NAME",
        help=f"one of {', '.join(OPTIMIZERS)} (default adam)",
    )
    add(
        "--learning-rate",
        type=options.number_in(0, 100, ends=False),
        default=1e-3,
        metavar="X",
        help="its peak (default 0.001)",
    )
    add(
        "--search-rates",
        type=options.number_in(0, 100, ends=False),
        nargs="+",
        metavar="X",
        help="try these learning rates in short runs first and take the one with the "
        f"best validation Dice (Ma 2021: {' '.join(f'{r:g}' for r in MA_RATES)})",
    )
    add(
        "--search-steps",
        type=positive,
        metavar="N",
        help="length of each short run (default: a tenth of the steps)",
    )
    add(
        "--schedule",
        type=options.one_of([*SCHEDULES, *PLATEAUS]),
        default="warmup_cosine",
        metavar="NAME",
        help="course of the learning rate, one of "
        f"{', '.join([*SCHEDULES, *PLATEAUS])} (default warmup_cosine)",
    )
    add(
        "--patience",
        type=positive,
        metavar="N",
        help="of halving, fifths and moving_average: validations without a lower loss "
        "before the rate falls (default: as in the papers)",
    )
    add(
        "--stop-after",
        type=positive,
        metavar="N",
        help="end training after N validations without a lower loss (default: never)",
    )
    add(
        "--clip",
        type=options.number_in(0, 1e9),
        default=10.0,
        metavar="X",
        help="largest norm of the gradient, 0 for any (default 10)",
    )
    add(
        "--average",
        type=options.number_in(0, 1, ends=False),
        metavar="X",
        help="keep a moving average of the weights with this weight of the past, such "
        "as 0.999, and use it (default: none)",
    )
    add(
        "--accumulate",
        type=positive,
        default=1,
        metavar="N",
        help="pass a device's images through the network in N parts, to save memory; "
        "the loss is still that of the whole batch (default 1)",
    )
    add(
        "--precision",
        type=options.one_of(list(DTYPES)),
        default="float32",
        metavar="NAME",
        help=f"of the network's layers, one of {', '.join(DTYPES)} (default "
        "float32); weights and losses are float32",
    )
    add(
        "--parallel",
        type=options.one_of(["pmap", "shard_map"]),
        default="pmap",
        metavar="NAME",
        help="how a step is spread over devices, pmap or shard_map (default pmap)",
    )
    add(
        "--model",
        type=options.one_of(list(MODELS)),
        default="unet",
        metavar="NAME",
        help=f"network, one of {', '.join(MODELS)} (default unet)",
    )
    add(
        "--weights",
        type=Path,
        metavar="FILE",
        help="safetensors file in torchvision's naming that the encoder starts from; "
        "needs --norm frozen-batch, or batch (default: random)",
    )
    add(
        "--depth",
        type=positive,
        metavar="N",
        help="halvings of the U-Net (default 4)",
    )
    add(
        "--width",
        type=positive,
        metavar="N",
        help="channels of the U-Net at full resolution (default 16)",
    )
    add(
        "--norm",
        type=options.one_of(list(NORMS)),
        default="group",
        metavar="NAME",
        help=f"one of {', '.join(NORMS)} (default group)",
    )
    add(
        "--dropout",
        type=options.number_in(0, 0.99),
        metavar="X",
        help="probability with which a channel of the U-Net is dropped (default 0)",
    )
    add(
        "--coarse-maps",
        type=options.at_least(0),
        metavar="N",
        help="deep supervision: coarser score maps of the U-Net that learn, too "
        "(default 0)",
    )
    add(
        "--augment",
        type=options.one_of(list(AUGMENTATIONS)),
        metavar="NAME",
        help=f"one of {', '.join(AUGMENTATIONS)} (default full; volume for volumes)",
    )
    add(
        "--evaluate-every",
        type=positive,
        metavar="N",
        help="steps between validations (default: a fifth of the steps)",
    )
    add(
        "--checkpoint-every",
        type=positive,
        metavar="N",
        help="steps between checkpoints (default: a tenth of the steps)",
    )
    add(
        "--foreground-share",
        type=options.number_in(0, 1, ends=False),
        metavar="X",
        help="synthetic: share of pixels in lesions (default 0.08)",
    )
    add(
        "--lesion-free",
        type=options.number_in(0, 1),
        metavar="X",
        help="synthetic: probability of an image without lesions (default 0.2)",
    )
    add(
        "--resume",
        action="store_true",
        help="take up the run in --out where its newest checkpoint left it",
    )
    add(
        "--coordinator",
        metavar="HOST:PORT",
        help="train with several processes: address of the first, or 'auto'",
    )
    add("--processes", type=positive, metavar="N", help="how many processes there are")
    add(
        "--process-id",
        type=options.at_least(0),
        metavar="K",
        help="number of this process, from 0",
    )
    parser.set_defaults(run_command=main)  # fmt: skip


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
    folder: Path = arguments.out
    first = jax.process_index() == 0
    stored = _stored(folder, resume=arguments.resume) if first else None
    config = _config(arguments, hyper)
    for phase in config.phases:
        options.check_loss(phase.loss, phase.hyper, config.num_classes)
    _check_network(config)
    validation = _validation(config)
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Data:
    """What the data tell about a run."""

    name: str
    size: tuple[int, ...]
    num_classes: int
    channels: int
    spacing: tuple[float, ...] | None = None
    voxel_mm: tuple[float, ...] | None = None
    windows: tuple[dict[str, float] | None, ...] | None = None


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
    data = _data(arguments, synthetic)
    volumes = data.windows is not None
    steps = arguments.steps
    share = arguments.foreground_patches
    return RunConfig(
        data=data.name,
        loss=arguments.loss,
        hyper=hyper,
        steps=steps,
        pretrain_loss=arguments.pretrain_loss,
        pretrain_steps=0
        if arguments.pretrain_loss is None
        else arguments.pretrain_steps or steps // 2,
        pretrain_learning_rate=arguments.pretrain_learning_rate,
        batch_size=arguments.batch_size,
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
        norm=arguments.norm,
        **_fields(arguments),
        augment=arguments.augment or ("volume" if volumes else "full"),
        evaluate_every=arguments.evaluate_every or max(steps // 5, 1),
        checkpoint_every=arguments.checkpoint_every or max(steps // 10, 1),
        synthetic=synthetic,
    )


def _fields(arguments: argparse.Namespace) -> dict[str, Any]:
    """Settings of a U-Net, which other networks do not have."""
    names = ("depth", "width", "dropout", "coarse_maps")
    given = {
        name: value for name in names if (value := getattr(arguments, name)) is not None
    }
    if given and arguments.model not in UNETS:
        flag = "--" + next(iter(given)).replace("_", "-")
        raise UserError(f"{flag} goes with --model {' or '.join(UNETS)}")
    return given


def _data(arguments: argparse.Namespace, synthetic: dict[str, float]) -> _Data:
    """Reads the data, or refuses flags that do not go with them."""
    path = Path(arguments.data)
    made = arguments.data == SYNTHETIC
    volumes = not made and is_decathlon(path)
    size = tuple(arguments.size) if arguments.size else None
    wanted = ("three numbers, H W D", 3) if volumes else ("a height and a width", 2)
    if size is not None and len(size) != wanted[1]:
        what = "volumes take" if volumes else "images take"
        raise UserError(f"--size: {what} {wanted[0]}, not {len(size)} numbers")
    if not made and synthetic:
        flag = "--" + next(iter(synthetic)).replace("_", "-")
        raise UserError(f"{flag} goes with --data synthetic, not with a folder")
    if not volumes:
        for flag in ("spacing", "foreground_patches"):
            if getattr(arguments, flag) is not None:
                raise UserError(
                    f"--{flag.replace('_', '-')} goes with volumes, not with images"
                )
    if made:
        if arguments.folds is not None:
            raise UserError("--folds goes with a data folder, not with synthetic data")
        return _Data(
            name=SYNTHETIC,
            size=size or Lesions().size,
            num_classes=arguments.classes or 2,
            channels=1,
        )
    training, validation = _cases(path, arguments.folds, arguments.fold)
    if volumes:
        return _of_volumes(arguments, path, size, training, validation)
    return _of_images(arguments, path, size, training, validation)


def _cases(
    path: Path, folds: Path | None, fold: int | None
) -> tuple[list[Case], list[Case]]:
    """Cases to train with and to validate on; the latter may be none."""
    if folds is not None and fold is not None:
        return cases_of_fold(path, folds, fold)
    training = list_cases(path, "train")
    known = splits(path)
    return training, list_cases(path, "validation") if "validation" in known else []


def _of_images(
    arguments: argparse.Namespace,
    path: Path,
    size: tuple[int, ...] | None,
    training: list[Case],
    validation: list[Case],
) -> _Data:
    count = len(training) + len(validation)
    with bar(count, "checking images", "image") as progress:
        facts = check_cases(
            training, num_classes=arguments.classes, tick=progress.update
        )
        if validation:
            check_cases(validation, num_classes=facts.num_classes, tick=progress.update)
    chosen = size or facts.size
    if chosen is None:
        raise UserError(
            f"the images in {path / 'train' / 'images'} differ in size: pass --size H W"
        )
    _tell("images", len(training), facts)
    return _Data(
        name=str(path),
        size=chosen,
        num_classes=facts.num_classes,
        channels=facts.channels,
    )


def _of_volumes(
    arguments: argparse.Namespace,
    path: Path,
    size: tuple[int, ...] | None,
    training: list[Case],
    validation: list[Case],
) -> _Data:
    if size is None:
        raise UserError(f"{path} holds volumes: pass the size of a patch, --size H W D")
    require_labels(training, "train")
    require_labels(validation, "validation")
    index = read_index(path)
    with bar(len(training) + len(validation), "checking volumes", "volume") as progress:
        facts = check_volumes(
            training, index, num_classes=arguments.classes, tick=progress.update
        )
        if validation:
            check_volumes(
                validation,
                index,
                num_classes=facts.num_classes,
                tick=progress.update,
            )
    _tell("volumes", len(training), facts)
    spacing = tuple(arguments.spacing) if arguments.spacing else facts.median_spacing_mm
    extent = " x ".join(f"{n:g}" for n in spacing or facts.spacings_mm[0])
    how = "resampled to" if spacing else "all with"
    print(f"voxels of {extent} mm ({how} them), median size {facts.median_shape}")
    return _Data(
        name=str(path),
        size=size,
        num_classes=facts.num_classes,
        channels=facts.channels,
        spacing=spacing,
        voxel_mm=spacing or facts.spacings_mm[0],
        windows=tuple(w and dataclasses.asdict(w) for w in facts.windows),
    )


def _tell(kind: str, count: int, facts: Facts | VolumeFacts) -> None:
    """Class statistics, printed before training begins."""
    shares = ", ".join(f"{100 * share:.2f} %" for share in facts.class_shares)
    if jax.process_index() == 0:
        print(
            f"{count} training {kind}, {facts.num_classes} classes with shares "
            f"{shares}, {facts.empty} without foreground"
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
