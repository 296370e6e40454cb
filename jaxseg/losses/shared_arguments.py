"""What all losses share is explained once, in `Loss`, and shown with every loss."""

import inspect
import re
from collections.abc import Callable
from typing import TypeVar

from jaxseg.losses.protocol import Loss

F = TypeVar("F", bound=Callable)
SECTIONS = ("Args", "Returns", "Raises", "Source")


def documented(loss: F, *, errors: bool = False) -> F:
    """Gives a loss's docstring the arguments that it shares with every `Loss`.

    In the source a loss explains what is its own; what it says of a shared argument
    takes the place of what `Loss` says.

    Args:
      loss: the function whose docstring is completed.
      errors: whether it also raises what every `Loss` raises, named before its own.
    """
    if loss.__doc__ is not None:  # as with `python -OO`
        loss.__doc__ = with_arguments(loss.__doc__, parameters(loss))
        if errors:
            loss.__doc__ = with_errors(loss.__doc__)
    return loss


def parameters(loss: Callable) -> list[str]:
    """Names of a loss's arguments, in order."""
    return list(inspect.signature(loss).parameters)


def with_arguments(text: str, names: list[str]) -> str:
    """A docstring whose section of arguments has an entry for each of `names`."""
    own, shared = entries(text, "Args"), entries(shared_text(), "Args")
    both = dict(shared) | dict(own)
    return replace_section(text, "Args", [both[name] for name in names if name in both])


def with_errors(text: str) -> str:
    """A docstring whose section of errors begins with those of every loss."""
    shared, own = entries(shared_text(), "Raises"), entries(text, "Raises")
    return replace_section(text, "Raises", [entry for _, entry in shared + own])


def shared_text() -> str:
    """What `Loss` says; empty where docstrings are stripped."""
    return inspect.cleandoc(Loss.__call__.__doc__ or "")


def entries(text: str, section: str) -> list[tuple[str, str]]:
    """Names and whole entries, such as ``logits: scores``, of a docstring's section."""
    found = re.search(rf"^{section}:\n((?:  .*\n?)+)", inspect.cleandoc(text), re.M)
    if found is None:
        return []
    whole = re.split(r"\n(?=  \S)", found[1].rstrip("\n"))
    return [(entry.strip().partition(":")[0], entry) for entry in whole]


def replace_section(text: str, section: str, whole: list[str]) -> str:
    """A docstring with `whole` as its section, in the place where Google puts it."""
    text = inspect.cleandoc(text)
    block = f"{section}:\n" + "\n".join(whole)
    present = re.search(rf"^{section}:\n(?:  .*\n?)+", text, re.M)
    if present is not None:
        tail = "\n" if present[0].endswith("\n") else ""
        return text[: present.start()] + block + tail + text[present.end() :]
    later = SECTIONS[SECTIONS.index(section) + 1 :]
    after = re.search(rf"^(?:{'|'.join(later)}):", text, re.M)
    if after is None:
        return f"{text}\n\n{block}"
    return f"{text[: after.start()]}{block}\n\n{text[after.start() :]}"
