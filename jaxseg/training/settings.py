"""What is declared of a setting of a run, once, beside its type and its default.

The command line, its checks, the stored JSON, the comparison on resuming and the
documentation all follow from a field made by `setting`. Ranges stand in the type, as
`Annotated` with msgspec's `Meta`; checks across settings are the commands' own.
"""

import dataclasses
import types
import typing
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

import msgspec

from jaxseg.errors import UserError

Effect = Literal["weights", "place", "speed", "looks"]
"""What a setting changes: the trained weights; where something lies, whose content a
digest tells; the speed; or only what is looked at and kept on the way."""
Group = Literal["data", "loss", "optimizer", "network", "course"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setting:
    """A setting, as the field's metadata declare it.

    Attributes:
      name: of the field.
      kind: its type, `Annotated` with a range where it has one; None left out.
      default: of the field; `dataclasses.MISSING` where it must be given.
      help: half a sentence.
      group: of flags; None where the data tell, and no flag.
      flag: name on the command line, without dashes.
      effect: of a change.
      metavar: for ``--help``.
      otherwise: what holds where it is not given, for people; empty where the default
        says that.
      names: legal values of a name.
      compiled: whether a compiled program depends on it.
      added: whether it came after the first studies, so that its default is what was
        done before.
    """

    name: str
    kind: Any
    default: Any
    help: str
    group: Group | None
    flag: str
    effect: Effect
    metavar: str | tuple[str, ...] | None
    otherwise: str
    names: tuple[str, ...]
    compiled: bool
    added: bool

    @property
    def many(self) -> bool:
        """Whether its value is several of one kind."""
        return typing.get_origin(self.kind) is tuple

    @property
    def each(self) -> Any:
        """The kind of one of its values."""
        return typing.get_args(self.kind)[0] if self.many else self.kind

    @property
    def count(self) -> int | None:
        """How many values it has; None is any number."""
        parts = typing.get_args(self.kind)
        return None if not self.many or parts[-1] is Ellipsis else len(parts)

    @property
    def said_default(self) -> str:
        """What holds where it is not given, for people."""
        if self.otherwise or self.default in (None, dataclasses.MISSING):
            return self.otherwise
        plain = isinstance(self.default, float)
        return f"{self.default:g}" if plain else str(self.default)


def setting(
    default: Any = dataclasses.MISSING,
    *,
    help: str,
    group: Group | None = None,
    flag: str | None = None,
    effect: Effect = "weights",
    metavar: str | tuple[str, ...] | None = None,
    otherwise: str = "",
    names: Iterable[str] = (),
    compiled: bool = True,
    added: bool = False,
) -> Any:
    """A dataclass field with what `Setting` tells of it."""
    about = dict(
        help=help, group=group, flag=flag, effect=effect, metavar=metavar,
        otherwise=otherwise, names=tuple(names), compiled=compiled, added=added,
    )  # fmt: skip
    if default is dict:
        return dataclasses.field(default_factory=dict, metadata=about)
    return dataclasses.field(default=default, metadata=about)


def settings_of(cls: type) -> dict[str, Setting]:
    """The settings of a dataclass, by the name of the field."""
    kinds = typing.get_type_hints(cls, include_extras=True)
    found = {}
    for field in dataclasses.fields(cls):
        about = dict(field.metadata)
        about["flag"] = about["flag"] or field.name.replace("_", "-")
        kind = _drop_none(kinds[field.name])
        found[field.name] = Setting(
            name=field.name, kind=kind, default=field.default, **about
        )
    return found


def limits(kind: Any) -> tuple[type, msgspec.Meta]:
    """The plain type of a number or text, and its range."""
    if typing.get_origin(kind) is Annotated:
        base, meta = typing.get_args(kind)[:2]
        return base, meta
    return kind, msgspec.Meta()


def from_plain(value: dict[str, Any], cls: type, source: str) -> Any:
    """A dataclass of settings from plain JSON values, every one of them checked.

    Raises:
      UserError: a setting is missing, unknown, of another type or out of its range; the
        sentence names `source` and the setting.
    """
    settings = settings_of(cls)
    unknown = sorted(set(value) - set(settings))
    if unknown:
        raise UserError(f"{source} has unknown settings: {', '.join(unknown)}")
    try:
        made = msgspec.convert(value, cls)
    except msgspec.ValidationError as error:
        raise UserError(f"{source} is not the settings of a run: {error}") from error
    for name, legal in _names(settings):
        given = getattr(made, name)
        if given is not None and given not in legal:
            raise UserError(
                f"{source} is not the settings of a run: {name} is {given!r}, not one "
                f"of {', '.join(legal)}"
            )
    return made


def _names(settings: dict[str, Setting]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, about in settings.items():
        if about.names:
            yield name, about.names


def _drop_none(kind: Any) -> Any:
    if typing.get_origin(kind) not in (types.UnionType, typing.Union):
        return kind
    parts = [part for part in typing.get_args(kind) if part is not type(None)]
    return parts[0] if len(parts) == 1 else typing.Union[tuple(parts)]  # noqa: UP007
