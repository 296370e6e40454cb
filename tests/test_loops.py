"""The examples in the documents run, each in a process of its own."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest

from tests.readme import ROOT

TEXT = (ROOT / "docs" / "loops.md").read_text()
EXAMPLES = dict(re.findall(r"## ([^\n]+)\n.*?```python\n(.*?)```", TEXT, re.DOTALL))


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_loop_learns(name, tmp_path):
    code = EXAMPLES[name]
    assert len(code.splitlines()) <= 25
    for library in ("equinox", "keras"):
        if f"import {library}" in code and importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed: pip install -e '.[dev]'")
    several = "--xla_force_host_platform_device_count=4"
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "KERAS_HOME": str(tmp_path)}
    if "Sharding" in code:
        settings["XLA_FLAGS"] = several
    done = subprocess.run(
        [sys.executable, "-c", code], env=settings, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_there_is_an_example_of_each_library():
    assert len(EXAMPLES) == 5
