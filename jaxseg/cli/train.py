"""`jaxseg train`: a U-Net on an image folder or on synthetic lesions."""

import argparse
from pathlib import Path

from jaxseg.cli import options, pictures
from jaxseg.cli.progress import TrainingProgress, bar
from jaxseg.data.augment import AUGMENTATIONS
from jaxseg.data.folder import check_cases, list_cases, splits
from jaxseg.data.synthetic import Lesions
from jaxseg.errors import UserError
from jaxseg.files import read_json, write_json
from jaxseg.models.norms import NORMS
from jaxseg.training.config import RunConfig
from jaxseg.training.loop import CONFIG, Run
from jaxseg.training.optimizers import OPTIMIZERS
from jaxseg.training.sources import SYNTHETIC, Examples, Subset, examples, spread

EXAMPLES = """\
examples:
  jaxseg train --data synthetic --loss dice_ce --out runs/first --steps 300
  jaxseg train --data DIR --loss tversky --hyper alpha=0.3 --hyper beta=0.7 \\
      --size 128 160 --steps 2000 --out runs/tversky
  jaxseg train --data DIR --pretrain-loss cross_entropy --pretrain-steps 1000 \\
      --loss lovasz --steps 2000 --out runs/tuned     fine-tune with a fresh optimizer
  jaxseg train ... --out runs/tversky --resume     take up a run that was stopped

DIR holds train/images/* and train/masks/*.png with 8-bit class ids 0, 1, 2, ... and 255
for void; if there is DIR/validation as well, it is scored as training goes on. --out
gets config.json, metrics.jsonl, checkpoints, curves.png and samples.png.
"""
VALIDATION_CASES = 64


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the command's flags."""
    parser = commands.add_parser(
        "train",
        help="train a U-Net with a loss of the catalog",
        description=__doc__,
        epilog=EXAMPLES,
    )
    positive = options.at_least(1)
    add = parser.add_argument
    add("--data", required=True, metavar="DIR", help="image folder, or 'synthetic'")
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
        "all agree; 64 64 for synthetic)",
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
        "--depth",
        type=positive,
        default=4,
        metavar="N",
        help="halvings of the U-Net (default 4)",
    )
    add(
        "--width",
        type=positive,
        default=16,
        metavar="N",
        help="channels at full resolution (default 16)",
    )
    add(
        "--norm",
        type=options.one_of(list(NORMS)),
        default="group",
        metavar="NAME",
        help=f"one of {', '.join(NORMS)} (default group)",
    )
    add(
        "--augment",
        type=options.one_of(list(AUGMENTATIONS)),
        default="full",
        metavar="NAME",
        help=f"one of {', '.join(AUGMENTATIONS)} (default full)",
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
    parser.set_defaults(run_command=main)  # fmt: skip


def main(arguments: argparse.Namespace) -> None:
    """Checks everything, trains, draws."""
    if arguments.size is not None and len(arguments.size) != 2:
        raise UserError(
            f"--size takes a height and a width, not {len(arguments.size)} numbers: "
            "volumes are not supported yet"
        )
    hyper = options.hyper_parameters(arguments.loss, arguments.hyper)
    _check_phases(arguments)
    folder: Path = arguments.out
    stored = _stored(folder, resume=arguments.resume)
    config = _config(arguments, hyper)
    for phase in config.phases:
        options.check_loss(phase.loss, phase.hyper, config.num_classes)
    if stored is not None:
        difference = config.difference(stored)
        if difference:
            raise UserError(
                f"--resume: {folder} holds a run with other settings ({difference})"
            )
    run = Run(config, options.made_folder(folder))
    write_json(folder / CONFIG, config.to_json())
    validation = _validation(config)
    progress = TrainingProgress(config.steps, 0)
    try:
        run.train(validation, report=progress)
    except KeyboardInterrupt:
        raise UserError(
            f"stopped; the same command with --resume takes {folder} up again"
        ) from None
    finally:
        progress.close()
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
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"--out {folder} holds something that is not a run")
    return None


def _config(arguments: argparse.Namespace, hyper: dict) -> RunConfig:
    """The run's settings, with what only the data can tell."""
    size = tuple(arguments.size) if arguments.size else None
    synthetic = {
        name: value
        for name in ("foreground_share", "lesion_free")
        if (value := getattr(arguments, name)) is not None
    }
    if arguments.data == SYNTHETIC:
        data = SYNTHETIC
        size, classes, channels = size or Lesions().size, arguments.classes or 2, 1
    else:
        if synthetic:
            flag = "--" + next(iter(synthetic)).replace("_", "-")
            raise UserError(f"{flag} goes with --data synthetic, not with a folder")
        path = Path(arguments.data)
        data = str(path)
        size, classes, channels = _check(path, size, arguments.classes)
    steps = arguments.steps
    return RunConfig(
        data=data,
        loss=arguments.loss,
        hyper=hyper,
        steps=steps,
        pretrain_loss=arguments.pretrain_loss,
        pretrain_steps=0
        if arguments.pretrain_loss is None
        else arguments.pretrain_steps or steps // 2,
        pretrain_learning_rate=arguments.pretrain_learning_rate,
        batch_size=arguments.batch_size,
        size=size,
        seed=arguments.seed,
        num_classes=classes,
        channels=channels,
        optimizer=arguments.optimizer,
        learning_rate=arguments.learning_rate,
        depth=arguments.depth,
        width=arguments.width,
        norm=arguments.norm,
        augment=arguments.augment,
        evaluate_every=arguments.evaluate_every or max(steps // 5, 1),
        checkpoint_every=arguments.checkpoint_every or max(steps // 10, 1),
        synthetic=synthetic,
    )


def _check(
    path: Path, size: tuple[int, int] | None, classes: int | None
) -> tuple[tuple[int, int], int, int]:
    """Reads all images of training and validation; size, classes and channels."""
    cases = list_cases(path, "train")
    both = list(cases)
    if "validation" in splits(path):
        both += list_cases(path, "validation")
    with bar(len(both), "checking images", "image") as progress:
        facts = check_cases(cases, num_classes=classes, tick=progress.update)
        if len(both) > len(cases):
            rest = both[len(cases) :]
            check_cases(rest, num_classes=facts.num_classes, tick=progress.update)
    if size is None and facts.size is None:
        raise UserError(
            f"the images in {path / 'train' / 'images'} differ in size: pass --size H W"
        )
    shares = ", ".join(f"{100 * share:.2f} %" for share in facts.class_shares)
    print(
        f"{len(cases)} training images, {facts.num_classes} classes with shares "
        f"{shares}, {facts.empty} without foreground"
    )
    chosen = size or facts.size
    assert chosen is not None
    return chosen, facts.num_classes, facts.channels


def _validation(config: RunConfig) -> Examples | None:
    if config.data != SYNTHETIC and "validation" not in splits(Path(config.data)):
        return None
    cases = examples(config, config.data, "validation", VALIDATION_CASES)
    return Subset(cases, spread(range(len(cases)), VALIDATION_CASES))
