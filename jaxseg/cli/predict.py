"""`jaxseg predict`: masks of class ids for the images of a folder."""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from jaxseg.cli import options
from jaxseg.cli.progress import bar
from jaxseg.cli.runs import load_run
from jaxseg.data.overlay import overlay
from jaxseg.files import replacing
from jaxseg.training.inference import predict_masks
from jaxseg.training.sources import images_only

EXAMPLES = """\
example:
  jaxseg predict --run runs/polyps --images DIR/test/images --out masks --overlays

Each NAME.jpg or NAME.png gives masks/NAME.png of its own size, 8-bit class ids; they
look black in a viewer because ids are small. --overlays adds masks/overlays/NAME.png,
the image with the outlines of the classes.
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the command's flags."""
    parser = commands.add_parser(
        "predict",
        help="write masks for a folder of images",
        description=__doc__,
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("--run", required=True, type=Path, metavar="DIR", help="folder of the run")
    add("--images", required=True, type=Path, metavar="DIR", help="folder of images")
    add("--out", required=True, type=Path, metavar="DIR", help="a new folder")
    add("--overlays", action="store_true", help="also draw outlines on the images")
    parser.set_defaults(run_command=main)


def main(arguments: argparse.Namespace) -> None:
    """Predicts and writes, one image after the other."""
    run, objective, state = load_run(arguments.run)
    cases = images_only(arguments.images, run.config.channels)
    out = options.fresh_folder(arguments.out)
    if arguments.overlays:
        options.made_folder(out / "overlays")
    with bar(len(cases), "predicting", "image") as progress:
        masks = predict_masks(objective.apply, state.params, run.config.size, cases)
        for example, mask in masks:
            _write_png(out / f"{example.name}.png", mask)
            if arguments.overlays:
                drawn = overlay(example.image, mask)
                _write_png(out / "overlays" / f"{example.name}.png", drawn)
            progress.update()
    print(f"wrote {len(cases)} masks to {out}")


def _write_png(path: Path, pixels: np.ndarray) -> None:
    with replacing(path) as file:
        Image.fromarray(pixels).save(file, format="png")
