"""Every public function shows how it is called, and prints what it says.

Public is what the pages of the reference list, so that nothing is read there without
an example.
"""

import doctest
import importlib
import inspect
import re
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxseg
from jaxseg import links
from jaxseg.cli import pictures
from tests.readme import ROOT

PAGES = sorted((ROOT / "docs" / "reference").glob("*.md"))
MODULES = [
    importlib.import_module(name)
    for page in PAGES
    for name in re.findall(r"automodule:: ([\w.]+)\n +:members:", page.read_text())
]
COMMANDS = jaxseg.api.__name__


def functions_of(module: ModuleType) -> dict[str, object]:
    """Public functions, as the reference lists them, and methods of `jaxseg.api`."""
    own = [n for n, v in vars(module).items() if inspect.getmodule(v) is module]
    names = getattr(module, "__all__", None) or [n for n in own if n[0] != "_"]
    found = {name: getattr(module, name) for name in names}
    if module.__name__ == COMMANDS:
        methods = vars(module.Model)
        found |= {f"Model.{n}": v for n, v in methods.items() if n[0] != "_"}
    return {name: value for name, value in found.items() if inspect.isroutine(value)}


NAMES = {"jax": jax, "jnp": jnp, "np": np, "jaxseg": jaxseg, "links": links}
NAMES |= {n: v for m in MODULES for n, v in vars(m).items() if n[0] != "_"}


def failures(module: ModuleType, names: list[str], space: dict[str, object]) -> str:
    """What examples print in the place of what they say, empty if all is as said."""
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    parser, text = doctest.DocTestParser(), []
    for name in names:
        document = inspect.getdoc(functions_of(module)[name]) or ""
        test = parser.get_doctest(document, space, name, module.__name__, 0)
        runner.run(test, out=text.append, clear_globs=False)
    return "".join(text)


def test_the_reference_lists_functions():
    assert sum(len(functions_of(module)) for module in MODULES) > 150


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_function_has_an_example(module):
    without = [
        name
        for name, function in functions_of(module).items()
        if ">>> " not in (inspect.getdoc(function) or "")
    ]
    assert without == []


@pytest.mark.parametrize(
    "module",
    [module for module in [jaxseg, *MODULES] if module.__name__ != COMMANDS],
    ids=lambda module: module.__name__,
)
def test_examples_print_what_they_say(module):
    for name in functions_of(module) if module is not jaxseg else ():
        assert failures(module, [name], NAMES | vars(module)) == ""
    parts = doctest.DocTestParser().get_doctest(
        inspect.getdoc(module) or "", dict(NAMES), module.__name__, None, 0
    )
    assert doctest.DocTestRunner().run(parts).failed == 0


def test_commands_print_what_they_say(tmp_path, monkeypatch):
    """One after the other: what is trained is opened, used and scored."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pictures, "draw_run", lambda _: [])
    names = ["train", "load", "Model.predict", "Model.probabilities", "evaluate"]
    names.append("check")
    assert set(names) == set(functions_of(jaxseg.api))
    assert failures(jaxseg.api, names, dict(NAMES)) == ""


def test_an_example_that_prints_another_number_is_found(monkeypatch):
    text = ">>> print(f'{cross_entropy_loss([[0.0, 0.0]], [0]):.3f}')\n0.694"
    monkeypatch.setattr(jaxseg.losses.linear, "__doc__", text)
    assert "0.693" in failures(jaxseg.losses, ["linear"], dict(NAMES))
