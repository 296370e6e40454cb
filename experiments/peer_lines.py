"""Runs lines of Python that call other libraries, in an environment of their own.

`jaxseg study audit --peers PYTHON` runs this file with that Python, which has
the libraries and not jaxseg. It reads a JSON file of lines, each of which prints a list
of a value and a gradient, and prints one JSON row for each: what the line printed, or
the error it ended with, and before them all the versions of the libraries there.
"""

import contextlib
import importlib.metadata
import importlib.util
import io
import json
import os
import sys
import types
import warnings
from pathlib import Path

LIGHT = "segmentation_models_pytorch"
NUMBERS = {"nan": float("nan"), "inf": float("inf")}


def run_line(line: str) -> dict:
    """What the line prints: ``value`` and ``gradient``, or its ``error``."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(line, {})
        value, gradient = eval(printed.getvalue(), {"__builtins__": {}}, NUMBERS)
    except Exception as error:
        said = f"{type(error).__name__}: {error}".split("\n")[0]
        return {"value": None, "gradient": None, "error": said[:200]}
    return {"value": value, "gradient": gradient, "error": None}


def versions(packages: dict[str, str]) -> dict[str, str]:
    """Version of each library that can be imported, by its module's name."""
    found = {}
    for module, package in packages.items():
        if importlib.util.find_spec(module) is None:
            continue
        lighten(module)
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
            found[module] = importlib.metadata.version(package)
    return found


def lighten(package: str) -> None:
    """Lets the losses of a package be imported where all of it cannot.

    segmentation_models_pytorch imports torchvision and timm for its networks; its
    losses need neither.
    """
    spec = importlib.util.find_spec(package)
    if package != LIGHT or spec is None or spec.submodule_search_locations is None:
        return
    try:
        importlib.import_module(package)
    except ImportError:
        parent = types.ModuleType(package)
        parent.__path__ = list(spec.submodule_search_locations)
        sys.modules[package] = parent


def main() -> None:
    """Reads the file named on the command line and prints rows."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    asked = json.loads(Path(sys.argv[1]).read_text())
    here = versions(asked["packages"])
    print(json.dumps({"versions": here}), flush=True)
    for row in asked["lines"]:
        if row["module"] in here:
            print(json.dumps({"id": row["id"], **run_line(row["line"])}), flush=True)


if __name__ == "__main__":
    main()
