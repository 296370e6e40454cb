"""`jaxseg predict`: masks of class ids for the images of a folder."""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from jaxseg.cli import inference_flags, options
from jaxseg.cli.progress import bar
from jaxseg.cli.runs import trained
from jaxseg.data.export import write_volume
from jaxseg.data.overlay import overlay
from jaxseg.errors import UserError
from jaxseg.files import replacing
from jaxseg.training.cases import ensemble_probabilities
from jaxseg.training.sources import Example, without_labels

EXAMPLES = """\
examples:
  jaxseg predict --run runs/polyps --images DIR/test/images --out masks --overlays
  jaxseg predict --run runs/a --run runs/b --run runs/c --mirror --images I --out M
  jaxseg predict --run runs/vessels --window 128 128 --overlap 0.5 --images I --out M
  jaxseg predict --run runs/ulcers --threshold dice --probabilities --images I --out M

Each NAME.jpg or NAME.png gives masks/NAME.png of its own size, 8-bit class ids; they
look black in a viewer because ids are small. --overlays adds masks/overlays/NAME.png,
the image with the outlines of the classes; --probabilities adds
masks/probabilities/NAME.npy, float32 [height, width, classes].

A run of volumes takes a folder of .nii.gz or .nii files and writes NAME.nii.gz, uint8,
and probabilities float32 with the class as fourth axis, on the voxels and at the place
in space of the image.

Several --run average their probabilities; they may be folds, seeds or other networks.
--threshold dice is best for the Dice of an image that has a lesion, and never leaves an
image without one: where lesion-free images occur, take the default or a number.
"""


OVERLAYS = "overlays"
PROBABILITIES = "probabilities"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    inference_flags.add_runs(parser)
    add = parser.add_argument
    add("--images", required=True, type=Path, metavar="DIR", help="folder of images")
    add("--out", required=True, type=Path, metavar="DIR", help="a new folder")
    add("--overlays", action="store_true", help="also draw outlines on the images")
    add("--probabilities", action="store_true", help="also write every class's")
    inference_flags.add_use(parser)


def main(arguments: argparse.Namespace) -> None:
    """Predicts and writes, one image after the other."""
    runs = inference_flags.opened(arguments.run)
    config = runs[0].config
    how = inference_flags.inference(arguments, config)
    cut = inference_flags.cut(arguments.threshold)
    if arguments.overlays and config.volumes:
        raise UserError("--overlays draws on images, but the run is one of volumes")
    cases = without_labels(arguments.images, config)
    out = options.free_folder(arguments.out)
    with bar(len(cases), "checking", "image") as progress:
        for index in range(len(cases)):
            cases[index]  # read once before, so that one that is damaged is named
            progress.update()
    members = [trained(run, best=arguments.best) for run in runs]
    options.made_folder(out)
    for wanted, name in (
        (arguments.overlays, OVERLAYS),
        (arguments.probabilities, PROBABILITIES),
    ):
        if wanted:
            options.made_folder(out / name)
    with bar(len(cases), "predicting", "image") as progress:
        for example, probs in ensemble_probabilities(members, cases, how):
            mask = cut(probs)
            _write(out, example, mask)
            if arguments.overlays:
                drawn = overlay(example.image, mask)
                _write_png(out / OVERLAYS / f"{example.name}.png", drawn)
            if arguments.probabilities:
                _write(out / PROBABILITIES, example, probs)
            progress.update()
    print(f"wrote {len(cases)} masks to {out}")


def _write(folder: Path, example: Example, values: np.ndarray) -> None:
    """Class ids or probabilities, in the format and on the grid of the image."""
    if example.geometry is not None:
        write_volume(folder / f"{example.name}.nii.gz", values, example.geometry)
    elif values.dtype == np.uint8:
        _write_png(folder / f"{example.name}.png", values)
    else:
        with replacing(folder / f"{example.name}.npy") as file:
            np.save(file, values, allow_pickle=False)


def _write_png(path: Path, pixels: np.ndarray) -> None:
    with replacing(path) as file:
        Image.fromarray(pixels).save(file, format="png")
