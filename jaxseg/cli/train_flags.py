"""The flags of `jaxseg train`."""

import argparse
from pathlib import Path

from jaxseg.cli import options
from jaxseg.cli.train_plan import MEMORY_GB
from jaxseg.data.augment import AUGMENTATIONS
from jaxseg.data.intensity import NORMALISATIONS
from jaxseg.models.catalog import DTYPES, MODELS
from jaxseg.models.norms import NORMS
from jaxseg.training.optimizers import OPTIMIZERS, SCHEDULES
from jaxseg.training.plateau import PLATEAUS
from jaxseg.training.search import MA_RATES

BATCH_SIZE = 8
EXAMPLES = """\
examples:
  jaxseg train --data synthetic --loss dice_ce --out runs/first --steps 300
  jaxseg train --data DIR --loss tversky --hyper alpha=0.3 --hyper beta=0.7 \\
      --size 128 160 --steps 2000 --out runs/tversky
  jaxseg train --data DIR --pretrain-loss cross_entropy --pretrain-steps 1000 \\
      --loss lovasz --steps 2000 --out runs/tuned     fine-tune with a fresh optimizer
  jaxseg train --data VOLUMES --size 32 48 32 --batch-size 2 --loss dice_ce \\
      --steps 1000 --out runs/volumes                 patches of a 3D data set
  jaxseg train --data VOLUMES --plan --memory-gb 11 --loss dice_ce --steps 20000 \
      --out runs/planned                              patch, batch, levels by the data
  jaxseg train ... --out runs/tversky --resume     take up a run that was stopped

DIR holds train/images/* and train/masks/*.png with 8-bit class ids 0, 1, 2, ... and 255
for void; VOLUMES is a Decathlon folder with dataset.json. What there is for validation
is scored as training goes on. --out gets config.json, metrics.jsonl, events of
TensorBoard, checkpoints (the newest two and the best), curves.png and samples.png.

Several processes: pass --coordinator HOST:PORT --processes N --process-id K to each, or
--coordinator auto under SLURM, Open MPI or on a TPU pod; --out lies on a shared disk.
"""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds what a training can be told."""
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
    add(
        "--class-weights",
        nargs="+",
        type=options.number_in(0, 1e9),
        metavar="W",
        help="weight of each class in the loss, background first; 0 1 is foreground "
        "only (default: all alike)",
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
        "--plan",
        action="store_true",
        help="choose what is not given of --size, --batch-size, --spacing, --width, "
        "--coarse-maps and the U-Net's levels by nnU-Net's rules, from the data and "
        "--memory-gb, and say what was chosen",
    )
    add(
        "--memory-gb",
        type=options.number_in(0, 1e6, ends=False),
        metavar="X",
        help=f"memory of a device that a plan may use (default {MEMORY_GB:g})",
    )
    add(
        "--batch-size",
        type=positive,
        metavar="N",
        help=f"images a step over all devices (default {BATCH_SIZE})",
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
        "--normalise",
        type=options.one_of(list(NORMALISATIONS)),
        metavar="NAME",
        help="images: 'image' gives each mean 0 and deviation 1, 'imagenet' shifts and "
        "scales all by the colours that pretrained weights expect (default image; "
        "imagenet with --weights)",
    )
    add(
        "--start-run",
        type=Path,
        metavar="DIR",
        help="folder of a finished run of the same network whose weights this one "
        "starts from, such as one pre-trained with another loss or on other data",
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
        "--multiplier",
        type=options.number_in(0.05, 4),
        metavar="X",
        help="channels of a network with an encoder, as a multiple of the "
        "literature's: 0.25 trains on a CPU (default 1)",
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
        type=options.at_least(0),
        metavar="N",
        help="steps between validations, 0 for none (default: a fifth of the steps)",
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
    )  # fmt: skip
