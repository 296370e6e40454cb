"""`python -m jaxseg.cli.settings`: docs/settings.md, from what the settings declare."""

from collections.abc import Iterator

from jaxseg.cli.train_flags import GROUPS, LOSSES
from jaxseg.training.config import SETTINGS
from jaxseg.training.settings import Setting, limits

HEAD = """\
# Settings of a run

Made by `python -m jaxseg.cli.settings > docs/settings.md` from the fields of
`RunConfig`. A run keeps them in `config.json`; each flag of `jaxseg train` is one.
*Changes* says what another value would do: a run that is resumed keeps what its
**weights** depend on and takes a new value of the rest; of a **place** what lies there
is compared, wherever it is.
"""
_TITLES = {**GROUPS, None: "found in the data, not given"}


def document() -> str:
    """The page as text."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield HEAD
    for group, title in _TITLES.items():
        yield f"## {title[0].upper()}{title[1:]}\n"
        yield "| in config.json | flag | what | values | default | changes |"
        yield "|---|---|---|---|---|---|"
        for about in SETTINGS.values():
            if about.group == group:
                flag = f"`--{about.flag}`" if group else ""
                values, default = values_of(about), about.said_default
                cells = (f"`{about.name}`", flag, about.help, values, default)
                yield f"| {' | '.join(cells)} | {about.effect} |"
        yield ""


def values_of(about: Setting) -> str:
    """The legal values, for people."""
    if about.name in LOSSES:
        return "`jaxseg losses`"
    if about.names:
        return ", ".join(about.names)
    base, meta = limits(about.each)
    bounds = (("> ", meta.gt), (">= ", meta.ge), ("< ", meta.lt), ("<= ", meta.le))
    return ", ".join(
        f"{sign}{bound:.10g}" for sign, bound in bounds if bound is not None
    ) or {str: "text", float: "numbers"}.get(base, "")


if __name__ == "__main__":
    print(document(), end="")
