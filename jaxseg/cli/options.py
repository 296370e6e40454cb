"""Reading the command line, so that a mistake is answered with one sentence.

What knows losses imports them when it is asked: `jaxseg --help` does without JAX.
"""

import argparse
import difflib
import functools
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from jaxseg.errors import UserError


class Parser(argparse.ArgumentParser):
    """A parser that raises UserError where argparse prints its usage and exits."""

    def __init__(self, *args: Any, **kwargs: Any):
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(*args, **kwargs)

    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, args: Any = None, namespace: Any = None
    ) -> Any:
        """As argparse does, but a mistyped flag is answered with the nearest one."""
        args = list(sys.argv[1:] if args is None else args)
        if self._subparsers is None:  # whose flags are not known here
            for flag in (text.partition("=")[0] for text in args):
                if flag.startswith("--") and flag not in self._option_string_actions:
                    self._refuse_flag(flag)
        return super().parse_known_args(args, namespace)

    def _refuse_flag(self, flag: str) -> None:
        near = difflib.get_close_matches(flag, self._option_string_actions, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        self.error(f"there is no flag {flag}{hint}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As argparse does, but a mistyped command is answered with the nearest one."""
        if action.choices is not None and value not in action.choices:
            known = list(map(str, action.choices))
            near = difflib.get_close_matches(str(value), known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise argparse.ArgumentError(
                action, f"{value!r} is not one of {', '.join(known)}{hint}"
            )

    def error(self, message: str) -> NoReturn:
        """Raises the message as a sentence."""
        hint = f"; see {self.prog} --help"
        raise UserError(f"{message}{hint}")


def at_least(low: int, *, at_most: int | None = None) -> Callable[[str], int]:
    """Type of a whole number from `low` up to `at_most`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number"
            ) from None
        if value < low:
            raise argparse.ArgumentTypeError(f"{value} is less than {low}")
        if at_most is not None and value > at_most:
            raise argparse.ArgumentTypeError(f"{value} is more than {at_most}")
        return value

    return parse


def number_in(low: float, high: float, *, ends: bool = True) -> Callable[[str], float]:
    """Type of a number from `low` to `high`, the ends included or not."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not (low <= value <= high if ends else low < value < high):
            kind = "from" if ends else "strictly between"
            link = "to" if ends else "and"
            raise argparse.ArgumentTypeError(
                f"{text} is not {kind} {low} {link} {high}"
            )
        return value

    return parse


def number_within(kind: Any) -> Callable[[str], float]:
    """Type of a number of an `Annotated` kind, whose range `Meta` tells."""
    from jaxseg.training.settings import limits

    meta = limits(kind)[1]
    if meta.gt is not None:
        return number_in(meta.gt, meta.lt or math.inf, ends=False)
    return number_in(meta.ge or 0, math.inf if meta.le is None else meta.le)


def one_of(names: Sequence[str]) -> Callable[[str], str]:
    """Type of a name out of `names`; another is answered with the nearest ones."""

    def parse(text: str) -> str:
        if text not in names:
            near = difflib.get_close_matches(text, names, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise argparse.ArgumentTypeError(
                f"{text!r} is not one of {', '.join(names)}{hint}"
            )
        return text

    return parse


def loss_name(text: str) -> str:
    """Type of a name in the catalog of losses."""
    from jaxseg.losses.catalog import CATALOG, nearest_names

    if text not in CATALOG:
        near = ", ".join(nearest_names(text)[:3])
        raise argparse.ArgumentTypeError(
            f"there is no loss {text!r}; the nearest names are {near} "
            "(`jaxseg losses` lists all)"
        )
    return text


def hyper_parameters(loss: str, settings: Sequence[str]) -> dict[str, Any]:
    """Hyper-parameters of a loss from ``name=value`` strings.

    Raises:
      UserError: the loss has no such hyper-parameter, or the value is not of its kind
        or range.
    """
    from jaxseg.losses.catalog import CATALOG
    from jaxseg.losses.ranges import require_in_range

    defaults: Mapping[str, Any] = CATALOG[loss].defaults
    hyper = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in defaults:
            has = ", ".join(defaults) or "none"
            raise UserError(
                f"--hyper {setting}: expected NAME=VALUE with a hyper-parameter of "
                f"{loss} ({has})"
            )
        if isinstance(defaults[name], str):
            hyper[name] = text
            continue
        kind = int if isinstance(defaults[name], int) else float
        try:
            hyper[name] = kind(text)
        except ValueError:
            wanted = "a whole number" if kind is int else "a number"
            raise UserError(f"--hyper {setting}: {text!r} is not {wanted}") from None
    try:
        require_in_range(loss, hyper)
    except ValueError as error:
        raise UserError(f"--hyper: {error}") from None
    return hyper


def check_loss(
    loss: str, hyper: Mapping[str, Any], num_classes: int, link: Any = None
) -> None:
    """Traces a loss once, so that a wrong hyper-parameter is found before any work.

    Args:
      loss: its name.
      hyper: its hyper-parameters.
      num_classes: scores a pixel.
      link: of `jaxseg.links`; None is the loss's own.

    Raises:
      UserError: the loss refuses its hyper-parameters.
    """
    import jax
    import numpy as np

    from jaxseg.losses.catalog import CATALOG

    logits = jax.ShapeDtypeStruct((2, 4, 4, num_classes), np.float32)
    labels = jax.ShapeDtypeStruct((2, 4, 4), np.int32)
    try:
        called = CATALOG[loss].build(**hyper)(0.5)
        if link is not None:
            called = functools.partial(called, link=link)
        jax.eval_shape(called, logits, labels)
    except (ValueError, TypeError) as error:
        given = ", ".join(f"{name}={value}" for name, value in hyper.items())
        raise UserError(f"--hyper {given}: {loss} says that {error}") from error


def fresh_folder(path: Path, flag: str = "--out") -> Path:
    """`path`, made if missing.

    Raises:
      UserError: it is a file, holds something already, or cannot be made.
    """
    return make_folder(free_folder(path, flag), flag)


def free_folder(path: Path, flag: str = "--out") -> Path:
    """`path`, which may be missing and is not made.

    Raises:
      UserError: it is a file, or holds something already.
    """
    if path.exists() and not path.is_dir():
        raise UserError(f"{flag} {path} is a file, not a folder")
    if path.is_dir() and any(path.iterdir()):
        raise UserError(f"{flag} {path} is not empty: choose a folder that is")
    return path


def make_folder(path: Path, flag: str = "--out") -> Path:
    """`path`, made if missing.

    Raises:
      UserError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{flag} {path} cannot be made: {error.strerror or error}"
        ) from error
    return path
