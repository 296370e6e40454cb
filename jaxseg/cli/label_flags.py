"""Flags that say what the values of masks mean."""

import argparse

from jaxseg.data.check import Told
from jaxseg.data.labels import parse_labels, parse_value
from jaxseg.errors import UserError


def add_labels(parser: argparse._ActionsContainer) -> None:
    """Adds --labels, --soft and --void."""
    parser.add_argument(
        "--labels",
        nargs="+",
        dest="label_names",
        metavar="VALUE=NAME",
        help="what the values of masks mean, as in 0=background 255=polyp; colours as "
        "R,G,B=NAME; equal names are one class, 'void' is none (default: labels.json "
        "or dataset.json in the folder, else found by all masks together)",
    )
    parser.add_argument(
        "--soft",
        action="store_true",
        help="grey masks are probabilities of one class, from 0 for none to 255 "
        "(65535 of 16 bits) for certain",
    )
    parser.add_argument(
        "--void",
        nargs="+",
        metavar="VALUE",
        help="values of masks that mean no class (default: found, 255 beside class "
        "ids)",
    )


def labels_from_flags(arguments: argparse.Namespace) -> Told:
    """What the flags say of the labels.

    Raises:
      UserError: a value or a pair is ill-formed, or --classes contradicts --labels.
    """
    labels = None
    if arguments.label_names is not None:
        labels = parse_labels(arguments.label_names, "--labels")
    void = [parse_value(text, "--void") for text in arguments.void or ()]
    if any(colour for _, colour in void) and not (labels and labels.colours):
        raise UserError("--void takes colours only beside --labels of colours")
    classes = getattr(arguments, "num_classes", None)
    if arguments.soft and (void or classes not in (None, 2)):
        raise UserError("--soft goes with one class, without --void")
    return Told(labels, classes, tuple(value for value, _ in void), soft=arguments.soft)
