"""How large a study is: one set of settings for all, with a flag for each of them."""

import argparse
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from experiments.protocol.dataset import Dataset
from jaxseg.cli import options
from jaxseg.errors import UserError
from jaxseg.models.catalog import MODELS

TRIAL = "smoke"
"""The scale that shows that all works, and gives no verdicts."""
EARLIER = (4, 2)
"""Runs are also made with the steps divided by these: three budgets with the whole."""


def setting(
    default: Any = dataclasses.MISSING,
    *,
    text: str,
    kind: Callable[[str], Any] | None = None,
    many: bool = False,
) -> Any:
    """A field with what its flag needs: a sentence, a type, whether it takes several.

    Without a type the field has no flag.
    """
    metadata = {"text": text, "kind": kind, "many": many}
    return dataclasses.field(default=default, metadata=metadata)


_COUNT, _STEPS = options.at_least(0), options.at_least(4)
_RATE = options.number_in(0, 100, ends=False)
_ANY = options.number_in(0, 1e9)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """How large a study is; each field's sentence is its flag's.

    `kinds` says what is different for "volume" or "scene" data or for a data set of
    that name; a flag wins over it.
    """

    losses: tuple[str, ...] = setting(text="losses to compare", kind=str, many=True)
    models: tuple[str, ...] = setting(
        ("unet",), text="networks", kind=options.one_of(list(MODELS)), many=True
    )
    first_models: tuple[str, ...] = setting(
        (), text="further networks, on the first data set alone"
    )
    folds: int = setting(
        0, text="folds of cross-validation, cases of one patient or video in one; 0 "
        "trains on 'train' and scores 'test'", kind=_COUNT,
    )  # fmt: skip
    held: int = setting(
        0, text="how many of the folds are held back in turn; 0 means all", kind=_COUNT
    )
    seeds: int = setting(1, text="runs of each fold", kind=options.at_least(1))
    steps: int = setting(text="steps of each run", kind=_STEPS)
    earlier: int = setting(
        0, text="runs of each loss that are also made with a quarter and a half of the "
        "steps; without any there are no verdicts", kind=_COUNT,
    )  # fmt: skip
    size: tuple[int, ...] = setting(
        text="height and width of the network's input, or X Y Z of a patch",
        kind=options.at_least(8), many=True,
    )  # fmt: skip
    batch_size: int = setting(text="images or patches a step", kind=options.at_least(1))
    learning_rate: float = setting(text="its peak", kind=_RATE)
    rates: tuple[float, ...] = setting(
        (), text="learning rates to search instead, for each loss by itself",
        kind=_RATE, many=True,
    )  # fmt: skip
    fine_rates: tuple[float, ...] = setting(
        (), text="the same for a loss that fine-tunes; Ma 2021, footnote 7"
    )
    search_steps: int = setting(0, text="steps of each run of the search")
    optimizer: str = setting("adam", text="optimizer")
    schedule: str = setting("warmup_cosine", text="course of the learning rate")
    augment: str = setting("full", text="augmentation")
    width: int = setting(16, text="channels of a U-Net at full resolution")
    depth: int = setting(4, text="halvings of a U-Net")
    multiplier: float = setting(1.0, text="of the channels of encoders")
    decoder_multiplier: float = setting(1.0, text="of the channels of their decoders")
    weights: str | None = setting(None, text="what encoders start from")
    tolerance: float = setting(
        1.0, text="of NSD, in mm or in pixels of the image's own size", kind=_ANY
    )
    pseudo: tuple[str, ...] = setting(
        (), text="strategies that are trained once more with pseudo-labels"
    )
    pretrain_steps: int = setting(
        0, text="steps with cross-entropy before each run", kind=options.at_least(1)
    )
    pretrain_rate: float = setting(0.0, text="learning rate of these")
    ratios: tuple[float, ...] = setting(
        (), text="foreground to background, of the virtual data sets"
    )
    ratio_folds: int = setting(0, text="folds held back on these", kind=_COUNT)
    lambdas: tuple[float, ...] = setting(
        (), text="weights of the second term that are tried besides", kind=_ANY,
        many=True,
    )  # fmt: skip
    temperatures: tuple[float, ...] = setting(
        (), text="temperatures that are tried besides", kind=_ANY, many=True
    )
    kinds: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)

    def on(self, dataset: Dataset) -> "Scale":
        """The scale for a data set."""
        changes: dict[str, Any] = {}
        for name in (dataset.kind, dataset.name):
            changes |= self.kinds.get(name, {})
        return dataclasses.replace(self, **changes)


def _fields(names: Sequence[str]) -> list[dataclasses.Field]:
    known = {field.name: field for field in dataclasses.fields(Scale)}
    return [known[name] for name in names]


def add_flags(
    parser: argparse.ArgumentParser,
    names: Sequence[str],
    losses: Sequence[str],
    loss: Callable[[str], str] | None = None,
) -> None:
    """A flag for each of these fields.

    Args:
      parser: to add to.
      names: of fields.
      losses: what ``--losses`` lists.
      loss: its type; None takes what is listed.
    """
    for field in _fields(names):
        kind, text = field.metadata["kind"], field.metadata["text"]
        if field.name == "losses":
            kind, text = loss or options.one_of(losses), f"of {', '.join(losses)}"
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=kind,
            nargs="+" if field.metadata["many"] else None,
            metavar="NAME"
            if kind is str or field.name in ("losses", "models")
            else "N",
            help=f"{text} (default: of the scale)",
        )


def change_scale(
    scale: Scale, names: Sequence[str], arguments: argparse.Namespace
) -> Scale:
    """The scale with what the user has changed.

    Raises:
      UserError: a value that the study cannot take.
    """
    changes: dict[str, Any] = {}
    for field in _fields(names):
        value = getattr(arguments, field.name)
        if value is not None:
            changes[field.name] = tuple(value) if field.metadata["many"] else value
    if "models" in changes:
        changes["first_models"] = ()
    if changes.get("folds") == 1:
        raise UserError("--folds 1 holds nothing back: give 0, or 2 and more")
    kinds = {
        kind: {name: value for name, value in of.items() if name not in changes}
        for kind, of in scale.kinds.items()
    }
    found = dataclasses.replace(scale, **changes, kinds=kinds)
    if len(set(found.losses)) < 2:
        raise UserError("--losses needs at least two losses, for they are compared")
    if found.folds and found.held > found.folds:
        raise UserError(f"--held {found.held}: there are {found.folds} folds")
    return found


def require(scale: Scale, dataset: Dataset) -> None:
    """Refuses what does not go together.

    Raises:
      UserError: a size, network or split that the data set cannot be used with.
    """
    axes = 3 if dataset.volumes else 2
    if len(scale.size) != axes:
        wanted = "X Y Z" if dataset.volumes else "a height and a width"
        raise UserError(f"--size: {dataset.name} takes {wanted}")
    for name in (*scale.models, *scale.first_models):
        if name not in MODELS:
            raise UserError(f"there is no network {name} in this version")
        if axes not in MODELS[name].axes:
            kind = "volumes" if dataset.volumes else "images"
            raise UserError(f"--models {name} does not take {kind}")
    if not scale.folds:
        dataset.scored_split()
