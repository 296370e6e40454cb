"""Flags that several pictures share."""

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from figures import style
from figures.output import DPI, FORMATS, SMALL_DPI
from jaxseg.cli import options
from jaxseg.errors import UserError
from jaxseg.losses import CATALOG, Loss


@dataclasses.dataclass(frozen=True)
class Chosen:
    """A loss of the catalog with hyper-parameters.

    Attributes:
      name: in the catalog.
      hyper: those that are not its defaults.
    """

    name: str
    hyper: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def loss(self) -> Loss:
        """The loss itself; in the middle of training if it is scheduled."""
        return CATALOG[self.name].build(**self.hyper)(0.5)

    @property
    def title(self) -> str:
        """Its name, and below it the hyper-parameters."""
        return f"{self.name}\n{self.settings}".strip()

    @property
    def label(self) -> str:
        """Both on one line."""
        return f"{self.name}, {self.settings}" if self.hyper else self.name

    @property
    def settings(self) -> str:
        """The hyper-parameters alone."""
        return ", ".join(f"{key} = {value}" for key, value in self.hyper.items())


def parse_losses(settings: Mapping[str, Mapping[str, Any]]) -> tuple[Chosen, ...]:
    """Losses from names with hyper-parameters."""
    return tuple(Chosen(name, hyper) for name, hyper in settings.items())


def add_output(parser: argparse.ArgumentParser, out: str = "pictures") -> None:
    """Where and how: ``--out``, ``--format``, ``--dpi``, ``--width``."""
    add = parser.add_argument
    add(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"where pictures go, made if missing (default {out})",
    )
    add(
        "--format",
        type=options.one_of(FORMATS),
        metavar="F",
        help=f"one of {', '.join(FORMATS)} (default png and svg)",
    )
    add(
        "--dpi",
        type=options.at_least(50, at_most=1200),
        default=DPI,
        metavar="N",
        help=f"pixels an inch of a png (default {DPI})",
    )
    add(
        "--small",
        action="store_true",
        help=f"one png of {SMALL_DPI} dpi and few colours, for a page on the web",
    )
    add(
        "--width",
        type=options.number_in(6, 20),
        default=style.WIDTH_IN,
        metavar="IN",
        help=f"printed width in inches, 6 to 20 (default {style.WIDTH_IN:g}); text "
        "keeps its size",
    )


def add_folder(parser: argparse.ArgumentParser, what: str) -> None:
    """A folder to draw."""
    parser.add_argument("folder", type=Path, metavar="DIR", help=what)


def folder_beside(arguments: argparse.Namespace, folder: Path) -> Path:
    """``--out``, or the folder that the input lies in."""
    return folder if arguments.out is None else options.make_folder(arguments.out)


class _Hyper(argparse.Action):
    """Adds ``NAME=VALUE`` to the loss named last."""

    def __call__(self, parser, namespace, values, option_string=None):  # noqa: ARG002
        if not namespace.loss:
            parser.error("--hyper goes after --loss NAME: it belongs to that loss")
        namespace.loss[-1][1].append(values)


class _Loss(argparse.Action):
    """Starts another loss."""

    def __call__(self, parser, namespace, values, option_string=None):  # noqa: ARG002
        namespace.loss = [*(namespace.loss or []), (values, [])]


def add_losses(
    parser: argparse.ArgumentParser, default: Sequence[Chosen], what: str = "drawn"
) -> None:
    """``--loss NAME`` and ``--hyper NAME=VALUE``, as often as one likes."""
    names = ", ".join(one.label.replace(", ", " ") for one in default)
    parser.add_argument(
        "--loss",
        type=options.loss_name,
        action=_Loss,
        default=[],
        metavar="NAME",
        help=f"loss of the catalog that is {what}; may be repeated (default {names})",
    )
    parser.add_argument(
        "--hyper",
        action=_Hyper,
        metavar="NAME=VALUE",
        help="hyper-parameter of the --loss before it; may be repeated",
    )


def add_truth(parser: argparse.ArgumentParser) -> None:
    """``--truth A B`` of an image of two pixels."""
    parser.add_argument(
        "--truth",
        type=int,
        choices=(0, 1),
        nargs=2,
        default=(1, 0),
        metavar=("A", "B"),
        help="ground truth of the two pixels, 0 or 1 each (default 1 0)",
    )


def losses_of(
    arguments: argparse.Namespace, default: Sequence[Chosen]
) -> tuple[Chosen, ...]:
    """The losses asked for, or `default`.

    Raises:
      UserError: a hyper-parameter is unknown, malformed or refused by its loss.
    """
    if not arguments.loss:
        return tuple(default)
    found = []
    for name, settings in arguments.loss:
        one = Chosen(name, options.hyper_parameters(name, settings))
        options.check_loss(name, one.hyper, 2)
        found.append(one)
    return tuple(found)


def suffix(arguments: argparse.Namespace) -> str:
    """What tells the file of one chosen loss from that of the default picture."""
    names = [name for name, _ in arguments.loss]
    return "".join(f"_{name}" for name in names[:3])


def shares_of(values: Sequence[float], flag: str) -> tuple[float, ...]:
    """Positive proportions that sum to 1.

    Raises:
      UserError: they do not.
    """
    if min(values) <= 0 or abs(sum(values) - 1) > 1e-6:
        given = " ".join(f"{value:g}" for value in values)
        raise UserError(f"{flag} {given}: proportions are positive and sum to 1")
    return tuple(values)
