"""`jaxseg predict`: masks of class ids for the images of a folder."""

import argparse
import re
from pathlib import Path

import numpy as np
from PIL import Image

from jaxseg.cli import inference_flags, options
from jaxseg.cli.progress import bar
from jaxseg.data.export import mask_image, write_image, write_volume
from jaxseg.data.labels import LabelMap
from jaxseg.data.overlay import overlay
from jaxseg.errors import UserError, number_of
from jaxseg.files import replacing, require_folder
from jaxseg.training.cases import ensemble_probabilities
from jaxseg.training.sources import Example, labels_of, without_labels
from jaxseg.training.thresholds import cut_of, holds

EXAMPLES = """\
examples:
  jaxseg predict --run runs/polyps --images DIR/test/images --out masks --overlays
  jaxseg predict --run runs/a --run runs/b --run runs/c --mirror --images I --out M
  jaxseg predict --run runs/vessels --window 128 128 --overlap 0.5 --images I --out M
  jaxseg predict --run runs/ulcers --threshold dice --probabilities --images I --out M
  jaxseg predict --run runs/ulcers --decide expected-dice --images I --out M

Each image gives masks/NAME.png of its own size with the values, or the colours, of the
masks that the run was trained on. Small numbers are written as indices of a palette, to
be seen in a viewer. --overlays adds masks/overlays/NAME.png, the image with the
outlines of the classes; --probabilities adds masks/probabilities/NAME.npy, float32
[height, width, classes].

A run of volumes takes a folder of .nii.gz or .nii files, or with SimpleITK .mha and
.nrrd, whose channels may be files NAME_0000, NAME_0001 as nnU-Net has them. It writes
NAME.nii.gz, or the ending of the image, and probabilities float32 with the class as
fourth axis, on the voxels and at the place in space of the image.

Several --run average their probabilities; they may be folds, seeds or other networks.
A run of regions, which may overlap, writes the class that its regions say, in the order
of regions_class_order; --region-masks adds masks/regions/REGION/NAME.png, 255 where the
region is.

--threshold dice is best for the Dice of an image that has a lesion, and never leaves an
image without one: where lesion-free images occur, take the default or a number.
--decide expected-dice weighs both: the empty mask is worth the probability that no
pixel is foreground. What is decided is as good as the probabilities are.
"""


OVERLAYS = "overlays"
PROBABILITIES = "probabilities"
REGIONS = "regions"
_YES = LabelMap.of_values((0, 255))
"""Masks of one region: white where it is."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    inference_flags.add_runs(parser)
    add = parser.add_argument
    add("--images", required=True, type=Path, metavar="DIR", help="folder of images")
    add("--out", required=True, type=Path, metavar="DIR", help="a new folder")
    add("--overlays", action="store_true", help="also draw outlines on the images")
    add("--probabilities", action="store_true", help="also write every class's")
    add(
        "--region-masks",
        action="store_true",
        help="a run of regions: also one mask of 0 and 255 for each",
    )
    inference_flags.add_use(parser)


def main(arguments: argparse.Namespace) -> None:
    """Predicts and writes, one image after the other."""
    runs = inference_flags.open_runs(arguments.run)
    config = runs[0].config
    how = inference_flags.inference(arguments, config)
    labels = labels_of(config)
    rule = inference_flags.rule_of(arguments)
    cut = cut_of(labels, rule)
    if arguments.region_masks and not labels.regions:
        raise UserError("--region-masks: the run is one of classes, not of regions")
    if arguments.overlays and config.volumes:
        raise UserError("--overlays draws on images, but the run is one of volumes")
    require_folder(arguments.images, "--images")
    cases = without_labels(arguments.images, config)
    out = options.free_folder(arguments.out)
    with bar(len(cases), "checking", "image") as progress:
        for index in range(len(cases)):
            cases[index]  # read once before, so that one that is damaged is named
            progress.update()
    members = [inference_flags.load(run, arguments) for run in runs]
    options.make_folder(out)
    for wanted, name in (
        (arguments.overlays, OVERLAYS),
        (arguments.probabilities, PROBABILITIES),
        *((arguments.region_masks, f"{REGIONS}/{r}") for r in region_folders(labels)),
    ):
        if wanted:
            options.make_folder(out / name)
    with bar(len(cases), "predicting", "image") as progress:
        for example, probs in ensemble_probabilities(members, cases, how):
            mask = cut(probs)
            _write_mask(out, example, mask, labels)
            if arguments.overlays:
                drawn = overlay(example.image, mask)
                place = out / OVERLAYS / f"{example.name}.png"
                write_image(place, Image.fromarray(drawn))
            if arguments.probabilities:
                _write_probabilities(out / PROBABILITIES, example, probs)
            if arguments.region_masks:
                inside = holds(probs, rule)
                for number, name in enumerate(region_folders(labels)):
                    place = out / REGIONS / name
                    _write_mask(place, example, inside[..., number].astype(int), _YES)
            progress.update()
    print(f"wrote {number_of(len(cases), 'mask')} to {out}")


def region_folders(labels: LabelMap) -> list[str]:
    """A folder's name for each region."""
    return [re.sub(r"[^\w.-]+", "_", region.name) for region in labels.regions]


def _write_mask(
    folder: Path, example: Example, ids: np.ndarray, labels: LabelMap
) -> None:
    """Class ids by the run's own values, on the grid of the image."""
    if example.geometry is not None:
        values = labels.stored(ids)
        path = folder / f"{example.name}{example.geometry.ending}"
        write_volume(path, values, example.geometry)
    else:
        write_image(folder / f"{example.name}.png", mask_image(ids, labels))


def _write_probabilities(folder: Path, example: Example, probs: np.ndarray) -> None:
    if example.geometry is not None:
        path = folder / f"{example.name}{example.geometry.ending}"
        write_volume(path, probs, example.geometry)
    else:
        with replacing(folder / f"{example.name}.npy") as file:
            np.save(file, probs, allow_pickle=False)
