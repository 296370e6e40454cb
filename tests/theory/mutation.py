"""Breaking a function of the library in one place, wherever it has been imported."""

import inspect
import textwrap

import jax


def mutate(monkeypatch, function, old, new):
    """Gives `function` the code that its source has with `old` replaced by `new`.

    Compiled programs are released, lest the old code's stand in for the new.
    """
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(old) >= 1, f"{function.__name__} has no {old!r}"
    names = dict(function.__globals__)
    source = "from __future__ import annotations\n" + source.replace(old, new)
    exec(compile(source, "<mutation>", "exec"), names)
    monkeypatch.setattr(function, "__code__", names[function.__name__].__code__)
    jax.clear_caches()
