"""Breaking a function of the library in one place, wherever it has been imported."""

import inspect
import textwrap

import jax


def mutate(monkeypatch, function, old, new):
    """Gives `function` the code that its source has with `old` replaced by `new`.

    What decorators have made of it calls it still. Compiled programs are released, lest
    the old code's stand in for the new.
    """
    function = inspect.unwrap(function)
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(old) >= 1, f"{function.__name__} has no {old!r}"
    names = dict(function.__globals__)
    source = "from __future__ import annotations\n" + source.replace(old, new)
    exec(compile(source, "<mutation>", "exec"), names)
    mutant = inspect.unwrap(names[function.__name__])
    monkeypatch.setattr(function, "__code__", mutant.__code__)
    jax.clear_caches()
